"""Shares of samples, with their intervals."""

import numpy as np

from layerwise.inspection._study import Share
from layerwise.statistics import wilson_interval

__all__ = ["share"]


def share(right: np.ndarray) -> Share:
    """Return the share of true entries, with its interval; of none, 0 to 1."""
    successes, trials = int(np.sum(right)), len(right)
    if not trials:
        return Share(0, 0, 0.0, 1.0)
    low, high = wilson_interval(successes, trials)
    return Share(successes, trials, float(low), float(high))
