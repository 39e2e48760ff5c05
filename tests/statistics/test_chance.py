"""Fisher's test against scipy's, Holm's correction against its definition."""

import numpy as np
import pytest
from scipy.stats import fisher_exact, hypergeom

from layerwise.statistics import fisher_p, holm


@pytest.mark.parametrize(
    ("total", "found"), [(8, 4), (300, 45), (10_000, 130), (90_000, 40_000)]
)
def test_agrees_with_scipy(total, found):
    rng = np.random.default_rng(0)
    samples = rng.integers(1, total, 40)
    inside = rng.hypergeometric(found, total - found, samples) + rng.integers(0, 4, 40)
    inside = np.minimum(inside, np.minimum(samples, found))
    ours = fisher_p(inside, samples, found, total)
    theirs = hypergeom.sf(inside - 1, total, found, samples)
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-300)
    k, n = int(inside[0]), int(samples[0])
    table = [[k, n - k], [found - k, total - n - found + k]]
    exact = fisher_exact(table, alternative="greater").pvalue
    assert ours[0] == pytest.approx(exact, rel=1e-9)


def test_at_the_ends():
    none, too_many, no_error = (
        fisher_p(np.array([k]), np.array([4]), found, 8)[0]
        for k, found in ((0, 4), (5, 4), (0, 0))
    )
    assert (none, too_many, no_error) == pytest.approx((1, 0, 1), abs=1e-14)
    assert fisher_p(np.zeros(0, int), np.zeros(0, int), 3, 9).shape == (0,)
    none_left = fisher_p(np.zeros(1, int), np.zeros(1, int), 0, 0)
    assert none_left.tolist() == [1.0]


def test_holm_steps_down():
    p = np.random.default_rng(0).random(30) ** 4
    adjusted = holm(p)
    for level in (0.01, 0.05, 0.2):
        rejected = set()
        for step, place in enumerate(np.argsort(p)):
            if p[place] > level / (len(p) - step):
                break
            rejected.add(int(place))
        assert {*np.flatnonzero(adjusted <= level).tolist()} == rejected
    assert holm(np.zeros(0)).shape == (0,)
