"""Parquet: a table's columns as rows of numbers, read by row groups."""

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.errors import InputError

__all__ = ["ParquetFile", "parquet_file"]

FEATURES = ("float", "double", "halffloat")


@dataclass(frozen=True, eq=False)
class ParquetFile:
    """The numbers of a Parquet file, one row for each of the table's.

    Parameters
    ----------
    path : Path
    columns : tuple of str
        The columns that make a row; one column of lists makes a row by itself.
    row_shape : tuple of int
    dtype : dtype
    starts : tuple of int
        The row at which each row group begins, and the number of rows.
    """

    path: Path
    columns: tuple[str, ...]
    row_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    starts: tuple[int, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.starts[-1]

    @cached_property
    def _last(self) -> dict[int, np.ndarray]:
        """The row group that was read last: blocks are smaller than groups."""
        return {}

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return the rows from ``start`` to before ``stop``."""
        parts: list[np.ndarray] = []
        for group, begin in enumerate(self.starts[:-1]):
            end = self.starts[group + 1]
            if begin < stop and start < end:
                rows = self._group(group)
                parts.append(rows[max(start - begin, 0) : min(stop, end) - begin])
        return np.concatenate(parts) if parts else np.empty((0, *self.row_shape))

    def _group(self, group: int) -> np.ndarray:
        kept = self._last.get(group)
        if kept is not None:
            return kept
        with _opened(self.path) as file:
            table = file.read_row_group(group, columns=list(self.columns))
        rows = _numbers(table, self.columns, self.path).astype(self.dtype)
        shape = (self.starts[group + 1] - self.starts[group], *self.row_shape)
        if rows.size != int(np.prod(shape)):
            raise InputError(
                f"{self.path}: the lists of row group {group} differ in length: "
                "give lists of one length, and fill what is missing"
            )
        # Another thread may read another group meanwhile: nothing is read back.
        rows = rows.reshape(shape)
        self._last.clear()
        self._last[group] = rows
        return rows


def parquet_file(path: Path, name: str | None = None) -> ParquetFile:
    """Return the rows of a Parquet file; only its metadata and first group are read.

    Parameters
    ----------
    path : Path
    name : str, optional
        A column: of numbers, of strings, or of lists of numbers of one length. By
        default the only column of lists, or all columns of floats together.

    Raises
    ------
    InputError
        If pyarrow is not installed, or the file is none or has no such column.
    """
    with _opened(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
        columns = _columns(schema, name, path)
        counts = [
            metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)
        ]
        if not sum(counts):
            raise InputError(f"{path}: there are no rows: give some")
        first = next(i for i, n in enumerate(counts) if n)
        sample = file.read_row_group(first, columns=list(columns))
    rows = _numbers(sample, columns, path)
    if rows.size % counts[first]:
        raise InputError(f"{path}: {columns[0]} has lists of different lengths")
    width = rows.size // counts[first]
    alone = rows.ndim == 1 and width == 1 and name is not None
    return ParquetFile(
        path=path,
        columns=columns,
        row_shape=() if alone else (width,),
        dtype=rows.dtype,
        starts=tuple(int(n) for n in np.cumsum([0, *counts])),
    )


def _columns(schema: Any, name: str | None, path: Path) -> tuple[str, ...]:
    names = list(schema.names)
    if name is not None:
        if name not in names:
            raise InputError(f"{path}: has no column {name!r}, but {', '.join(names)}")
        return (name,)
    lists = [n for n in names if "list" in str(schema.field(n).type)]
    if len(lists) == 1:
        return (lists[0],)
    if lists:
        raise InputError(f"{path}: holds {', '.join(lists)}: name one, {path}:NAME")
    floats = tuple(n for n in names if str(schema.field(n).type) in FEATURES)
    if not floats:
        raise InputError(f"{path}: has no columns of floats or of lists")
    return floats


def _numbers(table: Any, columns: tuple[str, ...], path: Path) -> np.ndarray:
    """Return the columns beside each other, or one column of lists end to end."""
    found: list[np.ndarray] = []
    for name in columns:
        column = table.column(name).combine_chunks()
        values = column.flatten() if "list" in str(column.type) else column
        missing = column.null_count or values.null_count
        if missing:
            raise InputError(
                f"{path}: column {name} has {missing:,} missing values: fill "
                "or drop them"
            )
        found.append(np.asarray(values.to_numpy(zero_copy_only=False)))
    return found[0] if len(found) == 1 else np.stack(found, axis=1)


def _opened(path: Path) -> Any:
    try:
        pyarrow = import_module("pyarrow")
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise InputError(
            f"{path}: reading Parquet needs pyarrow: pip install layerwise[parquet]"
        ) from error
    try:
        return parquet.ParquetFile(path, memory_map=False)
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a Parquet file: {reason}") from error
