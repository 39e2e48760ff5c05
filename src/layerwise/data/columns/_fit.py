"""What kind a column is, and what is fitted for it: on training rows alone."""

import math
from functools import partial
from typing import Any

import numpy as np

from layerwise.data.columns._columns import Columns
from layerwise.data.columns._kinds import (
    ABSENT,
    ANSWERS,
    ISO,
    NUMBER,
    SIGNS,
    Category,
    Column,
    Date,
    LeftOut,
    Number,
    YesNo,
    bare,
    date_parts,
    dates,
    numbers,
    whole_bytes,
)
from layerwise.data.columns._table import (
    Table,
    arrow_functions,
    as_numpy,
    missing_rows,
    places,
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
"""Where so many of a column's texts are numbers, or dates, the others are mistakes."""

DENSE, FEW_ROWS = 2.0, 20
"""Whole numbers that differ in all rows and span fewer than so many times the rows
number the rows; where there are this many, none do by chance."""

WRITTEN = (*ISO, "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y",
           "%b %d %Y", "%d %b %Y", "%B %d, %Y", "%m/%d/%Y %H:%M",
           "%d.%m.%Y %H:%M")  # fmt: skip
"""How dates may be written, where they are text; the month first where both fit."""

LISTS = "it holds lists, and numpy.stack makes rows of them for Dataset.from_arrays"

SOME = 20
"""So many texts are tried first."""


def fit_columns(rows: Table) -> Columns:
    """Return what becomes of each column of a table: everything is fitted on its rows.

    Raises
    ------
    InputError
        If no column is left, or a value is not as the rest of its column.
    """
    columns = tuple(
        LeftOut(name, *rows.left_out[name])
        if name in rows.left_out
        else _fitted(rows, name)
        for name in rows.names
    )
    if not any(column.inputs for column in columns):
        told = "; ".join(f"{column.name!r}: {column.done}" for column in columns)
        raise InputError(f"{rows.source}: no column is left as an input ({told})")
    if rows.picture is not None:
        _check_pixels(rows, columns, rows.picture)
    return Columns(columns, _dtype(rows, columns), rows.picture, rows.target)


def _check_pixels(
    rows: Table, columns: tuple[Column, ...], shape: tuple[int, ...]
) -> None:
    """Refuse columns that are not the pixels of pictures of that shape."""
    inputs = [name for column in columns for name in column.inputs]
    if len(inputs) != (pixels := math.prod(shape)):
        raise InputError(
            f"{rows.source}: a shape of {'x'.join(map(str, shape))} has {pixels:,} "
            f"pixels where there are {len(inputs):,} inputs: give another shape "
            "(--shape), or drop what is no pixel (--drop)"
        )
    odd = next((c for c in columns if c.inputs and c.inputs != (c.name,)), None)
    if odd is not None:
        raise InputError(
            f"{rows.source}: column {odd.name!r} is no pixel ({odd.kind}: {odd.done}): "
            "drop it (--drop), or give no shape"
        )


def _dtype(rows: Table, columns: tuple[Column, ...]) -> str:
    """Return the dtype of inputs: of numbers alone their own, of all else float32.

    Pixels that are whole numbers from 0 to 255 are bytes.
    """
    used = [column for column in columns if column.inputs]
    if not all(type(c) in (Number, YesNo) and len(c.inputs) == 1 for c in used):
        return "float32"
    found = [column.encode(rows)[0].values for column in used]
    if rows.picture is not None and all(map(whole_bytes, found)):
        return "uint8"
    return np.result_type(*(values.dtype for values in found)).name


def _fitted(rows: Table, name: str) -> Column:
    """Return what becomes of one column, fitted on these rows."""
    if rows.names_rows(name):
        return LeftOut(name, "identifier", "nearly every row has its own value")
    array = rows.column(name)
    absent = missing_rows(array)
    if absent.all():
        return LeftOut(name, "empty", "it has no values in the training set")
    if hasattr(array, "dictionary"):
        return _of_text(rows, name, array, bool(absent.any()))
    return _of_values(rows, name, array.type, bool(absent.any()))


def _of_values(rows: Table, name: str, kind: Any, flagged: bool) -> Column:
    """Return what becomes of a column that is no text."""
    from pyarrow import types

    if types.is_boolean(kind):
        return YesNo(name, bool(np.nanmean(numbers(rows, name)) > 0.5), flagged)
    if types.is_date(kind) or types.is_timestamp(kind):
        return _date(rows, name, None, flagged)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return _number(rows, name, flagged)
    of_lists = types.is_list, types.is_large_list, types.is_fixed_size_list
    if any(is_one(kind) for is_one in of_lists):
        return LeftOut(name, "lists", LISTS)
    return LeftOut(name, "other", f"it holds {kind}, which is not read")


def _number(rows: Table, name: str, flagged: bool, sign: str | None = None) -> Column:
    values = numbers(rows, name, sign)
    if not (rows.chosen or rows.picture) and _numbers_rows(values):
        return LeftOut(name, "identifier", "it numbers the rows")
    return Number(name, float(np.nanmedian(values)), flagged, sign)


def _numbers_rows(values: np.ndarray) -> bool:
    """Return whether whole numbers differ in all rows and leave few gaps.

    A file has them as floats where other rows than these have decimals.
    """
    if values.dtype.kind not in "iuf" or len(values) < FEW_ROWS:
        return False
    if values.dtype.kind == "f" and not np.all(values == np.floor(values)):
        return False
    span = float(values.max()) - float(values.min()) + 1
    dense = len(values) <= span < DENSE * len(values)
    return dense and len(np.unique(values)) == len(values)


def _date(rows: Table, name: str, written: str | None, flagged: bool) -> Date:
    parts = date_parts(dates(rows, name, written))
    usual = tuple(float(np.nanmedian(part)) for part in parts)
    return Date(name, usual, written, flagged)


def _of_text(rows: Table, name: str, array: Any, flagged: bool) -> Column:
    codes = as_numpy(array.indices, -1)
    every = np.bincount(codes[codes >= 0], minlength=len(array.dictionary))
    # What occurs in other sets alone stands in the dictionary too.
    occurring = array.dictionary.take(places(np.flatnonzero(every)))
    counts = every[every > 0]
    there, different = int(counts.sum()), len(occurring)
    if _are_numbers(occurring, counts):
        return _number(rows, name, flagged)
    sign = _sign(occurring)
    if _are_numbers(bare(occurring, sign), counts):
        return _number(rows, name, flagged, sign)
    if (yes := _yes_share(occurring, counts)) is not None:
        return YesNo(name, yes > 0.5, flagged)
    if (written := _written(occurring, counts)) is not None:
        return _date(rows, name, None if written in ISO else written, flagged)
    if different >= OWN * there and there > FEWEST:
        spaced = arrow_functions().match_substring(occurring, " ")
        what = "text" if 2 * spaced.true_count > different else "identifier"
        why = f"{count(different)} different values in {count(there)} rows"
        return LeftOut(name, what, why)
    found = dict(zip(occurring.to_pylist(), counts.tolist(), strict=True))
    return _category(name, found, len(codes))


def _sign(words: Any) -> str:
    """Return the one sign that stands in texts, "" where there are several."""
    signs = arrow_functions().replace_substring_regex(words, f"[^{SIGNS}]", "")
    found = {*signs.to_pylist()} - {""}
    return found.pop() if len(found) == 1 and found <= {*SIGNS} else ""


def are_amounts(words: Any) -> bool:
    """Return whether texts are numbers only without what stands beside or in them."""
    once = np.ones(len(words))
    plain = bare(words, _sign(words))
    return not _are_numbers(words, once) and _are_numbers(plain, once)


def _are_numbers(words: Any, counts: np.ndarray) -> bool:
    """Return whether texts are numbers, or so nearly that the others are mistakes."""
    fits = arrow_functions().match_substring_regex(words, NUMBER)
    return bool(counts @ as_numpy(fits) >= NEARLY * counts.sum())


def _yes_share(words: Any, counts: np.ndarray) -> float | None:
    """Return which share of texts that are all yes or no is yes."""
    if len(words) > len(ANSWERS):
        return None
    answers = [ANSWERS.get(word.lower()) for word in words.to_pylist()]
    if {*answers} != {True, False}:
        return None
    return float(counts @ np.array(answers, bool) / counts.sum())


def _written(words: Any, counts: np.ndarray) -> str | None:
    """Return how these texts are written, if all or `NEARLY` all are dates."""
    parse = partial(arrow_functions().strptime, unit="s", error_is_null=True)
    nearly = None
    for written in WRITTEN:
        some = words[:SOME]
        if parse(some, format=written).null_count > (1 - NEARLY) * len(some):
            continue
        fits = ~missing_rows(parse(words, format=written))
        if fits.all():
            return written
        if nearly is None and counts @ fits >= NEARLY * counts.sum():
            nearly = written
    return nearly


def _category(name: str, found: dict[str, int], rows: int) -> Category | LeftOut:
    """Return which categories have inputs: those that are frequent enough."""
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
