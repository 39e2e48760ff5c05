"""CSV and TSV, plain or gzip: tables of text, read by Arrow."""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.data._bounded import MAX_BYTES, reading, refuse_web_page
from layerwise.data.columns import (
    ABSENT,
    Columns,
    Table,
    arrow_functions,
    as_numpy,
    refuse_repeated,
    table_of,
    tables_of_batches,
    texts,
)
from layerwise.errors import InputError, MachineError

HEAD_BYTES = 1 << 16
"""What separator, encoding and header are told by, where two lines are no longer."""

BLOCK_BYTES = 1 << 22
"""A row is no longer than this; Arrow reads blocks of it beside each other."""

STREAMED_BYTES = 1 << 20
"""The same where rows are not kept: some blocks are on their way at any time."""

SEPARATORS = (",", ";", "\t", "|")

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")

NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")

UNREAD = re.compile(r"CSV column #(\d+): (?:Row #(\d+): )?.*invalid value '(.*)'$")
"""What Arrow says of a value that is no number; rows are lines, counted from 1."""

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Dialect:
    """How a file is written, as its first lines tell.

    ``headed``: the first line holds the columns' names; if not they are numbered.
    ``decimal`` stands before the decimals.
    """

    separator: str
    encoding: str
    names: tuple[str, ...]
    headed: bool
    decimal: str


def read_table(path: Path, texts: Collection[str] = ()) -> Table:
    """Read a table of text, its first line the names of the columns.

    Commas, semicolons, tabs or bars separate; decimals may stand behind a comma where
    commas do not separate. What is not UTF-8 (or UTF-16 with its mark) is Latin-1. The
    columns ``texts`` are text, whatever they look like.
    """
    dialect = _dialect(_head(path), path)
    arrow, latin = _parsed(path, dialect, texts)
    _refuse_open_quote(arrow, path)
    notes: list[str] = []
    if latin:
        notes.append(f"{path.name} is not UTF-8, and was read as Latin-1.")
    if not dialect.headed:
        notes.append(
            f"{path.name} has no line of names: columns are called "
            f"{dialect.names[0]!r}, {dialect.names[-1]!r}."
        )
    unnamed = {INDEX: ("index", "it has no name, as an index has none")}
    table = table_of(
        arrow,
        str(path),
        left_out=unnamed if INDEX in dialect.names else {},
        notes=tuple(notes),
        files=((path.name, arrow.num_rows),),
    )
    _refuse_bytes(table)
    return table


def read_batches(path: Path, columns: Columns) -> Iterator[Table]:
    """Yield the rows of a table of text, some thousand at a time, as `columns` need.

    Only those columns are read, each as what it is known to be.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    dialect = _dialect(_head(path), path)
    if dialect.encoding == "utf-8" and not _is_utf_8(path):
        dialect = replace(dialect, encoding="latin-1")
    kinds = {
        name: pa.float64() if name in columns.numbers else pa.string()
        for name in columns.wanted_of(dialect.names, str(path))
    }
    wrong: list[Any] = []
    notes = columns.passed_over(dialect.names)
    try:
        with reading(path), _opened(path) as file:
            read, parse, convert = _options(dialect, kinds, wrong, threads=False)
            read.block_size = STREAMED_BYTES
            convert.include_columns = list(kinds)
            reader = arrow_csv.open_csv(file, read, parse, convert)
            for table in tables_of_batches(reader, str(path), notes):
                _refuse_bytes(table)
                yield table
    except pa.ArrowException as error:
        why = _no_number(str(error), dialect) or _why(wrong, error)
        raise InputError(f"{path}: {why}") from error


def _is_utf_8(path: Path) -> bool:
    """Return whether all of a file is UTF-8: a stream cannot begin again."""
    with reading(path), suppress(UnicodeDecodeError):
        for _ in codecs.iterdecode(_chunks(path), "utf-8"):
            pass
        return True
    return False


INDEX = "(index)"
"""What a first column without a name is called: pandas writes its index so."""


class _Counted(io.RawIOBase):
    """A stream that ends with an error where more comes out of it than is read."""

    def __init__(self, stream: gzip.GzipFile, path: Path) -> None:
        self._stream, self._path, self._left = stream, path, MAX_BYTES

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found = self._stream.read(size)
        self._left -= len(found)
        if self._left < 0:
            raise _too_long(self._path)
        return found

    def close(self) -> None:
        self._stream.close()
        super().close()


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _quoted(path: Path) -> bool:
    """Return whether there may be quotation marks, between which lines may break."""
    if _is_packed(path):
        return True
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as whole:
        return whole.find(b'"') >= 0


def _opened(path: Path) -> Any:
    """Open a file, unpacked; what is packed may be no longer than `MAX_BYTES`."""
    if _is_packed(path):
        return _Counted(gzip.open(path), path)
    if path.stat().st_size > MAX_BYTES:
        raise _too_long(path)
    return path.open("rb")


def _too_long(path: Path) -> InputError:
    return InputError(
        f"{path}: holds more than {MAX_BYTES >> 30} GiB of text: give parts of it, or "
        "Parquet"
    )


def _chunks(path: Path) -> Iterator[bytes]:
    with _opened(path) as file:
        yield from iter(lambda: file.read(1 << 20), b"")


def _head(path: Path) -> bytes:
    """Return a file's first bytes, or refuse what is no table of text."""
    with reading(path), _opened(path) as file:
        head = file.read(HEAD_BYTES)
        # Of thousands of columns the line of names alone is longer.
        while head.count(b"\n") < 2 and len(head) < BLOCK_BYTES:
            if not (more := file.read(HEAD_BYTES)):
                break
            head += more
    refuse_web_page(head[:64], path)
    if not head.strip():
        raise InputError(f"{path}: is empty: give a line of names and rows")
    if b"\0" in head and not head.startswith(UTF_16):
        raise InputError(f"{path}: holds bytes that are no text: give a table of text")
    return head


def _dialect(head: bytes, path: Path) -> Dialect:
    text, encoding = _decoded(head)
    lines = text.splitlines()
    whole = len(head) < (HEAD_BYTES if len(lines) > 1 else BLOCK_BYTES)
    if not whole:
        lines = lines[:-1]  # cut off in the middle
    if not lines:
        raise InputError(
            f"{path}: a line of more than {BLOCK_BYTES >> 20} MiB: give a table of text"
        )
    first = next(line for line in lines if line.strip())
    preferred = ("\t", *SEPARATORS) if ".tsv" in path.name.lower() else SEPARATORS
    by_width = {one: len(_fields([first], one)[0]) for one in preferred}
    separator = max(preferred, key=lambda one: by_width[one])
    rows = _fields(lines, separator)
    if not rows[0]:
        raise InputError(
            f"{path}: a field of more than {csv.field_size_limit():,} characters, or a "
            "quotation mark that is not closed: give a table of text"
        )
    headed = not _is_row(rows)
    if headed and whole and len(lines) == 1:  # Arrow wants an end of it
        raise InputError(f"{path}: there are no rows: give some")
    decimal = "."
    if separator != ",":
        fields = (field.strip() for row in rows[headed:] for field in row)
        decimal = "," if any(map(DECIMAL_COMMA.fullmatch, fields)) else "."
    names = [
        (name.strip() if headed else "") or f"column {place}"
        for place, name in enumerate(rows[0], 1)
    ]
    if headed and not rows[0][0].strip() and len(names) > 1:
        names[0] = INDEX
    if len(names) == 1:
        raise InputError(
            f"{path}: has one column, {names[0][:60]!r}: separate columns by commas, "
            "semicolons or tabs, and delete what stands above their names"
        )
    refuse_repeated(names, str(path))
    return Dialect(separator, encoding, tuple(names), headed, decimal)


def _is_row(rows: list[list[str]]) -> bool:
    """Return whether the first line is a row like the others, and none of names.

    So it is where each of its fields is a number, or a text that stands below it too.
    Numbers that count the columns may be names.
    """
    first, *below = [[field.strip() for field in row] for row in rows]
    places = [at for at, field in enumerate(first) if NUMBER.fullmatch(field)]
    if len(places) == len(first):
        return True
    counted = [str(at) for at in range(len(first) + 1)]
    given = [first[at] for at in places]
    start = counted.index(given[0]) if given and given[0] in counted else -1
    if not given or (start >= 0 and given == counted[start : start + len(given)]):
        return False
    texts = [at for at in range(len(first)) if at not in places]
    return all(any(row[at : at + 1] == [first[at]] for row in below) for at in texts)


def _decoded(head: bytes) -> tuple[str, str]:
    if head.startswith(UTF_16):
        return codecs.getincrementaldecoder("utf-16")().decode(head), "utf-16"
    try:
        # Incremental: the last character may be cut off.
        return codecs.getincrementaldecoder("utf-8-sig")().decode(head), "utf-8"
    except UnicodeDecodeError:
        return head.decode("latin-1"), "latin-1"


def _fields(lines: list[str], separator: str) -> list[list[str]]:
    """Return the fields of some lines; what cannot be split has none."""
    try:
        found = csv.reader([line.replace("\0", "") for line in lines],
                           delimiter=separator)  # fmt: skip
        return [row for row in found if row] or [[]]
    except csv.Error:
        return [[]]


def _parsed(path: Path, dialect: Dialect, texts: Collection[str]) -> tuple[Any, bool]:
    """Return the columns, and whether they were read as Latin-1."""
    import pyarrow as pa

    arrow = _read(path, dialect, texts)
    kinds = [
        kind.value_type if pa.types.is_dictionary(kind) else kind
        for kind in arrow.schema.types
    ]
    if dialect.encoding == "utf-8" and any(map(pa.types.is_binary, kinds)):
        dialect = replace(dialect, encoding="latin-1")
        arrow = _read(path, dialect, texts)
    return arrow, dialect.encoding == "latin-1"


def _read(
    path: Path, dialect: Dialect, texts: Collection[str], threads: bool = True
) -> Any:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    wrong: list[Any] = []
    kinds = dict.fromkeys(texts, pa.dictionary(pa.int32(), pa.string()))
    try:
        with reading(path), _opened(path) as file:
            read, parse, convert = _options(dialect, kinds, wrong, threads)
            # Lines that may go on are split by one thread, and what Python opens is
            # copied: a fifth of the time each.
            parse.newlines_in_values = _quoted(path)
            source = file if _is_packed(path) else str(path)
            table = arrow_csv.read_csv(source, read, parse, convert)
    except pa.ArrowMemoryError as error:
        raise MachineError(f"{path}: no memory for its columns: {error}") from error
    except pa.ArrowException as error:
        if wrong and wrong[0].number is None:  # which one threads cannot say
            return _read(path, dialect, texts, threads=False)
        raise InputError(f"{path}: {_why(wrong, error)}") from error
    except UnicodeError as error:
        raise InputError(
            f"{path}: text that is not {dialect.encoding} ({error}): save it as UTF-8"
        ) from error
    if not table.num_rows:
        raise InputError(f"{path}: there are no rows: give some")
    return table


def _options(
    dialect: Dialect, kinds: dict[str, Any], wrong: list[Any], threads: bool
) -> tuple[Any, Any, Any]:
    """Return how Arrow is to read, parse and convert; refused rows go to ``wrong``."""
    from pyarrow import csv as arrow_csv

    def refuse(row: Any) -> str:
        wrong.append(row)
        return "error"

    return (
        arrow_csv.ReadOptions(
            use_threads=threads,
            block_size=BLOCK_BYTES,
            column_names=list(dialect.names),
            skip_rows_after_names=int(dialect.headed),
            encoding=dialect.encoding,
        ),
        arrow_csv.ParseOptions(
            delimiter=dialect.separator,
            newlines_in_values=True,
            invalid_row_handler=refuse,
        ),
        arrow_csv.ConvertOptions(
            null_values=list(ABSENT),
            strings_can_be_null=True,
            auto_dict_encode=True,
            decimal_point=dialect.decimal,
            column_types=kinds,
        ),
    )


def _why(wrong: list[Any], error: Exception) -> str:
    if not wrong:
        said = str(error).partition("\n")[0]
        if "straddling" in said:
            return (
                "a row of more than 4 MiB: a quotation mark is not closed before it, "
                "perhaps; close it"
            )
        return f"no table of text ({said}): save it again"
    row = wrong[0]
    text = " ".join(row.text.splitlines())
    start = text if len(text) <= 60 else f"{text[:60]}…"
    fields = f"{row.actual_columns} field{'s' * (row.actual_columns != 1)}"
    what_to_do = "put text with separators in it into quotation marks, or correct"
    if text.count('"') % 2:
        what_to_do = "a quotation mark is not closed: close or remove it in"
    return (
        f"line {row.number} has {fields} where there are "
        f"{row.expected_columns} columns ({start}): {what_to_do} the line"
    )


def _no_number(said: str, dialect: Dialect) -> str | None:
    """Return which value is no number, if that is what Arrow said."""
    if (found := UNREAD.search(said.partition("\n")[0])) is None:
        return None
    column, line, value = found.groups()
    row = f"row {int(line) - 1 - dialect.headed}, " if line else ""
    return (
        f"{row}column {dialect.names[int(column)]!r} (counted from 0) is {value!r}, "
        "not a number as in training: correct it or leave it empty"
    )


def _refuse_bytes(table: Table) -> None:
    """Refuse texts with a byte 0 in them, behind the file's head."""
    compute = arrow_functions()
    for name in table.names:
        if table.names_rows(name):
            continue
        array = table.column(name)
        if not hasattr(array, "dictionary"):
            continue
        holds = as_numpy(compute.match_substring(array.dictionary, "\0"), 0)
        if holds.any():
            row = int(np.argmax(np.append(holds, False)[texts(array)[1]]))
            raise InputError(
                f"{table.where(name, row)} holds a byte 0, which no text has: correct "
                "it, or save the file as text again"
            )


def _refuse_open_quote(arrow: Any, path: Path) -> None:
    """Refuse a file that ends inside quotation marks: they swallowed its last rows."""
    last = arrow.num_rows - 1
    for name in arrow.column_names:
        value = arrow.column(name)[last].as_py()
        if not isinstance(value, str) or "\n" not in value:
            continue
        if sum(chunk.count(b'"') for chunk in _chunks(path)) % 2:
            raise InputError(
                f"{path}: row {last} (counted from 0), column {name!r}: a quotation "
                "mark is not closed: close or remove it"
            )
