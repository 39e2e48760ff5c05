"""The linear probe that needs no samples: least squares from moments."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from layerwise.arrays import Array
from layerwise.errors import InputError
from layerwise.statistics._blocks import blocks, checked_rows
from layerwise.statistics._moments import Moments

__all__ = ["LeastSquaresProbe", "least_squares_probe"]

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
        """Return the fitted one-hot targets of ``rows``; each row sums to 1.

        Parameters
        ----------
        rows : real array, shape (rows, units)

        Raises
        ------
        InputError
            If ``rows`` do not have these units.
        """
        rows = checked_rows(rows, len(self.mean))
        scores = np.empty((len(rows), len(self.shares)))
        for part in blocks(len(rows)):
            scores[part] = (rows[part] - self.mean) @ self.weights + self.shares
        return scores

    def predict(self, rows: Array) -> Int64[np.ndarray, " rows"]:
        """Return the class of the largest score for each of ``rows``."""
        return self.scores(rows).argmax(axis=1)


def least_squares_probe(moments: Moments) -> LeastSquaresProbe:
    """Return the regression, with intercept, of one-hot labels on the rows.

    With C the scatter about the mean and B the sums of ``(x - mean) yᵀ``, both of them
    in the moments, the normal equations are ``C W = B``. They are solved with every
    unit scaled to variance 1, so that units of measurement do not matter, by the
    eigenvectors of the correlations; where units depend on each other the solution is
    the one of least norm in that scale. Of a projection's moments, its coordinates take
    the units' place.

    Parameters
    ----------
    moments : Moments
        Of labelled rows, one at least.

    Raises
    ------
    InputError
        If there are no rows.
    """
    if not moments.count:
        raise InputError("there are no rows to fit a probe on")
    shares = moments.counts / moments.count
    scatter = moments.total_scatter
    deviation = np.sqrt(np.maximum(scatter.diagonal(), 0))
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    eigenvalues, vectors = np.linalg.eigh(scatter * np.outer(scale, scale))
    kept = eigenvalues > CUTOFF * max(eigenvalues[-1], 0)
    vectors = vectors[:, kept]
    sums = moments.seen(moments.sums)
    targets = (sums - shares[:, None] * sums.sum(0)).T * scale[:, None]
    weights = vectors @ (vectors.T @ targets / eigenvalues[kept, None])
    lifted = moments.lifted((weights * scale[:, None]).T).T
    return LeastSquaresProbe(moments.mean, lifted, shares)
