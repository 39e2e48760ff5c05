"""What kind a column is, and what is fitted for it: on training rows alone."""

from typing import Any

import numpy as np

from layerwise.data.columns._columns import Columns
from layerwise.data.columns._kinds import (
    ABSENT,
    ISO,
    NO,
    NUMBER,
    YES,
    Category,
    Column,
    Date,
    LeftOut,
    Number,
    YesNo,
    date_parts,
    dates,
    numbers,
)
from layerwise.data.columns._table import (
    Table,
    arrow_functions,
    missing_rows,
    refuse_missing,
    texts,
)
from layerwise.errors import InputError
from layerwise.wording import count, percent

SHARE = 0.01
"""A category has an input where it stands in at least this share of the rows, …"""

FEWEST = 2
"""… and in at least so many of them."""

MOST = 30
"""So many categories of a column have inputs at most."""

OWN = 0.9
"""A text that differs in this share of the rows names the row, or is free text."""

COVERED = 0.1
"""Categories that stand in a smaller share of the rows say little: it is free text."""

NEARLY = 0.95
"""Where so many of a column's texts are numbers, the others are mistakes."""

DENSE, FEW_ROWS = 2.0, 20
"""Whole numbers that differ in all rows and span fewer than so many times the rows
number the rows; where there are this many, none do by chance."""

WRITTEN = (*ISO, "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y",
           "%b %d %Y", "%d %b %Y", "%B %d, %Y", "%m/%d/%Y %H:%M",
           "%d.%m.%Y %H:%M")  # fmt: skip
"""How dates may be written, where they are text; the month first where both fit."""


def fit_columns(table: Table, training: np.ndarray) -> Columns:
    """Return what becomes of each column of a table.

    Parameters
    ----------
    table : Table
        All rows: those of other sets are only looked through for what is no number.
    training : int array
        The positions of the training rows, on which everything is fitted.

    Raises
    ------
    InputError
        If no column is left, or a value is not as the rest of its column.
    """
    rows = table.at(training)
    used = [name for name in table.names if name not in table.left_out]
    if table.missing == "refuse":
        refuse_missing(table, used)
    columns = tuple(
        _fitted(rows, name) if name in used else LeftOut(name, *table.left_out[name])
        for name in table.names
    )
    if not any(column.inputs for column in columns):
        told = "; ".join(f"{column.name!r}: {column.done}" for column in columns)
        raise InputError(f"{table.source}: no column is left as an input ({told})")
    return Columns(columns, _dtype(rows, columns), target=table.target)


def _dtype(rows: Table, columns: tuple[Column, ...]) -> str:
    """Return the dtype of inputs: of numbers alone their own, of all else float32."""
    used = [column for column in columns if column.inputs]
    plain = all(type(c) in (Number, YesNo) and len(c.inputs) == 1 for c in used)
    if not plain:
        return "float32"
    found = [c.encode(rows)[0].values.dtype for c in used]
    return np.result_type(*found).name


def _fitted(rows: Table, name: str) -> Column:
    """Return what becomes of one column, fitted on these rows."""
    from pyarrow import types

    array = rows.column(name)
    absent = missing_rows(array)
    flagged = bool(absent.any())
    if absent.all():
        return LeftOut(name, "empty", "it has no values in the training set")
    if hasattr(array, "dictionary"):
        return _of_text(rows, name, array, flagged)
    if types.is_boolean(array.type):
        return YesNo(name, bool(np.nanmean(numbers(rows, name)) > 0.5), flagged)
    if types.is_date(array.type) or types.is_timestamp(array.type):
        return _date(rows, name, None, flagged)
    if (
        types.is_integer(array.type)
        or types.is_floating(array.type)
        or (types.is_decimal(array.type))
    ):
        return _number(rows, name, flagged)
    return LeftOut(name, "other", f"it holds {array.type}, which is not read")


def _number(rows: Table, name: str, flagged: bool) -> Column:
    values = numbers(rows, name)
    if not rows.chosen and _numbers_rows(values):
        return LeftOut(name, "identifier", "it numbers the rows")
    return Number(name, float(np.nanmedian(values)), flagged)


def _numbers_rows(values: np.ndarray) -> bool:
    """Return whether whole numbers differ in all rows and leave few gaps."""
    if values.dtype.kind not in "iu" or len(values) < FEW_ROWS:
        return False
    span = float(values.max()) - float(values.min()) + 1
    return span < DENSE * len(values) and len(np.unique(values)) == len(values)


def _date(rows: Table, name: str, written: str | None, flagged: bool) -> Date:
    parts = date_parts(dates(rows, name, written))
    usual = tuple(float(np.nanmedian(part)) for part in parts)
    return Date(name, usual, written, flagged)


def _of_text(rows: Table, name: str, array: Any, flagged: bool) -> Column:
    words, codes = texts(array)
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    there = int(counts.sum())
    occurring = [word for word, n in zip(words, counts, strict=True) if n]
    if _are_numbers(array, counts):
        return _number(rows, name, flagged)
    lower = {word.lower() for word in occurring}
    if lower <= YES | NO and lower & YES and lower & NO:
        yes = sum(int(n) for w, n in zip(words, counts, strict=True) if w and
                  w.lower() in YES)  # fmt: skip
        return YesNo(name, yes > there / 2, flagged)
    if (written := _written(occurring)) is not None:
        return _date(rows, name, None if written in ISO else written, flagged)
    if len(occurring) >= OWN * there and there > FEWEST:
        spaces = np.mean([" " in word for word in occurring])
        what = "text" if spaces > 0.5 else "identifier"
        return LeftOut(
            name,
            what,
            f"{count(len(occurring))} different values in {count(there)} rows",
        )
    return _category(name, words, counts, len(codes))


def _are_numbers(array: Any, counts: np.ndarray) -> bool:
    """Return whether texts are numbers, or so nearly that the others are mistakes."""
    compute = arrow_functions()
    fits = compute.match_substring_regex(array.dictionary, NUMBER)
    right = compute.fill_null(fits, False).to_numpy(zero_copy_only=False)
    return bool(counts @ right >= NEARLY * counts.sum())


def _written(words: list[str]) -> str | None:
    """Return how these texts are written, if they are dates."""
    import pyarrow as pa

    compute = arrow_functions()
    some = [word for word in words[:20] if any(c.isdigit() for c in word)]
    if len(some) < len(words[:20]):
        return None
    for written in WRITTEN:
        for tried in (some, words):
            parsed = compute.strptime(
                pa.array(tried), format=written, unit="s", error_is_null=True
            )
            if parsed.null_count:
                break
        else:
            return written
    return None


def _category(
    name: str, words: Any, counts: np.ndarray, rows: int
) -> Category | LeftOut:
    """Return which categories have inputs: those that are frequent enough."""
    found = {word: int(n) for word, n in zip(words, counts, strict=True) if word and n}
    if absent := rows - sum(found.values()):
        found[ABSENT] = absent
    fewest = max(FEWEST, SHARE * rows)
    by_count = sorted(found, key=lambda word: (-found[word], word))
    kept = [word for word in by_count if found[word] >= fewest][:MOST]
    covered = sum(found[word] for word in kept) / rows
    if covered < COVERED:
        return LeftOut(
            name,
            "text",
            f"{count(len(found))} different values, of which the frequent ones stand "
            f"in {percent(covered)} of the rows",
        )
    return Category(name, tuple(sorted(kept)), len(found) - len(kept), SHARE)
