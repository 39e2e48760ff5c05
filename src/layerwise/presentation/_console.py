"""What a console shows: lines that fit, no number broken in two; bars that move."""

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from layerwise.presentation._report import Table
from layerwise.sweeps import OUTCOMES, Sweep
from layerwise.training import Progress
from layerwise.wording import count, cut_apart, number, percent, speed, visible

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 88
"""Columns that a paragraph takes at most."""

SCREEN = 40
"""Lines of a small terminal, which what a command prints fits."""

GAP = 2
"""Columns between those of a table."""

NARROWEST = 12
"""A name in a table's first column is not cut shorter than this."""

NUMBER = re.compile(r"(?<=\d) (?=%|ms\b|s\b|min\b|h\b|points\b|±)|(?<=±) ")
"""The space within a number with its unit, where a line does not end."""

NO_BREAK = "\u00a0"


def say(console: "Console", text: str) -> None:
    """Print paragraphs, wrapped."""
    for line in text.splitlines():
        say_beside(console, "", line)


def say_beside(console: "Console", mark: str, text: str) -> None:
    """Print a paragraph behind a mark or a word, wrapped beside it."""
    lines = wrap(
        NUMBER.sub(NO_BREAK, visible(text)),
        min(console.width, WIDTH),
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )
    _print(console, [line.replace(NO_BREAK, " ") for line in lines])


def print_table(console: "Console", table: Table) -> None:
    """Print a table below a blank line: no line is longer than the console is wide.

    Where it is too wide its headings are broken into lines; then the names of its rows
    are shortened; and columns that do not fit beside the others stand below them.
    """
    columns = [
        [visible(cell) for cell in column]
        for column in zip(table.head, *table.body, strict=True)
    ]
    widths = [max(map(_width, column)) for column in columns]
    heads = [[column[0]] for column in columns]
    if _total(widths) > console.width:
        heads = [column[0].split() or [""] for column in columns]
        widths = [
            max(map(_width, (*head, *column[1:])))
            for head, column in zip(heads, columns, strict=True)
        ]
        beside = console.width - GAP - _total(widths[1:])
        room = beside if beside >= NARROWEST else console.width // 3
        widths[0] = min(widths[0], room)
    for block in _blocks(widths, console.width):
        own = [widths[at] for at in block]
        deep = max(len(heads[at]) for at in block)
        titles = [[""] * (deep - len(heads[at])) + heads[at] for at in block]
        _print(console, [""])
        _print(console, [*_rows(titles, own), "─" * _total(own)], "dim")
        _print(console, _rows([columns[at][1:] for at in block], own))


def _blocks(widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """Share columns among blocks that fit, each with the first column."""
    block = [0]
    for at in range(1, len(widths)):
        if len(block) > 1 and _total([widths[i] for i in (*block, at)]) > width:
            yield block
            block = [0]
        block.append(at)
    yield block


def _rows(columns: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    """Return lines: the first column's cells to the left, the others' to the right."""
    first, *others = widths
    lines: list[str] = []
    for name, *cells in zip(cut_apart(columns[0], first), *columns[1:], strict=True):
        line = name + " " * (first - _width(name))
        for cell, width in zip(cells, others, strict=True):
            line += " " * (GAP + width - _width(cell)) + cell
        lines.append(line.rstrip())
    return lines


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _print(console: "Console", lines: Sequence[str], style: str = "") -> None:
    from rich.text import Text

    # Text, not str: in a str, [red] or :smile: in a class name would be markup.
    if lines:
        console.print(Text("\n".join(lines), style), soft_wrap=True)
        _printed[console] = _printed.get(console, 0) + len(lines)


_printed: "WeakKeyDictionary[Console, int]" = WeakKeyDictionary()
"""How many lines have been printed on each console."""


def lines_left(console: "Console") -> int:
    """Return how many lines of a small screen are left below what was printed."""
    return SCREEN - _printed.get(console, 0)


AnyBar = TypeVar("AnyBar", bound="_Bar")


class _Bar:
    """What is going on, a bar, its figures, and the time that is left.

    Nothing is written where the console is no terminal.
    """

    def __init__(self, console: "Console", title: str) -> None:
        from rich.progress import (
            BarColumn,
            Progress as Bar,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal or console.quiet,
        )
        self._task: Any = self._bar.add_task(title, total=None, figures="")

    def __enter__(self: AnyBar) -> AnyBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _show(self, done: int, total: int | None, figures: str, **changes: Any) -> None:
        self._bar.update(
            self._task, completed=done, total=total, figures=figures, **changes
        )


class TrainingBar(_Bar):
    """A bar while a network trains: loss, accuracy, speed, epoch.

    With ``every`` a line is printed every so many steps, too, on a terminal or not.

    >>> from rich.console import Console
    >>> import layerwise as lw
    >>> with TrainingBar(Console()) as watch:
    ...     result = lw.fit(lw.MLP([]), lw.load("iris"), epochs=1, watch=watch)
    """

    def __init__(self, console: "Console", every: int | None = None) -> None:
        super().__init__(console, "epoch –")
        self._every = every
        self._printed = 0

    def __call__(self, progress: Progress) -> None:
        """Show how far the training is."""
        if self._every:
            self._log(progress, self._every)
        done = progress.step * progress.epochs // max(progress.total_steps, 1)
        self._show(
            progress.step,
            progress.total_steps,
            f"loss {number(progress.loss)}  accuracy {percent(progress.accuracy)}"
            f"{speed(progress.steps_per_second, '  {} steps/s')}",
            description=f"epoch {min(done + 1, progress.epochs)}/{progress.epochs}",
        )

    def _log(self, progress: Progress, every: int) -> None:
        """Print the steps since the last line that are multiples of ``every``."""
        losses, accuracies = progress.history.losses, progress.history.accuracies
        first = (self._printed // every + 1) * every
        for step in range(first, len(losses) + 1, every):
            self._bar.console.print(
                f"step {step:>8,}  loss {losses[step - 1]:<10.4g}  "
                f"accuracy {percent(float(accuracies[step - 1]))}"
            )
            self._printed = step


class SweepBar(_Bar):
    """A bar while a sweep goes on: trainings done, and what became of them."""

    def __init__(self, console: "Console", sweep: Sweep) -> None:
        super().__init__(console, "trainings")
        self._total = len(sweep)
        self(sweep)

    def __call__(self, sweep: Sweep) -> None:
        """Show how far the sweep is."""
        outcomes = [point.outcome for point in sweep.points]
        parts = [f"{len(outcomes)}/{self._total}"]
        parts += [f"{outcomes.count(name)} {name}" for name in OUTCOMES]
        self._show(len(outcomes), self._total, "  ".join(parts))


class RowsBar(_Bar):
    """A bar while rows pass by: how many, and of how many where that is known."""

    def __init__(self, console: "Console") -> None:
        super().__init__(console, "rows")

    def __call__(self, done: int, total: int | None = None) -> None:
        """Show how many rows were passed."""
        of = "" if total is None else f" of {count(total)}"
        self._show(done, total, f"{count(done)}{of}")

    def judged(self, done: int, total: int) -> None:
        """Show how many parts of a search for suspect labels are done."""
        title = "judging labels out of fold"
        self._show(done, total, f"{done} of {total} parts", description=title)
