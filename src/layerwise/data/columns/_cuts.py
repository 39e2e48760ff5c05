"""Rows of inputs by the values or the ranges of one column: what can be counted."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Int, Real

from layerwise.data.columns._columns import Columns
from layerwise.data.columns._kinds import ABSENT, PARTS, Category, Column, Date, YesNo
from layerwise.wording import number, quoted

FEW_VALUES = 12
"""A number of at most so many values is cut into these, and of more into quarters."""

MISSING = "is missing"

Inputs: TypeAlias = Real[np.ndarray, "_ inputs"]


class Cut(NamedTuple):
    """Which value or range of a column each row has.

    Parameters
    ----------
    column : str
        What is cut; of a date one of its parts (``since year``).
    values : tuple of str
        As a sentence goes on behind the column's name: ``is "Ulm"``, ``below 30``.
    codes : int array, shape (rows,)
        Which of ``values`` each row has; -1 where it has none of them.
    """

    column: str
    values: tuple[str, ...]
    codes: Int[np.ndarray, " rows"]


def cuts(columns: Columns, training: Inputs, rows: Inputs) -> Iterator[Cut]:
    """Yield a cut of every column that makes inputs, of a date three.

    Categories are cut by value, numbers of at most 12 values in training likewise,
    others at the quartiles of the training rows.
    """
    for column in columns.used:
        place = columns.places[column.name]
        own, seen = rows[:, place], training[:, place]
        if isinstance(column, Category):
            yield _categories(column, own)
            continue
        absent, known = _absent(column, own), ~_absent(column, seen)
        if isinstance(column, YesNo):
            codes = np.where(absent, 2, own[:, 0] == 0)
            yield Cut(column.name, ("is yes", "is no", MISSING), codes)
        elif isinstance(column, Date):
            for at, part in enumerate(PARTS):
                name = f"{column.name} {part}"
                yield _numbers(name, seen[known, at], own[:, at], absent)
        else:
            yield _numbers(column.name, seen[known, 0], own[:, 0], absent)


def _absent(column: Column, rows: Inputs) -> np.ndarray:
    """Return which rows have no value, where training rows had none either."""
    if column.inputs[-1] != f"{column.name} {ABSENT}":
        return np.zeros(len(rows), bool)
    return rows[:, -1] != 0


def _categories(column: Category, rows: Inputs) -> Cut:
    named = [
        MISSING if one == ABSENT else f"is {quoted(one)}" for one in column.categories
    ]
    if column.others:
        named.append("is a rare value")
    # What was not seen in training, where nothing was rare there, is all zeros.
    unseen = ~rows.any(axis=1)
    codes = np.where(unseen, len(named), rows.argmax(axis=1))
    return Cut(column.name, (*named, "is none of the training values"), codes)


def _numbers(
    name: str,
    training: Real[np.ndarray, " known"],
    rows: Real[np.ndarray, " rows"],
    absent: np.ndarray,
) -> Cut:
    """Return a cut at each value, or at quartiles where there are many values."""
    found = np.unique(training)
    if len(found) <= FEW_VALUES:
        named = [f"is {_written(float(value))}" for value in found]
        at = np.searchsorted(found, rows)
        codes = np.where(found[np.minimum(at, len(found) - 1)] == rows, at, -1)
    else:
        # Values that occur, so that a range is said as it is meant.
        edges = np.unique(np.quantile(training, (0.25, 0.5, 0.75), method="higher"))
        words = [_written(float(edge)) for edge in edges]
        between = pairwise(words)
        named = [f"below {words[0]}", *(f"from {a} to below {b}" for a, b in between)]
        named.append(f"{words[-1]} or more")
        codes = np.searchsorted(edges, rows, side="right")
    return Cut(name, (*named, MISSING), np.where(absent, len(named), codes))


def _written(value: float) -> str:
    """Return whole numbers in full, others with four digits."""
    return f"{value:.0f}" if value.is_integer() else number(value, 4)
