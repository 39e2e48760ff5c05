"""Neural collapse: how near the last stage of training has brought the classes.

Papyan, Han and Donoho, "Prevalence of neural collapse during the terminal phase of
deep learning training", PNAS 117 (2020). The paper's classes have equally many rows.
Here, where they have not, every class mean counts the same: the centre is the mean of
the class means, about which a simplex is one. The covariance within classes averages
over rows. Classes without a row are left out.
"""

import numpy as np
from jaxtyping import Float, Float64

from layerwise.errors import InputError
from layerwise.statistics._moments import RESOLUTION, Moments

__all__ = ["angle_deviation", "norm_variation", "self_duality", "within_collapse"]


def within_collapse(moments: Moments) -> float:
    """Return NC1, the variability within classes beside that between: 0 in collapse.

    ``tr(Σ_W Σ_B⁺) / C`` for C classes (figure 6 of the paper): Σ_W is the average of
    ``(x - μ_c)(x - μ_c)ᵀ`` over the rows, Σ_B that of ``(μ_c - μ)(μ_c - μ)ᵀ`` over the
    classes, and Σ_B⁺ its pseudo-inverse, without the directions in which the means
    differ by no more than rounding.

    Returns
    -------
    float
        Infinite where all class means are equal and the rows are not; NaN where there
        is no variance at all, or fewer than two classes have rows.
    """
    means = _centred_means(moments)
    if len(means) < 2:
        return float("nan")
    if not means.any():
        seen = moments.counts > 0
        return float("inf" if moments.class_variances[seen].any() else "nan")
    smallest = _rounding(moments)
    means = moments.seen(means)
    _, singular, directions = np.linalg.svd(means, full_matrices=False)
    kept = singular**2 > smallest
    directions = directions[kept]
    along = ((directions @ moments.within_scatter) * directions).sum(axis=1)
    within = along / moments.count
    within[within < smallest] = 0
    # Σ_B is the squares of the singular values over C: the two C cancel.
    return float(np.sum(within / singular[kept] ** 2))


def norm_variation(moments: Moments) -> float:
    """Return NC2 for lengths, how unequal the class means' are: 0 in collapse.

    The standard deviation (divided by the number of classes) of ``‖μ_c - μ‖`` over its
    mean (figure 2 of the paper). Two classes always give 0.

    Returns
    -------
    float
        NaN where all class means are equal, or fewer than two classes have rows.
    """
    norms = np.linalg.norm(_centred_means(moments), axis=1)
    return float(norms.std() / norms.mean()) if norms.any() else float("nan")


def angle_deviation(moments: Moments) -> float:
    """Return NC2 for angles, how far they are from those of a simplex: 0 in collapse.

    The mean of ``|cos(μ_c - μ, μ_c' - μ) + 1/(C - 1)|`` over the pairs of C classes
    (figure 4 of the paper). Two classes always give 0.

    Returns
    -------
    float
        NaN where a class mean is the mean of all and has no angle, or fewer than two
        classes have rows.
    """
    means = _centred_means(moments)
    norms = np.linalg.norm(means, axis=1)
    classes = len(means)
    if classes < 2 or not norms.all():
        return float("nan")
    unit = means / norms[:, None]
    cosines = (unit @ unit.T)[np.triu_indices(classes, 1)]
    return float(np.abs(cosines + 1 / (classes - 1)).mean())


def self_duality(
    weights: Float[np.ndarray, "classes units"], moments: Moments
) -> float:
    """Return NC3, how far the output's weights are from the class means: 0 in collapse.

    ``‖Wᵀ/‖W‖ - M/‖M‖‖²``, squared as in figure 5 of the paper, in Frobenius norms; the
    columns of M are the ``μ_c - μ``. 2 where the two have nothing in common, 4 where
    they are opposite.

    Parameters
    ----------
    weights : float array, shape (classes, units)
        Of the linear layer that follows, one row for each class.
    moments : Moments
        Of that layer's inputs.

    Returns
    -------
    float
        NaN where all weights are 0, all class means are equal, or fewer than two
        classes have rows.

    Raises
    ------
    InputError
        If the weights are not of these classes and units.
    """
    if weights.shape != moments.sums.shape:
        raise InputError(
            f"weights have shape {weights.shape} where (classes, units) "
            f"{moments.sums.shape} is expected"
        )
    means = _centred_means(moments)
    weights = weights[moments.counts > 0].astype(np.float64)
    if not (weights.any() and means.any()):
        return float("nan")
    step = weights / np.linalg.norm(weights) - means / np.linalg.norm(means)
    return float(np.vdot(step, step))


def _centred_means(moments: Moments) -> Float64[np.ndarray, "seen units"]:
    """Return ``μ_c - μ`` for the classes with rows, exactly 0 where it is rounding."""
    offsets = moments.class_offsets[moments.counts > 0]
    means = offsets - offsets.sum(axis=0) / max(len(offsets), 1)
    means[np.square(means).sum(axis=1) <= _rounding(moments)] = 0
    return means


def _rounding(moments: Moments) -> float:
    """Return the squared length below which a mean or a deviation is rounding."""
    return RESOLUTION * float(np.trace(moments.scatter)) / max(moments.count, 1)
