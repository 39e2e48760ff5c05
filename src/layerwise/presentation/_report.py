"""A report, and its tables."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from layerwise.data import Dataset, DataStatistics, SetStatistics
from layerwise.diagnosis import Diagnosis
from layerwise.model import SquaredError, TrainedNetwork
from layerwise.statistics import Share, class_scores, confusion_counts
from layerwise.study import (
    MEASURES,
    Importance,
    InputStudy,
    LayerStudy,
    Measures,
    Study,
    Suspect,
    WeakSpots,
)
from layerwise.training import Result
from layerwise.wording import (
    count,
    interval,
    known,
    layer_labels,
    number,
    percent,
    percent_of,
    short,
)


@dataclass(frozen=True, eq=False)
class Report:
    """A training, what it was trained on, and what was found inside the network.

    There is no study where the training diverged. The environment is whatever the
    figures depend on: versions, machine, threads, device. The command is what to type
    to get this again.
    """

    result: Result
    statistics: DataStatistics
    input_study: InputStudy
    study: Study | None
    diagnosis: Diagnosis
    environment: Mapping[str, str]
    command: str

    @property
    def data(self) -> Dataset:
        """What was trained on."""
        return self.result.data


def loss_unit(network: TrainedNetwork) -> str | None:
    """Return the unit of a loss: nats of a cross-entropy, none of a squared error."""
    return None if isinstance(network.loss, SquaredError) else "nats"


class Table(NamedTuple):
    """What the columns are, and rows, each beginning with its own name."""

    head: tuple[str, ...]
    body: list[tuple[str, ...]]


def statistics_table(statistics: DataStatistics) -> Table:
    """Return what the values of each set are like, a column for each.

    Columns of a table have units of their own: a range of all together says nothing.
    """
    sets = statistics.sets
    rows = zip(*(_described(described) for described in sets.values()), strict=True)
    filled = any(column.missing for column in statistics.columns)
    names = (
        "samples", "shape of a sample", "dtype", "min, max", "mean ± std",
        "dtype after scaling", "range after scaling", "mean ± std after scaling",
        "constant features", "duplicates",
        "missing values after filling" if filled else "missing values",
    )  # fmt: skip
    unsaid = ("min, max", "mean ± std") if statistics.columns else ()
    body = [
        (name, *cells)
        for name, cells in zip(names, rows, strict=True)
        if name not in unsaid
    ]
    return Table(("", *sets), body)


def mean_and_std(mean: float, std: float) -> str:
    """Write a mean to the digits that its standard deviation is written to.

    >>> mean_and_std(33.337131, 78.590018), mean_and_std(0.0040039, 1.0022)
    ('33.34 ± 78.59', '0.004 ± 1.002')
    """
    if not (math.isfinite(std) and std > 0):
        return f"{number(mean, 4)} ± {number(std, 4)}"
    digits = 3 - math.floor(math.log10(std))
    if not 0 <= digits <= 6:
        return f"{number(mean, 4)} ± {number(std, 4)}"
    return f"{mean:.{digits}f} ± {std:.{digits}f}"


def _described(described: SetStatistics) -> Iterator[str]:
    samples, *shape = described.shape
    yield count(samples)
    yield " × ".join(map(str, shape))
    for values in (described.values, described.scaled):
        yield values.dtype
        between = ", " if values is described.values else " to "
        yield between.join((number(values.minimum, 4), number(values.maximum, 4)))
        yield mean_and_std(values.mean, values.standard_deviation)
    yield count(described.constant_features)
    yield count(described.duplicates)
    yield count(described.missing)


def class_table(statistics: DataStatistics) -> Table:
    """Return how many samples of each class the sets have, a column for each class."""
    return Table(
        ("samples of", *(short(name) for name in statistics.class_names)),
        [
            (name, *map(count, described.class_counts))
            for name, described in statistics.sets.items()
        ],
    )


def column_table(statistics: DataStatistics, most: int, rest: str) -> Table:
    """Return the columns of a table: what they are like, and what became of them.

    Of more than ``most`` the others are counted, and ``rest`` says where they are.
    """
    shown = statistics.columns[:most]
    rows = [
        (
            short(one.name, 40),
            one.kind,
            "" if one.missing is None else percent(one.missing),
            short(one.values, 80),
            one.done,
        )
        for one in shown
    ]
    if more := len(statistics.columns) - len(shown):
        rows.append((f"{count(more)} more", "", "", "", rest))
    return Table(("column", "kind", "missing", "values", "done"), rows)


def class_score_table(study: Study) -> Table:
    """Return how well each class is told from the others, a row for each."""
    scores = study.class_scores
    rows = [
        (
            short(name),
            count(samples),
            *("–" if share != share else percent_of(share, samples) for share in told),
            known(f1),
        )
        for name, samples, *told, f1 in zip(
            study.class_names, *(own.tolist() for own in scores), strict=True
        )
    ]
    return Table(("class", "samples", "recall", "precision", "F1"), rows)


TOP = 10
"""Columns whose importance is listed, the most important first."""


def importance_table(found: Importance) -> Table:
    """Return how far the accuracy falls without the columns that matter most."""
    return Table(
        ("column", "accuracy falls by", "95 % interval"),
        [
            (
                short(one.column, 40),
                f"{100 * one.drop:.1f} points",
                f"{100 * one.low:.1f} to {100 * one.high:.1f}",
            )
            for one in found.columns[:TOP]
        ],
    )


def weak_spot_table(found: WeakSpots) -> Table:
    """Return what samples have in common that are wrong too often."""
    return Table(
        ("weak spot", "wrong", "of", "share wrong", "elsewhere", "too many"),
        [
            (
                f"{short(one.column or 'class', 40)} {short(one.value, 40)}",
                count(one.wrong),
                count(one.samples),
                percent_of(one.wrong / one.samples, one.samples),
                percent_of(one.rest_wrong / one.rest, one.rest),
                count(round(one.excess)),
            )
            for one in found.spots
        ],
    )


def class_sentence(statistics: DataStatistics) -> str:
    """Say how large the classes are, where they are too many for a table."""
    counts = next(iter(statistics.sets.values())).class_counts
    order = np.argsort(counts, kind="stable")
    fewest, most = (
        f"{short(statistics.class_names[at])} ({count(counts[at])})"
        for at in (order[0], order[-1])
    )
    name = next(iter(statistics.sets))
    return (
        f"{count(len(counts))} classes; fewest {name} samples: {fewest}, most: {most}"
    )


def baseline_table(report: Report) -> Table:
    """Put the network beside simple methods, scored on the same samples."""
    methods = [(b.name, b.accuracy, b.fitted_on) for b in report.input_study.baselines]
    on_test = report.input_study.scored_on == "test"
    score = report.result.test if on_test else report.result.validation
    trials = len(report.data.test if on_test else report.data.validation)
    ours = Share.of(score.accuracy, trials)
    methods.append(("this network", ours, len(report.data.train)))
    return Table(
        ("", "accuracy", "95 % interval", "scored on", "fitted on"),
        [
            (name, percent(found.value), interval(found.low, found.high),
             count(found.trials), count(fitted_on))
            for name, found, fitted_on in methods
        ],
    )  # fmt: skip


def score_table(report: Report) -> Table:
    """Return the losses and accuracies at the end, a row for each set.

    Where classes are uneven the balanced accuracy stands beside the accuracy.
    """
    rows, result = [], report.result
    if result.history.epochs:
        last = result.history.epochs[-1]
        rows.append(("train", last.train_loss, last.train_accuracy))
    rows.append(("validation", *result.validation[:2]))
    rows.append(("test", *result.test[:2]))
    unit = loss_unit(result.network)
    table = Table(
        ("", f"loss ({unit})" if unit else "loss", "accuracy"),
        [(name, number(loss), percent(accuracy)) for name, loss, accuracy in rows],
    )
    if report.study is None or not report.study.is_uneven:
        return table
    balanced = _balanced(report.study)
    body = [(*row, balanced.get(row[0], "–")) for row in table.body]
    return Table((*table.head, "balanced accuracy"), body)


def _balanced(study: Study) -> dict[str, str]:
    """Return the balanced accuracy of each set of which predictions are known."""
    found: dict[str, str] = {}
    if study.predictions is not None:
        found["test"] = percent(study.class_scores.balanced_accuracy)
    if (view := study.validation) is not None:
        classes = len(study.class_names)
        counts = confusion_counts(view.targets, view.predictions, classes)
        found["validation"] = percent(class_scores(counts).balanced_accuracy)
    return found


def layer_table(study: Study) -> Table:
    """Return every layer's figures, a row for each, the raw input first."""
    return Table(
        ("layer", "linear probe", "logistic probe", "nearest mean",
         "neighbour purity", "dead units", "duplicate units", "dimensions"),
        [*map(_layer_row, study, layer_labels((x.name for x in study), 24))],
    )  # fmt: skip


def _layer_row(layer: LayerStudy, label: str) -> tuple[str, ...]:
    values, trials = layer.measures.values, layer.probe_accuracy.trials
    shares = (
        layer.probe_accuracy.value,
        values["logistic_accuracy"],
        values["nearest_mean_accuracy"],
        values["neighbour_purity"],
    )
    return (
        label,
        *(percent_of(share, trials) for share in shares),
        count(layer.dead_units),
        count(int(np.sum(layer.duplicate))),
        f"{known(layer.participation_ratio)} of {count(layer.units)}",
    )


def measure_table(layers: Mapping[str, Measures], *, meanings: bool = False) -> Table:
    """Return a row for each measure, a column for each layer, perhaps what it means."""
    found = {name for measures in layers.values() for name in measures.values}
    # A plane that was given has a trust of its own, under no name of MEASURES.
    names = [*filter(found.__contains__, MEASURES), *sorted(found - MEASURES.keys())]
    body: list[tuple[str, ...]] = []
    for name in names:
        row = [known(m.values.get(name, np.nan)) for m in layers.values()]
        if meanings:
            row.append(MEASURES[name].meaning if name in MEASURES else "")
        body.append((short(name.replace("_", " "), 40), *row))
    head = ("measure", *layer_labels(layers, 14))
    return Table((*head, "meaning") if meanings else head, body)


def suspect_table(suspects: Sequence[Suspect], class_names: tuple[str, ...]) -> Table:
    """Return suspect labels, a row for each, with what speaks against them."""
    names = [short(name, 12) for name in class_names]
    return Table(
        (
            "sample",
            "labelled",
            "looks like",
            "score",
            "confidence",
            "neighbours",
            "since",
        ),
        [
            (
                suspect.name,
                names[suspect.label],
                names[suspect.suggestion],
                f"{suspect.score:.2f}",
                percent(suspect.probability_of_suggestion),
                f"{suspect.neighbours_agreeing} of {suspect.neighbours}",
                "–" if suspect.since is None else short(suspect.since, 12),
            )
            for suspect in suspects
        ],
    )
