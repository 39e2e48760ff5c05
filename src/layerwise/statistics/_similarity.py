"""How alike two layers are on the same samples: centred kernel alignment."""

from math import nan, sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from layerwise.arrays import Array
from layerwise.errors import InputError
from layerwise.statistics._blocks import checked_rows
from layerwise.statistics._moments import RESOLUTION

__all__ = ["Likeness", "hsic", "linear_cka"]


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
    (2021).

    Parameters
    ----------
    xy : Likeness
        The `hsic` of the two layers.
    xx, yy : Likeness
        That of each with itself, on the same samples.

    Returns
    -------
    Likeness
        From 0 to 1; debiased, at most 1 and below 0 by chance. NaN where a layer is the
        same for all samples, or, debiased, where all samples are equally far apart.
    """
    return Likeness(*map(_aligned, xy, xx, yy))


def _aligned(xy: float, xx: float, yy: float) -> float:
    return xy / (sqrt(xx) * sqrt(yy)) if min(xx, yy) > 0 else nan
