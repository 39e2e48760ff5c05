"""What stands for an array of inputs: rows that stay in their files, or some rows."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Int64, Shaped

from layerwise.arrays import Array
from layerwise.data._bounded import MAX_BYTES, reading
from layerwise.errors import InputError

CHUNK_BYTES = 8 << 20
"""Rows here and there are read out of stretches of at most about this size."""

LARGEST = 2.0**63
"""Inputs of a data set are smaller than this in size: the square of a difference of two
is then less than 2**128, where single precision ends. Every int64 is."""

GAP_BYTES = 64 << 10
"""So much that is not wanted is read over rather than jumped over."""


@dataclass(frozen=True)
class RowFile(ABC):
    """A file of rows: what a format has to say, and how rows are read from it.

    ``dtype`` is what rows are read as, in the machine's byte order.
    """

    path: Path
    rows: int
    row_shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def columns(self) -> tuple[str, ...] | None:
        """What the entries of a row are called, where they are columns of a table."""
        return None

    @abstractmethod
    def read(self, start: int, stop: int) -> np.ndarray:
        """Return the rows from ``start`` to before ``stop``.

        Raises
        ------
        InputError
            If they are not as the file said when it was opened.
        MachineError
            If it cannot be read.
        """


@dataclass(frozen=True)
class RawFile(RowFile):
    """Numbers one after another, from the byte ``offset`` on, in the file's byte order.

    Read with system calls rather than mapped: the pages of a map stay with the process
    for as long as there is room, and nobody can say how much memory it needs.
    """

    offset: int
    stored_as: np.dtype[Any]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return the rows from ``start`` to before ``stop``."""
        found = np.empty((stop - start, *self.row_shape), self.stored_as)
        target = found.reshape(-1).view(np.uint8).data
        row_bytes = found.itemsize * int(np.prod(self.row_shape))
        with reading(self.path), self.path.open("rb", buffering=0) as file:
            file.seek(self.offset + start * row_bytes)
            done = 0
            while done < len(target):
                taken = file.readinto(target[done:])
                if not taken:
                    raise InputError(
                        f"{self.path}: ends before row {stop}: it is truncated, or was "
                        "changed while it was read"
                    )
                done += taken
        if self.stored_as.kind == "u" and self.dtype.kind == "f":  # bfloat16
            return (found.astype(np.uint32) << 16).view(np.float32)
        return found.astype(self.dtype, copy=False)


def raw_file(
    path: Path,
    offset: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    there: int,
    *,
    exactly: bool = True,
) -> RawFile:
    """Return the rows that a file's header declares, if it holds them.

    ``shape`` is that of all rows together; ``there`` are the bytes from the offset on,
    which may be more than declared unless ``exactly``.

    Raises
    ------
    InputError
        If there are no rows, or not as many bytes as declared.
    """
    if not shape or not math.prod(shape):
        raise InputError(f"{path}: declares the shape {shape}: give some rows")
    due = math.prod(shape) * dtype.itemsize
    if there < due or (exactly and there > due):
        raise InputError(
            f"{path}: its header declares {due:,} bytes, the file holds {there:,}: it "
            "is damaged, get it again"
        )
    native = dtype.newbyteorder("=")
    return RawFile(path, shape[0], shape[1:], native, offset, dtype)


@dataclass(frozen=True, eq=False)
class StoredRows:
    """Rows in files, one file after another, or some of them in some order.

    Looks like an array of shape (rows, *row_shape): slices, an index and arrays of
    positions are read and returned as NumPy arrays, and ``numpy.asarray`` reads all.
    What was read is not kept. Rows of floats are checked as they are read: an entry
    that is not finite, or not below the limit, is an InputError that names its file.

    Parameters
    ----------
    files : tuple of RowFile
        Of one shape and dtype.
    positions : range or int64 array
        Which of the files' rows these are.
    limit : float
        What all entries stay below in size: `LARGEST` for the inputs of a data set.
    """

    files: tuple[RowFile, ...]
    positions: range | Int64[np.ndarray, " rows"]
    limit: float = math.inf

    @cached_property
    def _starts(self) -> Int64[np.ndarray, " ends"]:
        return np.cumsum([0, *(file.rows for file in self.files)])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, the number of rows first."""
        return (len(self.positions), *self.files[0].row_shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the rows are read as."""
        return self.files[0].dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of entries."""
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        """The bytes that all rows take in memory."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.positions)

    def at(self, positions: slice | Int[np.ndarray, " _"]) -> "StoredRows":
        """Return the rows at these positions, without reading them."""
        if isinstance(positions, slice) or isinstance(self.positions, np.ndarray):
            return replace(self, positions=self.positions[positions])
        first, step = self.positions.start, self.positions.step
        places = positions.astype(np.int64, copy=False)
        if (first, step) != (0, 1):
            places = first + step * places
        return replace(self, positions=places)

    def __getitem__(self, index: Any) -> np.ndarray:
        """Read one row (an integer), a slice, or those at an array of positions."""
        if isinstance(index, int | np.integer):
            place = range(len(self))[int(index)]
            return self[place : place + 1][0]
        if isinstance(index, tuple):
            first, *rest = index
            if isinstance(first, int | np.integer):
                return self[first][tuple(rest)]
            return self[first][(slice(None), *rest)]
        if isinstance(index, np.ndarray) and index.dtype == bool:
            index = np.flatnonzero(index)
        wanted = self.at(index if isinstance(index, slice) else np.asarray(index))
        return wanted._read()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Read all rows."""
        if copy is False:
            raise ValueError("rows in files cannot become an array without a copy")
        return self._read().astype(dtype or self.dtype, copy=False)

    def _read(self) -> np.ndarray:
        if isinstance(self.positions, range) and self.positions.step == 1:
            return self._stretch(self.positions.start, self.positions.stop)
        wanted = np.asarray(self.positions, np.int64)
        order = np.argsort(wanted, kind="stable")
        rows = wanted[order]
        found = np.empty(self.shape, self.dtype)
        row_bytes = max(1, self.dtype.itemsize * int(np.prod(self.shape[1:])))
        gap, chunk = max(1, GAP_BYTES // row_bytes), max(1, CHUNK_BYTES // row_bytes)
        parted = (np.diff(rows) > gap) | (np.diff(rows // chunk) > 0)
        for near in np.split(np.arange(len(rows)), np.flatnonzero(parted) + 1):
            if len(near):
                first, last = int(rows[near[0]]), int(rows[near[-1]])
                block = self._stretch(first, last + 1)
                found[order[near]] = block[rows[near] - first]
        return found

    def _stretch(self, start: int, stop: int) -> np.ndarray:
        """Return consecutive rows of the files."""
        parts: list[np.ndarray] = []
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        for number in range(max(first, 0), len(self.files)):
            begin = int(self._starts[number])
            if begin >= stop:
                break
            file = self.files[number]
            low, high = max(start - begin, 0), min(stop - begin, file.rows)
            if low < high:
                rows = file.read(low, high)
                if wrong := first_unusable(rows, low, file.columns, self.limit):
                    raise InputError(f"{file.path}: {wrong}")
                parts.append(rows)
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([*parts, np.empty((0, *self.shape[1:]), self.dtype)])


def stored_rows(files: Sequence[RowFile]) -> StoredRows:
    """Return the rows of files, one after another.

    Raises
    ------
    InputError
        If there are no files, or their rows differ in shape or dtype: they are named.
    """
    if not files:
        raise InputError("there are no files to read: give some")
    first = files[0]
    for file in files[1:]:
        if (file.row_shape, file.dtype) != (first.row_shape, first.dtype):
            raise InputError(
                f"{file.path}: rows have shape {file.row_shape} and dtype {file.dtype} "
                f"where {first.path} has {first.row_shape} and {first.dtype}: give "
                "files of one shape and dtype"
            )
    return StoredRows(tuple(files), range(sum(file.rows for file in files)))


def held(rows: StoredRows, stored: bool) -> np.ndarray | StoredRows:
    """Return rows in memory, where they may be there and fit."""
    return rows if stored or rows.nbytes > MAX_BYTES else np.asarray(rows)


def of_memory_map(array: Array) -> Array:
    """Return the rows of a memory map, to be read from its file; others as they are.

    Consecutive rows of a ``numpy.memmap`` are left in their file too.
    """
    root = array
    while isinstance(root, np.ndarray) and isinstance(root.base, np.ndarray):
        root = root.base
    if not isinstance(root, np.memmap) or root.mode == "c" or root.filename is None:
        return array
    if not (array.flags.c_contiguous and array.ndim and array.size):
        return array
    begin = array.ctypes.data - root.ctypes.data + root.offset
    path, there = Path(root.filename), array.nbytes
    return stored_rows([raw_file(path, begin, array.shape, array.dtype, there)])


def first_unusable(
    rows: np.ndarray, first: int, names: Sequence[str] | None, limit: float
) -> str | None:
    """Say where the first entry is that is not finite or too large, and what to do.

    None where all entries stay below the limit in size; all but floats do. ``first`` is
    the number of the first of these rows, ``names`` are those of their columns.
    """
    if rows.dtype.kind != "f" or not rows.size:
        return None
    # No array beside the rows, which may fill the memory; NaN is in no order.
    if -limit < float(rows.min()) and float(rows.max()) < limit:
        return None
    with np.errstate(over="ignore"):  # half precision ends before the limit
        usable = np.abs(rows) < limit
    row, *place = (int(i) for i in np.argwhere(~usable)[0])
    value = rows[(row, *place)]
    column = repr(names[place[0]]) if names else ", ".join(str(i) for i in place)
    at = f"row {first + row}, column {column}" if place else f"row {first + row}"
    where = f"{at} (counted from 0) is {value}"
    if np.isfinite(value):
        return (
            f"{where}: from {limit:.1e} on squares overflow in single precision, scale "
            "the column down"
        )
    return f"{where}: fill or drop what is missing or infinite"


def read_ahead(rows: Array, size: int) -> Iterator[Array]:
    """Yield all rows in blocks of at most ``size``, in order.

    Of rows in files, the next block is read, by a thread, while one is worked on.
    """
    starts = range(0, len(rows), size)
    if not isinstance(rows, StoredRows):
        for start in starts:
            yield rows[start : start + size]
        return
    with ThreadPoolExecutor(1) as reader:
        coming: Future[np.ndarray] | None = None
        for start in starts:
            block = rows.at(slice(start, start + size))
            following = reader.submit(np.asarray, block)
            if coming is not None:
                yield coming.result()
            coming = following
        if coming is not None:
            yield coming.result()


@dataclass(frozen=True, eq=False)
class KeptInputs:
    """The inputs of some samples, found by position as in an array of all.

    Parameters
    ----------
    positions : int array, shape (kept,)
    items : array, shape (kept, ...)
        Pictures, texts or rows of numbers.
    """

    positions: Int[np.ndarray, " kept"]
    items: Shaped[np.ndarray, "kept ..."]

    @property
    def dtype(self) -> Any:
        """That of the items."""
        return self.items.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the items."""
        return self.items.shape

    @property
    def ndim(self) -> int:
        """That of the items."""
        return self.items.ndim

    def __getitem__(self, positions: Any) -> Shaped[np.ndarray, "..."]:
        """Return the items at one position or at several, all of them kept ones.

        Raises
        ------
        KeyError
            If one was not kept.
        """
        order = np.argsort(self.positions)
        asked = np.asarray(positions)
        places = np.searchsorted(self.positions, asked, sorter=order)
        found = order[np.minimum(places, len(order) - 1)]
        if not np.array_equal(self.positions[found], asked):
            raise KeyError(f"not all inputs were kept of samples {asked}")
        return self.items[found]


def are_pictures(inputs: np.ndarray | StoredRows | KeptInputs | None) -> bool:
    """Return whether raw inputs are pictures: bytes in two axes, or 1 or 3 channels."""
    if inputs is None:
        return False
    if inputs.ndim == 3:
        return inputs.dtype == np.uint8
    return inputs.ndim == 4 and inputs.shape[-1] in (1, 3)
