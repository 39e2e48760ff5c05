"""The numbers of a page: tables, and what happened during training as lines."""

from collections.abc import Iterator, Sequence
from typing import SupportsFloat

import numpy as np
from jaxtyping import Float, Int

from layerwise.files import json_types
from layerwise.presentation._report import (
    TOP,
    Report,
    Table,
    baseline_table,
    class_score_table,
    class_table,
    column_table,
    importance_table,
    loss_unit,
    measure_table,
    score_table,
    statistics_table,
    weak_spot_table,
)
from layerwise.presentation.payload._blocks import Json
from layerwise.study import ColumnImportance, Importance, Study
from layerwise.training import History, Result
from layerwise.wording import count, percent, short, typeset

HEALTH_POINTS = 120
"""Of a layer's line, at most."""

STRETCHES = 250
"""Points of a smoothed curve, at most: each the mean of as many steps."""


def charts(result: Result) -> list[Json]:
    """Return loss and accuracy, the gradients and silent units of every layer."""
    history = result.history
    samples, batch = len(result.data.train), result.recipe.batch_size
    drawn = curves(history, samples, batch, loss_unit(result.network))
    return [*drawn, *_health(result, _steps_per_epoch(history, samples, batch))]


def curves(
    history: History, training_samples: int, batch: int | None, unit: str | None = None
) -> list[Json]:
    """Return loss and accuracy of a training."""
    per_epoch = _steps_per_epoch(history, training_samples, batch)
    label = f"mean loss ({unit})" if unit else "mean loss"
    found = (
        _curve("loss", {"label": label, "log": True}, history, per_epoch),
        _curve("accuracy", {"label": "accuracy", "percent": True}, history, per_epoch),
    )
    return [chart for chart in found if chart["lines"]]


def _steps_per_epoch(
    history: History, training_samples: int, batch: int | None
) -> float:
    planned = max(1.0, np.ceil(training_samples / (batch or 1)))
    epochs = history.epochs
    return epochs[-1].step / epochs[-1].epoch if epochs else planned


def _curve(name: str, y: Json, history: History, per_epoch: float) -> Json:
    batches = history.losses if name == "loss" else history.accuracies
    epochs = history.epochs
    lines: list[Json] = []
    finite = np.flatnonzero(np.isfinite(batches))
    if len(finite):
        _, middles, means = stretches(batches[finite].astype(float), finite + 1)
        lines.append(_line("batches", middles / per_epoch, means, pale=True))
    for part in ("train", "validation"):
        values = [getattr(epoch, f"{part}_{name}") for epoch in epochs]
        if values:
            words = f"{'training' if part == 'train' else part} set"
            lines.append(_line(words, [epoch.epoch for epoch in epochs], values))
    return {"id": name, "title": name.capitalize(), "y": y, "lines": lines}


def stretches(
    values: Float[np.ndarray, " steps"], steps: Int[np.ndarray, " steps"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut values, one at least, into stretches of about equal length.

    Return the place in ``values`` where each begins, the step in its middle, and the
    mean of its values.
    """
    starts = np.unique(np.linspace(0, len(values), STRETCHES + 1).astype(int)[:-1])
    lengths = np.diff(starts, append=len(values))
    middles = steps[starts] + (lengths - 1) / 2
    return starts, middles, np.add.reduceat(values, starts) / lengths


def _health(result: Result, per_epoch: float) -> Iterator[Json]:
    history, names = result.history, result.network.layer_names
    records = history.records
    if not records:
        return
    every = -(-len(records) // HEALTH_POINTS)
    taken = records[::every]
    x = [record.step / per_epoch for record in taken]
    yield {
        "id": "gradients",
        "title": "Gradient norm of each layer",
        "y": {"label": "gradient norm", "log": True},
        "lines": [
            _line(
                short(name, 40),
                x,
                [record.layers[place].gradient_norm or np.nan for record in taken],
            )
            for place, name in enumerate(names)
        ],
    }
    epochs = [epoch for epoch in history.epochs if len(epoch.dead) == len(names)]
    silent = [[epoch.dead[place] for epoch in epochs] for place in range(len(names))]
    if any(share > 0 for own in silent for share in own):
        yield {
            "id": "silent",
            "title": "Units that pass no gradient",
            "y": {"label": "share of units", "percent": True},
            "lines": [
                _line(short(name, 40), [epoch.epoch for epoch in epochs], own)
                for name, own in zip(names, silent, strict=True)
            ],
        }


def _line(
    name: str,
    x: Sequence[SupportsFloat] | Float[np.ndarray, " points"],
    y: Sequence[SupportsFloat] | Float[np.ndarray, " points"],
    *,
    pale: bool = False,
) -> Json:
    line: Json = {
        "name": name,
        "x": [round(float(value), 4) for value in x],
        "y": json_types([float(f"{value:.5g}") for value in y]),
    }
    return line | {"pale": True} if pale else line


FEW, MOST = 12, 500
"""Of more columns the list is folded, or the rest only counted."""

WIDTH, HEIGHT = 160, 12
"""Of a bar, as ``web/src/views/Data.tsx`` draws it."""


def page_table(
    name: str,
    title: str,
    table: Table,
    *,
    place: str = "numbers",
    note: str = "",
    opened: bool = False,
) -> Json:
    """Return a table as a page has it; see ``PageTable`` in ``web/src/payload.ts``."""
    found = {
        "id": name,
        "title": title,
        "place": place,
        "head": [typeset(cell) for cell in table.head],
        "rows": [[typeset(cell) for cell in row] for row in table.body],
    }
    found |= {"open": True} if opened else {}
    return found | {"note": typeset(note)} if note else found


def report_tables(report: Report) -> Iterator[Json]:
    """Yield the tables of a run: its data, simple methods, scores, its study's."""
    statistics = report.statistics
    yield page_table(
        "sets", "The three sets", statistics_table(statistics), place="data"
    )
    if statistics.columns:
        yield page_table(
            "columns",
            "Columns",
            column_table(statistics, MOST, "see summary.json"),
            place="data",
            note="What each is like in the training set, and what became of it.",
            opened=len(statistics.columns) <= FEW,
        )
    if len(statistics.class_names) <= 30:
        title = "Samples of each class"
        yield page_table("classes", title, class_table(statistics), place="data")
    baselines = baseline_table(report)
    note = (
        "Simple methods on the raw inputs and this network, on the "
        f"{report.input_study.scored_on} set."
    )
    title = "Simple methods for comparison"
    yield page_table("baselines", title, baselines, place="data", note=note)
    yield page_table("scores", "Loss and accuracy", score_table(report))
    if report.study is not None:
        yield from study_tables(report.study)


def study_tables(study: Study) -> Iterator[Json]:
    """Yield the tables of a study: columns, classes, measures."""
    yield from _table_findings(study)
    if study.predictions is not None:
        note = (
            "Recall: share of a class that is found. Precision: share of the samples "
            "predicted as the class that belong to it. Balanced accuracy, the mean "
            f"recall: {percent(study.class_scores.balanced_accuracy)}."
        )
        table = class_score_table(study)
        yield page_table("class-scores", "Scores of each class", table, note=note)
    measured = {layer.name: layer.measures for layer in study}
    table = measure_table(measured, meanings=True)
    yield page_table("measures", "All measures of all layers", table)
    if study.untrained:
        measured = {layer.name: layer.measures for layer in study.untrained.layers}
        title = "Measures of the untrained network"
        yield page_table("untrained", title, measure_table(measured))
    # What chance gives.
    shuffled = measure_table({layer.name: layer.shuffled for layer in study})
    yield page_table("shuffled", "Measures with shuffled labels", shuffled)


def _table_findings(study: Study) -> Iterator[Json]:
    """Yield the columns that a network leans on, and where it is weak."""
    if study.importance is not None:
        yield page_table(
            "leans-on",
            "What the network leans on",
            importance_table(study.importance),
            place="data",
            note=_importance_note(study.importance),
            opened=True,
        ) | {"bars": _bars(study.importance.columns[:TOP])}
    weak = study.weak_spots
    if weak is not None and weak.spots:
        yield page_table(
            "weak-spots",
            "Weak spots",
            weak_spot_table(weak),
            place="data",
            note="Wrong more often than all other scored samples, by more than chance "
            f"makes of the {count(weak.tested)} values, ranges and classes that "
            "were tested. Too many: errors above those that the rate of the others "
            "would make.",
            opened=True,
        )


def _importance_note(found: Importance) -> str:
    tried, text = len(found.columns), ""
    if tried < found.of:
        text = f" Tried were {count(tried)} of {count(found.of)} columns."
    if tried > TOP:
        text += f" Shown are the first {TOP}."
    return (
        "How far the accuracy falls where the values of a column are shuffled among "
        f"{count(found.samples)} validation samples: the mean of {found.permutations} "
        f"shuffles and its 95 % interval.{text}"
    )


def _bars(columns: tuple[ColumnImportance, ...]) -> list[str]:
    """Return a path for each: a bar from 0 to the drop, a line over its interval."""
    low = min(0.0, *(one.low for one in columns))
    high = max(0.0, *(one.high for one in columns))

    def x(value: float) -> str:
        return f"{(value - low) / ((high - low) or 1) * WIDTH:.1f}"

    def box(start: float, end: float, half: int) -> str:
        top, bottom = HEIGHT // 2 - half, HEIGHT // 2 + half
        return f"M{x(start)} {top}H{x(end)}V{bottom}H{x(start)}Z"

    return [box(0.0, one.drop, 5) + box(one.low, one.high, 1) for one in columns]
