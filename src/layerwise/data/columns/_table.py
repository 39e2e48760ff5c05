"""A table of columns of any kind, as it was read or given: not yet inputs."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Int

from layerwise.errors import InputError
from layerwise.wording import count

ABSENT = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
    "1.#QNAN", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null", "None", "?",
)  # fmt: skip
"""Texts that mean a missing value: those of pandas and Arrow, and UCI's ``?``."""

MANY_ROWS, SAMPLED, DIFFERENT = 100_000, 10_000, 0.95
"""Of so many texts a sample says whether they nearly all differ: in this share."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of any kind beside each other.

    Parameters
    ----------
    arrow : pyarrow.Table
        Texts are dictionaries of what occurs, without spaces around it; texts that
        mean a missing value are missing. Many that nearly all differ stay as they are.
    source : str
        What errors name.
    left_out : mapping of str to (str, str)
        Columns that are no inputs: what each is, and why, as a sentence ends.
    target : str, optional
        The column that holds the labels, if it stood in this table.
    chosen : bool
        Whether the columns were chosen as inputs: none of numbers is left out.
    picture : tuple of int, optional
        The shape of one input, where the columns are its pixels.
    class_names : mapping of str to tuple of str
        Of columns of numbers of classes, what the classes are called.
    notes, files : tuple
        Sentences on how it was read; the files, and how many rows each has.
    rows : int64 array, optional
        Where its rows stand in what was read; by default these are all of them.
    """

    arrow: Any
    source: str
    left_out: Mapping[str, tuple[str, str]] = field(
        default_factory=dict[str, tuple[str, str]]
    )
    target: str | None = None
    chosen: bool = False
    picture: tuple[int, ...] | None = None
    class_names: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )
    notes: tuple[str, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    rows: Int[np.ndarray, " rows"] | None = None

    def __len__(self) -> int:
        return self.arrow.num_rows

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all columns."""
        return tuple(self.arrow.column_names)

    def column(self, name: str) -> Any:
        """Return a column as one Arrow array; texts as a dictionary of trimmed ones."""
        array = _whole(self.arrow.column(name))
        return _cleaned(array) if is_text(array.type) else array

    def names_rows(self, name: str) -> bool:
        """Return whether a long column holds texts that nearly all differ."""
        return is_text(self.arrow.schema.field(name).type)

    def only(self, names: Sequence[str]) -> "Table":
        """Return these columns, as far as they are there."""
        own = {*self.names}
        there = [name for name in names if name in own]
        return replace(self, arrow=self.arrow.select(there))

    def at(self, positions: Int[np.ndarray, " _"]) -> "Table":
        """Return the rows at these positions."""
        rows = positions if self.rows is None else self.rows[positions]
        return replace(self, arrow=self.arrow.take(places(positions)), rows=rows)

    def where(self, name: str, position: int) -> str:
        """Say where a value stands: source, row and column, for an error."""
        row = position if self.rows is None else int(self.rows[position])
        return f"{self.source}: row {row}, column {name!r} (counted from 0)"


def table_of(values: Any, source: str, **settings: Any) -> Table:
    """Return a data frame, an Arrow table, or columns by name as a table.

    Of a frame the index is left out; ``settings`` are further fields of `Table`.

    Raises
    ------
    InputError
        If two columns have one name, or a column holds values of several kinds.
    """
    import pyarrow as pa

    arrow = values if isinstance(values, pa.Table) else _arrow_of(values, source)
    names = [str(name).strip() for name in arrow.column_names]
    refuse_repeated(names, source)
    whole = [_whole(arrow.column(place)) for place in range(len(names))]
    columns = [array if _differ(array) else _cleaned(array) for array in whole]
    classes = _named_classes(arrow.schema.metadata)
    return Table(
        pa.table(columns, names=names), source, class_names=classes, **settings
    )


def tables_of_batches(
    batches: Iterable[Any], source: str, notes: tuple[str, ...]
) -> Iterator[Table]:
    """Yield Arrow's batches as tables, their rows counted through all of them."""
    import pyarrow as pa

    start = 0
    for batch in batches:
        if batch.num_rows:
            arrow, stop = pa.Table.from_batches([batch]), start + batch.num_rows
            yield table_of(arrow, source, rows=np.arange(start, stop), notes=notes)
            start = stop


def _named_classes(
    metadata: Mapping[bytes, bytes] | None,
) -> dict[str, tuple[str, ...]]:
    """Return what Hugging Face's metadata say of columns of classes."""
    try:
        said = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return {
            str(name): tuple(map(str, feature["names"]))
            for name, feature in said.items()
            if isinstance(feature.get("names"), list)
        }
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return {}


def refuse_repeated(names: Sequence[str], source: str, of: str = "columns") -> None:
    """Refuse names of which one stands there twice: it is named."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{source}: two {of} are called {name!r}: rename one")
        seen.add(name)


def arrow_functions() -> Any:
    """Return Arrow's functions of columns, which are made when it is imported."""
    return import_module("pyarrow.compute")


def is_frame(values: Any) -> bool:
    """Return whether these are columns with names, of pandas, polars or others."""
    return (
        hasattr(values, "columns")
        or hasattr(values, "__arrow_c_stream__")
        or _is_hugging_face(values)
    )


def _is_hugging_face(values: Any) -> bool:
    return hasattr(values, "with_format") and hasattr(values, "column_names")


def as_table(rows: Any) -> Any:
    """Return what holds columns, rows or one row by name as `table_of` takes it.

    None of anything else; rows that have not the same names are refused.
    """
    if hasattr(rows, "to_dict") and hasattr(rows, "index"):
        rows = rows if hasattr(rows, "columns") else rows.to_dict()  # a row of a frame
    if is_frame(rows):
        return rows
    if isinstance(rows, Mapping):
        row = all(np.ndim(value) == 0 for value in rows.values())
        return {name: [value] for name, value in rows.items()} if row else rows
    if isinstance(rows, Sequence) and rows and isinstance(rows[0], Mapping):
        named = list(dict.fromkeys(name for row in rows for name in row))
        for place, row in enumerate(rows):
            if lacking := [name for name in named if name not in row]:
                raise InputError(
                    f"inputs: row {place} (counted from 0) has no {lacking[0]!r}, "
                    "which other rows have: give it, None where it is missing"
                )
        return {name: [row[name] for row in rows] for name in named}
    return None


def column_names(table: Any) -> tuple[str, ...]:
    """Return the names of the columns of what `as_table` returned."""
    if isinstance(table, Mapping):
        return tuple(map(str, table))
    names = table.column_names if hasattr(table, "column_names") else table.columns
    return tuple(map(str, names))


def _arrow_of(values: Any, source: str) -> Any:
    import narwhals as nw
    import pyarrow as pa
    from narwhals.exceptions import DuplicateError

    try:
        if isinstance(values, Mapping):
            return pa.table(dict(values))
        if _is_hugging_face(values):
            if not hasattr(values, "__len__"):
                raise InputError(
                    f"{source}: is a stream without an end: load it with "
                    "streaming=False, or give a part of it"
                )
            return values.with_format("arrow")[:]
        frame = nw.from_native(values)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        # As columns: a whole frame of pandas would bring its index with it.
        columns = [frame.get_column(name).to_arrow() for name in frame.columns]
        return pa.table(columns, names=[str(name) for name in frame.columns])
    except DuplicateError as error:
        raise InputError(f"{source}: two columns have one name: rename one") from error
    except pa.ArrowException as error:
        raise InputError(f"{source}: {_mixed(values, error)}") from error
    except TypeError as error:
        raise InputError(f"{source}: no table that can be read: {error}") from error


def _mixed(values: Any, error: Exception) -> str:
    """Say which column could not become one of Arrow's, and why."""
    import pyarrow as pa

    for name in values if isinstance(values, Mapping) else values.columns:
        try:
            pa.array(values[name])
        except pa.ArrowException:
            return (
                f"column {str(name)!r} holds values of several kinds: make them all "
                "numbers or all text"
            )
    return str(error).partition("\n")[0]


def _whole(column: Any) -> Any:
    """Return a chunked column as one array."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    if column.num_chunks == 1:
        return column.chunk(0)
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def is_text(kind: Any) -> bool:
    """Return whether an Arrow type is of texts, one for each row."""
    from pyarrow import types

    of_text = types.is_string, types.is_large_string, types.is_string_view
    return any(is_one(kind) for is_one in of_text)


@cache
def _absent() -> Any:
    """Return `ABSENT` as Arrow has it; its own way to it imports pandas."""
    builder = import_module("pyarrow").lib.StringBuilder()
    for word in ABSENT:
        builder.append(word)
    return builder.finish()


def as_numpy(array: Any, missing: int | float = math.nan) -> np.ndarray:
    """Return a column of numbers, or of yes and no; ``missing`` where one is missing.

    Arrow's own way to them imports pandas where it is installed, which takes as long as
    to read many a table.
    """
    import pyarrow as pa

    if pa.types.is_boolean(array.type):
        values = as_numpy(array.cast(pa.uint8()), missing)
        return values if array.null_count else values.view(np.bool_)
    if not len(array):
        return np.zeros(0, array.type.to_pandas_dtype())
    buffers = [None, array.buffers()[1]]
    kind, rows, offset = array.type, len(array), array.offset
    values = np.from_dlpack(pa.Array.from_buffers(kind, rows, buffers, 0, offset))
    if not array.null_count:
        return values
    return np.where(as_numpy(array.is_null()), missing, values)


def places(positions: Int[np.ndarray, " _"]) -> Any:
    """Return positions as Arrow has them; its own way to them imports pandas."""
    import pyarrow as pa

    wide = np.ascontiguousarray(positions, np.int64)
    buffers = [None, pa.py_buffer(wide)]
    return pa.Array.from_buffers(pa.int64(), len(wide), buffers)


def _differ(array: Any) -> bool:
    """Return whether these are texts, very many, of which a sample nearly all differ.

    Whatever they are, they have no categories: to look for some in all of them takes as
    long as to read a table.
    """
    if len(array) < MANY_ROWS or not is_text(array.type):
        return False
    compute = arrow_functions()
    spread = np.linspace(0, len(array) - 1, SAMPLED).astype(np.int64)
    sample = array.take(places(spread))
    present = SAMPLED - sample.null_count
    plain = compute.match_substring_regex(sample, r"^[\d\s.,:/+%$€£¥-]*$")
    figures = compute.sum(plain).as_py() or 0  # numbers, or dates
    different = compute.count_distinct(sample).as_py()
    return figures < present / 2 and different >= DIFFERENT * present


def _cleaned(array: Any) -> Any:
    """Return texts as a dictionary of trimmed ones, and other columns as they are."""
    import pyarrow as pa

    compute = arrow_functions()
    if is_text(array.type):
        array = array.dictionary_encode()
    if not pa.types.is_dictionary(array.type):
        return array
    if not is_text(array.type.value_type):
        if pa.types.is_binary(array.type.value_type):
            return array
        array = compute.cast(array.dictionary_decode(), pa.string()).dictionary_encode()
    values = array.dictionary.cast(pa.string())
    trimmed = compute.utf8_trim_whitespace(values)
    absent = compute.is_in(trimmed, value_set=_absent())
    trimmed = compute.if_else(absent, pa.nulls(1, pa.string())[0], trimmed)
    if trimmed.equals(values):
        return pa.DictionaryArray.from_arrays(array.indices, values)
    return trimmed.take(array.indices).dictionary_encode()


def texts(array: Any) -> tuple[Sequence[str], np.ndarray]:
    """Return what occurs in a column of texts, and the place of each row's in it.

    Shape (rows,), -1 where a value is missing.
    """
    return array.dictionary.to_pylist(), as_numpy(array.indices, -1)


def missing_rows(array: Any) -> np.ndarray:
    """Return which values of a column are missing, NaN among them."""
    compute = arrow_functions()
    absent = compute.is_null(array, nan_is_null=True)
    return as_numpy(absent)


def refuse_missing(table: Table, names: Sequence[str], told: str) -> None:
    """Refuse values that are missing in these columns: the first, and how many.

    ``told`` says of so many of the rows what they are, and what to do.
    """
    for name in names:
        absent = missing_rows(table.column(name))
        if absent.any():
            raise InputError(
                f"{table.where(name, int(np.argmax(absent)))} is missing, and "
                f"{count(int(absent.sum()))} of {count(len(table))} {told}"
            )
