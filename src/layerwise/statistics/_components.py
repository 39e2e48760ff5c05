"""Principal components, effective dimension and constant units, from moments."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from layerwise.arrays import Array
from layerwise.errors import InputError
from layerwise.statistics._blocks import blocks, checked_rows
from layerwise.statistics._moments import Moments

__all__ = [
    "PrincipalComponents",
    "constant_units",
    "participation_ratio",
    "principal_components",
]


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
        rows = checked_rows(rows, len(self.mean))
        coordinates = np.empty((len(rows), len(self.components)))
        for part in blocks(len(rows)):
            coordinates[part] = (rows[part] - self.mean) @ self.components.T
        return coordinates


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
        From 1 to the number of units.

    Raises
    ------
    InputError
        If there are no rows, or ``count`` is out of range.
    """
    units = len(moments.shift)
    count = units if count is None else count
    if not 1 <= count <= units:
        raise InputError(f"{count} components: choose from 1 to the {units} units")
    if not moments.count:
        raise InputError("there are no rows to take principal components of")
    covariance = moments.covariance
    eigenvalues, eigenvectors = np.linalg.eigh(covariance)
    variance = np.maximum(eigenvalues[: -count - 1 : -1], 0)
    components = eigenvectors.T[: -count - 1 : -1]
    largest = np.argmax(np.abs(components), axis=1)
    signs = np.sign(components[np.arange(count), largest])
    total = np.trace(covariance)
    return PrincipalComponents(
        mean=moments.mean,
        components=components * signs[:, None],
        explained_variance=variance,
        explained_variance_ratio=variance / total if total else np.zeros(count),
    )


def participation_ratio(moments: Moments) -> float:
    """Return in how many dimensions the rows vary: ``(Σλ)² / Σλ²``.

    Over the eigenvalues λ of the covariance C: k equal ones and otherwise zeros give
    k; no variance at all gives 0. Taken as ``tr(C)² / ‖C‖²``, without an eigensolve.
    Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement"
    (2017), equation 5.
    """
    scatter = moments.total_scatter
    largest = np.abs(scatter).max(initial=0)
    if not largest:
        return 0.0
    scatter /= largest  # its squares neither overflow nor vanish
    return float(np.trace(scatter) ** 2 / np.vdot(scatter, scatter))


def constant_units(moments: Moments) -> Bool[np.ndarray, " units"]:
    """Return which units had exactly the same value in every row, shape (units,)."""
    return np.all(moments.squares == 0, axis=0)
