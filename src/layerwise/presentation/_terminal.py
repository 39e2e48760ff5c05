"""What the command line prints: quiet tables and findings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from layerwise.data import Dataset, DataStatistics
from layerwise.diagnosis import Diagnosis, Fixed, mean_recall
from layerwise.presentation._comparison import (
    Runs,
    figure_table,
    probe_table,
    setting_table,
)
from layerwise.presentation._report import (
    Table,
    class_table,
    layer_table,
    statistics_table,
    suspect_table,
)
from layerwise.presentation._sweep import (
    SweepReport,
    choice_sentence,
    phase_table,
    sweep_sentence,
)
from layerwise.presentation._text import duration, speed
from layerwise.study import Finding, Forecast, ModuleLayer, Study, Suspect
from layerwise.training import Result
from layerwise.wording import count, number, percent

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 88
"""Columns that a paragraph takes at most."""


def print_statistics(console: "Console", statistics: DataStatistics) -> None:
    """Print a data set's figures: what its values are like, and its classes.

    A class has a line of its own: a screen is long rather than wide.
    """
    _print_table(console, statistics_table(statistics))
    if given := statistics.given_training:
        _say(
            console,
            "train and validation together, as the training set was given: mean "
            f"{number(given.mean, 8)}, std {number(given.standard_deviation, 8)}",
        )
    console.print()
    names, counts = class_table(statistics)
    classes = list(zip(names[1:], *(row[1:] for row in counts), strict=True))
    _print_table(console, Table(("samples of", *(row[0] for row in counts)), classes))


def print_data(console: "Console", data: Dataset) -> None:
    """Print what a data set is, in two lines."""
    sizes = (len(part) for part in (data.train, data.validation, data.test))
    train, validation, test = (count(size) for size in sizes)
    shape = " × ".join(str(n) for n in data.shape)
    _say(
        console,
        f"{data.name}: {train} training, {validation} validation and {test} test "
        f"samples of {shape} {data.train.inputs.dtype}, {data.classes} classes\n"
        f"{data.origin}",
    )
    print_remarks(console, data)


def print_remarks(console: "Console", data: Dataset) -> None:
    """Print what to know of a data set first: repeated samples, what was left out."""
    for remark in data.remarks:
        _say(console, remark)


def print_training(console: "Console", result: Result) -> None:
    """Print how a training ended: its figures, and what stopped it."""
    losses, recipe = result.history.losses, result.recipe
    steps = result.checkpoint.state.step
    _say(
        console,
        f"training {result.status} after {count(int(steps))} steps of "
        f"{recipe.batch_size} in {duration(result.seconds)}"
        f"{speed(result.steps_per_second, ' ({} steps/s)')}",
    )
    if len(losses):
        finite = losses[np.isfinite(losses)].astype(np.float64)
        least, mean = finite.min(initial=np.inf), finite.sum() / max(len(finite), 1)
        _say(
            console,
            f"loss of the steps: minimum {number(float(least))}, "
            f"mean {number(float(mean))}, last {number(float(losses[-1]))}",
        )
    if result.status == "diverged":
        _say(
            console,
            f"the loss of step {count(len(losses))} is not finite: training stopped "
            f"there; the network saved is the last whose parameters are finite, after "
            f"{count(int(steps))} steps",
        )
    _say(
        console,
        f"validation accuracy {percent(result.validation.accuracy, 2)}, loss "
        f"{number(result.validation.loss)}; test accuracy "
        f"{percent(result.test.accuracy, 2)}, loss {number(result.test.loss)}",
    )


def _say(console: "Console", text: str) -> None:
    """Print paragraphs, wrapped."""
    from rich.text import Text

    lines = (_visible(line) for line in text.splitlines())
    console.print(Text("\n".join(lines)), width=min(console.width, WIDTH))


def print_layers(console: "Console", study: Study) -> None:
    """Print every layer's figures, the raw input's first."""
    _print_table(console, layer_table(study))


def print_suspects(
    console: "Console", suspects: Sequence[Suspect], class_names: tuple[str, ...]
) -> None:
    """Print the samples whose label looks wrong, in the order given."""
    _print_table(console, suspect_table(suspects, class_names))
    if any(suspect.row is not None for suspect in suspects):
        _say(console, "rows are counted from 0, in the file or array of the sample")


def print_module_layers(console: "Console", layers: Sequence[ModuleLayer]) -> None:
    """Print a line for each module, a mark before those that are looked at."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False)
    for head in ("", "layer", "module", "shape", "as a row"):
        grid.add_column(head, no_wrap=head == "layer")
    for layer in layers:
        grid.add_row(
            "•" if layer.chosen else "",
            Text(layer.name, style="bold" if layer.chosen else ""),
            Text(layer.kind),
            " × ".join(map(str, layer.shape)) or "1",
            layer.rows,
        )
    console.print(grid)
    console.print("• is looked at; choose others by --layers 'GLOB'", markup=False)


def print_forecast(
    console: "Console", costs: Sequence[Forecast], processes: int
) -> None:
    """Print what counting each layer costs, and all of them together.

    Parameters
    ----------
    console : rich Console
    costs : sequence of Forecast
    processes : int
        Among how many the rows are shared.
    """
    head = ("layer", "rows", "units", "scatter of", "to read", "time", "memory")
    body = [
        (
            cost.layer,
            count(cost.rows),
            count(cost.units),
            count(cost.width),
            _size(cost.read_bytes),
            duration(cost.seconds),
            _size(cost.memory_bytes),
        )
        for cost in costs
    ]
    _print_table(console, Table(head, body))
    seconds = sum(cost.seconds for cost in costs)
    kept = sum(cost.part_bytes for cost in costs)
    most = max(cost.memory_bytes for cost in costs) + kept
    among = f", among {count(processes)}: {duration(seconds / processes)} each"
    _say(
        console,
        f"one pass: {duration(seconds)} for one process like this one"
        f"{among if processes > 1 else ''}; {_size(sum(c.read_bytes for c in costs))} "
        f"to read; about {_size(most)} of memory in each process\n"
        f"what is kept, and sent or written once by each of several: {_size(kept)} at "
        "most",
    )


def _size(total: int | float) -> str:
    """Return bytes in the largest unit that leaves a number of 1 or more.

    >>> _size(999), _size(2_350_000), _size(1.6e13)
    ('999 B', '2.4 MB', '16 TB')
    """
    units = ("B", "kB", "MB", "GB", "TB")
    place = 0
    while total >= 999.5 and place < len(units) - 1:
        total, place = total / 1000, place + 1
    digits = 1 if total < 9.95 and place else 0
    return f"{total:.{digits}f} {units[place]}"


def print_comparison(console: "Console", runs: Runs) -> None:
    """Print in what runs differ, what they came to, and what their layers know."""
    for table in (setting_table(runs), figure_table(runs), probe_table(runs)):
        if table.body:
            _print_table(console, table)


def print_sweep(console: "Console", report: SweepReport) -> None:
    """Print a sweep's phase diagram as a table, and what was chosen."""
    _print_table(console, phase_table(report.sweep))
    _say(
        console,
        "validation accuracy in %; s: so many trainings stall, d: diverge\n"
        f"{sweep_sentence(report.sweep)}\n{choice_sentence(report)}",
    )


HEADLINES = 8
"""Findings that a terminal shows at most."""


def print_findings(
    console: "Console", findings: Sequence[Finding], rest: str = "with --json"
) -> None:
    """Print the headlines of the most useful findings, and where the rest is.

    Parameters
    ----------
    console : rich Console
    findings : sequence of Finding
        The most useful first. Of each kind the first is printed before the second of
        any.
    rest : str
        Where the others are, and the details of all.
    """
    if not findings:
        return
    first = {finding.kind: finding for finding in reversed(findings)}
    chosen = [f for f in findings if first[f.kind] is f]
    chosen += [f for f in findings if first[f.kind] is not f]
    shown = [f for f in findings if f in chosen[:HEADLINES]]
    _print_rows(console, [("•", finding.headline) for finding in shown], indent=1)
    some = len(shown) < len(findings)
    which = f"{len(shown)} of {len(findings)} findings; all, with" if some else "With"
    _say(console, f"{which} details: {rest}")


def _print_rows(
    console: "Console", rows: Sequence[tuple[str, str]], indent: int = 2
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


def print_diagnosis(console: "Console", diagnosis: Diagnosis) -> None:
    """Print what is wrong with a training, where, why, and what fixes it."""
    if diagnosis.healthy:
        _say(console, "diagnosis: healthy, no problem found")
        return
    first, *others = diagnosis.causes
    place = [first.layer] if first.layer else []
    place += [f"step {count(first.step)}"] if first.step is not None else []
    where = f" ({', '.join(place)})" if place else ""
    _say(console, f"diagnosis: {first.kind}{where}")
    rows = (("what", first.headline), ("why", first.detail), ("fix", first.fix))
    _print_rows(console, rows)
    kinds = dict.fromkeys(cause.kind for cause in others if cause.kind != first.kind)
    if kinds:
        _say(
            console, f"  also found, but fix the first cause first: {', '.join(kinds)}"
        )


def print_fixed(console: "Console", fixed: Fixed) -> None:
    """Print a training before and after each change."""
    if not fixed.rounds:
        _say(console, "nothing was tried: what was found first has no change to make")
        return
    judged = ("mean recall",) if fixed.by_class else ()
    head = ("", "status", "validation", *judged, "loss", "change")
    rows = [("before", *_ended(fixed.before, fixed.by_class), "")]
    for number_, tried in enumerate(fixed.rounds, 1):
        change = ", ".join(f"{k} {v}" for k, v in tried.change.items() if v is not None)
        kept = " *" if tried.result is fixed.result else ""
        rows.append(
            (f"change {number_}{kept}", *_ended(tried.result, fixed.by_class), change)
        )
    _print_table(console, Table(head, rows))
    if fixed.result is fixed.before:
        _say(console, "no change was better on the validation set")
        return
    before, after = (percent(r.test.accuracy, 2) for r in (fixed.before, fixed.result))
    _say(console, f"test accuracy before {before}, after {after}")


def _ended(result: Result, by_class: bool) -> tuple[str, ...]:
    validation = result.validation
    judged = (percent(mean_recall(result), 2),) if by_class else ()
    accuracy = percent(validation.accuracy, 2)
    return result.status, accuracy, *judged, number(validation.loss)


def _print_table(console: "Console", table: Table) -> None:
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
