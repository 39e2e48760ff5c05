"""The probe from moments is the ridge regression on the rows themselves."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeClassifierCV
from sklearn.preprocessing import StandardScaler

from layerwise.errors import InputError
from layerwise.statistics import Correlations, Moments, least_squares_probe
from layerwise.statistics._discriminants import RIDGES


def labelled(count, units, classes, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    rows = rng.normal(size=(count, units)) + rng.normal(size=(classes, units))[labels]
    return rows, labels


def fitted(rows, targets):
    """What numpy.linalg.lstsq, with an intercept, gives for the rows."""
    design = np.column_stack([rows, np.ones(len(rows))])
    return design @ np.linalg.lstsq(design, targets)[0]


@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_full_rank_equals_lstsq_on_the_raw_rows(offset):
    rows, labels = labelled(400, 6, 3, seed=0)
    probe = least_squares_probe(Moments.of(rows + offset, labels, 3), ridge=0.0)
    design = np.column_stack([rows + offset, np.ones(400)])
    solution = np.linalg.lstsq(design, np.eye(3)[labels])[0]
    assert np.abs(probe.weights - solution[:-1]).max() < 1e-13
    fresh = labelled(50, 6, 3, seed=1)[0] + offset
    expected = fresh @ solution[:-1] + solution[-1]
    assert np.abs(probe.scores(fresh) - expected).max() < 1e-12
    assert np.array_equal(probe.predict(fresh), expected.argmax(axis=1))


@pytest.mark.parametrize("case", ["copied", "dependent", "constant", "wide"])
def test_rank_deficient_equals_lstsq_on_the_raw_rows(case):
    rows, labels = labelled(30 if case == "wide" else 300, 40, 3, seed=2)
    if case == "copied":
        rows[:, 7] = rows[:, 3]
    elif case == "dependent":
        rows[:, :20] = rows[:, 20:] @ np.random.default_rng(3).normal(size=(20, 20))
    elif case == "constant":
        rows[:, 7] = 0.1
    probe = least_squares_probe(Moments.of(rows, labels, 3), ridge=0.0)
    expected = fitted(rows, np.eye(3)[labels])
    assert np.abs(probe.scores(rows) - expected).max() < 1e-10
    if case == "copied":
        assert probe.weights[7] == pytest.approx(probe.weights[3], rel=1e-9)
    if case == "constant":
        assert probe.weights[7].tolist() == [0, 0, 0]


def test_least_norm_where_units_of_one_scale_depend_on_each_other():
    rng = np.random.default_rng(4)
    basis = rng.normal(size=(100, 3))
    rows = np.column_stack([basis, basis[:, :2]])
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    labels = rng.integers(0, 2, 100)
    probe = least_squares_probe(Moments.of(rows, labels, 2), ridge=0.0)
    targets = np.eye(2)[labels]
    least = np.linalg.lstsq(rows, targets - targets.mean(axis=0))[0]
    assert np.abs(probe.weights - least).max() < 1e-13


def test_units_of_measurement_do_not_matter():
    rows, labels = labelled(300, 5, 3, seed=5)
    scale = np.array([1e-6, 1e-3, 1.0, 1e4, 1e8])
    plain = least_squares_probe(Moments.of(rows, labels, 3))
    scaled = least_squares_probe(Moments.of(rows * scale, labels, 3))
    assert np.abs(scaled.scores(rows * scale) - plain.scores(rows)).max() < 1e-12


def test_a_large_offset_does_not_matter():
    rng = np.random.default_rng(6)
    near = rng.integers(-(2**20), 2**20, (300, 5)) / 2**20
    labels = (near.sum(axis=1) > 0).astype(int)
    plain = least_squares_probe(Moments.of(near, labels, 2))
    far = least_squares_probe(Moments.of(near + 1e8, labels, 2))
    assert np.abs(far.weights - plain.weights).max() < 1e-13
    # The mean of numbers near 1e8 has a resolution of 1.5e-8.
    assert np.abs(far.scores(near + 1e8) - plain.scores(near)).max() < 1e-7


def test_bytes_and_a_class_without_rows():
    rng = np.random.default_rng(7)
    rows = rng.integers(0, 256, (5000, 4), np.uint8)
    labels = np.where(rows[:, 0] > 128, 2, 0)
    probe = least_squares_probe(Moments.of(rows, labels, 3), ridge=0.0)
    expected = fitted(rows.astype(float), np.eye(3)[labels])
    assert np.abs(probe.scores(rows) - expected).max() < 1e-12
    assert not probe.scores(rows)[:, 1].any()
    assert set(probe.predict(rows).tolist()) == {0, 2}


def test_without_variance_the_scores_are_the_shares():
    moments = Moments.of(np.full((4, 2), 0.1), np.array([0, 1, 1, 1]), 2)
    probe = least_squares_probe(moments)
    assert probe.scores(np.array([[5.0, 5.0]])).tolist() == [[0.25, 0.75]]


def test_one_row():
    probe = least_squares_probe(Moments.of(np.ones((1, 2)), np.array([1]), 2))
    assert probe.predict(np.zeros((3, 2))).tolist() == [1, 1, 1]


def test_no_rows_are_refused():
    with pytest.raises(InputError, match="no rows"):
        least_squares_probe(Moments.empty(2, 2))


def test_rows_of_other_units_are_refused():
    probe = least_squares_probe(Moments.of(np.eye(2), np.array([0, 1]), 2))
    with pytest.raises(InputError, match="3 columns where 2"):
        probe.predict(np.ones((1, 3)))


@pytest.mark.parametrize(("rows", "units"), [(60, 40), (40, 60), (41, 40), (300, 10)])
def test_the_ridge_is_that_of_generalised_cross_validation(rows, units):
    X, labels = labelled(rows, units, 3, seed=8)
    X = (X - X.mean(axis=0)) / (X.std(axis=0) * np.sqrt(rows))
    targets = np.eye(3)[labels]
    largest = np.linalg.eigvalsh(X.T @ X)[-1]

    def error(ridge):
        """Of the fit and its hat matrix, as the definition has it."""
        inner = X.T @ X + ridge * largest * np.eye(units)
        hat = X @ np.linalg.solve(inner, X.T) + 1 / rows
        return ((targets - hat @ targets) ** 2).sum() / (rows - np.trace(hat)) ** 2

    # Below this the definition subtracts what is nearly equal.
    known = RIDGES[RIDGES > 1e-6]
    best = min(known, key=error)
    probe = least_squares_probe(Moments.of(X, labels, 3))
    expected = Ridge(alpha=best * largest).fit(X, targets)
    assert np.abs(probe.weights - expected.coef_.T).max() < 1e-9
    assert np.abs(probe.scores(X) - expected.predict(X)).max() < 1e-9


@pytest.mark.parametrize("rows", [150, 200, 400])
def test_as_many_samples_as_units_are_read_as_by_leave_one_out(rows):
    """Where least squares collapses: there are about as many rows as units."""
    rng = np.random.default_rng(9)
    means = rng.normal(size=(10, 200)) / 4
    labels, fresh = rng.integers(0, 10, rows), rng.integers(0, 10, 2000)
    X, others = (means[y] + rng.normal(size=(len(y), 200)) for y in (labels, fresh))
    moments = Moments.of(X, labels, 10)
    scaler = StandardScaler().fit(X)
    known = RidgeClassifierCV(np.logspace(-2, 5, 36)).fit(scaler.transform(X), labels)
    expected = known.score(scaler.transform(others), fresh)
    found = np.mean(least_squares_probe(moments).predict(others) == fresh)
    plain = np.mean(least_squares_probe(moments, ridge=0.0).predict(others) == fresh)
    assert found > expected - 0.02
    assert found > plain + 0.05


def test_correlations_that_are_known_are_not_found_again(monkeypatch):
    rng = np.random.default_rng(0)
    rows, (labels, others) = rng.normal(size=(60, 5)), rng.integers(0, 3, (2, 60))
    moments = Moments.of(rows, labels, 3)
    alone = least_squares_probe(Moments.of(rows, others, 3))
    correlations = Correlations.of(moments)
    monkeypatch.setattr(np.linalg, "eigh", None)
    relabelled = moments.relabelled(rows, others)
    probe = least_squares_probe(relabelled, correlations=correlations)
    np.testing.assert_allclose(probe.weights, alone.weights, rtol=1e-10)
