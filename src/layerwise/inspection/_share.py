"""Shares of samples, with their intervals."""

from dataclasses import dataclass

import numpy as np

from layerwise.statistics import wilson_interval

__all__ = ["Share", "share"]


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


def share(right: np.ndarray) -> Share:
    """Return the share of true entries, with its interval; of none, 0 to 1."""
    successes, trials = int(np.sum(right)), len(right)
    if not trials:
        return Share(0, 0, 0.0, 1.0)
    low, high = wilson_interval(successes, trials)
    return Share(successes, trials, float(low), float(high))
