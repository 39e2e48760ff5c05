"""Which rows are nearest to others."""

import numpy as np
from jaxtyping import Float, Int64, Shaped

from layerwise.errors import InputError
from layerwise.statistics._blocks import Precision

__all__ = ["nearest_columns", "nearest_rows"]

QUERIES = 256
ROWS = 8192
"""Distances between so many at a time: sixteen megabytes."""

MIDDLE_OF = 1000

GROUPS = 64
"""Of a row's distances, when the nearest are looked for."""

MANY = 4
"""So many times more candidates than are asked for: most of them are equally near."""


def nearest_rows(
    queries: Shaped[np.ndarray, "queries features"],
    rows: Shaped[np.ndarray, "rows features"],
    count: int,
    precision: Precision = "exact",
) -> Int64[np.ndarray, "queries neighbours"]:
    """Return the positions of the nearest rows of every query, the nearest first.

    By ``‖r‖² - 2 q·r``, as one matrix product for many queries, about the rows' middle:
    an offset would take the digits of small distances. The time grows with the product
    of both numbers of rows, the memory only with the result.

    Parameters
    ----------
    queries : array, shape (queries, features)
    rows : array, shape (rows, features)
    count : int
        How many of the rows, all where there are fewer.
    precision : "exact" or "fast"
        Products in float64, or in float32, in three fifths of the time: distances are
        then told apart down to about a thousandth of the rows' from their middle.

    Raises
    ------
    InputError
        If an entry or its square is not finite.
    """
    dtype = np.dtype(np.float64 if precision == "exact" else np.float32)
    middle = _middle(rows).astype(np.result_type(queries, rows, dtype))
    count = min(count, len(rows))
    nearest = np.zeros((len(queries), count), np.int64)
    distances = np.full(nearest.shape, np.inf, dtype)
    for first in range(0, len(rows), ROWS):
        part = _about(middle, rows[first : first + ROWS], dtype)
        squares = np.einsum("ij,ij->i", part, part)
        for start in range(0, len(queries), QUERIES):
            asked = slice(start, start + QUERIES)
            block = _about(middle, queries[asked], dtype) @ part.T
            block *= -2
            block += squares
            near = nearest_columns(block, count)
            found = np.concatenate([nearest[asked], near + first], axis=1)
            lengths = np.take_along_axis(block, near, axis=1)
            lengths = np.concatenate([distances[asked], lengths], axis=1)
            best = nearest_columns(lengths, count)
            nearest[asked] = np.take_along_axis(found, best, axis=1)
            distances[asked] = np.take_along_axis(lengths, best, axis=1)
    return nearest


def _about(
    middle: Float[np.ndarray, " features"],
    rows: Shaped[np.ndarray, "rows features"],
    dtype: np.dtype,
) -> Float[np.ndarray, "rows features"]:
    shifted = (rows - middle).astype(dtype, copy=False)
    with np.errstate(over="ignore"):
        squares = np.einsum("ij,ij->", shifted, shifted)
    if not np.isfinite(squares):
        raise InputError(
            "rows hold numbers that are not finite, or whose squares are not: remove "
            "them or scale the rows down"
        )
    return shifted


def _middle(rows: Shaped[np.ndarray, "rows features"]) -> np.ndarray:
    """Return each feature's lower median over some of the rows.

    It is a value that occurs: whole numbers less it are whole, their products exact,
    and what is equally near stays so. Less their mean they would be rounded.
    """
    few = np.sort(rows[:: max(1, len(rows) // MIDDLE_OF)], axis=0)
    return few[(len(few) - 1) // 2] if len(few) else rows.sum(axis=0)


def nearest_columns(
    distances: Float[np.ndarray, "rows columns"], count: int
) -> Int64[np.ndarray, "rows count"]:
    """Return the columns of each row's smallest distances, the smallest first.

    Of equal ones those that come first. Each row is cut into groups: its k-th smallest
    distance is at most the k-th smallest of their minima, and few are so small. They
    alone are sorted.

    Parameters
    ----------
    distances : array, shape (rows, columns)
        None of them NaN.
    count : int
        How many, all where there are fewer.
    """
    rows, columns = distances.shape
    count = min(count, columns)
    if count == 0:
        return np.zeros((rows, 0), np.int64)
    groups = min(max(GROUPS, count), columns)
    width = columns // groups
    grouped = distances[:, : groups * width].reshape(rows, width, groups)
    bound = np.partition(grouped.min(axis=1), count - 1, axis=1)[:, count - 1, None]
    near = distances <= bound
    if np.count_nonzero(near) > MANY * count * rows:
        equal = distances == bound
        near &= ~equal | (np.cumsum(equal, axis=1, dtype=np.int32) <= count)
    at, places = np.divmod(np.flatnonzero(near), columns)
    order = np.lexsort((distances[at, places], at))
    first = np.searchsorted(at, np.arange(rows))
    return places[order[first[:, None] + np.arange(count)]]
