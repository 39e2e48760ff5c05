"""What the command line prints: quiet tables and findings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from layerwise.data import Dataset, DataStatistics, Samples
from layerwise.diagnosis import Diagnosis, Fixed, mean_recall
from layerwise.presentation._comparison import (
    Runs,
    figure_table,
    probe_table,
    setting_table,
)
from layerwise.presentation._console import lines_left, print_table, say, say_beside
from layerwise.presentation._report import (
    Table,
    class_sentence,
    class_table,
    column_table,
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
from layerwise.study import Finding, Forecast, ModuleLayer, Study, Suspect
from layerwise.training import Result, Score
from layerwise.wording import (
    MANY,
    count,
    cut_apart,
    duration,
    listed,
    number,
    percent,
    percent_of,
    quoted,
    shared_prefix,
    speed,
)

if TYPE_CHECKING:
    from rich.console import Console


def print_statistics(console: "Console", statistics: DataStatistics) -> None:
    """Print a data set's figures: what its values are like, and its classes.

    A class has a line of its own, where they are few: a screen is longer than wide.
    """
    print_table(console, statistics_table(statistics))
    if given := statistics.given_training:
        say(
            console,
            "train and validation together, as the training set was given: mean "
            f"{number(given.mean, 8)}, std {number(given.standard_deviation, 8)}",
        )
    if statistics.columns:
        print_table(console, column_table(statistics, MOST_COLUMNS, "see --json"))
    if len(statistics.class_names) > MANY:
        say(console, class_sentence(statistics))
        return
    names, counts = class_table(statistics)
    classes = list(zip(names[1:], *(row[1:] for row in counts), strict=True))
    print_table(console, Table(("samples of", *(row[0] for row in counts)), classes))


MOST_COLUMNS = 40
"""A screen's worth of them."""


def print_data(console: "Console", data: Dataset) -> None:
    """Print what a data set is."""
    sizes = (len(part) for part in (data.train, data.validation, data.test))
    train, validation, test = (count(size) for size in sizes)
    shape = " × ".join(str(n) for n in data.shape)
    dtype = data.train.inputs.dtype
    each = (
        f"is {shape} {dtype}"
        if len(data.shape) > 1
        else f"has {shape} {'input' if data.shape == (1,) else 'inputs'}, {dtype}"
    )
    say(
        console,
        f"{data.name}: {train} training, {validation} validation, {test} test samples\n"
        f"{data.classes} classes; each sample {each}. "
        f"{data.origin}",
    )
    print_remarks(console, data)


def print_remarks(console: "Console", data: Dataset) -> None:
    """Print what to know of a data set first: repeated samples, what was left out."""
    for remark in data.remarks:
        say(console, remark)


def print_training(console: "Console", result: Result) -> None:
    """Print how a training ended: its figures, and what stopped it."""
    losses, recipe = result.history.losses, result.recipe
    steps = result.checkpoint.state.step
    say(
        console,
        f"training {result.status}: {_steps(int(steps))}, batch size "
        f"{recipe.batch_size}, {duration(result.seconds)}"
        f"{speed(result.steps_per_second, ', {} steps/s')}",
    )
    if len(losses):
        finite = losses[np.isfinite(losses)].astype(np.float64)
        least, mean = finite.min(initial=np.inf), finite.sum() / max(len(finite), 1)
        say(
            console,
            f"training loss per step: min {number(float(least))}, "
            f"mean {number(float(mean))}, last {number(float(losses[-1]))}",
        )
    if result.status == "diverged":
        say(
            console,
            f"the loss of step {count(len(losses))} is not finite; saved is the last "
            f"network with finite parameters, after {_steps(int(steps))}",
        )
    say(
        console,
        f"validation accuracy {_accuracy(result.validation, result.data.validation)}, "
        f"loss {number(result.validation.loss)}; test accuracy "
        f"{_accuracy(result.test, result.data.test)}, loss {number(result.test.loss)}",
    )


def _steps(number: int) -> str:
    return f"{count(number)} step{'' if number == 1 else 's'}"


def _accuracy(score: Score, samples: Samples) -> str:
    return percent_of(score.accuracy, len(samples))


def print_layers(console: "Console", study: Study) -> None:
    """Print every layer's figures, the raw input's first; of many, the ends."""
    table = layer_table(study)
    body, others = table.body, len(table.body) - LAYERS
    if others > 0:
        gap = (f"… {count(others + 1)} more", *[""] * (len(table.head) - 1))
        body = [*body[: LAYERS // 2], gap, *body[LAYERS // 2 + others + 1 :]]
    print_table(console, Table(table.head, body))
    prefix = shared_prefix(layer.name for layer in study)
    without = f" Layer names are shown without {prefix!r}." if prefix else ""
    say(console, LAYERS_NOTE + without)


def print_class_scores(console: "Console", study: Study) -> None:
    """Print how often each class is found, the worst first, where they are uneven.

    Accuracy alone is then mostly that of the large ones.
    """
    if study.predictions is None or not study.is_uneven:
        return
    scores = study.class_scores
    order = np.argsort(np.nan_to_num(scores.recall, nan=2), kind="stable")[:CLASSES]
    names = cut_apart(study.class_names, 20)
    found = [
        f"{quoted(names[at])} {percent_of(recall, samples)} of {count(samples)}"
        for at, recall, samples in zip(
            order,
            scores.recall[order].tolist(),
            scores.samples[order].tolist(),
            strict=True,
        )
        if samples
    ]
    others = len(names) - len(order)
    which = f"recall of the {len(order)} worst classes" if others > 0 else "recall"
    balanced = percent_of(scores.balanced_accuracy, len(study.targets))
    say(
        console,
        f"uneven classes: balanced accuracy {balanced}; {which}: {listed(found)}",
    )


CLASSES = 4
"""Classes that are named, at most."""

LAYERS = 8
"""Lines for layers, at most."""

LAYERS_NOTE = (
    "Probes, nearest mean: accuracy of simple classifiers on the layer's outputs. "
    "Purity: share of the 10 nearest samples with the same label. Dead units never "
    "change. Dimensions: directions in use, weak ones less (participation ratio)."
)


def print_suspects(
    console: "Console", suspects: Sequence[Suspect], class_names: tuple[str, ...]
) -> None:
    """Print the samples whose label looks wrong, in the order given."""
    print_table(console, suspect_table(suspects, class_names))
    if suspects:
        rows = any(suspect.row is not None for suspect in suspects)
        say(
            console,
            "Confidence: of networks trained without the sample, in what it looks "
            "like. Neighbours: how many of the nearest have that label. Since: the "
            "first layer from which on every probe predicts it."
            f"{' Rows are counted from 0.' if rows else ''}",
        )


def print_module_layers(console: "Console", layers: Sequence[ModuleLayer]) -> None:
    """Print a line for each module, a mark before those that are studied."""
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
    say(console, "• is studied; choose others with --layers 'GLOB'")


def print_forecast(
    console: "Console", costs: Sequence[Forecast], processes: int
) -> None:
    """Print what counting each layer costs, and all, shared among so many processes."""
    head = ("layer", "rows", "units", "dimensions", "reads", "time", "memory")
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
    print_table(console, Table(head, body))
    seconds = sum(cost.seconds for cost in costs)
    kept = sum(cost.part_bytes for cost in costs)
    most = max(cost.memory_bytes for cost in costs) + kept
    among = f", among {count(processes)}: {duration(seconds / processes)} each"
    say(
        console,
        f"one pass: {duration(seconds)} in one process on this machine"
        f"{among if processes > 1 else ''}; reads "
        f"{_size(sum(c.read_bytes for c in costs))}; about {_size(most)} of memory per "
        f"process\neach process sends or writes at most {_size(kept)}, once",
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
            print_table(console, table)
    for run in runs:
        if run.warning:
            say(console, f"{run.name}: {run.warning}")


def print_sweep(console: "Console", report: SweepReport) -> None:
    """Print a sweep's phase diagram as a table, and what was chosen."""
    print_table(console, phase_table(report.sweep))
    say(
        console,
        "validation accuracy (%); s: stalled, d: diverged (how many, of several)\n"
        f"{sweep_sentence(report.sweep)}\n{choice_sentence(report)}",
    )


FEWEST, HEADLINES = 3, 8
"""Findings that a terminal shows at least, where there are so many, and at most."""

AROUND = 6
"""Lines around them: blank ones, where the rest is, the page, how to fix."""


def print_findings(
    console: "Console", findings: Sequence[Finding], rest: str = "--json"
) -> None:
    """Print the headlines of the most useful findings, and where the rest is.

    As many as fit a small screen below what was printed, of each kind the first before
    the second of any.
    """
    if not findings:
        return
    first = {finding.kind: finding for finding in reversed(findings)}
    ranked = sorted(
        range(len(findings)),
        key=lambda at: first[findings[at].kind] is not findings[at],
    )
    left, most = lines_left(console) - AROUND, 0
    for at in ranked[:HEADLINES]:
        left -= 1 + (len(findings[at].headline) + 2) // console.width
        most += left >= 0 or most < FEWEST
    shown = [findings[at] for at in sorted(ranked[:most])]
    console.print()
    for finding in shown:
        say_beside(console, " • ", finding.headline)
    some = len(shown) < len(findings)
    others = f"{len(shown)} of {len(findings)} findings; the others and all details"
    say(console, f"{others if some else 'details'}: {rest}")


def print_details(console: "Console", findings: Sequence[Finding]) -> None:
    """Print findings in full, a paragraph each."""
    for finding in findings:
        say(console, finding.text)


def print_diagnosis(
    console: "Console", diagnosis: Diagnosis, *, why: bool = True
) -> None:
    """Print what is wrong with a training, where, perhaps why, and what fixes it."""
    if diagnosis.healthy:
        say(console, "diagnosis: no problem found in this training")
        return
    first, *others = diagnosis.causes
    place = [first.layer] if first.layer else []
    place += [f"step {count(first.step)}"] if first.step is not None else []
    where = f" ({', '.join(place)})" if place else ""
    say(console, f"diagnosis: {first.kind}{where}")
    say_beside(console, "  what ", first.headline)
    if why:
        say_beside(console, "  why  ", first.detail)
    say_beside(console, "  fix  ", first.fix)
    kinds = dict.fromkeys(cause.kind for cause in others if cause.kind != first.kind)
    if kinds:
        names = ", ".join(kinds)
        say_beside(console, "  also ", f"{names}: fix the first cause first")


def print_fixed(console: "Console", fixed: Fixed) -> None:
    """Print a training before and after each change."""
    if not fixed.rounds:
        say(console, "nothing was tried: no setting fixes the first cause")
        return
    judged = ("mean recall",) if fixed.by_class else ()
    head = ("", "status", "validation", *judged, "loss")
    rows = [("before", *_ended(fixed.before, fixed.by_class))]
    changes: list[tuple[str, str]] = []
    for number_, tried in enumerate(fixed.rounds, 1):
        name = f"change {number_}"
        change = ", ".join(f"{k} {v}" for k, v in tried.change.items() if v is not None)
        changes.append((f"{name}: ", change))
        kept = " (best)" if tried.result is fixed.result else ""
        rows.append((f"{name}{kept}", *_ended(tried.result, fixed.by_class)))
    print_table(console, Table(head, rows))
    for name, change in changes:
        say_beside(console, name, change)
    if fixed.result is fixed.before:
        say(console, "no change was better on the validation set")
        return
    before, after = (
        _accuracy(r.test, r.data.test) for r in (fixed.before, fixed.result)
    )
    say(console, f"test accuracy before {before}, after {after}")


def _ended(result: Result, by_class: bool) -> tuple[str, ...]:
    validation = result.validation
    judged = (percent(mean_recall(result)),) if by_class else ()
    accuracy = _accuracy(validation, result.data.validation)
    return result.status, accuracy, *judged, number(validation.loss)
