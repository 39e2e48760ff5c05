"""Predictions against labels, counted: which class for which, and how confident."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int64

from layerwise.statistics._blocks import blocks

__all__ = ["BINS", "Calibration", "calibration_of", "confusion_counts"]

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
