"""How wide classes are and how far they are apart."""

import numpy as np
import pytest

from layerwise.errors import InputError
from layerwise.statistics import Moments, class_spread, separation


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
