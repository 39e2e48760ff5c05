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
    files : tuple of str
        Of pictures the file of each.
    """

    first: int
    inputs: NumpyArray
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

    Raises
    ------
    InputError
        If there is no such name or path, or the rows are not as they should be.
    """
    built_in = source in names()
    if built_in and columns is None:
        test = load(source, data_dir=data_dir, seed=seed, stored=True).test
        _refuse_shape(test.inputs.shape[1:], shape, source)
        yield from _of_arrays(test.inputs, test.targets, class_names, shape)
        return
    path = Path(source)
    tables = None if columns is None or built_in else batches_of(path, columns)
    if columns is not None and tables is not None:
        first = 0
        for table in tables:
            labels = known_labels(table, columns)
            notes = table.notes if not first else ()
            yield Rows(first, columns.apply(table), labels, notes)
            first += len(table)
        _refuse_none(first, source)
        return
    if columns is not None:
        raise InputError(
            f"{source}: the network was trained on a table with the columns "
            f"{listed([c.name for c in columns.used[:5]])}: give a table"
        )
    pixels = shape[:2] if shape[2:] in ((), (3,)) and len(shape) > 1 else None
    found = inputs_of(path, pixels)
    inputs, labels = _rows_first(found, shape), found.labels
    _refuse_none(len(inputs), source)
    if not isinstance(inputs, Pictures):
        _refuse_shape(inputs.shape[1:], shape, source)
        yield from _of_arrays(inputs, labels, class_names, shape)
    elif pixels is None:
        raise InputError(
            f"{source}: holds pictures, and the network takes inputs of shape {shape}: "
            "give inputs of this shape"
        )
    else:
        yield from _of_pictures(inputs, labels, class_names, shape)


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


def _of_arrays(
    inputs: Array,
    labels: NumpyArray | None,
    class_names: Sequence[str],
    shape: tuple[int, ...],
) -> Iterator[Rows]:
    known = None if labels is None else _indices(labels, class_names)
    first = 0
    for block in read_ahead(inputs, _at_a_time(inputs.shape[1:], inputs.dtype)):
        last = first + len(block)
        rows = block.reshape(-1, *shape)
        yield Rows(first, rows, None if known is None else known[first:last])
        first = last


def _of_pictures(
    pictures: Pictures,
    labels: NumpyArray | None,
    class_names: Sequence[str],
    shape: tuple[int, ...],
) -> Iterator[Rows]:
    known = None if labels is None else _indices(labels, class_names)
    size = _at_a_time(shape, np.dtype(np.uint8))
    for first in range(0, len(pictures), size):
        block = pictures.at(np.arange(first, min(first + size, len(pictures))))
        own = None if known is None else known[first : first + size]
        files = tuple(str(file.path) for file in block.files)
        yield Rows(first, block.decoded(shape), own, files=files)


def _at_a_time(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    row = max(1, dtype.itemsize * math.prod(shape))
    return max(1, min(BLOCK_ROWS, BLOCK_BYTES // row))


def _indices(
    labels: NumpyArray, class_names: Sequence[str]
) -> Int64[np.ndarray, " rows"]:
    """Return the classes of labels: by their names, or of whole numbers by index."""
    values, codes = np.unique(labels, return_inverse=True)
    words = as_text(values)
    by_index = {str(index): index for index in range(len(class_names))}
    place = {name: index for index, name in enumerate(class_names)}
    if values.dtype.kind in "iuf" and place.keys().isdisjoint(words):
        place = by_index
    return np.array([place.get(word, -1) for word in words], np.int64)[codes]
