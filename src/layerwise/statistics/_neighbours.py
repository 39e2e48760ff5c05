"""Which rows are nearest to others."""

import numpy as np
from jaxtyping import Float, Int64

__all__ = ["nearest_columns", "nearest_rows"]

GROUPS = 64
"""Of a row's distances, when the nearest are looked for."""

MIDDLE_OF = 1000

QUERIES = 256
ROWS = 16_384
"""Distances between so many at a time: sixteen megabytes in single precision."""


def nearest_rows(
    queries: Float[np.ndarray, "queries features"],
    rows: Float[np.ndarray, "rows features"],
    count: int,
) -> Int64[np.ndarray, "queries neighbours"]:
    """Return the positions of the nearest rows of every query, the nearest first.

    By ``‖r‖² - 2 q·r``, in the precision of the rows, as one matrix product for many
    queries, about the rows' middle: an offset would take the digits of small distances.
    The time grows with the product of both numbers of rows, the memory with neither.

    Parameters
    ----------
    queries : array, shape (queries, features)
    rows : array, shape (rows, features)
    count : int
        How many of the rows, all where there are fewer.
    """
    middle = _middle(rows)
    nearest = np.zeros((len(queries), 0), np.int64)
    distances = np.zeros((len(queries), 0), rows.dtype)
    for first in range(0, len(rows), ROWS):
        part = rows[first : first + ROWS] - middle
        squares = np.einsum("ij,ij->i", part, part)
        places = np.empty((len(queries), min(count, len(part))), np.int64)
        lengths = np.empty(places.shape, distances.dtype)
        for start in range(0, len(queries), QUERIES):
            asked = slice(start, start + QUERIES)
            block = (queries[asked] - middle) @ part.T
            block *= -2
            block += squares
            places[asked] = nearest_columns(block, count)
            lengths[asked] = np.take_along_axis(block, places[asked], axis=1)
        nearest = np.concatenate([nearest, places + first], axis=1)
        distances = np.concatenate([distances, lengths], axis=1)
        order = np.argsort(distances, axis=1, kind="stable")[:, :count]
        nearest = np.take_along_axis(nearest, order, axis=1)
        distances = np.take_along_axis(distances, order, axis=1)
    return nearest


def _middle(rows: Float[np.ndarray, "rows features"]) -> np.ndarray:
    """Return each feature's lower median over the first rows.

    It is a value that occurs: whole numbers less it are whole, their products exact, and
    what is equally near stays so. Less their mean they would be rounded.
    """
    few = np.sort(rows[:MIDDLE_OF], axis=0)
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
    at, near = np.divmod(np.flatnonzero(distances <= bound), columns)
    order = np.lexsort((distances[at, near], at))
    first = np.searchsorted(at, np.arange(rows))
    return near[order[first[:, None] + np.arange(count)]]
