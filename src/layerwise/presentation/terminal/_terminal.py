"""What the command line prints: quiet tables and findings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from layerwise.data import Dataset, DataStatistics
from layerwise.diagnosis import Diagnosis, Fixed
from layerwise.presentation._comparison import (
    Comparison,
    figure_table,
    probe_table,
    setting_table,
)
from layerwise.presentation._tables import (
    Table,
    class_table,
    layer_table,
    statistics_table,
    suspect_table,
)
from layerwise.presentation._text import duration, speed
from layerwise.presentation.pages import (
    SweepReport,
    choice_sentence,
    phase_table,
    sweep_sentence,
)
from layerwise.study import Finding, Study, Suspect
from layerwise.training import Result
from layerwise.wording import count, number, percent

if TYPE_CHECKING:
    import rich.console

__all__ = [
    "print_comparison",
    "print_data",
    "print_diagnosis",
    "print_findings",
    "print_fixed",
    "print_layers",
    "print_statistics",
    "print_suspects",
    "print_sweep",
    "print_table",
    "print_training",
    "say",
]

WIDTH = 88
"""Columns that a paragraph takes at most."""


def print_statistics(
    console: "rich.console.Console", statistics: DataStatistics
) -> None:
    """Print a data set's figures: what its values are like, and its classes.

    A class has a line of its own: a screen is long rather than wide.
    """
    print_table(console, statistics_table(statistics))
    console.print()
    names, counts = class_table(statistics)
    classes = list(zip(names[1:], *(row[1:] for row in counts), strict=True))
    print_table(console, Table(("samples of", *(row[0] for row in counts)), classes))


def print_data(console: "rich.console.Console", data: Dataset) -> None:
    """Print what a data set is, in two lines."""
    sizes = (len(part) for part in (data.train, data.validation, data.test))
    train, validation, test = (count(size) for size in sizes)
    shape = " × ".join(str(n) for n in data.shape)
    say(
        console,
        f"{data.name}: {train} training, {validation} validation and {test} test "
        f"samples of {shape} {data.train.inputs.dtype}, {data.classes} classes\n"
        f"{data.origin}",
    )


def print_training(console: "rich.console.Console", result: Result) -> None:
    """Print how a training ended: its figures, and what stopped it."""
    losses, recipe = result.history.losses, result.recipe
    steps = result.checkpoint.state.step
    say(
        console,
        f"training {result.status} after {count(int(steps))} steps of "
        f"{recipe.batch_size} in {duration(result.seconds)}"
        f"{speed(result.steps_per_second, ' ({} steps/s)')}",
    )
    if len(losses):
        finite = losses[np.isfinite(losses)].astype(np.float64)
        least, mean = finite.min(initial=np.inf), finite.sum() / max(len(finite), 1)
        say(
            console,
            f"loss of the steps: minimum {number(float(least))}, "
            f"mean {number(float(mean))}, last {number(float(losses[-1]))}",
        )
    if result.status == "diverged":
        say(
            console,
            f"the loss of step {count(len(losses))} is not finite: training stopped "
            f"there; the network saved is the last whose parameters are finite, after "
            f"{count(int(steps))} steps",
        )
    say(
        console,
        f"validation accuracy {percent(result.validation.accuracy, 2)}, loss "
        f"{number(result.validation.loss)}; test accuracy "
        f"{percent(result.test.accuracy, 2)}, loss {number(result.test.loss)}",
    )


def say(console: "rich.console.Console", text: str) -> None:
    """Print paragraphs, wrapped."""
    from rich.text import Text

    lines = (_visible(line) for line in text.splitlines())
    console.print(Text("\n".join(lines)), width=min(console.width, WIDTH))


def print_layers(console: "rich.console.Console", study: Study) -> None:
    """Print every layer's figures, the raw input's first."""
    print_table(console, layer_table(study))


def print_suspects(
    console: "rich.console.Console",
    suspects: Sequence[Suspect],
    class_names: tuple[str, ...],
) -> None:
    """Print the samples whose label looks wrong, in the order given."""
    print_table(console, suspect_table(suspects, class_names))


def print_comparison(console: "rich.console.Console", comparison: Comparison) -> None:
    """Print in what runs differ, what they came to, and what their layers know."""
    for table in (
        setting_table(comparison),
        figure_table(comparison),
        probe_table(comparison),
    ):
        if table.body:
            print_table(console, table)


def print_sweep(console: "rich.console.Console", report: SweepReport) -> None:
    """Print a sweep's phase diagram as a table, and what was chosen."""
    print_table(console, phase_table(report.sweep))
    say(
        console,
        "validation accuracy in %; s: so many trainings stall, d: diverge\n"
        f"{sweep_sentence(report.sweep)}\n{choice_sentence(report)}",
    )


def print_findings(
    console: "rich.console.Console", findings: tuple[Finding, ...]
) -> None:
    """Print findings as a list, wrapped."""
    _print_rows(console, [("•", finding.text) for finding in findings], indent=1)


def _print_rows(
    console: "rich.console.Console", rows: Sequence[tuple[str, str]], indent: int = 2
) -> None:
    """Print a mark or a word before each paragraph, which is wrapped beside it."""
    from rich.padding import Padding
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 1, 0, 0))
    for mark, text in rows:
        grid.add_row(mark, Text(_visible(text)))
    padded = Padding(grid, (0, 0, 0, indent))
    console.print(padded, width=min(console.width, WIDTH))


def print_diagnosis(console: "rich.console.Console", diagnosis: Diagnosis) -> None:
    """Print what is wrong with a training: what, where, why, and what fixes it."""
    if diagnosis.healthy:
        say(console, "diagnosis: healthy, nothing stands out")
        return
    first, *others = diagnosis.causes
    place = [first.layer] if first.layer else []
    place += [f"step {count(first.step)}"] if first.step is not None else []
    where = f" ({', '.join(place)})" if place else ""
    say(console, f"diagnosis: {first.kind}{where}")
    rows = (("what", first.text), ("why", first.reason), ("fix", first.remedy))
    _print_rows(console, rows)
    if others:
        kinds = ", ".join(cause.kind for cause in others)
        say(console, f"  also {kinds}: most likely of the same cause")


def print_fixed(console: "rich.console.Console", fixed: Fixed) -> None:
    """Print a training before and after each change."""
    if not fixed.rounds:
        say(console, "nothing was tried: what was found first has no change to make")
        return
    head = ("", "status", "validation", "loss", "change")
    rows = [("before", *_ended(fixed.before), "")]
    for number_, tried in enumerate(fixed.rounds, 1):
        change = ", ".join(f"{k} {v}" for k, v in tried.change.items())
        kept = " *" if tried.result is fixed.result else ""
        rows.append((f"change {number_}{kept}", *_ended(tried.result), change))
    print_table(console, Table(head, rows))
    if fixed.result is fixed.before:
        say(console, "no change was better on the validation set")
        return
    before, after = (percent(r.test.accuracy, 2) for r in (fixed.before, fixed.result))
    say(console, f"test accuracy before {before}, after {after}")


def _ended(result: Result) -> tuple[str, str, str]:
    validation = result.validation
    return result.status, percent(validation.accuracy, 2), number(validation.loss)


def print_table(console: "rich.console.Console", table: Table) -> None:
    """Print a table, its columns aligned."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for index, name in enumerate(table.head):
        # Text, not str: in a str, [red] or :smile: in a class name would be markup.
        grid.add_column(Text(_visible(name)), justify="right" if index else "left")
    for row in table.body:
        grid.add_row(*(Text(_visible(cell)) for cell in row))
    console.print(grid)


def _visible(text: str) -> str:
    """Return text without control characters, which a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
