"""Figure of how far a network's own probabilities can be believed."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from layerwise.inspection import Study
from layerwise.presentation._style import (
    ACCENT,
    MUTED,
    PALE,
    log_ticks,
    new_figure,
    styled,
)
from layerwise.statistics import wilson_interval
from layerwise.wording import count

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["reliability"]

BINS = 15
"""Of equal width: Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural
networks", ICML 2017."""


class Binned(NamedTuple):
    """The bins of confidence that hold samples."""

    place: Int[np.ndarray, " bins"]
    samples: Int[np.ndarray, " bins"]
    right: Int[np.ndarray, " bins"]
    confidence: Float[np.ndarray, " bins"]


@styled
def reliability(study: Study) -> "matplotlib.figure.Figure":
    """Draw accuracy against confidence in 15 bins, and how many samples each has.

    A dot is a bin: its mean confidence, and its accuracy with the 95 % interval. A line
    ties it to the diagonal, on which a network is right as often as it says.
    """
    bins = _binned(study)
    accuracy = bins.right / bins.samples
    tallies = zip(bins.right, bins.samples, strict=True)
    low, high = np.transpose([wilson_interval(*tally) for tally in tallies])
    figure = new_figure(4.2, 4.6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    above.plot([0, 1], [0, 1], color=PALE, linewidth=1)
    above.vlines(bins.confidence, low, high, color=ACCENT, linewidth=4, alpha=0.3)
    above.vlines(bins.confidence, bins.confidence, accuracy, color=MUTED, linewidth=1)
    above.plot(bins.confidence, accuracy, "o", color=ACCENT, markersize=4)
    centres = (bins.place + 0.5) / BINS
    below.bar(centres, bins.samples - 0.5, width=0.9 / BINS, bottom=0.5, color=PALE)
    below.set_ylim(0.5, 2 * bins.samples.max())
    log_ticks(below)
    below.yaxis.set_major_formatter(lambda n, _: count(round(n)) if n >= 1 else "")
    for axis in (above.yaxis, below.xaxis):
        axis.set_major_formatter(lambda share, _: f"{100 * share:.0f}")
    above.set(ylabel="right / %", ylim=(-0.02, 1.02), xlim=(-0.02, 1.02))
    below.set(xlabel="probability of the class predicted / %", ylabel="samples")
    return figure


def _binned(study: Study) -> Binned:
    predictions = study.answers.predictions
    confidence = study.answers.confidence.astype(float)
    places = np.clip(np.ceil(BINS * confidence).astype(int) - 1, 0, BINS - 1)
    samples = np.bincount(places, minlength=BINS)
    right = np.bincount(places[predictions == study.targets], minlength=BINS)
    sums = np.bincount(places, confidence, minlength=BINS)
    filled = np.flatnonzero(samples)
    means = sums[filled] / samples[filled]
    return Binned(filled, samples[filled], right[filled], means)
