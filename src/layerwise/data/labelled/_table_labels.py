"""The labels of a table: in which column they stand, and which class each is."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from jaxtyping import Int64

from layerwise.data.columns import Columns, Table, as_numpy, missing_rows, texts
from layerwise.data.labelled._reading import Reading
from layerwise.errors import InputError
from layerwise.wording import count, first_of, listed

LABELS = ("label", "labels", "target", "class")
"""Names of the column that holds the labels, in any case."""

SHORT_LABEL = "y"
"""What it may be called where no column has such a name: it may be a coordinate."""

OFTEN = 2
"""Texts that stand in so many rows each, on average, may be classes."""

MANY, ONCE = 20, 0.5
"""More than so many texts, of which more than this share occur once, name rows."""


def check_there(table: Table, name: str, option: str | None = None) -> None:
    """Refuse a column that is not there.

    Parameters
    ----------
    option : str, optional
        What named the column; by default the training set has it.
    """
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
    raise InputError(
        f"{table.source}: {_which(table, repeated)}: name the column of the labels "
        "with target (--target)"
    )


def _which(table: Table, repeated: Sequence[str]) -> str:
    if 1 < len(repeated) <= 8:
        return f"columns {listed(repeated)} may all be labels"
    return f"has columns {first_of(table.names)}"


def _repeats(array: Any) -> bool:
    if not hasattr(array, "dictionary"):
        return False
    return OFTEN * len(array.dictionary) <= len(array) - array.null_count


def labels_of(
    table: Table, target: str, names: tuple[str, ...], known: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the labels of a table, and what those of its classes are as text.

    Parameters
    ----------
    names : tuple of str
        Of the classes, where the user gave them: of labels that are text the order.
    known : tuple of str
        What labels may be, where that is known: those of the training set.
    """
    check_there(table, target)
    _refuse_missing_labels(table, target)
    array = table.column(target)
    if hasattr(array, "dictionary"):
        words, codes = texts(array)
        there, counts = np.unique(codes, return_counts=True)
        if not (known or names):
            _refuse_names(table, target, counts)
        known = known or names or tuple(sorted(words[int(one)] for one in there))
        return _coded(table, target, words, codes, known), known
    values = _plain(array, table, target)
    if known:
        found, codes = np.unique(values, return_inverse=True)
        return _coded(table, target, as_text(found), codes, known), known
    return values, tuple(map(str, range(len(names))))


def known_labels(table: Table, columns: Columns) -> Int64[np.ndarray, " rows"] | None:
    """Return the classes of a table's labels, -1 where there is none or another one.

    None where the table has no such column.
    """
    if columns.target is None or columns.target not in table.names:
        return None
    array = table.column(columns.target)
    if hasattr(array, "dictionary"):
        words, codes = texts(array)
    else:
        found, codes = np.unique(as_numpy(array), return_inverse=True)
        words = as_text(found)
    place = {name: number for number, name in enumerate(columns.labels)}
    # The last entry is for -1, what is missing.
    known = [place.get(word, place.get(_whole(word or ""), -1)) for word in words]
    return np.array([*known, -1], np.int64)[codes]


def _whole(word: str) -> str:
    """Return a number that is whole as a class is called: 3.0 as 3."""
    return word.removesuffix(".0")


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


def _plain(array: Any, table: Table, target: str) -> np.ndarray:
    """Return labels that are numbers, or yes and no."""
    from pyarrow import types

    kind = array.type
    if not (types.is_integer(kind) or types.is_floating(kind)
            or types.is_boolean(kind)):  # fmt: skip
        raise InputError(
            f"{table.source}: column {target!r} holds {array.type}: labels are whole "
            "numbers or text"
        )
    return as_numpy(array)


def _coded(
    table: Table,
    target: str,
    words: Sequence[str],
    codes: np.ndarray,
    known: tuple[str, ...],
) -> np.ndarray:
    """Return the place of each label among the known ones."""
    place = {name: number for number, name in enumerate(known)}
    of_word = np.array([place.get(word, -1) for word in words], np.int32)
    labels = of_word[codes]
    if (labels < 0).any():
        row = int(np.argmax(labels < 0))
        raise InputError(
            f"{table.where(target, row)} is {words[codes[row]]!r}, none of the "
            f"{count(len(known))} classes {listed(known[:5])}"
            f"{', …' if len(known) > 5 else ''}: correct it or add its class"
        )
    return labels


def _refuse_missing_labels(table: Table, target: str) -> None:
    absent = missing_rows(table.column(target))
    if absent.any():
        raise InputError(
            f"{table.where(target, int(np.argmax(absent)))} is missing, and "
            f"{count(int(absent.sum()))} of {count(len(table))} rows have no label: "
            "fill them in, or leave these rows out"
        )
