"""What chance makes of counts: an exact test, and a correction for many of them."""

from math import sqrt

import numpy as np
from jaxtyping import Float64, Int


def fisher_p(
    inside: Int[np.ndarray, " sets"],
    samples: Int[np.ndarray, " sets"],
    found: int,
    total: int,
) -> Float64[np.ndarray, " sets"]:
    """Return how likely chance puts as many into a set, or more.

    Of ``total`` samples, N, ``found`` are wrong, say, K of them, and ``inside`` of the
    ``samples`` in a set, k of n: the one-sided exact test of R. A. Fisher (Journal of
    the Royal Statistical Society 98, 1935), the upper tail of a hypergeometric
    distribution, ``Σ C(n, j) C(N - n, K - j) / C(N, K)`` over ``j`` from k on.

    Examples
    --------
    >>> tail = fisher_p(np.array([3, 4]), np.array([4, 4]), 4, 8)
    >>> print(f"{tail[0]:.4f}, {tail[1]:.4f}")  # Fisher's tea, four cups of each kind
    0.2429, 0.0143
    """
    return np.array(
        [
            _upper_tail(int(k), int(n), found, total)
            for k, n in zip(inside, samples, strict=True)
        ],
        np.float64,
    )


def _upper_tail(k: int, n: int, found: int, total: int) -> float:
    # scipy.stats, which has it too, takes half a second to import.
    from scipy.special import gammaln, logsumexp

    def choose(of: int, some: np.ndarray) -> np.ndarray:
        return gammaln(of + 1) - gammaln(some + 1) - gammaln(of - some + 1)

    mean = n * found / max(total, 1)
    # Beyond 40 standard deviations nothing is left that a double could hold.
    far = max(k, mean) + 40 * (1 + sqrt(mean))
    last = min(n, found, int(far))
    j = np.arange(max(k, n + found - total), last + 1, dtype=np.float64)
    if not len(j):
        return 0.0
    whole = choose(total, np.array([float(found)]))
    terms = choose(n, j) + choose(total - n, found - j) - whole
    return float(np.exp(min(logsumexp(terms), 0.0)))


def holm(p: Float64[np.ndarray, " tests"]) -> Float64[np.ndarray, " tests"]:
    """Return each p as it is worth after so many tests.

    Of all tests in which chance alone is at work, the least one is at most 0.05 in 5 %
    of cases or fewer, whatever they have to do with each other: S. Holm (Scandinavian
    Journal of Statistics 6, 1979).

    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    raised = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    adjusted = np.empty_like(p)
    adjusted[order] = raised
    return adjusted
