"""Wilson's interval against scipy's."""

import numpy as np
import pytest
from scipy.stats import binomtest

from layerwise.errors import InputError
from layerwise.statistics import wilson_interval


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 1), (1, 1), (1, 2), (3, 10), (0, 50), (9412, 10_000)]
)
def test_agrees_with_scipy(successes, trials, confidence):
    found = wilson_interval(successes, trials, confidence)
    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert found == pytest.approx((interval.low, interval.high), rel=1e-13, abs=1e-15)


def test_reaches_both_ends_exactly():
    for trials in range(1, 200):
        assert wilson_interval(0, trials)[0] == 0
        assert wilson_interval(trials, trials)[1] == 1


def test_takes_counts_of_numpy_and_gives_floats():
    found = wilson_interval(np.int64(3), np.int32(10))
    assert found == wilson_interval(3, 10)
    assert [type(bound) for bound in found] == [float, float]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 0), "1 successes of 0 trials"),
        ((0, 0), "0 successes of 0 trials"),
        ((-1, 3), "-1 successes"),
        ((4, 3), "4 successes of 3"),
        ((1, 3, 1.0), "confidence is 1.0"),
        ((1, 3, 0.0), "confidence is 0.0"),
    ],
)
def test_numbers_out_of_range_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        wilson_interval(*arguments)
