"""The page's tables: records in, rows of text out."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from layerwise.data import SetStatistics
from layerwise.inspection import LayerStudy, Share, Study
from layerwise.presentation._report import Report
from layerwise.presentation._text import interval, short
from layerwise.statistics import wilson_interval
from layerwise.wording import count, number, percent

__all__ = ["THIS_NETWORK", "Table", "layer_figures", "tables"]

THIS_NETWORK = "this network"

MISTAKES = 12
"""Mistakes listed of a table's rows, at most."""

COLUMNS = 6
"""Features listed of each, at most."""


class Table(NamedTuple):
    """What the columns are, and rows, each beginning with its own name."""

    head: tuple[str, ...]
    body: list[tuple[str, ...]]


def tables(report: Report) -> dict[str, Table]:
    """Return the page's tables by name; those of the study where there is one."""
    made = {
        "statistics": _statistics(report),
        "classes": _classes(report),
        "baselines": _baselines(report),
        "scores": _scores(report),
    }
    if report.study is not None:
        made["layers"] = _layers(report.study)
        made["mistakes"] = _mistakes(report.study, report.data.feature_names)
    return made


def _statistics(report: Report) -> Table:
    sets = report.statistics.sets
    rows = zip(*(_described(described) for described in sets.values()), strict=True)
    names = (
        "samples", "shape of each", "type", "least to greatest", "mean ± deviation",
        "scaled: least to greatest", "scaled: mean ± deviation", "constant features",
        "duplicates", "missing values",
    )  # fmt: skip
    body = [(name, *cells) for name, cells in zip(names, rows, strict=True)]
    return Table(("", *sets), body)


def _described(described: SetStatistics) -> Iterator[str]:
    samples, *shape = described.shape
    yield count(samples)
    yield " × ".join(map(str, shape))
    yield described.values.dtype
    for values in (described.values, described.scaled):
        if values is None:
            yield from ("–", "–")
        else:
            yield f"{number(values.minimum)} to {number(values.maximum)}"
            yield f"{number(values.mean)} ± {number(values.standard_deviation)}"
    yield count(described.constant_features)
    yield count(described.duplicates)
    yield count(described.missing)


def _classes(report: Report) -> Table:
    statistics = report.statistics
    return Table(
        ("samples of", *(short(name) for name in statistics.class_names)),
        [
            (name, *map(count, described.class_counts))
            for name, described in statistics.sets.items()
        ],
    )


def _baselines(report: Report) -> Table:
    """Put the network beside simple methods, scored on the same samples."""
    methods = [(b.name, b.accuracy, b.fitted_on) for b in report.input_study.baselines]
    scored = report.input_study.targets
    on_test = np.array_equal(scored, report.data.test.targets)
    score = report.test if on_test else report.validation
    right = round(score.accuracy * len(scored))
    ours = Share(right, len(scored), *wilson_interval(right, len(scored)))
    methods.append((THIS_NETWORK, ours, len(report.data.train)))
    return Table(
        ("", "accuracy", "95 % interval", "scored on", "fitted on"),
        [
            (name, percent(accuracy.value), interval(accuracy), count(accuracy.trials),
             count(fitted_on))
            for name, accuracy, fitted_on in methods
        ],
    )  # fmt: skip


def _scores(report: Report) -> Table:
    rows = []
    if report.history.epochs:
        last = report.history.epochs[-1]
        rows.append(("training", last.train_loss, last.train_accuracy))
    rows.append(("validation", *report.validation))
    rows.append(("test", *report.test))
    return Table(
        ("", "loss / nats", "accuracy"),
        [(name, number(loss), percent(accuracy)) for name, loss, accuracy in rows],
    )


def layer_figures(layer: LayerStudy) -> list[tuple[str, str]]:
    """Return a layer's figures, each with its name."""
    first, second = layer.variance_shown
    return [
        ("probe accuracy", percent(layer.probe_accuracy.value)),
        ("95 % interval", interval(layer.probe_accuracy)),
        ("units", count(layer.units)),
        ("dimensions", number(layer.participation_ratio)),
        ("variance shown", f"{percent(first)} + {percent(second)}"),
        ("constant units", count(layer.dead_units)),
    ]


def _layers(study: Study) -> Table:
    figures = {layer.name: layer_figures(layer) for layer in study}
    names = [name for name, _ in layer_figures(study.input)]
    return Table(
        ("layer", *names),
        [
            (short(name, 40), *(value for _, value in row))
            for name, row in figures.items()
        ],
    )


def _mistakes(study: Study, feature_names: tuple[str, ...] | None) -> Table:
    rows = study.inputs.reshape(len(study.inputs), -1)[:, :COLUMNS]
    features = feature_names or [f"input {i}" for i in range(1, rows.shape[1] + 1)]
    names = study.class_names
    return Table(
        ("is", "said", "sure", *(short(name) for name in features[: rows.shape[1]])),
        [
            (names[study.targets[i]], names[study.predictions[i]],
             percent(study.confidence[i]), *(number(float(v), 4) for v in rows[i]))
            for i in study.mistakes[:MISTAKES]
        ],
    )  # fmt: skip
