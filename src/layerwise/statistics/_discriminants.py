"""Linear readings of moments: discriminants and the least-squares probe."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from layerwise.arrays import Array
from layerwise.errors import InputError
from layerwise.statistics._components import (
    coordinates,
    correlated,
    dimensions,
    pointed,
)
from layerwise.statistics._eigen import eigen, solved
from layerwise.statistics._moments import RESOLUTION, Moments


@dataclass(frozen=True, eq=False)
class Discriminants:
    """The directions in which the classes are furthest apart for their width.

    Parameters
    ----------
    mean : float64, shape (units,)
    directions : float64, shape (directions, units)
        The largest ratio first. Along each the variance within classes, shrunk, is 1,
        and no two of them covary within classes; the entry of largest magnitude of
        each is positive.
    ratios : float64, shape (directions,)
        The scatter between classes over that within, shrunk, along each direction.
    shrinkage : float
        How far the covariance within classes was taken towards a sphere, 0 to 1.
    """

    mean: Float64[np.ndarray, " units"]
    directions: Float64[np.ndarray, "directions units"]
    ratios: Float64[np.ndarray, " directions"]
    shrinkage: float

    def project(self, rows: Array) -> Float64[np.ndarray, "rows directions"]:
        """Return the coordinates of ``rows`` along the directions, mean taken off.

        An `InputError` is raised for rows of other units.
        """
        return coordinates(rows, self.mean, self.directions)


def discriminants(
    moments: Moments, count: int = 2, shrinkage: float | None = None
) -> Discriminants:
    """Return the first ``count`` linear discriminants.

    The directions d that maximise ``dᵀ B d / dᵀ W d`` one after another: B is the
    scatter between classes and W that within, both divided by ν = rows - classes with
    rows (Rao, "The utilization of multiple measurements in problems of biological
    classification", JRSS B 10, 1948). W is shrunk, ``(1 - s) W + s tr(W)/units I``,
    so that constant and dependent units do no harm. B has the rank of the class means:
    with ``W = L Lᵀ``, the singular vectors of the weighted means times ``L⁻ᵀ`` are the
    eigenvectors.

    Parameters
    ----------
    moments : Moments
    count : int
        How many directions at most, from 1. There are at most as many as units, and
        one fewer than classes with rows; those in which the means differ by no more
        than rounding are left out. Equal classes have none.
    shrinkage : float, optional
        s, from 0 to 1. By default the oracle-approximating estimate for ν rows of
        normal data: Chen, Wiesel, Eldar and Hero, "Shrinkage algorithms for MMSE
        covariance estimation", IEEE Transactions on Signal Processing 58 (2010),
        equation 23, without its terms in 2/units, as scikit-learn has it.

    Returns
    -------
    Discriminants
        Where the classes have no width in a direction, the resolution of the scatter,
        1e-13 of each unit's squares, stands in for it: ratios are finite and very
        large.

    Raises
    ------
    InputError
        If there are no rows, or ``count`` or ``shrinkage`` is out of range.
    """
    if count < 1:
        raise InputError(f"{count} discriminants: choose 1 or more")
    if shrinkage is not None and not 0 <= shrinkage <= 1:
        raise InputError(f"shrinkage is {shrinkage}: choose from 0 to 1")
    return _discriminants(moments, count, *_within_factor(moments, shrinkage))


def _discriminants(
    moments: Moments,
    count: int,
    factor: Float64[np.ndarray, "units units"],
    shrinkage: float,
) -> Discriminants:
    seen = moments.counts > 0
    scatter = moments.scatter / moments.freedom
    offsets = moments.class_offsets[seen] - moments.offset
    scaled = offsets * np.sqrt(moments.counts[seen] / moments.freedom)[:, None]
    whitened = solved(factor, moments.seen(scaled).T)
    vectors, singular, _ = np.linalg.svd(whitened, full_matrices=False)
    most = min(np.count_nonzero(seen) - 1, len(moments.scatter))
    directions = solved(factor, vectors[:, :most], transposed=True).T
    ratios = singular[:most] ** 2
    rounding = RESOLUTION * ((directions @ scatter) * directions).sum(axis=1)
    kept = np.flatnonzero(ratios > rounding)[:count]
    return Discriminants(
        mean=moments.mean,
        directions=pointed(moments.lifted(directions[kept])),
        ratios=ratios[kept],
        shrinkage=float(shrinkage),
    )


@dataclass(frozen=True, eq=False)
class ClassDirections:
    """For every two classes the direction in which they are furthest apart.

    Fisher's discriminant of a and b is ``W⁻¹(m_b - m_a)``, the difference of what each
    class has by itself: one vector for each class stands for all pairs of them.

    Parameters
    ----------
    mean : float64, shape (units,)
    weights : float64, shape (units, classes)
        ``W⁻¹(m_c - mean)``; zeros for a class without a row.
    of_means : float64, shape (classes, classes)
        What each class's mean (row) scores towards each class (column).
    """

    mean: Float64[np.ndarray, " units"]
    weights: Float64[np.ndarray, "units classes"]
    of_means: Float64[np.ndarray, "classes classes"]

    def scores(self, rows: Array) -> Float64[np.ndarray, "rows classes"]:
        """Return how far each of ``rows`` lies towards each class."""
        return coordinates(rows, self.mean, self.weights.T)

    def along(
        self, scores: Float[np.ndarray, "rows classes"], first: int, second: int
    ) -> Float64[np.ndarray, " rows"]:
        """Return rows on the discriminant of two classes: -1 and 1 are their means.

        Zeros where the two means are the same.
        """
        towards = scores[:, second].astype(np.float64) - scores[:, first]
        low, high = (
            self.of_means[own, second] - self.of_means[own, first]
            for own in (first, second)
        )
        if not high > low:
            return np.zeros(len(scores))
        return (2 * towards - low - high) / (high - low)


def class_readings(moments: Moments) -> tuple[Discriminants, ClassDirections]:
    """Return the first two discriminants, and what parts any two classes best.

    Both of the covariance within classes, shrunk as `discriminants` shrinks it: its
    factor takes units³ operations.

    Raises
    ------
    InputError
        If there are no rows.
    """
    factor, shrinkage = _within_factor(moments, None)
    offsets = moments.class_offsets - moments.offset
    offsets[moments.counts == 0] = 0
    whitened = solved(factor, moments.seen(offsets).T)
    weights = solved(factor, whitened, transposed=True)
    directions = ClassDirections(
        mean=moments.mean,
        weights=moments.lifted(weights.T).T,
        of_means=whitened.T @ whitened,
    )
    return _discriminants(moments, 2, factor, shrinkage), directions


def _within_factor(
    moments: Moments, shrinkage: float | None
) -> tuple[Float64[np.ndarray, "units units"], float]:
    """Return the Cholesky factor of W, shrunk, and how far it was shrunk."""
    if not moments.count:
        raise InputError("there are no rows to take discriminants of")
    within = moments.within_scatter / moments.freedom
    if shrinkage is None:
        shrinkage = _approximating_shrinkage(within, moments.freedom)
    squares = moments.scatter.diagonal() / moments.freedom
    try:
        return np.linalg.cholesky(_shrunk(within, shrinkage, squares)), shrinkage
    except np.linalg.LinAlgError as error:
        raise InputError(
            "the scatter within classes is not one of rows: the moments are damaged"
        ) from error


def _approximating_shrinkage(
    within: Float64[np.ndarray, "units units"], freedom: int
) -> float:
    # Equation 23 over tr(W)²: it depends on W through tr(W)² / tr(W²) alone.
    spread = dimensions(within)
    room = 1 - spread / len(within)
    return min((1 + spread) / ((freedom + 1) * room), 1.0) if room > 0 else 1.0


def _shrunk(
    within: Float64[np.ndarray, "units units"],
    shrinkage: float,
    squares: Float64[np.ndarray, " units"],
) -> Float64[np.ndarray, "units units"]:
    """Return W shrunk; the resolution of the squares keeps it positive definite."""
    units = len(within)
    smallest = RESOLUTION * squares
    smallest[smallest == 0] = 1  # a constant unit: the means do not differ in it
    shrunk = (1 - shrinkage) * within
    added = shrinkage * np.trace(within) / units
    shrunk[np.diag_indices(units)] += np.maximum(added, smallest)
    return shrunk


CUTOFF = 1e-10
"""Directions whose share of variance, over the largest, is below this carry no weight:
the rounding of the scatter, near units × 2e-16, is no longer small beside it."""


@dataclass(frozen=True, eq=False)
class LeastSquaresProbe:
    """A linear classifier: one score for every class, the largest is the prediction.

    ``scores = (rows - mean) @ weights + shares``

    Parameters
    ----------
    mean : float64, shape (units,)
    weights : float64, shape (units, classes)
    shares : float64, shape (classes,)
        The share of the rows that each class has: the score at the mean.
    """

    mean: Float64[np.ndarray, " units"]
    weights: Float64[np.ndarray, "units classes"]
    shares: Float64[np.ndarray, " classes"]

    def scores(self, rows: Array) -> Float64[np.ndarray, "rows classes"]:
        """Return the fitted one-hot targets of ``rows``; each row sums to 1."""
        return coordinates(rows, self.mean, self.weights.T) + self.shares

    def predict(self, rows: Array) -> Int64[np.ndarray, " rows"]:
        """Return the class of the largest score for each of ``rows``."""
        return self.scores(rows).argmax(axis=1)


@dataclass(frozen=True, eq=False)
class Correlations:
    """The eigenvectors of the units' correlations: of a probe all but the labels.

    Parameters
    ----------
    scale : float64, shape (units,)
        One over the root of each unit's scatter; 0 for a constant unit.
    eigenvalues : float64, shape (kept,)
        Those above `CUTOFF` of the largest, ascending.
    vectors : float64, shape (units, kept)
    """

    scale: Float64[np.ndarray, " units"]
    eigenvalues: Float64[np.ndarray, " kept"]
    vectors: Float64[np.ndarray, "units kept"]

    @classmethod
    def of(cls, moments: Moments) -> "Correlations":
        """Return those of the rows that were counted, whatever their labels."""
        scale, correlations = correlated(moments.total_scatter)
        eigenvalues, vectors = eigen(correlations, moments.count - 1)
        kept = eigenvalues > CUTOFF * max(eigenvalues[-1], 0)
        return cls(scale, eigenvalues[kept], vectors[:, kept])


RIDGES = np.logspace(-8, 1, 46)
"""Ridges that are tried, as shares of the largest eigenvalue of the correlations."""


def least_squares_probe(
    moments: Moments,
    ridge: float | None = None,
    correlations: Correlations | None = None,
) -> LeastSquaresProbe:
    """Return the ridge regression, with intercept, of one-hot labels on the rows.

    With C the scatter about the mean, B the sums of ``(x - mean) yᵀ``, both of them in
    the moments, and a ridge λ, the normal equations are ``(C + λ I) W = B``. They are
    solved with every unit scaled to variance 1, so that units of measurement do not
    matter, by the eigenvectors of the correlations; without a ridge, and where units
    depend on each other, the solution is the one of least norm in that scale. Of a
    projection's moments, its coordinates take the units' place.

    Parameters
    ----------
    moments : Moments
    ridge : float, optional
        λ, as a share of the largest eigenvalue of the units' correlations. By default
        that of `RIDGES`, or none, for which generalised cross-validation is lowest.
    correlations : Correlations, optional
        Those of the same rows, where they are known already.

    Raises
    ------
    InputError
        If there are no rows.
    """
    if not moments.count:
        raise InputError("there are no rows to fit a probe on")
    shares = moments.counts / moments.count
    known = correlations or Correlations.of(moments)
    scale, eigenvalues, vectors = known.scale, known.eigenvalues, known.vectors
    sums = moments.seen(moments.sums)
    targets = (sums - shares[:, None] * sums.sum(0)).T * scale[:, None]
    along = vectors.T @ targets
    if ridge is None:
        ridge = _cross_validated(eigenvalues, along, moments.count, shares)
    raised = eigenvalues + ridge * eigenvalues.max(initial=0)
    weights = vectors @ (along / raised[:, None])
    lifted = moments.lifted((weights * scale[:, None]).T).T
    return LeastSquaresProbe(moments.mean, lifted, shares)


def _cross_validated(
    eigenvalues: Float64[np.ndarray, " kept"],
    along: Float64[np.ndarray, "kept classes"],
    count: int,
    shares: Float64[np.ndarray, " classes"],
) -> float:
    """Return the ridge of the lowest generalised cross-validation.

    ``RSS(λ) / (rows - df(λ))²``, the error of leave-one-out with every row's leverage
    replaced by the average one (Golub, Heath and Wahba, "Generalized cross-validation
    as a method for choosing a good ridge parameter", Technometrics 21, 1979). Along
    eigenvector k the fit has the squares ``aₖ = |vₖᵀ B|² / sₖ``, of which a ridge
    leaves ``(λ / (sₖ + λ))²``, and takes ``sₖ / (sₖ + λ)`` degrees of freedom. Both
    differences are written without subtracting what is nearly equal: where there are as
    many directions as rows nothing is left of either without a ridge.
    """
    if not len(eigenvalues):
        return 0.0
    free = count - 1 - len(eigenvalues)
    squares = (along**2).sum(axis=1) / eigenvalues
    total = count * (1 - (shares**2).sum())
    left = max(float(total - squares.sum()), 0.0) if free > 0 else 0.0
    ridges = np.concatenate([[0.0] if free > 0 else [], RIDGES])
    lost = ridges[:, None] * eigenvalues.max()
    lost = lost / (eigenvalues + lost)
    errors = (left + lost**2 @ squares) / (max(free, 0) + lost.sum(axis=1)) ** 2
    return float(ridges[errors.argmin()])
