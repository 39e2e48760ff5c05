"""What labels are not: amounts, several for a sample, labels to ignore."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from layerwise.data import Dataset, Samples
from layerwise.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2000, 3))


def refusal(labels, inputs=X):
    with pytest.raises(InputError) as caught:
        Dataset.from_arrays(inputs[: len(labels)], labels)
    return str(caught.value)


@pytest.mark.parametrize("dtype", [float, int])
@pytest.mark.parametrize(
    "amounts",
    [
        load_diabetes().target,
        np.round(np.exp(RNG.normal(5, 1, 2000))),
        RNG.integers(18, 10_000, 500) * 100,
    ],
    ids=["diabetes", "rents", "salaries"],
)
def test_amounts_are_refused(amounts, dtype):
    said = refusal(amounts.astype(dtype))
    assert "amounts" in said
    assert "layerwise.MLPRegressor" in said
    assert "astype(str)" in said


@pytest.mark.parametrize(
    "classes",
    [
        np.arange(2000) % 100,
        np.arange(800) % 200,
        np.arange(2000) % 10 - 5,
        RNG.choice([3, 17, 400, 80_000], 500),
        np.repeat(RNG.choice(10**6, 40, replace=False), 10),
        np.arange(40) % 10 * 1000,
        (np.arange(800) % 200 * 1000).astype(str),
    ],
)
def test_classes_are_not(classes):
    assert Dataset.from_arrays(X[: len(classes)], classes).classes == len(set(classes))


def test_numbers_that_are_not_whole_are_sent_to_the_regressor():
    assert "layerwise.MLPRegressor" in refusal(RNG.normal(size=100))


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        (np.eye(4)[np.arange(100) % 4], r"one-hot rows .* labels.argmax\(axis=1\)"),
        (RNG.integers(0, 2, (100, 4)), r"\(multi-label\) are not supported"),
        (RNG.integers(0, 9, (100, 4)), "several columns of labels are not supported"),
        (np.zeros((100, 8, 8), int), r"\(segmentation\) is not supported"),
    ],
)
def test_several_labels_for_a_sample_are_named(labels, line):
    with pytest.raises(InputError, match=line) as caught:
        Dataset.from_arrays(X[:100], labels)
    assert "\n" not in str(caught.value)


def test_labels_to_ignore_are_named():
    with pytest.raises(InputError, match=r"ignore_label=\) are not supported"):
        Samples(X[:3], np.array([0, -1, 1]))
    with pytest.raises(InputError, match="ignore_label=, are not supported"):
        Dataset.from_arrays(X[:6], np.array([0, 1, -1] * 2), class_names=["a", "b"])


def test_swapped_inputs_and_labels_are_said():
    assert "they are swapped" in refusal(X, np.arange(2000) % 2)


def test_minus_one_and_one_are_two_classes():
    data = Dataset.from_arrays(X[:40], np.tile([-1, 1], 20))
    assert data.class_names == ("-1", "1")
