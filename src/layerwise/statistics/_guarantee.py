"""How many of the most confident predictions can be kept at a promised accuracy."""

from math import ceil, log

import numpy as np
from jaxtyping import Bool, Float

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
