"""Parquet: a table's columns as rows of numbers, read by row groups."""

import json
import math
import threading
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from importlib import import_module
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.data._bounded import MAX_BYTES, empty
from layerwise.data._stored import RowFile, held, stored_rows
from layerwise.data.columns import Columns, Table, table_of, tables_of_batches
from layerwise.data.labelled import Inputs, Labelled, called_labels
from layerwise.errors import InputError, LayerwiseError, MachineError
from layerwise.wording import first_of

FEATURES = ("float", "double", "halffloat")

NUMBERS = (
    *FEATURES,
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    "bool",
)
"""Arrow's names of the types of numbers."""

BATCH_BYTES = 8 << 20
"""Rows are decoded in batches of about this size: a file may be one row group."""

TABLE_ROWS = 1 << 16
"""Of a table so many rows are decoded at a time."""

VALUE_BYTES = 8
"""What a value takes at most once it is read, texts aside."""

SAMPLE_ROWS = 1000
"""So many of the first rows say what a row is."""

BUFFER_BYTES = 1 << 17
"""Of each column so much is read at a time, rather than all of a row group."""


@dataclass(frozen=True, eq=False)
class ParquetFile(RowFile):
    """The numbers of a Parquet file, one row for each of the table's.

    The columns ``chosen`` make a row; one column of lists makes a row by itself.
    ``starts`` are the rows at which row groups begin, and the number of rows.
    """

    chosen: tuple[str, ...]
    starts: tuple[int, ...]

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
        found = empty((stop - start, *self.row_shape), self.dtype, str(self.path))
        for group, (begin, end) in enumerate(pairwise(self.starts)):
            low, high = max(start, begin), min(stop, end)
            if low >= high:
                continue
            target = found[low - start : high - start]
            if (low, high) == (begin, end) and not self._has(group):
                self._fill(group, target)
            else:
                target[...] = self._group(group)[low - begin : high - begin]
        return found

    def _has(self, group: int) -> bool:
        return getattr(self._last, "group", None) == group

    def _group(self, group: int) -> np.ndarray:
        if not self._has(group):
            count = self.starts[group + 1] - self.starts[group]
            rows = empty((count, *self.row_shape), self.dtype, str(self.path))
            self._fill(group, rows)
            self._last.rows, self._last.group = rows, group
        return self._last.rows

    def _fill(self, group: int, target: np.ndarray) -> None:
        """Read a row group into the array of its rows, batch by batch."""
        row_bytes = max(1, self.dtype.itemsize * math.prod(self.row_shape))
        first, done = self.starts[group], 0
        with _opened(self.path) as file:
            for batch in file.iter_batches(
                max(1, BATCH_BYTES // row_bytes),
                row_groups=[group],
                columns=list(self.chosen),
            ):
                rows = _numbers(batch, self.chosen, self.path, first + done)
                part = target[done : done + len(batch)]
                if rows.size != math.prod((len(batch), *self.row_shape)):
                    width = rows.size // len(batch)
                    raise _uneven(self.path, self.chosen[0], *self.row_shape, width)
                part[...] = rows.reshape(part.shape)
                done += len(part)
        import_module("pyarrow").default_memory_pool().release_unused()
        if done < len(target):
            raise InputError(
                f"{self.path}: row group {group} has {done:,} of the {len(target):,} "
                "rows that it declares: the file is damaged, get it again"
            )


def read_table(path: Path, _texts: Collection[str] = ()) -> Table | None:
    """Read the columns of a Parquet file, or of a folder of such.

    None of one that holds lists, or more numbers than fit into memory. The file says
    itself which columns are text.
    """
    paths = _shards(path)
    pyarrow = import_module("pyarrow")
    shards: list[Any] = []
    values = 0
    for shard in paths:
        with _opened(shard) as file:
            schema, metadata = file.schema_arrow, file.metadata
            values += metadata.num_rows * metadata.num_columns
            if _lists(schema) or values * VALUE_BYTES > MAX_BYTES:
                return None
            batches = [*file.iter_batches(TABLE_ROWS)]
            shards.append(pyarrow.Table.from_batches(batches, schema))
            shards[-1].validate(full=True)  # that text is UTF-8
        if shards[-1].schema.names != shards[0].schema.names:
            raise InputError(
                f"{shard}: has columns {first_of(schema.names)} where {paths[0]} "
                f"has {first_of(shards[0].schema.names)}: give files of one form"
            )
    arrow = pyarrow.concat_tables(shards, promote_options="permissive")
    if not arrow.num_rows:
        raise InputError(f"{path}: there are no rows: give some")
    why = "index", "the file's own metadata call it the index"
    return table_of(
        arrow,
        str(path),
        left_out=dict.fromkeys(_index(arrow.schema), why),
        files=tuple((p.name, t.num_rows) for p, t in zip(paths, shards, strict=True)),
    )


def read_batches(path: Path, columns: Columns) -> Iterator[Table]:
    """Yield the rows of a Parquet file, or of a folder of such, some thousand a time.

    Of its columns those that ``columns`` need; see `read_table`.
    """
    for shard in _shards(path):
        with _opened(shard) as file:
            names = file.schema_arrow.names
            wanted = columns.wanted_of(names, str(shard))
            batches = file.iter_batches(TABLE_ROWS, columns=wanted)
            notes = columns.passed_over(names)
            yield from tables_of_batches(batches, str(shard), notes)


def read_file(path: Path, stored: bool) -> Labelled:
    """Read the labelled rows of a Parquet file, or of a folder of a data set's shards.

    See `_labelled_columns`.
    """
    paths = _shards(path)
    columns, label, notes = _labelled_columns(paths[0])
    inputs = stored_rows([open_rows(p, columns=columns) for p in paths])
    return Labelled(
        source=str(path),
        inputs=held(inputs, stored),
        labels=np.asarray(stored_rows([open_rows(p, label) for p in paths])),
        feature_names=inputs.files[0].columns,
        files=tuple((file.path.name, file.rows) for file in inputs.files),
        notes=notes,
    )


read_folder = read_file


def read_inputs(path: Path) -> Inputs:
    """Return the rows to predict, with their labels where there is such a column."""
    paths = _shards(path)
    with _opened(paths[0]) as file:
        labels = called_labels(file.schema_arrow.names)
    if labels:
        labelled = read_file(path, stored=True)
        return Inputs(labelled.inputs, labelled.labels)
    return Inputs(stored_rows([open_rows(shard) for shard in paths]), None)


def _shards(path: Path) -> list[Path]:
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def open_rows(
    path: Path, name: str | None = None, columns: Sequence[str] | None = None
) -> ParquetFile:
    """Return the rows of a Parquet file; only its metadata and first rows are read.

    A row is the column of that name: of numbers, of strings, or of lists of numbers of
    one length; or else these columns; or else the only column of lists, or all columns
    of floats together.
    """
    with _opened(path) as file:
        schema, metadata = _schema(file, path), file.metadata
        columns = tuple(columns or _columns(schema, name, path))
        _refuse_missing(columns, schema, path)
        # Not what a group says of its columns: where that is damaged, asking for it
        # ends the process.
        counts = [
            metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)
        ]
        if min(counts, default=0) < 0 or not sum(counts):
            raise InputError(f"{path}: there are no rows: give some")
        first = next(i for i, n in enumerate(counts) if n)
        batches = file.iter_batches(
            SAMPLE_ROWS, row_groups=[first], columns=list(columns)
        )
        if (sample := next(batches, None)) is None:
            raise InputError(
                f"{path}: has none of its rows: it is damaged, get it again"
            )
        rows = _numbers(sample, columns, path)
    width = rows.size // len(sample)
    if (largest := max(counts)) * width * rows.itemsize > MAX_BYTES:
        raise InputError(
            f"{path}: a row group declares {largest * width:,} values, more than "
            f"{MAX_BYTES >> 30} GiB: write groups of fewer rows"
        )
    alone = rows.ndim == 1 and width == 1 and name is not None
    shape = () if alone else (width,)
    starts = (0, *accumulate(counts))
    return ParquetFile(path, starts[-1], shape, rows.dtype, columns, starts)


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
    """Return the columns that make an input, that of the labels, and what is left out.

    The labels' is called label, labels, target or class, or else y. An input is the
    only column of lists, or else all other columns, which then have to hold numbers;
    what pandas wrote as an index beside them is none.
    """
    with _opened(path) as file:
        schema = _schema(file, path)
    label = _label(schema.names, path)
    index = tuple(name for name in _index(schema) if name != label)
    notes = tuple(
        f"Column {name!r} is left out: the file's own metadata call it the index."
        for name in index
    )
    others = tuple(n for n in schema.names if n != label and n not in index)
    lists = [name for name in _lists(schema) if name in others]
    if len(lists) > 1:
        raise InputError(f"{path}: holds lists {', '.join(lists)}: keep one of them")
    if lists:
        if len(others) > 1:
            beside = first_of([repr(name) for name in others if name not in lists])
            notes += (f"Left out: {beside}. The lists in {lists[0]!r} are the inputs.",)
        return (lists[0],), label, notes
    for name in others:
        kind = schema.field(name).type
        if str(kind) not in NUMBERS:
            raise InputError(
                f"{path}: column {name!r} holds {kind}: encode it as numbers, or drop "
                "it"
            )
    if not others:
        raise InputError(f"{path}: has labels alone: give columns of numbers too")
    return others, label, notes


def _index(schema: Any) -> tuple[str, ...]:
    """Return the columns that pandas wrote as the index of a frame, not as data."""
    try:
        said = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()
    names = said if isinstance(said, list) else []
    return tuple(n for n in names if isinstance(n, str) and n in schema.names)


def _label(names: Sequence[str], path: Path) -> str:
    found = called_labels(names)
    if len(found) > 1:
        raise InputError(
            f"{path}: columns {', '.join(found)} may all be labels: keep one of them, "
            "since a network would read its answer from the others"
        )
    if not found:
        raise InputError(
            f"{path}: has columns {first_of(names)}: call the labels' column 'label'"
        )
    return found[0]


def _schema(file: Any, path: Path) -> Any:
    """Return a file's columns, each of a name of its own."""
    schema = file.schema_arrow
    for name, number in Counter(schema.names).items():
        if number > 1:
            raise InputError(f"{path}: {number} columns are called {name!r}: keep one")
    return schema


def _lists(schema: Any) -> list[str]:
    return [n for n in schema.names if _is_list(schema.field(n).type)]


def _is_list(kind: Any) -> bool:
    return str(kind).startswith(("list<", "large_list<", "fixed_size_list<"))


def _refuse_missing(columns: Sequence[str], schema: Any, path: Path) -> None:
    for name in columns:
        if name not in schema.names:
            listed = ", ".join(schema.names)
            raise InputError(f"{path}: has no column {name!r}, but {listed}")
        kind = schema.field(name).type
        if _is_list(kind) and str(kind.value_type) not in NUMBERS:
            raise InputError(
                f"{path}: column {name!r} holds {kind}: give lists of numbers"
            )


def _numbers(
    batch: Any, columns: tuple[str, ...], path: Path, first: int = 0
) -> np.ndarray:
    """Return the columns beside each other, or one column of lists end to end.

    The batch begins at the row ``first`` of the file.
    """
    found: list[np.ndarray] = []
    for name in columns:
        column = values = batch.column(name)
        width = 1
        if _is_list(column.type):
            _refuse_nulls(column, name, path, first)
            values, width = column.flatten(), _length(column, name, path)
        _refuse_nulls(values, name, path, first, width)
        found.append(np.asarray(values.to_numpy(zero_copy_only=False)))
    with np.errstate(invalid="ignore"):  # NaN is refused where rows are looked through
        return found[0] if len(found) == 1 else np.stack(found, axis=1)


def _length(lists: Any, name: str, path: Path) -> int:
    """Return how long all of these lists are, or refuse lists that differ."""
    if not len(lists):
        return 1
    lengths = np.unique(np.asarray(lists.value_lengths())).tolist()
    if len(lengths) > 1:
        raise _uneven(path, name, *lengths)
    return lengths[0]


def _uneven(path: Path, name: str, *lengths: int) -> InputError:
    return InputError(
        f"{path}: column {name!r} has lists of different lengths, {lengths[0]:,} and "
        f"{lengths[-1]:,}: give lists of one length"
    )


def _refuse_nulls(
    values: Any, name: str, path: Path, first: int, width: int = 1
) -> None:
    if values.null_count:
        row = first + int(np.argmax(np.asarray(values.is_null()))) // width
        raise InputError(
            f"{path}: row {row}, column {name!r} (counted from 0) is missing: fill or "
            "drop what is missing"
        )


@contextmanager
def _opened(path: Path) -> Generator[Any]:
    """Open a Parquet file; what the library says of it in this block is one line.

    Raises
    ------
    InputError
        If the file is not as it should be.
    MachineError
        If it cannot be read.
    """
    pyarrow = import_module("pyarrow")
    parquet = import_module("pyarrow.parquet")
    try:
        with parquet.ParquetFile(
            path,
            buffer_size=BUFFER_BYTES,
            pre_buffer=False,
            page_checksum_verification=True,
        ) as file:
            yield file
    except LayerwiseError:
        raise
    # Of what does not decode: ValueError where text is not UTF-8.
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if getattr(error, "errno", None):  # the system's, not the library's
            raise MachineError(f"{path}: cannot be read ({error})") from error
        reason = str(error).splitlines()[0].strip(" .:") if str(error) else "no reason"
        raise InputError(
            f"{path}: not a Parquet file, or damaged ({reason}): get it again"
        ) from error
