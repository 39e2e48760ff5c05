"""Rows to predict: of any form, labels or none, some thousand at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from layerwise.arrays import Array
from layerwise.data._load import load, names
from layerwise.data._stored import read_ahead
from layerwise.data._table_labels import known_labels
from layerwise.data.columns import Columns
from layerwise.data.formats import batches_of, inputs_of
from layerwise.errors import InputError
from layerwise.wording import listed

BLOCK_ROWS = 1 << 14

NumpyArray = np.ndarray


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to predict.

    Parameters
    ----------
    first : int
        Which row of the source the first one is.
    inputs : array, shape (rows, *shape)
        As a network takes them.
    labels : int64 array, shape (rows,), or None
        The index of each row's class, -1 where it has no label or an unknown one.
    notes : tuple of str
        Sentences on how they were read.
    """

    first: int
    inputs: NumpyArray
    labels: Int64[np.ndarray, " rows"] | None
    notes: tuple[str, ...] = ()


def rows_to_predict(
    source: str,
    class_names: Sequence[str],
    columns: Columns | None = None,
    *,
    data_dir: str | None = None,
    seed: int = 0,
) -> Iterator[Rows]:
    """Yield the rows of a source of data, labelled or not.

    Memory does not grow with the number of rows, but for what is packed (NPZ, gzip).

    Parameters
    ----------
    source : str
        A name or a path, as `load` takes it. Of what has a test set these are its rows.
    class_names : sequence of str
        What labels may be, where the source has them.
    columns : Columns, optional
        What becomes of a table's columns, where the network was trained on one.
    data_dir, seed
        As for `load`, of a built-in or published set.

    Raises
    ------
    InputError
        If there is no such name or path, or the rows are not as they should be.
    """
    if source in names():
        test = load(source, data_dir=data_dir, seed=seed, stored=True).test
        yield from _of_arrays(test.inputs, test.targets, class_names)
        return
    path = Path(source)
    tables = None if columns is None else batches_of(path, columns)
    if columns is not None and tables is not None:
        first = 0
        for table in tables:
            labels = known_labels(table, columns)
            notes = table.notes if not first else ()
            yield Rows(first, columns.apply(table), labels, notes)
            first += len(table)
        return
    if columns is not None:
        raise InputError(
            f"{source}: the network was trained on a table with the columns "
            f"{listed([c.name for c in columns.used[:5]])}: give a table"
        )
    yield from _of_arrays(*inputs_of(path), class_names)


def _of_arrays(
    inputs: Array, labels: NumpyArray | None, class_names: Sequence[str]
) -> Iterator[Rows]:
    known = None if labels is None else _indices(labels, class_names)
    first = 0
    for block in read_ahead(inputs, BLOCK_ROWS):
        last = first + len(block)
        yield Rows(first, block, None if known is None else known[first:last])
        first = last


def _indices(
    labels: NumpyArray, class_names: Sequence[str]
) -> Int64[np.ndarray, " rows"]:
    """Return the classes of labels: by their names, or of whole numbers by index."""
    place = {name: index for index, name in enumerate(class_names)}
    values, codes = np.unique(labels, return_inverse=True)
    found = [place.get(str(value), -1) for value in values.tolist()]
    whole = values.dtype.kind in "iu"
    if whole and -1 in found and 0 <= values.min() <= values.max() < len(class_names):
        found = values.tolist()
    return np.array(found, np.int64)[codes]
