"""Measures of the stated sample: neighbours, trust, similarity, a converged probe."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float64, Int, Int64, UInt16

from layerwise.arrays import Tree, each, one_blas_thread, ravelled, tree_map, unravelled
from layerwise.errors import InputError
from layerwise.model import (
    Batch,
    CrossEntropy,
    Linear,
    Sequential,
    loss_and_gradients,
    target_rows,
)
from layerwise.statistics import Likeness, hsic, linear_cka, nearest_columns

Labels = Int[np.ndarray, " samples"]
OfSamples = Float64[np.ndarray, " samples"]
Rows = Float[np.ndarray, "samples _"]
Matrix = Float[np.ndarray, "_ _"]

NEIGHBOURS = 10

BLOCK_ROWS = 128
"""So many rows of 2,000 distances stay in a processor's cache from step to step."""

TRUST_SAMPLES = 500
"""Trust is the mean over so many samples at most, a seeded draw; each of them is ranked
against all the others. On MNIST's layers that is within 0.01 of the mean over all."""


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """How near the sampled rows of one layer lie to each other.

    Parameters
    ----------
    distances : float64, shape (samples, samples)
        Euclidean. Those that the rounding of the matrix product cannot tell from 0 are
        0: below about √(units · 4e-16) of the rows' distance from their mean.
    nearest : int64, shape (samples, neighbours)
        The ten nearest other samples, or all where there are fewer, the nearest first;
        of equally near ones those that come first in the sample.
    """

    distances: Float64[np.ndarray, "samples samples"]
    nearest: Int64[np.ndarray, "samples neighbours"]

    @classmethod
    def of(cls, rows: Float[np.ndarray, "samples units"]) -> "Neighbourhood":
        """Measure all distances between ``rows``: samples² · units products.

        Raises
        ------
        InputError
            If there are no rows, or if an entry or its square is not finite.
        """
        distances = _distances(rows)
        np.fill_diagonal(distances, np.inf)
        nearest = nearest_columns(distances, min(NEIGHBOURS, len(rows) - 1))
        np.fill_diagonal(distances, 0)
        return cls(distances, nearest)

    def purity(self, labels: Labels, k: int = NEIGHBOURS) -> OfSamples:
        """Return the share of each sample's ``k`` nearest that have its label.

        Of the neighbours that are stored where ``k`` is more; NaN for a sample alone.
        """
        near = self.nearest[:, :k]
        if not near.size:
            return np.full(len(labels), np.nan)
        return np.mean(labels[near] == labels[:, None], axis=1)

    def silhouette(self, labels: Labels) -> OfSamples:
        """Return each sample's silhouette: -1, in the wrong class, to 1, well inside.

        ``(b - a) / max(a, b)``, a the mean distance to the rest of its class and b that
        to the nearest other class (P. J. Rousseeuw, "Silhouettes: a graphical aid to
        the interpretation and validation of cluster analysis", Journal of Computational
        and Applied Mathematics 20, 1987).

        Returns
        -------
        float64, shape (samples,)
            0 for the only sample of a class, and where a = b = 0; NaN where all have
            one class.
        """
        kinds, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
        if len(kinds) == 1:
            return np.full(len(labels), np.nan)
        # One product for all samples; scikit-learn's takes them one after another.
        sums = self.distances @ np.eye(len(kinds))[own]
        places, others = np.arange(len(labels)), counts[own] - 1
        inside = sums[places, own] / np.maximum(others, 1)
        means = sums / counts
        means[places, own] = np.inf
        outside = means.min(axis=1)
        larger = np.maximum(inside, outside)
        compared = (others > 0) & (larger > 0)
        return np.where(compared, outside - inside, 0) / np.where(compared, larger, 1)

    def trust(
        self, plane: Float[np.ndarray, "samples 2"], neighbours: int = NEIGHBOURS
    ) -> tuple[float, float]:
        """Return the trustworthiness and the continuity of a picture of these samples.

        Both are 1 where every sample has the same neighbours in the picture as in the
        layer, and about 0.5 for a random picture. Trustworthiness falls by neighbours
        in the picture that are far apart in the layer, continuity by neighbours in the
        layer that the picture takes apart, each by its rank beyond ``neighbours``
        (J. Venna & S. Kaski, "Neighborhood preservation in nonlinear projection
        methods", ICANN 2001). A sample's rank is 1 and how many others are nearer.

        Of ``neighbours`` at most those that are stored, and fewer than half of the
        samples; over `TRUST_SAMPLES` drawn samples at most. NaN for two samples or one.
        """
        from scipy.spatial.distance import cdist

        samples, stored = self.nearest.shape
        k = min(neighbours, stored, (samples - 1) // 2)
        if k < 1:
            return np.nan, np.nan
        drawn = np.random.default_rng(0).permutation(samples)[:TRUST_SAMPLES]
        here, there = self.distances[drawn], cdist(plane[drawn], plane)
        for distances in (here, there):
            distances[np.arange(len(drawn)), drawn] = np.inf
        return (
            _preserved(here, nearest_columns(there, k)),
            _preserved(there, self.nearest[drawn, :k]),
        )


def _distances(
    rows: Float[np.ndarray, "samples units"],
) -> Float64[np.ndarray, "samples samples"]:
    rows = _checked(rows.astype(np.float64))
    # ‖x‖² + ‖y‖² - 2 x·y loses what the rows have in common: their offset goes first.
    centred = rows - rows.mean(axis=0)
    squares = np.einsum("ij,ij->i", centred, centred)
    rounding = (rows.shape[1] + 2) * np.finfo(np.float64).eps
    distances = centred @ centred.T
    for start in range(0, len(rows), BLOCK_ROWS):
        block = distances[start : start + BLOCK_ROWS]
        size = squares[start : start + BLOCK_ROWS, None] + squares
        block *= -2
        block += size
        block[block <= rounding * size] = 0
        np.sqrt(block, out=block)
    return distances


def _checked(rows: Float64[np.ndarray, "samples units"]) -> np.ndarray:
    if not len(rows):
        raise InputError("there are no rows to look for neighbours in")
    with np.errstate(over="ignore"):
        squares = np.einsum("ij,ij->i", rows, rows)
    bad = np.flatnonzero(~np.isfinite(squares))
    if len(bad):
        raise InputError(
            f"row {bad[0]} holds numbers that are not finite, or whose squares are "
            "not: remove the row or scale the rows down"
        )
    return rows


def _preserved(
    distances: Float64[np.ndarray, "asked samples"],
    neighbours: Int64[np.ndarray, "asked k"],
) -> float:
    """Return 1, less by the ranks beyond k that neighbours elsewhere have here."""
    (asked, samples), k = distances.shape, neighbours.shape[1]
    reached = np.take_along_axis(distances, neighbours, axis=1)
    nearer = np.stack(
        [np.count_nonzero(distances < own[:, None], axis=1) for own in reached.T]
    )
    excess = int(np.sum(np.maximum(nearer + 1 - k, 0)))
    return 1 - 2 * excess / (asked * k * (2 * samples - 3 * k - 1))


def bootstrap_interval(
    values: OfSamples, seed: int, confidence: float = 0.95, draws: int = 1000
) -> tuple[float, float]:
    """Return the percentile bootstrap's interval of the mean of ``values``.

    The samples are drawn anew, with replacement; the interval holds the middle of the
    means (B. Efron, "Bootstrap methods: another look at the jackknife", Annals of
    Statistics 7, 1979). It says how the mean depends on which samples were drawn, not
    on the network's training. NaN are left out; of fewer than two values the interval
    is NaN.
    """
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return np.nan, np.nan
    means = _times_drawn(len(values), seed, draws) @ values / len(values)
    outside = (1 - confidence) / 2
    low, high = np.quantile(means, [outside, 1 - outside])
    return float(low), float(high)


# What is drawn depends on no value: a study's dozens of means share one draw.
@lru_cache(maxsize=2)
def _times_drawn(count: int, seed: int, draws: int) -> UInt16[np.ndarray, "draws _"]:
    """Return how often each of ``count`` samples is in each draw of as many."""
    drawn = np.random.default_rng(seed).integers(0, count, (draws, count))
    times = np.array([np.bincount(row, minlength=count) for row in drawn])
    return times.astype(np.uint16)


def shuffled(labels: Labels, seed: int) -> Labels:
    """Return the labels in random order: what a measure says where nothing is known."""
    return np.random.default_rng(seed).permutation(labels)


def layer_similarity(
    rows: Sequence[Rows], others: Sequence[Rows] | None = None
) -> dict[str, Matrix]:
    """Return the CKA of every two layers, ``debiased`` and ``biased``.

    Of the rows of each layer, for the same samples in the same order; with ``others``,
    of every layer and every one of another network.
    """
    first = each(_in_own_span, rows)
    second = first if others is None else each(_in_own_span, others)
    forms = Likeness._fields
    # Debiased HSIC is of four samples and more; below, there is nothing to estimate.
    if len(first[0]) < 4:
        nothing = np.full((len(first), len(second)), np.nan)
        return dict.fromkeys(forms, nothing)
    own = each(lambda rows: hsic(rows, rows), first)
    theirs = own if second is first else each(lambda rows: hsic(rows, rows), second)

    def alike(pair: tuple[int, int]) -> Likeness:
        i, j = pair
        return linear_cka(hsic(first[i], second[j]), own[i], theirs[j])

    values = np.empty((len(forms), len(first), len(second)))
    pairs = list(np.ndindex(len(first), len(second)))
    if second is first:  # each two once: they are as alike as the other way round
        pairs = [(i, j) for i, j in pairs if i <= j]
    for (i, j), found in zip(pairs, each(alike, pairs), strict=True):
        values[:, i, j] = found
        if second is first:
            values[:, j, i] = found
    return dict(zip(forms, values, strict=True))


def _in_own_span(rows: Rows) -> Rows:
    """Return the rows in as many coordinates as there are rows, where units are more.

    Products of any two stay, and CKA knows no more of the rows than these.
    """
    samples, units = rows.shape
    if units <= samples:
        return rows
    triangle: np.ndarray = np.linalg.qr(rows.T.astype(np.float64))[1]
    return triangle.T


PENALTY = 0.01
"""The logistic probe minimises mean cross-entropy + ``PENALTY / 2`` · ‖weights‖²."""

TOLERANCE = 3e-4
"""The largest entry of the gradient at which the logistic probe stops: accuracies are
then within 0.1 points of the optimum's on MNIST's layers."""

ITERATIONS = 10_000


def load_for_inspecting() -> None:
    """Load what a study fits with, which takes 0.4 seconds."""
    importlib.import_module("scipy.optimize")


def logistic_probe(
    fit_rows: Float[np.ndarray, "fitted units"],
    fit_labels: Int[np.ndarray, " fitted"],
    rows: Float[np.ndarray, "samples units"],
) -> Int[np.ndarray, " samples"]:
    """Return what multinomial logistic regression, fitted on others, says of ``rows``.

    Units are scaled to mean 0 and variance 1 on the rows fitted on; those that are
    constant there have no say, and where none varies the most frequent label is said.
    The weights carry a penalty, see `PENALTY`, the intercepts none. In the precision of
    the rows.

    Raises
    ------
    InputError
        If there are no rows to fit on, or one is not finite, or its square.
    """
    if not len(fit_labels):
        raise InputError("there are no rows to fit a probe on")
    labels, own, counts = np.unique(fit_labels, return_inverse=True, return_counts=True)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = fit_rows.mean(axis=0, dtype=np.float64)
        deviation = fit_rows.std(axis=0, dtype=np.float64)
    if not np.isfinite(deviation).all():
        raise InputError(
            "the rows to fit a probe on hold numbers that are not finite, or whose "
            "squares are not: remove them or scale the rows down"
        )
    # What is constant but for rounding would have no weight, or one that says nothing.
    varying = deviation > len(fit_rows) * np.finfo(np.float64).eps * np.abs(mean)
    if len(labels) == 1 or not varying.any():
        return np.full(len(rows), labels[np.argmax(counts)])
    precision = np.result_type(fit_rows, np.float32)

    def scaled(some: np.ndarray) -> np.ndarray:
        centred = some[:, varying] - mean[varying]
        centred /= deviation[varying]
        return centred.astype(precision, copy=False)

    layer = Sequential((Linear(len(labels)),))
    with one_blas_thread():
        parameters = _fitted(layer, scaled(fit_rows), own)
        outputs, _ = layer.forward(parameters, scaled(rows))
    return labels[np.argmax(outputs, axis=1)]


def _fitted(
    layer: Sequential,
    rows: Float[np.ndarray, "samples units"],
    labels: Int[np.ndarray, " samples"],
) -> Tree:
    """Return the parameters of least loss: one valley, so the start does not matter.

    By our gradient and SciPy's L-BFGS (D. C. Liu & J. Nocedal, Mathematical Programming
    45, 1989): to import scikit-learn, which has it too, takes a second.
    """
    from scipy.optimize import minimize

    drawn = layer.init(np.random.default_rng(0), rows.shape[1:])
    like = tree_map(lambda leaf: np.zeros_like(leaf, rows.dtype), drawn)
    start = ravelled(like)
    classes = len(like[0]["b"])
    weights = np.ones(len(rows), rows.dtype)
    batch = Batch(rows, target_rows(labels, classes, rows), weights)

    def objective(vector: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = unravelled(vector.astype(rows.dtype), like)
        found = loss_and_gradients(
            layer, CrossEntropy(), parameters, batch, l2=PENALTY * len(rows)
        )
        return float(found.loss), ravelled(found.gradients).astype(np.float64)

    options = {
        "gtol": TOLERANCE,
        "ftol": 0.0,
        "maxiter": ITERATIONS,
        "maxfun": 2 * ITERATIONS,
    }
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    return unravelled(found.x.astype(rows.dtype), like)
