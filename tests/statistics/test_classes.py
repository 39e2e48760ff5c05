"""How wide classes are, how far they are apart, and which mean is nearest."""

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from layerwise.errors import InputError
from layerwise.statistics import (
    Moments,
    class_spread,
    fisher_ratio,
    nearest_mean,
    separation,
)


def test_spread_is_relative_to_the_average_class():
    rows = np.array([[0.0, 0], [2, 0], [10, 10], [10, 14], [50, 50]])
    moments = Moments.of(rows, np.array([0, 0, 1, 1, 2]), 4)
    spread = class_spread(moments)
    assert spread[:2].tolist() == [2 / 5, 8 / 5]
    assert np.isnan(spread[2:]).all()


def test_spread_without_variance_is_zero_not_rounding():
    centres = np.random.default_rng(0).normal(size=(3, 5)) * 1e3
    labels = np.repeat([0, 1, 2], 100)
    assert class_spread(Moments.of(centres[labels], labels, 3)).tolist() == [0, 0, 0]


def test_spread_of_classes_too_small_is_not_a_number():
    assert np.isnan(class_spread(Moments.of(np.eye(2), np.array([0, 1]), 2))).all()


def test_separation_in_one_dimension():
    rows = np.array([[-1.0], [1], [9], [11]])
    moments = Moments.of(rows, np.array([0, 0, 1, 1]), 2)
    distances = separation(moments)
    assert distances[0, 1] == pytest.approx(10 / np.sqrt(2), rel=1e-14)
    assert distances[0, 0] == 0


def test_separation_is_mahalanobis_for_every_pair():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 500)
    mixing = rng.normal(size=(5, 5))
    centres = rng.normal(size=(4, 5))
    rows = (rng.normal(size=(500, 5)) + centres[labels]) @ mixing + 1e4
    found = separation(Moments.of(rows, labels, 4), shrinkage=0.1)
    means = np.stack([rows[labels == label].mean(axis=0) for label in range(4)])
    residual = rows - means[labels]
    within = residual.T @ residual / (500 - 4)
    shrunk = 0.9 * within + 0.1 * np.trace(within) / 5 * np.eye(5)
    for i in range(4):
        for j in range(4):
            step = means[i] - means[j]
            expected = np.sqrt(step @ np.linalg.solve(shrunk, step))
            assert found[i, j] == pytest.approx(expected, rel=1e-10)
    assert np.array_equal(found, found.T)


def test_separation_is_measured_along_the_best_direction():
    # Two long thin classes side by side: no single unit parts them.
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1], 1000)
    along, across = rng.normal(size=2000) * 10, rng.normal(size=2000) + labels * 6
    rows = np.column_stack([along + across, along - across])
    moments = Moments.of(rows, labels, 2)
    assert 5.5 < separation(moments, shrinkage=1e-9)[0, 1] < 6.5


def test_constant_and_copied_units_do_not_harm():
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], 200)
    unit = rng.normal(size=400) + labels * 4
    rows = np.column_stack([unit, unit, np.full(400, 0.1)])
    found = separation(Moments.of(rows, labels, 2))[0, 1]
    deviation = np.sqrt((unit[labels == 0].var() + unit[labels == 1].var()) / 2)
    step = unit[labels == 1].mean() - unit[labels == 0].mean()
    assert found == pytest.approx(step / deviation, rel=0.01)


def test_equal_classes_are_not_apart():
    rows = np.random.default_rng(4).normal(size=(50, 3))
    both = Moments.of(np.repeat(rows, 2, axis=0), np.tile([0, 1], 50), 2)
    assert separation(both)[0, 1] == 0


def test_a_class_without_rows_has_no_distance():
    rows = np.random.default_rng(5).normal(size=(50, 3))
    found = separation(Moments.of(rows, np.tile([0, 2], 25), 3))
    assert np.isnan(found[1]).all()
    assert np.isnan(found[:, 1]).all()
    assert found[0, 2] > 0


@pytest.mark.parametrize("units", [1, 4, 60])
def test_collapsed_classes_are_finitely_far_apart(units):
    centres = np.random.default_rng(6).normal(size=(3, units)) * 1e3
    labels = np.repeat([0, 1, 2], 50)
    found = separation(Moments.of(centres[labels], labels, 3))
    assert np.isfinite(found).all()
    assert found[~np.eye(3, dtype=bool)].min() > 1e5


@pytest.mark.parametrize("count", [1, 5])
def test_rows_that_are_all_equal_are_not_apart(count):
    rows = np.full((count, 2), 0.1)
    found = separation(Moments.of(rows, np.zeros(count, int), 1))
    assert found.tolist() == [[0]]


@pytest.mark.parametrize("shrinkage", [0.0, -0.1, 1.1, float("nan")])
def test_shrinkage_out_of_range_is_refused(shrinkage):
    with pytest.raises(InputError, match="shrinkage is"):
        separation(Moments.empty(2, 2), shrinkage)


@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("units", [1, 6, 300])
def test_fisher_ratio_is_that_of_the_traces(units, offset):
    rng = np.random.default_rng(7)
    labels = np.append(rng.integers(0, 4, 100), 5)
    near = rng.integers(-(2**20), 2**20, (101, units)) / 2**20 + labels[:, None] / 4
    within = between = 0.0
    for label in np.unique(labels):
        own = near[labels == label]
        within += ((own - own.mean(axis=0)) ** 2).sum()
        between += len(own) * ((own.mean(axis=0) - near.mean(axis=0)) ** 2).sum()
    found = fisher_ratio(Moments.of(near + offset, labels, 7))
    assert found == pytest.approx(between / within, rel=1e-13)


def test_fisher_ratio_of_collapsed_and_of_equal_classes():
    rng = np.random.default_rng(8)
    centres, labels = rng.normal(size=(3, 5)) * 1e3, np.repeat([0, 1, 2], 100)
    assert fisher_ratio(Moments.of(centres[labels], labels, 3)) == np.inf
    assert fisher_ratio(Moments.of(centres, np.arange(3), 3)) == np.inf
    rows = rng.normal(size=(100, 5))
    both = np.concatenate([rows, rows[::-1]])
    assert fisher_ratio(Moments.of(both, np.repeat([0, 1], 100), 2)) == 0


def test_fisher_ratio_without_variance_or_without_two_classes_is_not_a_number():
    flat, labels = np.full((9, 2), 0.1), np.arange(9) % 3
    rows = np.random.default_rng(9).normal(size=(9, 2))
    assert np.isnan(fisher_ratio(Moments.of(flat, labels, 3)))
    assert np.isnan(fisher_ratio(Moments.of(rows, np.ones(9, int), 3)))
    assert np.isnan(fisher_ratio(Moments.empty(2, 3)))


@pytest.mark.parametrize("units", [1, 6, 300])
def test_the_nearest_mean_is_the_one_of_scikit_learn(units):
    rng = np.random.default_rng(10)
    labels = rng.choice([0, 2, 3], 200)
    rows = rng.normal(size=(200, units)) + rng.normal(size=(4, units))[labels] + 5
    fresh = 2 * rng.normal(size=(5000, units)) + 5
    found = nearest_mean(fresh, Moments.of(rows, labels, 5))
    expected = NearestCentroid().fit(rows, labels).predict(fresh)
    assert found.dtype == np.int64
    assert np.array_equal(found, expected)
    assert set(found.tolist()) == {0, 2, 3}


@pytest.mark.parametrize("first", [0.0, 1e6])
def test_the_nearest_mean_is_found_far_from_zero(first):
    rng = np.random.default_rng(11)
    near = rng.integers(-(2**20), 2**20, (400, 3)) / 2**20
    labels = rng.integers(0, 3, 400)
    near[0], labels[0] = first, 3  # the shift, with its own class
    plain, moved = (Moments.of(near + offset, labels, 4) for offset in (0.0, 1e8))
    found = nearest_mean(near + 1e8, moved)
    means = np.stack([near[labels == label].mean(axis=0) for label in range(4)])
    distances = ((near[:, None] - means) ** 2).sum(axis=2)
    assert np.array_equal(found, distances.argmin(axis=1))
    assert np.array_equal(found, nearest_mean(near, plain))


def test_the_nearest_mean_is_found_between_neighbouring_numbers():
    # Near 1e8 numbers are 2**-26 apart; the means are 0 and 4/3 of that.
    rows = 1e8 + np.array([[0.0], [1], [1], [2]]) * 2**-26
    moments = Moments.of(rows, np.array([0, 1, 1, 1]), 2)
    assert nearest_mean(rows, moments).tolist() == [0, 1, 1, 1]


def test_the_nearest_mean_of_bytes():
    rng = np.random.default_rng(12)
    rows = rng.integers(0, 256, (3000, 4), np.uint8)
    labels = rng.integers(0, 3, 3000)
    moments = Moments.of(rows, labels, 3)
    expected = nearest_mean(rows.astype(float), moments)
    assert np.array_equal(nearest_mean(rows, moments), expected)


def test_the_nearest_mean_needs_a_mean_and_the_same_units():
    with pytest.raises(InputError, match="no rows"):
        nearest_mean(np.eye(2), Moments.empty(2, 2))
    with pytest.raises(InputError, match="3 columns where 2"):
        nearest_mean(np.ones((1, 3)), Moments.of(np.eye(2)))
    assert nearest_mean(np.empty((0, 2)), Moments.of(np.eye(2))).shape == (0,)
