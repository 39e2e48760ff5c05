"""Parquet: a table's columns as rows of numbers, read by row groups."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.data._bounded import MAX_BYTES
from layerwise.data._labelled import Labelled
from layerwise.data._stored import held, stored_rows
from layerwise.errors import InputError

FEATURES = ("float", "double", "halffloat")

NUMBERS = (
    *FEATURES,
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    "bool",
)
"""Arrow's names of the types of numbers."""

LABELS = ("label", "labels", "target", "class")
"""Names of the column that holds the labels of a data set, in any case."""

SHORT_LABELS = "y"
"""What it may be called where no column has such a name: it may be a coordinate."""

VALUE_BYTES = 8
"""What a number takes at most once it is read."""


@dataclass(frozen=True, eq=False)
class ParquetFile:
    """The numbers of a Parquet file, one row for each of the table's.

    Parameters
    ----------
    path : Path
    chosen : tuple of str
        The columns that make a row; one column of lists makes a row by itself.
    row_shape : tuple of int
    dtype : dtype
    starts : tuple of int
        The row at which each row group begins, and the number of rows.
    """

    path: Path
    chosen: tuple[str, ...]
    row_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    starts: tuple[int, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.starts[-1]

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns' names, where each holds one entry of a row."""
        return self.chosen if self.row_shape == (len(self.chosen),) else None

    @cached_property
    def _last(self) -> threading.local:
        """The row group that each thread read last: blocks are smaller than groups."""
        return threading.local()

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: not what was read."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

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
        if getattr(self._last, "group", None) == group:
            return self._last.rows
        with _opened(self.path) as file:
            table = file.read_row_group(group, columns=list(self.chosen))
        rows = _numbers(table, self.chosen, self.path).astype(self.dtype)
        shape = (self.starts[group + 1] - self.starts[group], *self.row_shape)
        if rows.size != int(np.prod(shape)):
            raise InputError(
                f"{self.path}: the lists of row group {group} differ in length: "
                "give lists of one length, and fill what is missing"
            )
        self._last.rows, self._last.group = rows.reshape(shape), group
        return self._last.rows


def read_file(path: Path, stored: bool) -> Labelled:
    """Read the labelled rows of a Parquet file.

    Parameters
    ----------
    path : Path
    stored : bool
        Leave the inputs in their files; of more than 8 GiB they stay in any case.

    Raises
    ------
    InputError
        If a column is missing or holds no numbers; see `_labelled_columns`.
    """
    return _labelled(path, [path], stored)


def read_folder(folder: Path, stored: bool) -> Labelled:
    """Read those of a folder's Parquet files, one after another; see `read_file`.

    They have the same columns: the shards of a data set.
    """
    return _labelled(folder, sorted(folder.glob("*.parquet")), stored)


def _labelled(source: Path, paths: Sequence[Path], stored: bool) -> Labelled:
    columns, label, left_out = _labelled_columns(paths[0])
    inputs = stored_rows([open_rows(p, columns=columns) for p in paths])
    return Labelled(
        source=str(source),
        inputs=held(inputs, stored),
        labels=np.asarray(stored_rows([open_rows(p, label) for p in paths])),
        feature_names=inputs.files[0].columns,
        files=tuple((file.path.name, file.rows) for file in inputs.files),
        notes=tuple(
            f"Column {name!r} is left out: the file's own metadata call it the index."
            for name in left_out
        ),
    )


def open_rows(
    path: Path, name: str | None = None, columns: Sequence[str] | None = None
) -> ParquetFile:
    """Return the rows of a Parquet file; only its metadata and first group are read.

    Parameters
    ----------
    path : Path
    name : str, optional
        A column: of numbers, of strings, or of lists of numbers of one length. By
        default the only column of lists, or all columns of floats together.
    columns : sequence of str, optional
        The columns of a row, in place of that.

    Raises
    ------
    InputError
        If pyarrow is not installed, the file is none or has no such column, or a row
        group would not fit into 8 GiB.
    """
    with _opened(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
        columns = tuple(columns or _columns(schema, name, path))
        _refuse_missing(columns, schema, path)
        counts = [
            metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)
        ]
        if not sum(counts):
            raise InputError(f"{path}: there are no rows: give some")
        _refuse_large_groups(metadata, columns, path)
        first = next(i for i, n in enumerate(counts) if n)
        sample = file.read_row_group(first, columns=list(columns))
    rows = _numbers(sample, columns, path)
    if rows.size % counts[first]:
        raise InputError(f"{path}: {columns[0]} has lists of different lengths")
    width = rows.size // counts[first]
    alone = rows.ndim == 1 and width == 1 and name is not None
    return ParquetFile(
        path=path,
        chosen=columns,
        row_shape=() if alone else (width,),
        dtype=rows.dtype,
        starts=tuple(int(n) for n in np.cumsum([0, *counts])),
    )


def _columns(schema: Any, name: str | None, path: Path) -> tuple[str, ...]:
    if name is not None:
        return (name,)
    lists = _lists(schema)
    if len(lists) == 1:
        return (lists[0],)
    if lists:
        raise InputError(f"{path}: holds {', '.join(lists)}: name one, {path}:NAME")
    index = _index(schema)
    floats = tuple(
        n
        for n in schema.names
        if str(schema.field(n).type) in FEATURES and n not in index
    )
    if not floats:
        raise InputError(f"{path}: has no columns of floats or of lists")
    return floats


def _labelled_columns(path: Path) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Return the columns that make an input, that of the labels, and the index's.

    The labels' is called label, labels, target or class, or else y. An input is the
    only column of lists, or else all other columns, which then have to hold numbers;
    what pandas wrote as an index beside them is none.

    Raises
    ------
    InputError
        As `open_rows`; or if there is no such column, or two of them, or one of the
        others holds no numbers.
    """
    with _opened(path) as file:
        schema = file.schema_arrow
    label = _label(schema.names, path)
    left_out = tuple(name for name in _index(schema) if name != label)
    others = tuple(n for n in schema.names if n != label and n not in left_out)
    lists = [name for name in _lists(schema) if name in others]
    if len(lists) > 1:
        raise InputError(f"{path}: holds lists {', '.join(lists)}: keep one of them")
    if lists:
        return (lists[0],), label, left_out
    for name in others:
        kind = schema.field(name).type
        if str(kind) not in NUMBERS:
            raise InputError(
                f"{path}: column {name!r} holds {kind}: encode it as numbers, or drop "
                "it"
            )
    if not others:
        raise InputError(f"{path}: has labels alone: give columns of numbers too")
    return others, label, left_out


def _index(schema: Any) -> tuple[str, ...]:
    """Return the columns that pandas wrote as the index of a frame, not as data."""
    try:
        said = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()
    names = said if isinstance(said, list) else []
    return tuple(n for n in names if isinstance(n, str) and n in schema.names)


def _label(names: Sequence[str], path: Path) -> str:
    found = [name for name in names if name.lower() in LABELS] or [
        name for name in names if name.lower() == SHORT_LABELS
    ]
    if len(found) > 1:
        raise InputError(
            f"{path}: columns {', '.join(found)} may all be labels: keep one of them, "
            "since a network would read its answer from the others"
        )
    if not found:
        raise InputError(
            f"{path}: has columns {', '.join(names[:8])}"
            f"{', …' if len(names) > 8 else ''}: call the labels' column 'label'"
        )
    return found[0]


def _lists(schema: Any) -> list[str]:
    return [n for n in schema.names if "list" in str(schema.field(n).type)]


def _refuse_missing(columns: Sequence[str], schema: Any, path: Path) -> None:
    for name in columns:
        if name not in schema.names:
            listed = ", ".join(schema.names)
            raise InputError(f"{path}: has no column {name!r}, but {listed}")


def _refuse_large_groups(metadata: Any, columns: Sequence[str], path: Path) -> None:
    """Refuse row groups that say themselves that they would not fit into memory."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        chunks = (group.column(i) for i in range(group.num_columns))
        values = sum(
            chunk.num_values
            for chunk in chunks
            if any(f"{chunk.path_in_schema}.".startswith(f"{c}.") for c in columns)
        )
        if values * VALUE_BYTES > MAX_BYTES:
            raise InputError(
                f"{path}: row group {number} declares {values:,} values, more than "
                f"{MAX_BYTES >> 30} GiB: write groups of fewer rows"
            )


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
