"""What a count of successes says of the rate behind it."""

from math import sqrt
from statistics import NormalDist

import numpy as np

from layerwise.errors import InputError

__all__ = ["wilson_interval"]


def wilson_interval(
    successes: int | np.integer,
    trials: int | np.integer,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Return the score interval of a rate, such as an accuracy.

    Unlike the rate ± its standard error it stays within 0 and 1 and is right near both
    ends. E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22 (1927), equation 4.

    Parameters
    ----------
    successes, trials : int
    confidence : float
        The share of such intervals that hold the true rate, between 0 and 1.

    Returns
    -------
    low, high : float
        As shares of 1.

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
