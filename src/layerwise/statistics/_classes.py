"""How wide each class is, and how far any two of them are apart."""

import numpy as np
from jaxtyping import Float64

from layerwise.errors import InputError
from layerwise.statistics._moments import RESOLUTION, Moments

__all__ = ["class_spread", "separation"]


def class_spread(moments: Moments) -> Float64[np.ndarray, " classes"]:
    """Return each class's variance over the average class's.

    The variance of a class is the trace of its covariance: its mean squared distance
    from its own mean (divided by n - 1). 1.3 means a class 30 % more spread out than
    the average one.

    Returns
    -------
    float64, shape (classes,)
        NaN for a class with fewer than two rows; 0 for all where none has any variance.
    """
    seen = moments.counts >= 2
    variance = moments.class_variances.sum(axis=1)
    average = variance[seen].mean() if seen.any() else 0.0
    spread = np.full(len(seen), np.nan)
    spread[seen] = variance[seen] / average if average else 0.0
    return spread


def separation(
    moments: Moments, shrinkage: float = 0.01
) -> Float64[np.ndarray, "classes classes"]:
    """Return how many standard deviations any two class means are apart.

    Measured along the direction that parts the two best, ``W⁻¹(mᵢ - mⱼ)`` with W the
    pooled within-class covariance (Fisher, "The use of multiple measurements in
    taxonomic problems", Annals of Eugenics 7, 1936), in standard deviations along it:
    the Mahalanobis distance ``√((mᵢ - mⱼ)ᵀ W⁻¹ (mᵢ - mⱼ))``. With normal classes of
    equal covariance and number, a share Φ(-d/2) of the samples of two classes at
    distance d is on the wrong side of the best line.

    W is shrunk towards a multiple of the identity, ``(1 - s) W + s tr(W)/units I``, so
    that constant and dependent units do no harm (Friedman, "Regularized discriminant
    analysis", JASA 84, 1989, equation 18).

    Parameters
    ----------
    moments : Moments
        Of labelled rows.
    shrinkage : float
        s, above 0 and at most 1.

    Returns
    -------
    float64, shape (classes, classes)
        Symmetric, 0 on the diagonal; NaN for a class without a row. Where no class has
        any variance the resolution of the scatter stands in for it, and distances
        reach some millions.

    Raises
    ------
    InputError
        If ``shrinkage`` is out of range.
    """
    if not 0 < shrinkage <= 1:
        raise InputError(f"shrinkage is {shrinkage}: choose above 0 and at most 1")
    units = len(moments.shift)
    freedom = moments.count - np.count_nonzero(moments.counts)
    within = moments.within_scatter / max(freedom, 1)
    variance = np.trace(within) / units
    smallest = RESOLUTION * np.trace(moments.scatter) / max(freedom, 1)
    offsets = moments.class_offsets
    if smallest:
        within *= 1 - shrinkage
        within[np.diag_indices(units)] += max(shrinkage * variance, smallest)
        offsets = np.linalg.solve(np.linalg.cholesky(within), offsets.T).T
    return np.stack([np.linalg.norm(offsets - one, axis=1) for one in offsets])
