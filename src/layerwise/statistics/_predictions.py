"""Predictions against labels: shares, intervals, confusion, calibration, promises."""

from dataclasses import dataclass
from math import ceil, erfc, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int64

from layerwise.errors import InputError
from layerwise.statistics._blocks import blocks

NOTABLE = 0.02
"""Accuracies that are closer than two points are not worth a word, however many samples
tell them apart: two trainings of one network, or two simple methods, often are not."""

FEW = 20
"""Of fewer samples no share is worth a conclusion."""

TWO_SIDED = 1.96
"""Standard errors that chance alone exceeds in 5 % of cases, to either side."""


def wilson_interval(
    successes: int | np.integer, trials: int | np.integer, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the score interval of a rate, such as an accuracy.

    Unlike the rate ± its standard error it stays within 0 and 1 and is right near both
    ends. E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22 (1927), equation 4.

    A share ``confidence`` of such intervals hold the true rate.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> low, high = wilson_interval(940, 1000)
    >>> print(f"{low:.3f} to {high:.3f}")
    0.924 to 0.953
    """
    if not 0 <= successes <= trials or trials < 1:
        raise InputError(
            f"{successes} successes of {trials} trials: give 0 to trials, of 1 at least"
        )
    if not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence}: choose between 0 and 1")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, weight = successes / trials, z * z / trials
    centre = rate + weight / 2
    half = z * sqrt((rate * (1 - rate) + weight / 4) / trials)
    low = 0.0 if successes == 0 else (centre - half) / (1 + weight)
    high = 1.0 if successes == trials else (centre + half) / (1 + weight)
    return float(low), float(high)


@dataclass(frozen=True)
class Share:
    """A share of samples, with its 95 % interval (Wilson 1927).

    Parameters
    ----------
    successes, trials : int
        What was counted, of how many.
    low, high : float
        The ends of the interval, 0 to 1.
    """

    successes: int
    trials: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share, 0 to 1; NaN where nothing was counted."""
        return self.successes / self.trials if self.trials else float("nan")

    @classmethod
    def of(cls, value: float, trials: int) -> "Share":
        """Return a share of which only the value was kept: of none, 0 to 1."""
        if not trials:
            return cls(0, 0, 0.0, 1.0)
        successes = round(value * trials)
        return cls(successes, trials, *wilson_interval(successes, trials))


def share(right: np.ndarray) -> Share:
    """Return the share of true entries, with its interval; of none, 0 to 1."""
    return Share.of(float(np.mean(right)) if len(right) else 0.0, len(right))


def difference_noise(first: float, of: int, second: float, of_second: int) -> float:
    """Return the largest difference of two shares that chance alone may make.

    ``1.96 √(p (1 - p) / n + q (1 - q) / m)`` of shares p of n samples and q of m: two
    binomial counts, taken as independent. Of the same samples they are not, and the
    noise is smaller.
    """
    variance = first * (1 - first) / of + second * (1 - second) / of_second
    return TWO_SIDED * sqrt(variance)


def exceeds(one: Share, other: Share, by: float = 0.0) -> bool:
    """Return whether a share is larger: by more than ``by``, and than chance may make.

    Every verdict on two accuracies asks this: whether a network falls behind simple
    methods, training behind validation samples, or anything behind a guess. Where all
    or none of few samples are right, `difference_noise` is too small: Newcombe's hybrid
    score interval (Statistics in Medicine 17, 1998, method 10) is asked as well.
    """
    noise = difference_noise(one.value, one.trials, other.value, other.trials)
    score = sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    return one.value - other.value > max(by, noise, score)


EXACT_UP_TO = 8
"""Samples of a kind up to which the test of Mann and Whitney counts orders exactly."""


def auc(
    scores: Float[np.ndarray, " samples"], positive: Bool[np.ndarray, " samples"]
) -> tuple[float, float]:
    """Return the area under the ROC curve, and how likely chance makes it as large.

    The share of pairs of a positive and a negative sample in which the positive has the
    higher score, ties counting half, and the one-sided p of Mann and Whitney (Annals of
    Mathematical Statistics 18, 1947): exact for up to 8 samples of a kind without ties.
    Without samples of both kinds 1/2 and 1.

    Examples
    --------
    >>> area, p = auc(np.array([0.1, 0.4, 0.3, 0.9]), np.array([0, 0, 1, 1]) > 0)
    >>> print(f"{area:.2f}, by chance in {p:.2f} of cases")
    0.75, by chance in 0.33 of cases
    """
    found = int(positive.sum())
    others = len(scores) - found
    if not (found and others):
        return 0.5, 1.0
    _, inverse, ties = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[inverse]
    wins = float(ranks[positive].sum()) - found * (found + 1) / 2
    if min(found, others) <= EXACT_UP_TO and len(ties) == len(scores):
        # Its import takes half a second, most of what looking at data costs.
        from scipy.stats import mannwhitneyu

        tested = mannwhitneyu(
            scores[positive], scores[~positive], alternative="greater"
        )
        p = float(tested.pvalue)
    else:
        tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / (
            len(scores) * (len(scores) - 1)
        )
        deviation = sqrt(found * others / 12 * (len(scores) + 1 - tied))
        above = wins - found * others / 2 - 0.5
        p = erfc(above / deviation / sqrt(2)) / 2 if deviation else 1.0
    return wins / (found * others), p


BINS = 15
"""Bins of confidence, as many as Guo et al. take."""

BLOCK = 1 << 16
"""Samples at a time: nothing but the bins is kept of them."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Samples counted in 15 equally wide bins of confidence, upper ends included.

    Parameters
    ----------
    samples, right : int arrays, shape (15,)
        How many samples fall into each bin, and how many of them are right.
    confidence : array, shape (15,)
        The mean confidence in each bin; NaN where it is empty.
    variance : float
        Σ p (1 − p) over the samples' confidences p: the variance of the number of right
        ones, were every confidence right in p of cases.
    """

    samples: Int64[np.ndarray, " bins"]
    right: Int64[np.ndarray, " bins"]
    confidence: Float64[np.ndarray, " bins"]
    variance: float

    @property
    def mean_confidence(self) -> float:
        """The mean confidence of all samples."""
        filled = self.samples > 0
        sums = self.samples[filled] * self.confidence[filled]
        return float(sums.sum() / self.samples.sum())

    @property
    def accuracy(self) -> float:
        """The share of all samples that is right."""
        return float(self.right.sum() / self.samples.sum())

    @property
    def error(self) -> float:
        """The expected calibration error.

        The mean over the samples of ``|accuracy - mean confidence|`` of their bin.
        Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using
        Bayesian binning", AAAI 2015; Guo, Pleiss, Sun and Weinberger, "On calibration
        of modern neural networks", ICML 2017, equation 3.
        """
        filled = self.samples > 0
        excess = self.samples[filled] * self.confidence[filled] - self.right[filled]
        return float(np.abs(excess).sum() / self.samples.sum())


def calibration_of(
    confidence: Float[np.ndarray, " samples"], right: Bool[np.ndarray, " samples"]
) -> Calibration:
    """Count samples by their confidence, 0 to 1, and by whether they are right."""
    samples, hits = np.zeros((2, BINS), np.int64)
    sums, variance = np.zeros(BINS), 0.0
    for block in blocks(len(confidence), BLOCK):
        p, good = confidence[block].astype(np.float64), right[block]
        # A sum of rounded probabilities may exceed 1 by a rounding.
        places = np.clip(np.ceil(BINS * p).astype(np.int64) - 1, 0, BINS - 1)
        samples += np.bincount(places, minlength=BINS)
        hits += np.bincount(places[good], minlength=BINS)
        sums += np.bincount(places, p, minlength=BINS)
        variance += float(np.sum(p * (1 - p)))
    means = np.divide(sums, samples, out=np.full(BINS, np.nan), where=samples > 0)
    return Calibration(samples, hits, means, variance)


def confusion_counts(
    targets: Int[np.ndarray, " samples"],
    predictions: Int[np.ndarray, " samples"],
    classes: int,
) -> Int64[np.ndarray, "classes classes"]:
    """Return how many samples have which label (row) and prediction (column)."""
    counts = np.zeros(classes * classes, np.int64)
    for block in blocks(len(targets), BLOCK):
        pairs = targets[block].astype(np.int64) * classes + predictions[block]
        counts += np.bincount(pairs, minlength=classes * classes)
    return counts.reshape(classes, classes)


UNEVEN = 2.0
"""Classes are uneven where the largest has so many times the samples of the smallest:
accuracy is then mostly that of the large ones."""


def are_uneven(counts: Int[np.ndarray, " classes"]) -> bool:
    """Return whether some class has at least twice the samples of another."""
    there = counts[counts > 0]
    return len(there) > 1 and bool(there.max() >= UNEVEN * there.min())


class ClassScores(NamedTuple):
    """How well each class is told from the others; arrays of shape (classes,).

    Parameters
    ----------
    samples : int array
        How many samples have this label.
    recall : array
        The share of them that is predicted so; NaN where there is none.
    precision : array
        The share of the samples predicted so that has this label; NaN where none is.
    f1 : array
        The harmonic mean of the two; NaN where the class has no sample.
    """

    samples: Int64[np.ndarray, " classes"]
    recall: Float64[np.ndarray, " classes"]
    precision: Float64[np.ndarray, " classes"]
    f1: Float64[np.ndarray, " classes"]

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have samples: each counts alike."""
        return float(np.mean(self.recall[self.samples > 0]))


def class_scores(confusion: Int[np.ndarray, "classes classes"]) -> ClassScores:
    """Return the scores of each class from counts by label (row) and prediction.

    Examples
    --------
    >>> scores = class_scores(np.array([[90, 0], [6, 4]]))
    >>> scores.recall, scores.balanced_accuracy
    (array([1. , 0.4]), 0.7)
    """
    right = np.diag(confusion).astype(np.float64)
    labelled, predicted = confusion.sum(axis=1), confusion.sum(axis=0)

    def share_of(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        unknown = np.full(len(whole), np.nan)
        return np.divide(part, whole, out=unknown, where=whole > 0)

    f1 = share_of(2 * right, labelled + predicted)
    return ClassScores(
        samples=labelled.astype(np.int64),
        recall=share_of(right, labelled),
        precision=share_of(right, predicted),
        f1=np.where(labelled > 0, f1, np.nan),
    )


GUARANTEE = 0.95
"""The share of draws of the samples in which the promise has to hold."""

STARTS = 4
"""Sequences of tests, each with a quarter of what may go wrong. One sequence that fails
at its start keeps nothing; more starts leave each less to spend."""

CHANCE = (1 - GUARANTEE) / STARTS


def fewest_to_promise(required: float) -> int:
    """Return how many samples, all of them right, promise an accuracy.

    >>> fewest_to_promise(0.9), fewest_to_promise(0.99)
    (42, 437)
    """
    return ceil(log(CHANCE) / log(required))


def promised(
    confidence: Float[np.ndarray, " samples"],
    right: Bool[np.ndarray, " samples"],
    required: float,
) -> float:
    """Return the lowest threshold that promises an accuracy of what it keeps.

    In 95 % of draws of the samples, or more, the accuracy above the threshold is at
    least ``required`` for all there could be, not only for those drawn. A threshold
    passes where so many right ones would be seen with a probability of at most 1.25 %,
    were the accuracy lower: where the lower bound of C. J. Clopper and E. S. Pearson
    (Biometrika 26, 1934) reaches it. A search would find one that passes by luck, so
    thresholds are tested in order, from the most confident samples downwards, up to the
    first that fails: then only the first that should fail can go wrong. Four such
    sequences start at counts that the number of samples alone decides, and share the
    5 % (fixed-sequence testing with several starts: A. N. Angelopoulos, S. Bates, E. J.
    Candès, M. I. Jordan and L. Lei, "Learn then test", Annals of Applied Statistics 19,
    2025).

    Infinite where none passes.
    """
    from scipy.special import betainc

    order = np.argsort(-confidence, kind="stable")
    falling = confidence[order]
    # Samples of equal confidence are kept or left together.
    ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    counts, good = ends + 1, np.cumsum(right[order])[ends]
    by_chance = betainc(np.maximum(good, 1), counts - good + 1, required)
    fails = np.flatnonzero((by_chance > CHANCE) | (good == 0))
    fewest = fewest_to_promise(required)
    if len(confidence) < fewest:
        return np.inf
    reached = -1
    for start in np.geomspace(fewest, len(confidence), STARTS, endpoint=False):
        first = int(np.searchsorted(counts, np.rint(start)))
        later = fails[fails >= first]
        stop = int(later[0]) if len(later) else len(counts)
        if stop > first:
            reached = max(reached, stop - 1)
    return float(falling[ends[reached]]) if reached >= 0 else np.inf
