"""Figure of how far a network's own probabilities can be believed."""

from typing import TYPE_CHECKING

import numpy as np

from layerwise.presentation.figures._style import (
    ACCENT,
    MUTED,
    PALE,
    log_ticks,
    new_figure,
    styled,
)
from layerwise.statistics import wilson_interval
from layerwise.study import Study
from layerwise.wording import count

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["reliability"]


@styled
def reliability(study: Study) -> "matplotlib.figure.Figure":
    """Draw accuracy against confidence in 15 bins, and how many samples each has.

    A dot is a bin: its mean confidence, and its accuracy with the 95 % interval. A line
    ties it to the diagonal, on which a network is right as often as it says.
    """
    bins = study.calibration
    place = np.flatnonzero(bins.samples)
    samples, right = bins.samples[place], bins.right[place]
    confidence, accuracy = bins.confidence[place], right / samples
    tallies = zip(right, samples, strict=True)
    low, high = np.transpose([wilson_interval(*tally) for tally in tallies])
    figure = new_figure(4.2, 4.6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    above.plot([0, 1], [0, 1], color=PALE, linewidth=1)
    above.vlines(confidence, low, high, color=ACCENT, linewidth=4, alpha=0.3)
    above.vlines(confidence, confidence, accuracy, color=MUTED, linewidth=1)
    above.plot(confidence, accuracy, "o", color=ACCENT, markersize=4)
    centres = (place + 0.5) / len(bins.samples)
    below.bar(
        centres, samples - 0.5, width=0.9 / len(bins.samples), bottom=0.5, color=PALE
    )
    below.set_ylim(0.5, 2 * samples.max())
    log_ticks(below)
    below.yaxis.set_major_formatter(lambda n, _: count(round(n)) if n >= 1 else "")
    for axis in (above.yaxis, below.xaxis):
        axis.set_major_formatter(lambda share, _: f"{100 * share:.0f}")
    above.set(ylabel="right / %", ylim=(-0.02, 1.02), xlim=(-0.02, 1.02))
    below.set(xlabel="probability of the class predicted / %", ylabel="samples")
    return figure
