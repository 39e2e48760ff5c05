"""Which rows are nearest to others."""

import numpy as np
from jaxtyping import Float, Int

__all__ = ["nearest_rows"]

QUERIES = 256
"""Distances to ten thousand rows of so many at a time: ten megabytes."""


def nearest_rows(
    queries: Float[np.ndarray, "queries features"],
    rows: Float[np.ndarray, "rows features"],
    count: int,
) -> Int[np.ndarray, "queries neighbours"]:
    """Return the positions of the nearest rows of every query, the nearest first.

    By ``‖r‖² - 2 q·r``, in the precision of the rows, as one matrix product for many
    queries, about the rows' mean: an offset would take the digits of small distances.

    Parameters
    ----------
    queries : array, shape (queries, features)
    rows : array, shape (rows, features)
    count : int
        How many of the rows, all where there are fewer.
    """
    count = min(count, len(rows))
    mean = rows.mean(axis=0)
    queries, rows = queries - mean, rows - mean
    squares = np.einsum("ij,ij->i", rows, rows)
    found: list[np.ndarray] = []
    for start in range(0, len(queries), QUERIES):
        distances = squares - 2 * (queries[start : start + QUERIES] @ rows.T)
        near = np.argpartition(distances, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(distances, near, axis=1), axis=1)
        found.append(np.take_along_axis(near, order, axis=1))
    return np.concatenate(found)
