"""What becomes of a column, by its kind: what is fitted, and how rows are made of it.

Each kind is a frozen record: its fields are what was fitted on the training set, and
`Column.encode` makes numbers of a column, of the training set or of any other.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypedDict

import numpy as np

from layerwise.data._stored import LARGEST
from layerwise.data.columns._table import (
    Table,
    arrow_functions,
    as_numpy,
    missing_rows,
    texts,
)
from layerwise.errors import DamagedError, InputError
from layerwise.files import as_record
from layerwise.wording import count, listed, number

ABSENT = "(missing)"
OTHER = "(other)"

ANSWERS = MappingProxyType(
    dict.fromkeys(["yes", "y", "true", "t", "on", "1"], True)
    | dict.fromkeys(["no", "n", "false", "f", "off", "0"], False)
)
"""What texts of yes and no mean, in lower case."""

ISO = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M")
"""How dates are written unless a column says otherwise; Arrow reads them itself."""

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
"""A number as text, in any file."""

SIGNS = "%$€£¥"
"""What may stand beside a number as text, one of them in all of a column."""


class Encoded(NamedTuple):
    """Numbers made of a column: of each row an input.

    With ``choices``, values say which one of so many inputs is 1; where it is none of
    them, all are 0.
    """

    values: np.ndarray
    choices: int | None = None

    @property
    def width(self) -> int:
        """How many inputs this makes."""
        return self.choices or 1

    def write(self, inputs: np.ndarray, start: int, stop: int) -> None:
        """Write the rows from ``start`` to before ``stop`` into an array of inputs."""
        values = self.values[start:stop]
        if self.choices is None:
            inputs[:] = values[:, None]
            return
        inputs[:] = 0
        rows = np.flatnonzero(values < self.choices)
        inputs[rows, values[rows]] = 1


@dataclass(frozen=True)
class Column(ABC):
    """A column of a table, and what becomes of it.

    Parameters
    ----------
    name : str
    """

    name: str

    kind: ClassVar[str]

    @property
    @abstractmethod
    def inputs(self) -> tuple[str, ...]:
        """What the inputs that it makes are called."""

    @property
    @abstractmethod
    def done(self) -> str:
        """What was done, in words."""

    @abstractmethod
    def encode(self, table: Table) -> list[Encoded]:
        """Return its inputs for the rows of a table that has the column.

        Raises
        ------
        InputError
            That names source, row and column of what cannot be encoded.
        """

    @property
    def choices(self) -> tuple[str, ...]:
        """What each of its inputs is 1 for, where it has one for each value."""
        return ()

    def to_json(self) -> dict[str, Any]:
        """Return the column as JSON's types."""
        fitted = asdict(self)
        return {
            "name": fitted.pop("name"),
            "kind": self.kind,
            "done": self.done,
            "inputs": list(self.inputs),
            "fitted": fitted,
        }


@dataclass(frozen=True)
class Number(Column):
    """A column of numbers, which stay what they are.

    A missing value becomes the median; where values of the training set were missing,
    it is ``flagged`` by an input of its own. The ``sign`` stands beside numbers that
    are amounts as text, as in 12 % and $1,200: "" where that is nothing.
    """

    median: float
    flagged: bool = False
    sign: str | None = None

    kind: ClassVar[str] = "number"

    def __post_init__(self) -> None:
        _check(np.isfinite(float(self.median)), self.name, "median")
        _check(self.sign in (None, "", *SIGNS), self.name, "sign")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The number, and perhaps whether it was missing."""
        return (self.name, f"{self.name} {ABSENT}") if self.flagged else (self.name,)

    @property
    def done(self) -> str:
        """What was done, in words."""
        read = "" if self.sign is None else f"read without {self.sign or 'commas'}"
        if not self.flagged:
            return read or "kept as it is"
        median = number(self.median, 4)
        missing = f"missing values become the median {median}, and are flagged"
        return f"{read}; {missing}" if read else missing

    def encode(self, table: Table) -> list[Encoded]:
        """Return the numbers, the median where they are missing."""
        values = numbers(table, self.name, self.sign)
        if values.dtype.kind == "f":
            absent = np.isnan(values)
            if absent.any():
                values = np.where(absent, values.dtype.type(self.median), values)
        else:
            absent = np.zeros(len(values), bool)
        return [Encoded(values), *([Encoded(absent)] if self.flagged else [])]


@dataclass(frozen=True)
class YesNo(Column):
    """A column of yes and no, or true and false.

    A missing value becomes the usual one, and is flagged as that of a `Number`.
    """

    usual: bool
    flagged: bool = False

    kind: ClassVar[str] = "yes/no"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Whether it is yes, and perhaps whether it was missing."""
        return (self.name, f"{self.name} {ABSENT}") if self.flagged else (self.name,)

    @property
    def done(self) -> str:
        """What was done, in words."""
        if not self.flagged:
            return "yes becomes 1, no 0"
        usual = "yes" if self.usual else "no"
        return f"yes becomes 1, no 0; missing values become {usual}, and are flagged"

    def encode(self, table: Table) -> list[Encoded]:
        """Return 1 for yes and 0 for no."""
        array = table.column(self.name)
        absent = missing_rows(array)
        if hasattr(array, "dictionary"):
            words, codes = texts(array)
            known = [ANSWERS.get((word or "").lower(), -1) for word in words]
            # The last entry is for -1, what is missing.
            answers = np.array([*known, -1], np.int8)[codes]
            wrong = (answers < 0) & ~absent
            if wrong.any():
                row = int(np.argmax(wrong))
                raise InputError(
                    f"{table.where(self.name, row)} is {words[codes[row]]!r}, neither "
                    "yes nor no: correct it, or leave it empty"
                )
            values = np.where(absent, self.usual, answers > 0)
        else:
            given = numbers(table, self.name)
            values = np.where(absent, self.usual, given != 0)
        return [Encoded(values), *([Encoded(absent)] if self.flagged else [])]


@dataclass(frozen=True)
class Category(Column):
    """A column of names, each of which has an input that is 1 where it stands.

    ``(missing)`` is a category where values were missing. So many ``others`` of the
    training set, each in less than this share of its rows, have one input together.
    """

    categories: tuple[str, ...]
    others: int
    share: float

    kind: ClassVar[str] = "category"

    def __post_init__(self) -> None:
        object.__setattr__(self, "categories", tuple(map(str, self.categories)))
        _check(bool(self.categories) and self.others >= 0, self.name, "categories")

    @property
    def choices(self) -> tuple[str, ...]:
        """The categories, and one name for all others."""
        return (*self.categories, OTHER) if self.others else self.categories

    @property
    def inputs(self) -> tuple[str, ...]:
        """One for each category, and for all others."""
        named = tuple(f"{self.name} = {category}" for category in self.categories)
        return (*named, f"{self.name} {OTHER}") if self.others else named

    @property
    def done(self) -> str:
        """What was done, in words."""
        one = f"one input for each of {count(len(self.categories))} categories"
        if not self.others:
            return one
        return (
            f"{one}, one for the other {count(self.others)} (each in a single row, "
            f"rarer than {100 * self.share:.2g} %, or beyond the limit)"
        )

    def encode(self, table: Table) -> list[Encoded]:
        """Return which category each row has; what was not seen is other."""
        compute = arrow_functions()
        array = table.column(self.name)
        if not hasattr(array, "dictionary"):
            array = compute.cast(array, "string").dictionary_encode()
        words, codes = texts(array)
        place = {category: i for i, category in enumerate(self.categories)}
        last = len(self.categories)
        # The last entry is for -1, what is missing.
        coded = [place.get(word, last) for word in words] + [place.get(ABSENT, last)]
        of_code = np.array(coded, np.int16)
        return [Encoded(of_code[codes], len(self.inputs))]


@dataclass(frozen=True)
class Date(Column):
    """A column of dates: year, month and weekday.

    A missing date becomes the ``usual`` three, their medians, and is flagged as that of
    a `Number`. Dates that are text are written as ``strptime`` has it, or as ISO 8601.
    """

    usual: tuple[float, ...]
    written: str | None = None
    flagged: bool = False

    kind: ClassVar[str] = "date"

    def __post_init__(self) -> None:
        object.__setattr__(self, "usual", tuple(map(float, self.usual)))
        _check(len(self.usual) == len(PARTS), self.name, "usual")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Year, month and weekday."""
        parts = tuple(f"{self.name} {part}" for part in PARTS)
        return (*parts, f"{self.name} {ABSENT}") if self.flagged else parts

    @property
    def done(self) -> str:
        """What was done, in words."""
        missing = "; missing ones become the medians, and are flagged"
        parts = f"becomes {listed(PARTS)} (Monday is 1)"
        return f"{parts}{missing if self.flagged else ''}"

    def encode(self, table: Table) -> list[Encoded]:
        """Return year, month and weekday of each row."""
        array = dates(table, self.name, self.written)
        absent = missing_rows(array)
        parts = [
            Encoded(np.where(np.isnan(part), usual, part))
            for part, usual in zip(date_parts(array), self.usual, strict=True)
        ]
        return [*parts, *([Encoded(absent)] if self.flagged else [])]


PARTS = ("year", "month", "weekday")


@dataclass(frozen=True)
class LeftOut(Column):
    """A column that makes no input: what it is (text, identifier, …), and why."""

    what: str
    why: str

    kind: ClassVar[str] = "left out"

    @property
    def inputs(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def done(self) -> str:
        """What was done, in words."""
        return f"left out: {self.why}"

    def encode(self, table: Table) -> list[Encoded]:
        """Return nothing."""
        del table
        return []


KINDS: Mapping[str, type[Column]] = MappingProxyType(
    {kind.kind: kind for kind in (Number, YesNo, Category, Date, LeftOut)}
)


class ColumnFields(TypedDict):
    """What `Column.to_json` gives, and a column is made of again."""

    name: str
    kind: str
    fitted: dict[str, Any]


def column_from_json(fields: ColumnFields) -> Column:
    """Return the column whose `Column.to_json` is ``fields``, or a DamagedError."""
    if (kind := KINDS.get(fields["kind"])) is None:
        raise DamagedError(f"column {fields['name']!r}: no kind {fields['kind']!r}")
    wrong = f"column {fields['name']!r}"
    return as_record({**fields["fitted"], "name": fields["name"]}, kind, wrong)


def _check(right: bool | np.bool_, name: str, what: str) -> None:
    if not right:
        raise ValueError(f"column {name!r} has no such {what}")


def bare(words: Any, sign: str) -> Any:
    """Return amounts without this sign and without the commas between thousands.

    Texts that are no amounts stay as they are.
    """
    compute = arrow_functions()
    beside = sign and f"[{sign}]?"
    digits = r"([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)"
    amount = rf"^([+-]?)\s?{beside}\s?{digits}\s?{beside}$"
    plain = compute.replace_substring_regex(words, amount, r"\1\2")
    without = compute.replace_substring(plain, ",", "")
    return compute.if_else(compute.match_substring_regex(words, amount), without, words)


def numbers(table: Table, name: str, sign: str | None = None) -> np.ndarray:
    """Return a column as numbers, NaN where they are missing.

    Texts may be amounts where ``sign`` is what stands beside them. A value that is no
    number, infinite or too large is refused by its name.
    """
    import pyarrow as pa
    from pyarrow import types

    array = table.column(name)
    if hasattr(array, "dictionary"):
        array = _parsed(array, table, name, sign)
    if types.is_null(array.type) or types.is_decimal(array.type):
        array = array.cast(pa.float64())
    elif not (types.is_integer(array.type) or types.is_floating(array.type)
              or types.is_boolean(array.type)):  # fmt: skip
        raise InputError(
            f"{table.source}: column {name!r} holds {array.type}, where numbers are "
            "expected: give numbers, or drop the column"
        )
    values = as_numpy(array)
    if values.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            wrong = np.abs(values) >= LARGEST
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(
                f"{table.where(name, row)} is {values[row]}: fill or drop what is "
                "infinite, scale down what is 2**63 or more"
            )
    return values


def _parsed(array: Any, table: Table, name: str, sign: str | None) -> Any:
    """Return a column of texts as numbers."""
    import pyarrow as pa

    compute = arrow_functions()
    given = array.dictionary
    words = given if sign is None else bare(given, sign)
    fits = compute.match_substring_regex(words, NUMBER)
    wrong = compute.invert(compute.fill_null(fits, True))
    if compute.any(wrong).as_py():
        codes = as_numpy(array.indices, -1).astype(np.int64)
        # What occurs in other sets alone stands in the dictionary too.
        bad = np.append(as_numpy(wrong), False)[codes]
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(
                f"{table.where(name, row)} is {given[int(codes[row])].as_py()!r}, not "
                "a number as in the rest of the column: correct it, leave it empty, or "
                "drop the column"
            )
        words = compute.if_else(fits, words, pa.nulls(1, words.type)[0])
    return words.cast(pa.float64()).take(array.indices)


def whole_bytes(values: np.ndarray) -> bool:
    """Return whether these are whole numbers from 0 to 255."""
    if values.dtype.kind == "f" and np.any(values != np.floor(values)):
        return False
    return bool(values.min(initial=0) >= 0 and values.max(initial=0) <= 255)


def dates(table: Table, name: str, written: str | None) -> Any:
    """Return a column as Arrow's timestamps; a value that is none is refused."""
    import pyarrow as pa
    from pyarrow import types

    compute = arrow_functions()

    array = table.column(name)
    if types.is_null(array.type):
        return array.cast(pa.timestamp("s"))
    if not hasattr(array, "dictionary"):
        if types.is_date(array.type) or types.is_timestamp(array.type):
            return array
        raise InputError(
            f"{table.source}: column {name!r} holds {array.type}, where dates are "
            "expected: give dates, or drop the column"
        )
    found = None
    for tried in ISO if written is None else (written,):
        parsed = compute.strptime(
            array.dictionary, format=tried, unit="s", error_is_null=True
        ).take(array.indices)
        # Where no way reads all of them, the one that reads most names what it cannot.
        if found is None or parsed.null_count < found.null_count:
            found = parsed
        if found.null_count == array.null_count:
            return found
    row = int(np.argmax(missing_rows(found) & ~missing_rows(array)))
    raise InputError(
        f"{table.where(name, row)} is {array[row].as_py()!r}, not a date as in the "
        "rest of the column: correct it, leave it empty, or drop the column"
    )


def date_parts(array: Any) -> tuple[np.ndarray, ...]:
    """Return year, month and weekday (Monday is 1), NaN where a date is missing."""
    import pyarrow as pa

    compute = arrow_functions()
    weekday = compute.day_of_week(array, count_from_zero=False)
    parts = compute.year(array), compute.month(array), weekday
    return tuple(as_numpy(part.cast(pa.float64())) for part in parts)
