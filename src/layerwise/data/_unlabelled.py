"""Rows to predict: of any form, labels or none, some thousand at a time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from layerwise.arrays import Array
from layerwise.data._load import load, names
from layerwise.data._pictures import Pictures
from layerwise.data._stored import read_ahead
from layerwise.data.columns import Columns
from layerwise.data.formats import batches_of, inputs_of
from layerwise.data.labelled import Inputs, as_text, known_labels
from layerwise.errors import InputError
from layerwise.wording import listed

BLOCK_ROWS, BLOCK_BYTES = 1 << 14, 1 << 26
"""So many rows at a time, or fewer where they are long."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to predict, from the row ``first`` of the source on.

    Inputs are as a network takes them, shape (rows, *shape). Labels are the index of
    each row's class, -1 where it has no label or an unknown one; None where there are
    none. Of pictures there is the file of each.
    """

    first: int
    inputs: np.ndarray
    labels: Int64[np.ndarray, " rows"] | None
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def rows_to_predict(
    source: str,
    class_names: Sequence[str],
    columns: Columns | None = None,
    *,
    shape: tuple[int, ...],
    data_dir: str | None = None,
    seed: int = 0,
) -> Iterator[Rows]:
    """Yield the rows of a source of data, labelled or not.

    Memory does not grow with the number of rows, but for what is packed (NPZ, MATLAB,
    gzip).

    Parameters
    ----------
    source : str
        A name or a path, as `load` takes it. Of what has a test set these are its rows.
    class_names : sequence of str
        What labels may be, where the source has them.
    columns : Columns, optional
        What becomes of a table's columns, where the network was trained on one.
    shape : tuple of int
        Of one input: pictures are brought to it.
    data_dir, seed
        As for `load`, of a built-in or published set.
    """
    if columns is not None:
        yield from _of_tables(source, columns)
        return
    pixels = shape[:2] if shape[2:] in ((), (3,)) and len(shape) > 1 else None
    if source in names():
        test = load(source, data_dir=data_dir, seed=seed, stored=True).test
        found = Inputs(test.inputs, test.targets)
    else:
        found = inputs_of(Path(source), pixels)
    inputs = _rows_first(found, shape)
    if not isinstance(inputs, Pictures):
        _refuse_shape(inputs.shape[1:], shape, source)
    elif pixels is None:
        raise InputError(
            f"{source}: holds pictures, and the network takes inputs of shape {shape}: "
            "give inputs of this shape"
        )
    _refuse_none(len(inputs), source)
    known = None if found.labels is None else _indices(found.labels, class_names)
    first = 0
    for block, files in _blocks(inputs, shape):
        last = first + len(block)
        labels = None if known is None else known[first:last]
        yield Rows(first, block, labels, files=files)
        first = last


def _of_tables(source: str, columns: Columns) -> Iterator[Rows]:
    """Yield the rows of a table; refuse a source that is none."""
    tables = None if source in names() else batches_of(Path(source), columns)
    if tables is None:
        raise InputError(
            f"{source}: the network was trained on a table with the columns "
            f"{listed([c.name for c in columns.used[:5]])}: give a table"
        )
    first = 0
    for table in tables:
        labels = known_labels(table, columns)
        notes = table.notes if not first else ()
        yield Rows(first, columns.apply(table), labels, notes)
        first += len(table)
    _refuse_none(first, source)


def _refuse_none(rows: int, source: str) -> None:
    if not rows:
        raise InputError(f"{source}: there are no rows: give some")


def _rows_first(found: Inputs, shape: tuple[int, ...]) -> Array:
    """Return rows along the first axis; they may stand in the last, as in MATLAB.

    It drops a last axis of 1, so that one picture there has the shape of a row.
    """
    inputs = found.inputs
    if not found.either_end or _fits(inputs.shape[1:], shape):
        return inputs
    if _fits(inputs.shape[:-1], shape):
        return np.moveaxis(inputs, -1, 0)
    return inputs[None] if inputs.shape == shape else inputs


def _fits(given: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return given in (shape, (math.prod(shape),))


def _refuse_shape(given: tuple[int, ...], shape: tuple[int, ...], source: str) -> None:
    """Refuse rows that are neither of the network's shape nor flat ones of its size."""
    if not _fits(given, shape):
        raise InputError(
            f"{source}: rows have {_sizes(given)} where the network takes "
            f"{_sizes(shape)}: give rows as it was trained on"
        )


def _sizes(shape: tuple[int, ...]) -> str:
    return f"shape {'x'.join(map(str, shape))}" if shape else "one number"


def _blocks(
    inputs: Array | Pictures, shape: tuple[int, ...]
) -> Iterator[tuple[np.ndarray, tuple[str, ...]]]:
    """Yield the rows as the network takes them, and the files of pictures."""
    if isinstance(inputs, Pictures):
        size = _at_a_time(shape, np.dtype(np.uint8))
        for first in range(0, len(inputs), size):
            block = inputs.at(np.arange(first, min(first + size, len(inputs))))
            yield block.decoded(shape), tuple(str(file.path) for file in block.files)
        return
    for rows in read_ahead(inputs, _at_a_time(inputs.shape[1:], inputs.dtype)):
        yield rows.reshape(-1, *shape), ()


def _at_a_time(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    row = max(1, dtype.itemsize * math.prod(shape))
    return max(1, min(BLOCK_ROWS, BLOCK_BYTES // row))


def _indices(
    labels: np.ndarray, class_names: Sequence[str]
) -> Int64[np.ndarray, " rows"]:
    """Return the classes of labels: by their names, or of whole numbers by index."""
    values, codes = np.unique(labels, return_inverse=True)
    words = as_text(values)
    by_index = {str(index): index for index in range(len(class_names))}
    place = {name: index for index, name in enumerate(class_names)}
    if values.dtype.kind in "iuf" and place.keys().isdisjoint(words):
        place = by_index
    return np.array([place.get(word, -1) for word in words], np.int64)[codes]
