"""Principal components, effective dimension, constant and duplicate units."""

from dataclasses import dataclass
from math import lgamma

import numpy as np
from jaxtyping import Bool, Float64

from layerwise.arrays import Array
from layerwise.errors import InputError
from layerwise.statistics._blocks import blocks, checked_rows, not_finite
from layerwise.statistics._eigen import eigen
from layerwise.statistics._moments import RESOLUTION, Moments

DUPLICATE = 1e-10
"""Two units whose squared correlation is this near to 1 are affine functions of each
other. Single precision rounds a unit at some 1e-14 of its mean square, which leaves
room for a mean of 100 standard deviations; trained units are 0.1 from it and more."""

MINKA_LEAST = 1e-15
"""A variance below is taken for none in `likeliest_dimension`, as by scikit-learn."""


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

        An `InputError` is raised for rows of other units.
        """
        return coordinates(rows, self.mean, self.components)


def coordinates(
    rows: Array,
    mean: Float64[np.ndarray, " units"],
    directions: Float64[np.ndarray, "directions units"],
) -> Float64[np.ndarray, "rows directions"]:
    """Return ``(rows - mean) @ directions.T``, a block at a time.

    Raises
    ------
    InputError
        If the rows do not have these units.
    """
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

    Where directions have no variance, the density is that on the space of those that
    have some; a row outside that space has density 0, and -inf is returned for it.
    Where the components span everything ``noise_variance`` is not looked at.
    """
    rows = checked_rows(rows, len(found.mean))
    kept, units = found.components.shape
    variances = np.full(units, noise_variance)
    variances[:kept] = found.explained_variance
    real = variances > RESOLUTION * variances.max(initial=0)
    along_them = found.components[real[:kept]]
    of_them = variances[:kept][real[:kept]]
    everywhere = bool(real[kept:].all()) and len(along_them) == kept
    constant = real.sum() * np.log(2 * np.pi) + np.log(variances[real]).sum()
    logs = np.empty(len(rows))
    for part in blocks(len(rows)):
        centred = rows[part] - found.mean
        along = centred @ along_them.T
        distances = (along**2 / of_them).sum(axis=1)
        if kept < units or not everywhere:
            beside = ((centred - along @ along_them) ** 2).sum(axis=1)
            if everywhere:
                distances += beside / noise_variance
            else:
                # What rounding leaves beside a space grows with the row.
                size = np.maximum((centred**2).sum(axis=1), variances.max(initial=0))
                distances[beside > RESOLUTION * size] = np.inf
        logs[part] = -0.5 * (constant + distances)
    return logs


def likeliest_dimension(variances: Float64[np.ndarray, " units"], rows: int) -> int:
    """Return how many components explain the rows best: Minka's choice.

    The rank, from 1 to units - 1, of the largest evidence under probabilistic PCA:
    Minka, "Automatic choice of dimensionality for PCA" (2000), equation 30. The
    ``variances`` are those of all components, the largest first.
    """
    units = len(variances)
    if units < 2:
        return 0
    least = np.finfo(float).tiny
    logs = np.log(np.maximum(variances, least))
    differences = np.log(np.maximum(np.subtract.outer(variances, variances), least))
    # Of two components that are kept: (a - b)² / ab, for all pairs before each.
    pairs = np.triu(2 * differences - np.add.outer(logs, logs), 1).sum(0).cumsum()
    # The logarithm of the surface of the unit sphere in 1, 2, … dimensions, less log 2.
    sizes = np.arange(1, units + 1) / 2
    spheres = np.array([lgamma(size) for size in sizes]) - sizes * np.log(np.pi)
    evidence = np.full(units, -np.inf)
    for rank in range(1, units):
        if variances[rank - 1] < MINKA_LEAST:
            break
        left = units - rank
        noise = max(variances[rank:].mean(), MINKA_LEAST)
        free = units * rank - rank * (rank + 1) / 2
        gaps = np.maximum(1 / noise - 1 / variances[:rank], least)
        curvature = pairs[rank - 1] + differences[:rank, rank:].sum()
        curvature += left * np.log(gaps).sum() + free * np.log(rows)
        evidence[rank] = (
            spheres[units - rank :].sum()
            - rank * np.log(2)
            - rows / 2 * (logs[:rank].sum() + left * np.log(noise))
            + (free + rank) / 2 * np.log(2 * np.pi)
            - (curvature + rank * np.log(rows)) / 2
        )
    return int(evidence.argmax())


def principal_components(
    moments: Moments, count: int | None = None
) -> PrincipalComponents:
    """Return the first ``count`` principal components, all of them by default.

    The eigenvectors of the covariance, which is symmetric: its eigenvalues are real,
    and those that rounding makes negative are 0. Directions without variance complete
    the basis.

    Raises
    ------
    InputError
        If there are no rows, or ``count`` is not from 1 to the number of units, or of
        the projection's coordinates.
    """
    most = len(moments.scatter)
    count = most if count is None else count
    if not 1 <= count <= most:
        raise InputError(f"{count} components: choose from 1 to the {most} units")
    if not moments.count:
        raise InputError("there are no rows to take principal components of")
    covariance = moments.covariance
    eigenvalues, eigenvectors = eigen(covariance, moments.count - 1, count)
    vars(moments).setdefault("spectrum", eigenvalues)  # they need not be found again
    variance = np.maximum(eigenvalues[: -count - 1 : -1], 0)
    total = np.trace(covariance)
    return PrincipalComponents(
        mean=moments.mean,
        components=pointed(moments.lifted(eigenvectors.T[: -count - 1 : -1])),
        explained_variance=variance,
        explained_variance_ratio=variance / total if total else np.zeros(count),
    )


def principal_components_of_rows(rows: Array) -> PrincipalComponents:
    """Return all principal components of rows fewer than their units.

    By a singular value decomposition of the centred rows: rows² · units operations,
    where the covariance would take units³, and units² numbers of memory. There are as
    many components as rows, the last without variance.

    Raises
    ------
    InputError
        If there are no rows, or their squares overflow.
    """
    rows = checked_rows(rows)
    if not len(rows):
        raise InputError("there are no rows to take principal components of")
    # About a row of theirs, as in `Moments`: an offset costs nothing.
    first = rows[0].astype(np.float64)
    centred = rows - first
    offset = centred.mean(axis=0)
    centred -= offset
    with np.errstate(over="ignore", invalid="ignore"):
        if not np.isfinite(np.vdot(centred, centred)):
            raise not_finite(rows)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    variance = singular**2 / max(len(rows) - 1, 1)
    total = variance.sum()
    return PrincipalComponents(
        mean=first + offset,
        components=pointed(directions),
        explained_variance=variance,
        explained_variance_ratio=variance / total if total else np.zeros(len(rows)),
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
    more than in `participation_ratio`, which it is never below. It costs an eigensolve,
    unless principal components of these moments were taken before. Roy and Vetterli,
    "The effective rank: a measure of effective dimensionality", EUSIPCO 2007, taken of
    the covariance.
    """
    eigenvalues = np.maximum(moments.spectrum, 0)
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
    _, correlations = correlated(moments.total_scatter)
    return np.any(np.tril(correlations**2 >= 1 - DUPLICATE, -1), axis=1)


def correlated(
    scatter: Float64[np.ndarray, "units units"],
) -> tuple[Float64[np.ndarray, " units"], Float64[np.ndarray, "units units"]]:
    """Return what units are multiplied with to be of one length, and correlations.

    Both are 0 for a unit without scatter.
    """
    deviation = np.sqrt(np.maximum(scatter.diagonal(), 0))
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    return scale, scatter * np.outer(scale, scale)
