"""Measures as a tidy table: one of them in a row."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from layerwise.study.measures import Measures

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("layer", "class", "epoch", "labels", "measure", "value")


Row: TypeAlias = tuple[str, int | None, str, Measures]
"""A layer's name, the epoch of the network, which labels, and the measures."""


def table(rows: Iterable[Row], class_names: tuple[str, ...]) -> "pd.DataFrame":
    """Return the table of `Study.to_pandas`."""
    import pandas as pd

    figures = [
        (layer, of_class, epoch, labels, measure, value)
        for layer, epoch, labels, measures in rows
        for of_class, measure, value in _figures(measures, class_names)
    ]
    frame = pd.DataFrame(figures, columns=list(COLUMNS))
    return frame.astype({"epoch": "Int64", "value": "float64"})


def _figures(measures: Measures, names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    for measure, value in measures.values.items():
        yield "", measure, value
    for measure, values in measures.by_class.items():
        for name, value in zip(names, values, strict=True):
            yield name, measure, value
    for measure, matrix in measures.by_pair.items():
        for i, j in zip(*np.triu_indices(len(names), 1), strict=True):
            yield f"{names[i]} | {names[j]}", measure, matrix[i, j]
