"""The area under the ROC curve, against SciPy's test of Mann and Whitney."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from layerwise.statistics import auc


@pytest.mark.parametrize("values", [2, 5, 40, None])
@pytest.mark.parametrize(
    ("found", "others"), [(1, 1), (5, 30), (8, 8), (9, 9), (60, 400)]
)
def test_it_is_mann_and_whitneys(values, found, others):
    rng = np.random.default_rng(found + others)
    for _ in range(10):
        scores = rng.normal(size=found + others)
        if values is not None:
            scores = np.floor(scores * values / 4)
        positive = rng.permutation(np.arange(found + others) < found)
        theirs = mannwhitneyu(
            scores[positive], scores[~positive], alternative="greater"
        )
        area, p = auc(scores, positive)
        assert area == theirs.statistic / (found * others)
        assert p == pytest.approx(theirs.pvalue, rel=1e-12, abs=1e-300)


def test_scores_that_are_all_equal_say_nothing():
    assert auc(np.zeros(30), np.arange(30) < 12) == (0.5, 1.0)


def test_no_samples_of_a_kind():
    assert auc(np.arange(3.0), np.ones(3, bool)) == (0.5, 1.0)
