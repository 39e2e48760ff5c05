"""Principal components, effective dimension, constant and duplicate units."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from layerwise.arrays import Array
from layerwise.errors import InputError
from layerwise.statistics._blocks import blocks, checked_rows
from layerwise.statistics._moments import RESOLUTION, Moments

__all__ = [
    "PrincipalComponents",
    "constant_units",
    "coordinates",
    "dimensions",
    "duplicate_units",
    "effective_rank",
    "log_likelihoods",
    "participation_ratio",
    "pointed",
    "principal_components",
]

DUPLICATE = 1e-10
"""Two units whose squared correlation is this near to 1 are affine functions of each
other. Single precision rounds a unit at some 1e-14 of its mean square, which leaves
room for a mean of 100 standard deviations; trained units are 0.1 from it and more."""


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """The orthogonal directions in which the rows vary most.

    Parameters
    ----------
    mean : float64, shape (units,)
    components : float64, shape (components, units)
        Orthonormal rows, the largest variance first; the entry of largest magnitude
        of each is positive.
    explained_variance : float64, shape (components,)
        The variance along each component, divided by n - 1.
    explained_variance_ratio : float64, shape (components,)
        Its share of the total variance; 0 where there is no variance.
    """

    mean: Float64[np.ndarray, " units"]
    components: Float64[np.ndarray, "components units"]
    explained_variance: Float64[np.ndarray, " components"]
    explained_variance_ratio: Float64[np.ndarray, " components"]

    @property
    def deviations(self) -> Float64[np.ndarray, " components"]:
        """The standard deviation along each component; 0 where it is but rounding."""
        variance = self.explained_variance
        real = variance > RESOLUTION * variance.max(initial=0)
        return np.sqrt(np.where(real, variance, 0))

    def project(self, rows: Array) -> Float64[np.ndarray, "rows components"]:
        """Return the coordinates of ``rows`` along the components, mean taken off.

        Parameters
        ----------
        rows : real array, shape (rows, units)

        Raises
        ------
        InputError
            If ``rows`` do not have these units.
        """
        return coordinates(rows, self.mean, self.components)


def coordinates(
    rows: Array,
    mean: Float64[np.ndarray, " units"],
    directions: Float64[np.ndarray, "directions units"],
) -> Float64[np.ndarray, "rows directions"]:
    """Return ``(rows - mean) @ directions.T``, a block at a time."""
    rows = checked_rows(rows, len(mean))
    found = np.empty((len(rows), len(directions)))
    for part in blocks(len(rows)):
        found[part] = (rows[part] - mean) @ directions.T
    return found


def log_likelihoods(
    rows: Array, found: PrincipalComponents, noise_variance: float
) -> Float64[np.ndarray, " rows"]:
    """Return the logarithm of each row's density under probabilistic PCA.

    The rows are normal, with the variance of each component along it and the same
    ``noise_variance`` in every direction that no component spans: Tipping and Bishop,
    "Probabilistic principal component analysis" (1999), section 3.

    Parameters
    ----------
    rows : real array, shape (rows, units)
    found : PrincipalComponents
    noise_variance : float
        Not looked at where the components span everything.

    Raises
    ------
    InputError
        If there is a direction without variance: no density is finite there.
    """
    rows = checked_rows(rows, len(found.mean))
    kept, units = found.components.shape
    rest = [noise_variance] * (units - kept)
    variances = np.array([*found.explained_variance, *rest])
    if variances.min() <= RESOLUTION * variances.max():
        raise InputError(
            "there are directions without variance, and no likelihood: keep fewer "
            "components, or drop constant and duplicate features"
        )
    constant = units * np.log(2 * np.pi) + np.log(variances).sum()
    logs = np.empty(len(rows))
    for part in blocks(len(rows)):
        centred = rows[part] - found.mean
        along = centred @ found.components.T
        distances = (along**2 / found.explained_variance).sum(axis=1)
        if kept < units:
            beside = centred - along @ found.components
            distances += (beside**2).sum(axis=1) / noise_variance
        logs[part] = -0.5 * (constant + distances)
    return logs


def principal_components(
    moments: Moments, count: int | None = None
) -> PrincipalComponents:
    """Return the first ``count`` principal components, all of them by default.

    The eigenvectors of the covariance, which is symmetric: its eigenvalues are real,
    and those that rounding makes negative are 0. Directions without variance complete
    the basis.

    Parameters
    ----------
    moments : Moments
        Of one row at least.
    count : int, optional
        From 1 to the number of units, or of the projection's coordinates.

    Raises
    ------
    InputError
        If there are no rows, or ``count`` is out of range.
    """
    most = len(moments.scatter)
    count = most if count is None else count
    if not 1 <= count <= most:
        raise InputError(f"{count} components: choose from 1 to the {most} units")
    if not moments.count:
        raise InputError("there are no rows to take principal components of")
    covariance = moments.covariance
    eigenvalues, eigenvectors = np.linalg.eigh(covariance)
    variance = np.maximum(eigenvalues[: -count - 1 : -1], 0)
    total = np.trace(covariance)
    return PrincipalComponents(
        mean=moments.mean,
        components=pointed(moments.lifted(eigenvectors.T[: -count - 1 : -1])),
        explained_variance=variance,
        explained_variance_ratio=variance / total if total else np.zeros(count),
    )


def pointed(
    directions: Float64[np.ndarray, "directions units"],
) -> Float64[np.ndarray, "directions units"]:
    """Return the directions turned so that the largest entry of each is positive."""
    largest = np.abs(directions).argmax(axis=1, keepdims=True)
    return directions * np.sign(np.take_along_axis(directions, largest, axis=1))


def participation_ratio(moments: Moments) -> float:
    """Return in how many dimensions the rows vary: ``(Σλ)² / Σλ²``.

    Over the eigenvalues λ of the covariance: k equal ones and otherwise zeros give k;
    no variance at all gives 0. Gao et al., "A theory of multineuronal dimensionality,
    dynamics and measurement" (2017), equation 5.
    """
    return dimensions(moments.total_scatter)


def dimensions(scatter: Float64[np.ndarray, "units units"]) -> float:
    """Return ``(Σλ)² / Σλ²`` as ``tr(S)² / ‖S‖²``: it needs no eigensolve."""
    largest = np.abs(scatter).max(initial=0)
    if not largest:
        return 0.0
    scaled = scatter / largest  # its squares neither overflow nor vanish
    return float(np.trace(scaled) ** 2 / np.vdot(scaled, scaled))


def effective_rank(moments: Moments) -> float:
    """Return in how many dimensions the rows vary, by entropy: ``exp(-Σ p log p)``.

    Over the shares ``p = λ / Σλ`` of the eigenvalues of the covariance: k equal ones
    and otherwise zeros give k; no variance at all gives 0. Small eigenvalues count for
    more than in `participation_ratio`, which it is never below. It costs an eigensolve.
    Roy and Vetterli, "The effective rank: a measure of effective dimensionality",
    EUSIPCO 2007, taken of the covariance.
    """
    eigenvalues = np.maximum(np.linalg.eigvalsh(moments.total_scatter), 0)
    total = eigenvalues.sum()
    if not total:
        return 0.0
    shares = eigenvalues[eigenvalues > 0] / total
    return float(np.exp(-(shares @ np.log(shares))))


def constant_units(moments: Moments) -> Bool[np.ndarray, " units"]:
    """Return which units had exactly the same value in every row, shape (units,)."""
    return np.all(moments.squares == 0, axis=0)


def duplicate_units(moments: Moments) -> Bool[np.ndarray, " units"]:
    """Return which units say nothing that an earlier one does not, shape (units,).

    True for a unit that is, on all rows, an affine function of one unit before it: the
    square of their correlation is 1 to within 1e-10. A unit without variance is never
    a duplicate, nor does it have any. Of a projection's moments that is not known, and
    no unit is said to be one.
    """
    if moments.projection is not None:
        return np.zeros(len(moments.shift), bool)
    scatter = moments.total_scatter
    deviation = np.sqrt(np.maximum(scatter.diagonal(), 0))
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    correlations = scatter * np.outer(scale, scale)
    return np.any(np.tril(correlations**2 >= 1 - DUPLICATE, -1), axis=1)
