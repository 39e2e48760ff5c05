"""Neural collapse against the paper's formulas written out, and its exact cases."""

import numpy as np
import pytest

from layerwise.errors import InputError
from layerwise.statistics import (
    Moments,
    angle_deviation,
    norm_variation,
    self_duality,
    within_collapse,
)

MEASURES = [within_collapse, norm_variation, angle_deviation]


def labelled(counts, units, seed=0):
    """Rows of classes with so many rows each, about centres of their own."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    centres = 3 * rng.normal(size=(len(counts), units))
    return rng.normal(size=(len(labels), units)) + centres[labels], labels


def class_means(rows, labels):
    return np.stack([rows[labels == c].mean(axis=0) for c in np.unique(labels)])


def simplex(classes, units, seed=0):
    """The corners of a regular simplex about the origin, turned at random."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(units, units)))[0]
    return (np.eye(classes) - 1 / classes) @ turn[:classes]


COUNTS = [(50, 50, 50, 50), (90, 3, 40), (20, 1, 30)]


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("units", [2, 5, 200])
@pytest.mark.parametrize("counts", COUNTS)
def test_within_collapse_is_the_trace_with_the_pseudo_inverse(counts, units, offset):
    rows, labels = labelled(counts, units)
    means = class_means(rows, labels)
    residual = rows - means[labels]
    within = residual.T @ residual / len(rows)
    centred = means - means.mean(axis=0)
    between = centred.T @ centred / len(counts)
    inverse = np.linalg.pinv(between, rcond=1e-10, hermitian=True)
    expected = np.trace(within @ inverse) / len(counts)
    found = within_collapse(Moments.of(rows + offset, labels, len(counts)))
    assert found == pytest.approx(expected, rel=1e-10 if offset else 1e-12)


@pytest.mark.parametrize("counts", COUNTS)
def test_norms_and_angles_are_those_about_the_mean_of_the_means(counts):
    rows, labels = labelled(counts, 6, seed=1)
    means = class_means(rows, labels)
    centred = means - means.mean(axis=0)
    norms = np.sqrt((centred**2).sum(axis=1))
    moments = Moments.of(rows, labels, len(counts))
    assert norm_variation(moments) == pytest.approx(norms.std() / norms.mean(), 1e-12)
    deviations = [
        abs(one @ two / np.sqrt(one @ one * (two @ two)) + 1 / (len(counts) - 1))
        for i, one in enumerate(centred)
        for two in centred[:i]
    ]
    assert angle_deviation(moments) == pytest.approx(np.mean(deviations), 1e-12)


@pytest.mark.parametrize("counts", COUNTS)
def test_self_duality_is_the_squared_distance(counts):
    rows, labels = labelled(counts, 6, seed=2)
    weights = np.random.default_rng(3).normal(size=(len(counts), 6))
    moments = Moments.of(rows, labels, len(counts))
    means = class_means(rows, labels)
    centred = means - means.mean(axis=0)
    step = weights / np.sqrt((weights**2).sum()) - centred / np.sqrt((centred**2).sum())
    expected = pytest.approx((step**2).sum(), rel=1e-12)
    assert self_duality(weights, moments) == expected
    assert self_duality(weights.astype(np.float32), moments) == pytest.approx(
        (step**2).sum(), rel=1e-6
    )


@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_collapsed_simplex_has_nothing_left(classes, offset):
    # An offset of 1e8 is added exactly to multiples of 2**-20.
    centres = np.round(simplex(classes, 12) * 2**20) / 2**20
    labels = np.repeat(np.arange(classes), np.arange(5, 5 + classes))
    moments = Moments.of(centres[labels] + offset, labels, classes)
    tolerance = 4e-6  # of the rounding to the grid
    assert within_collapse(moments) == 0
    assert norm_variation(moments) < tolerance
    assert angle_deviation(moments) < tolerance
    assert self_duality(7 * centres, moments) < tolerance**2
    assert self_duality(-centres, moments) == pytest.approx(4, abs=tolerance)


def test_a_simplex_collapses_by_the_share_of_its_width():
    centres = simplex(4, 4)
    labels = np.repeat(np.arange(4), 8)
    steps = np.tile(np.concatenate([np.eye(4), -np.eye(4)]), (4, 1))
    for width in (1e-1, 1e-3, 1e-5):
        moments = Moments.of(centres[labels] + width * steps, labels, 4)
        # Σ_W is width²/4 I, and Σ_B is 1/4 in the three directions of the simplex.
        assert within_collapse(moments) == pytest.approx(3 / 4 * width**2, rel=1e-5)
        assert norm_variation(moments) < 1e-14
        assert angle_deviation(moments) < 1e-14


def test_two_classes_are_always_a_simplex():
    rows, labels = labelled((30, 5), 4, seed=4)
    moments = Moments.of(rows, labels, 2)
    assert norm_variation(moments) < 1e-15
    assert angle_deviation(moments) < 1e-15


def test_weights_that_have_nothing_in_common_are_at_a_distance_of_two():
    rows = np.array([[1.0, 0, 0], [-1, 0, 0]])
    moments = Moments.of(rows, np.array([0, 1]), 2)
    assert self_duality(np.array([[0.0, 3, 0], [0, 0, 4]]), moments) == pytest.approx(2)


def test_classes_without_a_row_are_left_out():
    rows, labels = labelled((20, 30, 25), 5, seed=5)
    plain = Moments.of(rows, labels, 3)
    sparse = Moments.of(rows, 2 * labels, 6)
    for measure in MEASURES:
        # Sums over other numbers of rows are rounded in another order.
        assert measure(sparse) == pytest.approx(measure(plain), rel=1e-13)
    weights = np.random.default_rng(6).normal(size=(6, 5))
    found = self_duality(weights, sparse)
    assert found == pytest.approx(self_duality(weights[::2], plain), rel=1e-13)


def test_equal_means_are_infinitely_far_from_collapse():
    rows = np.random.default_rng(7).normal(size=(40, 3))
    both = np.concatenate([rows, rows[::-1]])
    moments = Moments.of(both, np.repeat([0, 1], 40), 2)
    assert within_collapse(moments) == np.inf
    assert np.isnan(norm_variation(moments))
    assert np.isnan(angle_deviation(moments))
    assert np.isnan(self_duality(np.ones((2, 3)), moments))


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        (np.full((6, 2), 0.1), [0, 1, 2, 0, 1, 2]),
        (np.random.default_rng(8).normal(size=(6, 2)), [1, 1, 1, 1, 1, 1]),
        (np.ones((1, 2)), [0]),
        (np.empty((0, 2)), []),
    ],
)
def test_without_two_different_classes_there_is_no_figure(rows, labels):
    moments = Moments.of(rows, np.array(labels, int), 3)
    for measure in MEASURES:
        assert np.isnan(measure(moments))
    assert np.isnan(self_duality(np.ones((3, 2)), moments))


def test_a_class_in_the_middle_has_no_angle():
    rows = np.array([[-1.0, 0], [1, 0], [0, 0]]) + 0.1
    moments = Moments.of(np.repeat(rows, 4, axis=0), np.repeat([0, 1, 2], 4), 3)
    assert np.isnan(angle_deviation(moments))
    assert norm_variation(moments) == pytest.approx(np.sqrt(2) / 2, rel=1e-14)
    assert within_collapse(moments) == 0


def test_one_row_in_every_class_has_collapsed():
    rows = np.random.default_rng(9).normal(size=(4, 6))
    assert within_collapse(Moments.of(rows, np.arange(4), 4)) == 0


def test_weights_that_are_zero_have_no_figure():
    moments = Moments.of(np.eye(2), np.array([0, 1]), 2)
    assert np.isnan(self_duality(np.zeros((2, 2)), moments))


@pytest.mark.parametrize("shape", [(3, 2), (2, 3)])
def test_weights_of_another_shape_are_refused(shape):
    moments = Moments.of(np.eye(2), np.array([0, 1]), 2)
    with pytest.raises(InputError, match="weights have shape"):
        self_duality(np.ones(shape), moments)
