"""The labels of a table: in which column they stand, and which class each is."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from jaxtyping import Int64

from layerwise.data.columns import (
    Columns,
    Table,
    are_amounts,
    as_numpy,
    refuse_missing,
    texts,
)
from layerwise.data.labelled._reading import Reading
from layerwise.errors import InputError
from layerwise.wording import count, first_of, listed

LABELS = ("label", "labels", "target", "class")
"""Names of the column that holds the labels, in any case."""

SHORT_LABEL = "y"
"""What it may be called where no column has such a name: it may be a coordinate."""

OFTEN = 2
"""Texts that stand in so many rows each, on average, may be classes."""

NO_LABEL = "rows have no label: fill them in, or leave these rows out"

MANY, ONCE = 20, 0.5
"""More than so many texts, of which more than this share occur once, name rows."""


def check_there(table: Table, name: str, option: str | None = None) -> None:
    """Refuse a column that is not there, named by an option or in the training set."""
    if name in table.names:
        return
    said = f"{table.source}: there is no column {name!r}"
    if close := get_close_matches(name, table.names, 1):
        raise InputError(f"{said}: did you mean {close[0]!r}?")
    there = first_of(table.names)
    if option is None:
        raise InputError(
            f"{said}, which the training set has, but {there}: add or rename it"
        )
    raise InputError(f"{said}: give {option} (--{option}) one of {there}")


def called_labels(names: Sequence[str]) -> list[str]:
    """Return the names, of all columns, that say that a column holds the labels."""
    return [name for name in names if name.lower() in LABELS] or [
        name for name in names if name.lower() == SHORT_LABEL
    ]


def target_of(
    table: Table, reading: Reading, columns: Columns | None
) -> tuple[str, tuple[str, ...]]:
    """Return the column of the labels, and what is to be said where it was guessed."""
    if reading.target is not None:
        return reading.target, ()
    if columns is not None and columns.target in table.names:
        return str(columns.target), ()
    found = called_labels(table.names)
    if len(found) == 1:
        return found[0], (f"Column {found[0]!r} is taken for the labels.",)
    if found:
        raise InputError(
            f"{table.source}: columns {', '.join(found)} may all be labels: name "
            "one with target (--target), leave out others with drop (--drop)"
        )
    repeated = [
        name
        for name in table.names
        if name not in reading.drop and _repeats(table.column(name))
    ]
    if len(repeated) == 1:
        return repeated[0], (
            f"Column {repeated[0]!r} is taken for the labels: it is the only one of "
            "texts that repeat.",
        )
    which = f"has columns {first_of(table.names)}"
    if 1 < len(repeated) <= 8:
        which = f"columns {listed(repeated)} may all be labels"
    raise InputError(
        f"{table.source}: {which}: name the column of the labels with target (--target)"
    )


def _repeats(array: Any) -> bool:
    if not hasattr(array, "dictionary"):
        return False
    often = OFTEN * len(array.dictionary) <= len(array) - array.null_count
    return often and not are_amounts(array.dictionary)


def labels_of(
    table: Table, target: str, names: tuple[str, ...], known: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the labels of a table, and what those of its classes are as text.

    The user may have given names of the classes: of labels that are text the order.
    Where it is known what labels may be, in the training set, they are these.
    """
    check_there(table, target)
    refuse_missing(table, [target], NO_LABEL)
    array = table.column(target)
    if not hasattr(array, "dictionary"):
        _refuse_no_numbers(array.type, f"{table.source}: column {target!r}")
        if not known:
            return as_numpy(array), tuple(map(str, range(len(names))))
    words, codes = _words(array)
    known = known or names
    if not known:
        there, counts = np.unique(codes, return_counts=True)
        _refuse_names(table, target, counts)
        known = tuple(sorted(words[int(one)] for one in there))
    place = {name: number for number, name in enumerate(known)}
    labels = np.array([place.get(word, -1) for word in words], np.int32)[codes]
    if (labels < 0).any():
        row = int(np.argmax(labels < 0))
        raise InputError(
            f"{table.where(target, row)} is {words[codes[row]]!r}, none of the "
            f"{count(len(known))} classes {listed(known[:5])}"
            f"{', …' if len(known) > 5 else ''}: correct it or add its class"
        )
    return labels, known


def known_labels(table: Table, columns: Columns) -> Int64[np.ndarray, " rows"] | None:
    """Return the classes of a table's labels, -1 where there is none or another one.

    None where the table has no such column.
    """
    if columns.target is None or columns.target not in table.names:
        return None
    words, codes = _words(table.column(columns.target))
    place = {name: number for number, name in enumerate(columns.labels)}
    # 3.0 is class 3. The last entry is for -1, what is missing.
    known = [
        place.get(word, place.get((word or "").removesuffix(".0"), -1))
        for word in words
    ]
    return np.array([*known, -1], np.int64)[codes]


def _words(array: Any) -> tuple[Sequence[str], np.ndarray]:
    """Return the labels that occur, as text, and the place of each row's in them."""
    if hasattr(array, "dictionary"):
        return texts(array)
    found, codes = np.unique(as_numpy(array), return_inverse=True)
    return as_text(found), codes


def _refuse_names(table: Table, target: str, counts: np.ndarray) -> None:
    """Refuse texts that mostly occur once: they name rows, not classes."""
    if len(counts) > MANY and np.mean(counts == 1) > ONCE:
        raise InputError(
            f"{table.source}: column {target!r} has {count(len(counts))} different "
            f"values in {count(len(table))} rows, most of them once: these are no "
            "classes, name another column with target (--target)"
        )


def as_text(values: np.ndarray) -> list[str]:
    """Return labels as class names have them: 3, 3.0 and "3" are one class."""
    if values.dtype.kind == "f" and np.all(values == np.floor(values)):
        values = values.astype(np.int64)
    return [str(value) for value in values.tolist()]


def _refuse_no_numbers(kind: Any, what: str) -> None:
    """Refuse labels that are neither text nor numbers, nor yes and no."""
    from pyarrow import types

    of_numbers = types.is_integer, types.is_floating, types.is_boolean
    if not any(is_one(kind) for is_one in of_numbers):
        raise InputError(f"{what} holds {kind}: labels are whole numbers or text")
