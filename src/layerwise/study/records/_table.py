"""Measures as a tidy table: one of them in a row."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from layerwise.study.measures import Measures

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Entry", "table"]

COLUMNS = ("layer", "class", "epoch", "labels", "measure", "value")


class Entry(NamedTuple):
    """One layer's measures, of which network and with which labels."""

    layer: str
    epoch: int | None
    labels: str
    measures: Measures


def table(entries: Iterable[Entry], class_names: tuple[str, ...]) -> "pd.DataFrame":
    """Return the table of `Study.to_pandas`."""
    import pandas as pd

    rows = [
        (entry.layer, of_class, entry.epoch, entry.labels, measure, value)
        for entry in entries
        for of_class, measure, value in _figures(entry.measures, class_names)
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
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
