"""Columns that alone tell the label: what is known only afterwards is no input."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float64, Int, Int64

from layerwise.data.columns import Columns
from layerwise.wording import percent

TELLS, BETTER = 0.99, 0.9
"""A column tells the label where its values alone answer so large a share of validation
samples, and do so without this share of the mistakes that the commonest class makes."""

BINS = 64
"""A number is known by which of at most so many stretches of its values it is in."""

FEWEST = 20
"""Of fewer validation samples such a share may be chance."""

MOST_ROWS = 20_000
"""So many training samples are enough to see it."""


def leak_sentences(columns: Columns, train: Any, validation: Any) -> Iterator[str]:
    """Say which columns alone tell the label; fitted on training samples.

    Parameters
    ----------
    columns : Columns
    train, validation : Samples
        With inputs of these columns.
    """
    if columns.shape is not None or len(columns.used) < 2 or len(validation) < FEWEST:
        return
    some = train.at(train.spread(MOST_ROWS))
    commonest = np.bincount(some.targets).argmax()
    by_chance = float(np.mean(validation.targets == commonest))
    for column in columns.used:
        place = columns.places[column.name]
        seen, new = some.inputs[:, place], validation.inputs[:, place]
        answers = _answers(seen.astype(np.float64), some.targets, new)
        right = float(np.mean(answers == validation.targets))
        if right >= TELLS and 1 - right <= (1 - BETTER) * (1 - by_chance):
            yield (
                f"Column {column.name!r} alone gives the label of {percent(right)} of "
                "the validation samples. If it is only known once the label is, leave "
                f"it out (--drop {column.name!r})."
            )


def _answers(
    seen: Float64[np.ndarray, "samples inputs"],
    targets: Int[np.ndarray, " samples"],
    new: np.ndarray,
) -> Int64[np.ndarray, " new"]:
    """Return the commonest class of the training rows that are alike in one column."""
    cells, new_cells = np.zeros(len(seen), np.int64), np.zeros(len(new), np.int64)
    for values, others in zip(seen.T, new.T, strict=True):
        edges = _edges(values, targets)
        # As digits of one number, cut so that it stays small.
        width = len(edges) + 1
        cells = (cells * width + np.searchsorted(edges, values)) % (1 << 40)
        new_cells = (new_cells * width + np.searchsorted(edges, others)) % (1 << 40)
    known, codes = np.unique(cells, return_inverse=True)
    counts = np.zeros((len(known), int(targets.max()) + 1), np.int64)
    np.add.at(counts, (codes, targets), 1)
    commonest = counts.sum(axis=0).argmax()
    at = np.minimum(np.searchsorted(known, new_cells), len(known) - 1)
    return np.where(known[at] == new_cells, counts.argmax(axis=1)[at], commonest)


def _edges(
    values: Float64[np.ndarray, " samples"], targets: Int[np.ndarray, " samples"]
) -> Float64[np.ndarray, " edges"]:
    """Return where to part a column's values: between classes, where these are few."""
    order = np.argsort(values, kind="stable")
    values, targets = values[order], targets[order]
    differ = np.flatnonzero(np.diff(values))
    changes = differ if len(differ) < BINS else differ[np.diff(targets)[differ] != 0]
    if len(changes) < BINS:
        return (values[changes] + values[changes + 1]) / 2
    return np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
