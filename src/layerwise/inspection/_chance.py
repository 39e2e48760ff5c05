"""What chance alone makes of a difference: the size a finding has to exceed."""

from math import sqrt

__all__ = ["TWO_SIDED", "difference_noise"]

TWO_SIDED = 1.96
"""Standard errors that chance alone exceeds in 5 % of cases, to either side."""


def difference_noise(first: float, of: int, second: float, of_second: int) -> float:
    """Return the largest difference of two shares that chance alone may make.

    ``1.96 √(p (1 - p) / n + q (1 - q) / m)``: two binomial counts, taken as
    independent. Of the same samples they are not, and the noise is smaller.

    Parameters
    ----------
    first, second : float
        The shares p and q.
    of, of_second : int
        Of how many samples, n and m.
    """
    variance = first * (1 - first) / of + second * (1 - second) / of_second
    return TWO_SIDED * sqrt(variance)
