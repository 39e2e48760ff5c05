"""The logistic probe, against scikit-learn's at the optimum and known cases."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from layerwise.data import stratified_split
from layerwise.errors import InputError
from layerwise.study.measures import _sampled
from layerwise.study.measures._sampled import PENALTY, logistic_probe


def converged(fit_rows, fit_labels, rows):
    """The optimum of the stated problem, in float64.

    Of two classes scikit-learn fits the difference of our two columns of weights,
    which are then each other's negative: its square is twice the sum of theirs.
    """
    penalty = PENALTY / 2 if len(np.unique(fit_labels)) == 2 else PENALTY
    model = LogisticRegression(
        C=1 / (penalty * len(fit_rows)), tol=1e-8, max_iter=100_000
    )
    pipeline = make_pipeline(StandardScaler(), model)
    return pipeline.fit(fit_rows.astype(float), fit_labels).predict(rows.astype(float))


def halves(rows, labels):
    first, second = stratified_split(labels, [0.5, 0.5], seed=0)
    return rows[first], labels[first], rows[second], labels[second]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digits_to_half_a_point_of_the_optimum(digits, dtype):
    rows = digits.train.inputs.reshape(-1, 64).astype(dtype)
    fit_rows, fit_labels, rows, labels = halves(rows, digits.train.targets)
    found = logistic_probe(fit_rows, fit_labels, rows)
    best = converged(fit_rows, fit_labels, rows)
    accuracy, optimum = np.mean(found == labels), np.mean(best == labels)
    assert accuracy == pytest.approx(optimum, abs=0.005)
    assert optimum > 0.9
    assert np.mean(found == best) > 0.99


@pytest.mark.slow("long trainings")
def test_mnist_to_half_a_point_of_the_optimum(mnist):
    drawn, _ = stratified_split(mnist.train.targets, [1.0, 29.0], seed=0)
    samples = mnist.train.inputs[drawn].reshape(len(drawn), -1) / np.float32(255)
    weights = np.random.default_rng(0).normal(size=(784, 100)).astype(np.float32)
    for layer in (samples, np.maximum(samples @ weights, 0)):
        fit_rows, fit_labels, rows, labels = halves(layer, mnist.train.targets[drawn])
        accuracy, optimum = (
            np.mean(predict(fit_rows, fit_labels, rows) == labels)
            for predict in (logistic_probe, converged)
        )
        assert accuracy == pytest.approx(optimum, abs=0.005)


def test_one_class_is_what_it_says(blobs):
    rows, _ = blobs(12, 3)
    found = logistic_probe(rows, np.full(12, 4), rows[:5])
    assert found.tolist() == [4] * 5


def test_labels_are_its_own(blobs):
    rows, labels = blobs(80, 2, classes=2)
    named = np.array([3, 7])[labels]
    found = logistic_probe(rows, named, rows)
    assert set(found.tolist()) == {3, 7}
    assert np.mean(found == named) > 0.7


def test_units_of_measurement_do_not_matter(blobs):
    rows, labels = blobs(90, 4)
    expected = logistic_probe(rows, labels, rows)
    changed = rows * [1e-6, 1, 1e3, 1e6] + [5, 1e6, 0, -3]
    assert np.array_equal(logistic_probe(changed, labels, changed), expected)


def test_constant_units_say_nothing(blobs):
    rows, labels = blobs(90, 4)
    padded = np.pad(rows, ((0, 0), (0, 3)), constant_values=0.1)
    expected = logistic_probe(rows, labels, rows)
    assert np.array_equal(logistic_probe(padded, labels, padded), expected)
    nothing = logistic_probe(np.ones((90, 4)), labels, np.ones((7, 4)))
    assert (nothing == np.bincount(labels).argmax()).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_more_units_than_samples_and_a_class_of_one(blobs, dtype):
    rows = blobs(12, 200)[0].astype(dtype)
    labels = np.array([0] * 6 + [1] * 5 + [2])
    assert np.array_equal(logistic_probe(rows, labels, rows), labels)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(5))
def test_hard_to_solve_without_a_warning(dtype, seed):
    """Units that all but repeat each other, of very different scales."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 40))
    rows = (rows + 1e-5 * rng.normal(size=rows.shape)) * 10.0 ** rng.integers(-6, 6, 40)
    rows, labels = rows.astype(dtype), np.arange(60) % 2
    found = logistic_probe(rows, labels, rows)
    assert np.mean(found == converged(rows, labels, rows)) >= 0.9


def test_two_classes_have_the_stated_penalty(digits, monkeypatch):
    """With twice as much, or half, some samples would change sides."""
    monkeypatch.setattr(_sampled, "TOLERANCE", 1e-7)
    pair = np.flatnonzero(np.isin(digits.train.targets, [3, 8]))[:60]
    samples = digits.train.at(pair)
    rows = samples.inputs.reshape(len(pair), -1).astype(float)
    asked = digits.train.inputs.reshape(-1, 64).astype(float)
    found = logistic_probe(rows, samples.targets, asked)
    assert np.array_equal(found, converged(rows, samples.targets, asked))


def test_what_rounding_alone_moves_says_nothing(blobs):
    rows, labels = blobs(90, 4)
    noise = np.where(np.arange(90) % 2, 1000, np.nextafter(1000, 2000))
    expected = logistic_probe(rows, labels, rows)
    asked = np.c_[rows, np.full(90, 1001.0)]
    found = logistic_probe(np.c_[rows, noise], labels, asked)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_what_is_not_finite_is_told(bad, blobs):
    rows, labels = blobs(90, 4)
    spoilt = rows.copy()
    spoilt[7, 2] = bad
    with pytest.raises(InputError, match=r"^the rows to fit a probe on hold numbers"):
        logistic_probe(spoilt, labels, rows)


def test_nothing_to_fit_on():
    with pytest.raises(InputError, match=r"^there are no rows"):
        logistic_probe(np.ones((0, 2)), np.zeros(0, int), np.ones((3, 2)))
