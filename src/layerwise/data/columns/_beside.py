"""Columns of a table that are no inputs, as values of its samples."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from jaxtyping import Float32

from layerwise.data.columns._columns import Columns
from layerwise.data.columns._kinds import LeftOut
from layerwise.data.columns._table import Table, as_numpy, texts

LEVELS, MOST = 100, 10
"""A column of more texts tells no groups apart, and nobody looks at more columns."""


@dataclass(frozen=True, eq=False)
class Beside:
    """A column that is no input: samples can be told apart by it all the same.

    Parameters
    ----------
    name : str
    values : float32 array, shape (samples,)
        Numbers, or positions in ``levels``; NaN where a value is missing.
    levels : tuple of str
        Of a column of texts what occurs, of yes and no these two.
    """

    name: str
    values: Float32[np.ndarray, " samples"]
    levels: tuple[str, ...] = ()

    def at(self, positions: slice | np.ndarray) -> "Beside":
        """Return the values of the samples at these positions."""
        return replace(self, values=self.values[positions])


def columns_beside(
    table: Table, columns: Columns, known: Sequence[Beside] = ()
) -> tuple[Beside, ...]:
    """Return the columns that are no inputs: numbers, yes and no, texts that repeat.

    Ten at most. Those with one value throughout say nothing, and numbers that float32
    would round tell rows apart, not groups. What occurs in those ``known`` of another
    set has the same place in ``levels``.
    """
    there = {*table.names}
    names = [column.name for column in columns.columns if isinstance(column, LeftOut)]
    levels = {column.name: column.levels for column in known}
    found = (_beside(table, n, levels.get(n, ())) for n in names if n in there)
    return tuple(islice((one for one in found if one is not None), MOST))


def _beside(table: Table, name: str, levels: Sequence[str]) -> Beside | None:
    from pyarrow import types

    if table.names_rows(name):
        return None
    array = table.column(name)
    if hasattr(array, "dictionary"):
        if len(array.dictionary) > LEVELS:
            return None
        words, codes = texts(array)
        levels = [*levels, *(word for word in words if word not in levels)]
        places = np.array([*map(levels.index, words), np.nan])
        found = Beside(name, places[codes].astype(np.float32), tuple(levels))
    elif types.is_boolean(array.type):
        found = Beside(name, as_numpy(array).astype(np.float32), ("no", "yes"))
    elif types.is_integer(array.type) or types.is_floating(array.type):
        numbers = as_numpy(array)
        values = numbers.astype(np.float32)
        if np.any((numbers == np.floor(numbers)) & (values != numbers)):
            return None
        found = Beside(name, values)
    else:
        return None
    known = found.values[~np.isnan(found.values)]
    return found if len(known) and np.any(known != known[0]) else None
