"""Columns of a table that are no inputs, as values of its samples."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from layerwise.data.columns._columns import Columns
from layerwise.data.columns._kinds import LeftOut
from layerwise.data.columns._table import Table, as_numpy, texts

LEVELS = 100
"""A column of more texts than these tells no groups of samples apart."""


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


def columns_beside(table: Table, columns: Columns) -> Iterator[Beside]:
    """Yield the columns that are no inputs: numbers, yes and no, and texts that repeat.

    Those with one value throughout say nothing.

    Parameters
    ----------
    table : Table
        With these columns, as far as they are there.
    columns : Columns
        What became of them.
    """
    there = {*table.names}
    for column in columns.columns:
        if isinstance(column, LeftOut) and column.name in there:
            found = _beside(table, column.name)
            if found is not None and not _is_constant(found.values):
                yield found


def _is_constant(values: np.ndarray) -> bool:
    known = values[~np.isnan(values)]
    return not len(known) or bool((known == known[0]).all())


def _beside(table: Table, name: str) -> Beside | None:
    from pyarrow import types

    if table.names_rows(name):
        return None
    array = table.column(name)
    if hasattr(array, "dictionary"):
        if len(array.dictionary) > LEVELS:
            return None
        words, codes = texts(array)
        values = np.where(codes < 0, np.nan, codes).astype(np.float32)
        return Beside(name, values, tuple(words))
    if types.is_boolean(array.type):
        return Beside(name, as_numpy(array).astype(np.float32), ("no", "yes"))
    if types.is_integer(array.type) or types.is_floating(array.type):
        return Beside(name, as_numpy(array).astype(np.float32))
    return None
