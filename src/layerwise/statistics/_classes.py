"""How the classes lie: spread, separation, and how far they have collapsed."""

import numpy as np
from jaxtyping import Float, Float64, Int, Int64

from layerwise.arrays import Array
from layerwise.errors import InputError
from layerwise.statistics._blocks import blocks, checked_rows
from layerwise.statistics._eigen import solved
from layerwise.statistics._moments import RESOLUTION, Moments


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


def fisher_ratio(moments: Moments) -> float:
    """Return the scatter between classes over that within: ``tr(S_b) / tr(S_w)``.

    Of all units together, so that those of larger scale count for more; along the best
    directions it is the ``ratios`` of `discriminants`. Fisher, "The use of multiple
    measurements in taxonomic problems", Annals of Eugenics 7 (1936).

    Returns
    -------
    float
        0 where all class means are equal; infinite where they differ and no class has
        any variance; NaN where there is no variance at all, or fewer than two classes
        have rows.
    """
    seen = moments.counts > 0
    if np.count_nonzero(seen) < 2:
        return float("nan")
    counts = moments.counts[seen]
    within = (counts - 1) @ moments.class_variances[seen].sum(axis=1)
    offsets = moments.class_offsets[seen] - moments.offset
    between = counts @ np.square(offsets).sum(axis=1)
    if between < RESOLUTION * moments.squares.sum():
        between = 0.0
    if not within:
        return float("inf" if between else "nan")
    return float(between / within)


def nearest_mean(rows: Array, moments: Moments) -> Int64[np.ndarray, " rows"]:
    """Return for each row the class whose mean is nearest to it, by Euclid.

    A class without a row is never the nearest.

    Raises
    ------
    InputError
        If ``rows`` do not have these units, or there are no class means.
    """
    rows = checked_rows(rows, len(moments.shift))
    seen = np.flatnonzero(moments.counts)
    if not len(seen):
        raise InputError("there are no rows to take class means of")
    # About the means' own centre, and in differences from the shift: nothing is lost
    # to an offset, nor to a shift that is far from them.
    offsets = moments.class_offsets[seen]
    centre = offsets.mean(axis=0)
    means = offsets - centre
    half = np.square(means).sum(axis=1) / 2
    nearest = np.empty(len(rows), np.int64)
    for part in blocks(len(rows)):
        near = rows[part] - moments.shift - centre
        nearest[part] = seen[np.argmax(near @ means.T - half, axis=1)]
    return nearest


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

    Returns
    -------
    float64, shape (classes, classes)
        Symmetric, 0 on the diagonal; NaN for a class without a row. Where no class has
        any variance the resolution of the scatter stands in for it, and distances
        reach some millions.

    Raises
    ------
    InputError
        If ``shrinkage``, s, is not above 0 and at most 1.
    """
    if not 0 < shrinkage <= 1:
        raise InputError(f"shrinkage is {shrinkage}: choose above 0 and at most 1")
    units = len(moments.scatter)
    within = moments.within_scatter / moments.freedom
    variance = np.trace(within) / units
    smallest = RESOLUTION * np.trace(moments.scatter) / moments.freedom
    offsets = moments.seen(moments.class_offsets)
    if smallest:
        within *= 1 - shrinkage
        within[np.diag_indices(units)] += max(shrinkage * variance, smallest)
        offsets = solved(np.linalg.cholesky(within), offsets.T).T
    return np.stack([np.linalg.norm(offsets - one, axis=1) for one in offsets])


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
    columns of M are the ``μ_c - μ`` of the inputs of that linear layer. 2 where the two
    have nothing in common, 4 where they are opposite.

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


def between_share(
    rows: Float[np.ndarray, "rows features"], targets: Int[np.ndarray, " rows"]
) -> Float64[np.ndarray, " features"]:
    """Return the share of each feature's variance that lies between classes (η²)."""
    whole, total = rows.mean(axis=0), rows.var(axis=0)
    between = np.zeros(rows.shape[1])
    for one in np.unique(targets):
        of_class = rows[targets == one]
        between += len(of_class) / len(rows) * (of_class.mean(axis=0) - whole) ** 2
    return np.divide(between, total, out=np.zeros_like(between), where=total > 0)
