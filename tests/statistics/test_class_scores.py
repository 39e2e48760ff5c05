"""Scores of each class against scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support

from layerwise.statistics import are_uneven, class_scores, confusion_counts


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_agree_with_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    targets = rng.integers(0, classes, 300)
    predictions = np.where(rng.random(300) < 0.7, targets, rng.permutation(targets))
    scores = class_scores(confusion_counts(targets, predictions, classes))
    theirs = precision_recall_fscore_support(targets, predictions)
    ours = scores.precision, scores.recall, scores.f1, scores.samples
    for own, other in zip(ours, theirs, strict=True):
        assert own == pytest.approx(other, rel=1e-14)
    assert scores.balanced_accuracy == pytest.approx(
        balanced_accuracy_score(targets, predictions), rel=1e-14
    )


def test_a_class_without_samples_counts_for_nothing():
    scores = class_scores(np.array([[8, 2, 0], [0, 0, 0], [5, 0, 5]]))
    assert scores.balanced_accuracy == pytest.approx((0.8 + 0.5) / 2)
    assert np.isnan([scores.recall[1], scores.f1[1]]).all()
    assert scores.precision[1] == 0


def test_a_class_never_predicted_has_no_precision():
    scores = class_scores(np.array([[9, 0], [3, 0]]))
    assert np.isnan(scores.precision[1])
    assert (scores.recall[1], scores.f1[1]) == (0, 0)


@pytest.mark.parametrize(
    ("counts", "uneven"),
    [((50, 50), False), ((66, 34), False), ((67, 33), True), ((9, 0), False),
     ((10, 0, 30), True)],
)  # fmt: skip
def test_what_is_uneven(counts, uneven):
    assert are_uneven(np.array(counts)) is uneven
