"""Samples in pairs: nearest rows, and how alike two layers see them."""

from math import nan, sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64, Shaped

from layerwise.arrays import Array
from layerwise.errors import InputError
from layerwise.statistics._blocks import Precision, checked_rows
from layerwise.statistics._moments import RESOLUTION

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
    queries, rows
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

    Of equal ones those that come first; all where there are fewer than ``count``. Each
    row is cut into groups: its k-th smallest distance is at most the k-th smallest of
    their minima, and few are so small. They alone are sorted. No distance may be NaN.
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


class Likeness(NamedTuple):
    """Two estimates of how much two layers have in common.

    Parameters
    ----------
    debiased : float
        Right on average; it can be negative, and is 0 where it is only rounding.
    biased : float
        It grows with the number of units over samples, also where the layers have
        nothing in common.
    """

    debiased: float
    biased: float


def hsic(x: Array, y: Array) -> Likeness:
    """Return the Hilbert-Schmidt independence criterion with linear kernels.

    With ``K = X Xᵀ`` and ``L = Y Yᵀ`` of n samples and H the centring: biased it
    is ``tr(K H L H) / (n - 1)²`` (Gretton et al., "Measuring statistical dependence
    with Hilbert-Schmidt norms", 2005, equation 9), the squared Frobenius norm of
    the cross-covariance. Debiased it is the estimate that is right on average, from
    pairs of different samples only (Song et al., "Feature selection via dependence
    maximization", JMLR 13, 2012). A constant added to all rows of a layer changes
    neither, and about the means the second is ::

        (|C|² - n/(n - 2) Σ kᵢᵢ lᵢᵢ + Σ kᵢᵢ Σ lᵢᵢ / ((n - 1)(n - 2))) / (n (n - 3))

    with C the cross-scatter, so that no n × n matrix is needed.

    Parameters
    ----------
    x : real array, shape (rows, left)
    y : real array, shape (rows, right)
        The same samples in the same order, 4 or more.

    Raises
    ------
    InputError
        If the shapes do not match, there are fewer than 4 samples, or an entry is not
        finite or so large that its fourth power is not: the row is named.

    Examples
    --------
    >>> x = np.array([[0.0, 1.0], [2.0, 1.0], [1.0, 5.0], [1.0, 1.0]])
    >>> Likeness(*np.round(hsic(x, x[:, :1]), 4).tolist())
    Likeness(debiased=0.1667, biased=0.4444)
    """
    x, y = checked_rows(x), checked_rows(y)
    n = len(x)
    if n != len(y):
        raise InputError(
            f"{n} rows of one layer and {len(y)} of the other: give both for the same "
            "samples"
        )
    if n < 4:
        raise InputError(f"{n} samples: the similarity of layers needs 4")
    x, y = _finite(x, y)
    x, y = _centred(x), _centred(y)
    x_squares, y_squares = np.vecdot(x, x), np.vecdot(y, y)
    cross = x.T @ y
    norm = float(np.vdot(cross, cross))
    diagonal = n / (n - 2) * float(x_squares @ y_squares)
    means = float(x_squares.sum() * y_squares.sum()) / ((n - 1) * (n - 2))
    total = norm - diagonal + means
    if abs(total) < RESOLUTION * max(norm, diagonal, means):
        total = 0.0
    return Likeness(total / (n * (n - 3)), norm / (n - 1) ** 2)


def _finite(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows in double precision, in which all terms can be had of them."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(np.vecdot(x, x) * np.vecdot(y, y))
    if not finite.all():
        raise InputError(
            f"row {int(finite.argmin())} holds a value that is not finite, or one so "
            "large that its fourth power is not: remove the row or scale the rows down"
        )
    return x, y


def _centred(rows: Float64[np.ndarray, "rows units"]) -> np.ndarray:
    # About the first row before: then an offset of 1e8 costs the mean no digits.
    near = rows - rows[0]
    return near - near.mean(axis=0)


def linear_cka(xy: Likeness, xx: Likeness, yy: Likeness) -> Likeness:
    """Return how alike two layers are: 1 up to turning, scaling and shifting.

    ``HSIC(X, Y) / √(HSIC(X, X) HSIC(Y, Y))``: Kornblith et al., "Similarity of neural
    network representations revisited" (2019), equation 4; debiased it is that of
    Nguyen, Raghu and Kornblith, "Do wide and deep networks learn the same things?"
    (2021). ``xy`` is the `hsic` of the two, ``xx`` and ``yy`` that of each with itself,
    on the same samples.

    Returns
    -------
    Likeness
        From 0 to 1; debiased, at most 1 and below 0 by chance. NaN where a layer is the
        same for all samples, or, debiased, where all samples are equally far apart.
    """
    return Likeness(*map(_aligned, xy, xx, yy))


def _aligned(xy: float, xx: float, yy: float) -> float:
    return xy / (sqrt(xx) * sqrt(yy)) if min(xx, yy) > 0 else nan
