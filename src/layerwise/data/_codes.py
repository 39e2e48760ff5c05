"""Numbers that stand for missing values: -999 among measurements of a few units."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from layerwise.data._stored import StoredRows
from layerwise.statistics import FEW
from layerwise.wording import count, listed, number, percent

LOOKED_AT = 5_000
"""So many rows are looked at, at most, evenly from all."""

AWAY = 5.0
"""A code lies so many times the range of all other values away from the next of them,
and is there again and again: a far measurement is there once."""

AGAIN, SHARE = 3, 0.005
"""So many rows have a code, and so large a share of all."""

NAMED = 3
"""So many columns are named in a sentence."""

VALUES = 3
"""Of fewer different values beside it, a far one may be one more of them."""


class MissingCode(NamedTuple):
    """A number that stands for missing values in one feature.

    Parameters
    ----------
    feature : int
    value : float
    share : float
        Of the rows that have it, 0 to 1.
    """

    feature: int
    value: float
    share: float


def missing_codes(inputs: Any) -> tuple[MissingCode, ...]:
    """Return the features in which one number far off stands for missing values.

    A feature's least or greatest value other than zero, which several rows share.

    Parameters
    ----------
    inputs : array, shape (samples, features)
        Of other shapes, of bytes, and of rows that stay in their files there are none.
    """
    if isinstance(inputs, StoredRows) or len(inputs.shape) != 2:
        return ()
    if inputs.dtype.kind not in "if":
        return ()
    step = max(1, len(inputs) // LOOKED_AT)
    rows = np.asarray(inputs[::step], np.float64)
    if len(rows) < FEW:
        return ()
    found = [_far_below(rows, 1.0), _far_below(-rows, -1.0)]
    return tuple(sorted(code for side in found for code in side))


def _far_below(
    rows: Float[np.ndarray, "rows features"], sign: float
) -> list[MissingCode]:
    """Return the features whose least value is a code; ``sign`` turns it back."""
    with np.errstate(invalid="ignore"):
        least = np.fmin.reduce(rows)
        coded = rows == least
        others = np.where(coded, np.inf, rows)
        lowest = np.fmin.reduce(others)
        width = np.fmax.reduce(np.where(coded, -np.inf, rows)) - lowest
        counts = coded.sum(axis=0)
        far = (lowest - least > AWAY * width) & (width > 0) & (least != 0)
    often = (counts >= max(AGAIN, SHARE * len(rows))) & (len(rows) - counts >= FEW)
    return [
        MissingCode(int(at), sign * float(least[at]), float(counts[at] / len(rows)))
        for at in np.flatnonzero(far & often)
        if _several(rows[:, at], coded[:, at])
    ]


def _several(
    values: Float[np.ndarray, " rows"], coded: Bool[np.ndarray, " rows"]
) -> bool:
    return len(np.unique(values[~coded])) >= VALUES


def code_sentences(inputs: Any, names: tuple[str, ...] | None) -> Iterator[str]:
    """Say which features have such a code, how often, and what to do."""
    codes = missing_codes(inputs)
    if not codes:
        return
    parts = [
        f"{number(code.value, 6)} in {percent(code.share)} of the rows of column "
        f"{repr(names[code.feature]) if names else code.feature}"
        for code in codes[:NAMED]
    ]
    more = len(codes) - len(parts)
    parts += [f"such numbers in {count(more)} more columns"] if more else []
    yield (
        f"{listed(parts)} {'stand' if len(codes) > 1 else 'stands'} far from all "
        "other values, as codes for missing values do. Fill them with the column's "
        "mean, or drop the rows: scaled with them, all other values are alike."
    )
