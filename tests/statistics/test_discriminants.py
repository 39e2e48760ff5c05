"""Discriminants against scikit-learn and SciPy, and on data that have few or none."""

import numpy as np
import pytest
from scipy.linalg import eigh, helmert
from sklearn.covariance import oas, shrunk_covariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from layerwise.errors import InputError
from layerwise.statistics import (
    Discriminants,
    Moments,
    _discriminants,
    class_readings,
    discriminants,
    separation,
)
from layerwise.statistics._eigen import solved


def labelled(count, units, classes, seed=0):
    """Correlated rows about a centre for each class, at least one in every class."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, count)])
    centres = rng.normal(size=(classes, units))
    mixing = np.eye(units) + rng.normal(size=(units, units)) / (2 * np.sqrt(units))
    return rng.normal(size=(len(labels), units)) @ mixing + centres[labels], labels


def split(rows, labels):
    return [rows[labels == label] for label in np.unique(labels)]


def scatters(rows, labels):
    """The scatter within and between classes, written out."""
    within = between = np.zeros((rows.shape[1], rows.shape[1]))
    for own in split(rows, labels):
        residual, step = own - own.mean(axis=0), own.mean(axis=0) - rows.mean(axis=0)
        within = within + residual.T @ residual
        between = between + len(own) * np.outer(step, step)
    return within, between


def pointed(directions):
    """Each row turned so that its entry of largest magnitude is positive."""
    return np.stack([d * np.sign(d[np.abs(d).argmax()]) for d in directions])


def sound(found: Discriminants, directions: int) -> bool:
    """Whether there are so many directions, finite and in order."""
    return (
        found.directions.shape[0] == len(found.ratios) == directions
        and bool(np.isfinite(found.directions).all() and (found.ratios > 0).all())
        and bool(np.isfinite(found.ratios).all() and (np.diff(found.ratios) <= 0).all())
        and 0 <= found.shrinkage <= 1
    )


def test_without_shrinkage_they_are_those_of_scikit_learn():
    rows, labels = labelled(400, 6, 4)
    found = discriminants(Moments.of(rows, labels, 4), 3, 0.0)
    model = LinearDiscriminantAnalysis(solver="eigen").fit(rows, labels)
    # Its covariance within classes is divided by the rows, ours by the freedom.
    scale = np.sqrt((len(rows) - 4) / len(rows))
    expected = pointed(model.scalings_.T[:3] * scale)
    # The resolution of the scatter, 1e-13, is added to W; its condition is 45.
    assert np.abs(found.directions - expected).max() < 1e-10
    shares = found.ratios / found.ratios.sum()
    assert shares == pytest.approx(model.explained_variance_ratio_, rel=1e-11)
    assert found.shrinkage == 0


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("shrinkage", [1e-3, 0.3, 1.0])
def test_they_solve_the_eigenproblem_of_the_shrunk_scatter(shrinkage, offset):
    rows, labels = labelled(400, 6, 4)
    found = discriminants(Moments.of(rows + offset, labels, 4), 3, shrinkage)
    within, between = scatters(rows, labels)
    freedom = len(rows) - 4
    shrunk = shrunk_covariance(within / freedom, shrinkage)
    ratios, vectors = eigh(between / freedom, shrunk)
    # Adding the offset rounds the rows themselves, to 1e-12 of their spread.
    tolerance = 1e-10 if offset else 1e-12
    assert found.ratios == pytest.approx(ratios[:2:-1], rel=tolerance)
    assert np.abs(found.directions - pointed(vectors.T[:2:-1])).max() < tolerance
    covariance = found.directions @ shrunk @ found.directions.T
    assert np.abs(covariance - np.eye(3)).max() < tolerance


def test_the_nearest_mean_among_them_is_what_scikit_learn_predicts():
    rows, labels = labelled(400, 8, 4)
    balanced = np.concatenate([own[:50] for own in split(rows, labels)])
    classes = np.repeat(np.arange(4), 50)
    found = discriminants(Moments.of(balanced, classes, 4), 3, 0.2)
    means = np.stack([own.mean(axis=0) for own in split(balanced, classes)])
    steps = found.project(rows)[:, None] - found.project(means)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2)
    expected = model.fit(balanced, classes).predict(rows)
    assert np.array_equal((steps**2).sum(axis=2).argmin(axis=1), expected)


@pytest.mark.parametrize(
    ("count", "units", "classes"), [(300, 5, 3), (40, 60, 2), (2, 5, 3)]
)
def test_the_shrinkage_is_the_oracle_approximating_one(count, units, classes):
    rows, labels = labelled(count, units, classes)
    found = discriminants(Moments.of(rows, labels, classes))
    # Helmert's contrasts of a class have its scatter, a mean of 0 that is known, and
    # as many rows as it has degrees of freedom.
    contrasts = [helmert(len(own)) @ own for own in split(rows, labels)]
    _, expected = oas(np.concatenate(contrasts), assume_centered=True)
    assert 0 < expected <= 1
    assert found.shrinkage == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("units", [1, 4])
def test_the_shrinkage_of_a_sphere_is_complete(units):
    corners = np.concatenate([np.eye(units), -np.eye(units)])
    rows = np.concatenate([corners, corners + 3])
    moments = Moments.of(rows, np.repeat([0, 1], 2 * units), 2)
    assert discriminants(moments).shrinkage == 1


def test_units_of_measurement_do_not_matter_without_shrinkage():
    rows, labels = labelled(300, 5, 3)
    scale = np.array([1e-6, 1e-3, 1.0, 1e4, 1e8])
    plain = discriminants(Moments.of(rows, labels, 3), 2, 0.0)
    scaled = discriminants(Moments.of(rows * scale, labels, 3), 2, 0.0)
    assert scaled.ratios == pytest.approx(plain.ratios, rel=1e-11)
    assert np.abs(pointed(scaled.directions * scale) - plain.directions).max() < 1e-11


def test_a_large_offset_does_not_matter():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 300)
    near = rng.integers(-(2**20), 2**20, (300, 5)) / 2**20 + labels[:, None]
    plain = discriminants(Moments.of(near, labels, 3))
    far = discriminants(Moments.of(near + 1e8, labels, 3))
    assert np.abs(far.directions - plain.directions).max() < 1e-12
    assert far.ratios == pytest.approx(plain.ratios, rel=1e-12)
    assert far.shrinkage == pytest.approx(plain.shrinkage, rel=1e-12)


def test_projections_are_centred_and_have_variance_one_within_classes():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 5000)
    rows = rng.integers(0, 50, (5000, 6)).astype(np.uint8)
    rows[:, 0] += (40 * labels).astype(np.uint8)
    found = discriminants(Moments.of(rows, labels, 3), shrinkage=0.0)
    plane = found.project(rows)
    assert plane.shape == (5000, 2)
    assert np.abs(plane.mean(axis=0)).max() < 1e-12
    within, between = scatters(plane, labels)
    assert np.abs(within / (5000 - 3) - np.eye(2)).max() < 1e-12
    expected = np.diag(found.ratios) * (5000 - 3)
    assert np.abs(between - expected).max() < 1e-11 * expected.max()


@pytest.mark.parametrize(
    ("units", "classes", "most"), [(6, 4, 3), (2, 4, 2), (1, 4, 1), (6, 2, 1)]
)
def test_there_are_as_many_as_the_data_have(units, classes, most):
    rows, labels = labelled(200, units, classes)
    moments = Moments.of(rows, labels, classes + 2)  # two classes without a row
    every = discriminants(moments, 9)
    assert sound(every, most)
    for count in range(1, most + 1):
        some = discriminants(moments, count)
        assert np.array_equal(some.directions, every.directions[:count])
        assert np.array_equal(some.ratios, every.ratios[:count])


@pytest.mark.parametrize("shrinkage", [None, 0.0, 0.5])
def test_means_on_a_line_have_one_direction(shrinkage):
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(100, 4))
    labels = np.repeat(np.arange(4), 100)
    line = np.array([1.0, -2.0, 0.5, 3.0])
    rows = np.tile(noise, (4, 1)) + labels[:, None] * line
    found = discriminants(Moments.of(rows, labels, 4), 3, shrinkage)
    assert sound(found, 1)


@pytest.mark.parametrize("shrinkage", [None, 0.0, 1.0])
@pytest.mark.parametrize(
    "case", ["constant", "copied", "single", "wide", "large", "collapsed"]
)
def test_degenerate_rows_have_directions_that_part_the_classes(case, shrinkage):
    rows, labels = labelled(20 if case == "wide" else 200, 30, 3, seed=4)
    rows[:, 0] += 20 * labels
    if case == "constant":
        rows[:, 5:20] = 0.1
    elif case == "copied":
        rows[:, 15:] = rows[:, :15]
    elif case == "single":
        rows, labels = np.vstack([rows[:1] + 1e4, rows]), np.append(3, labels)
    elif case == "large":
        rows[:, 0] *= 1e8
    elif case == "collapsed":
        rows = rows[labels]
    moments = Moments.of(rows, labels, 4)
    found = discriminants(moments, 3, shrinkage)
    assert sound(found, 3 if case == "single" else 2)
    plane = found.project(rows)
    means = np.stack([own.mean(axis=0) for own in split(plane, labels)])
    steps = plane[:, None] - means
    nearest = (steps**2).sum(axis=2).argmin(axis=1)
    assert np.mean(nearest == labels) > 0.99


@pytest.mark.parametrize("shrinkage", [None, 0.0, 0.5, 1.0])
def test_classes_that_are_equal_have_no_direction(shrinkage):
    rows = np.random.default_rng(5).normal(size=(50, 3))
    same = Moments.of(np.concatenate([rows, rows[::-1]]), np.repeat([0, 1], 50), 2)
    one = Moments.of(rows, np.zeros(50, int), 3)
    flat = Moments.of(np.full((50, 3), 0.1), np.tile([0, 1], 25), 2)
    for moments in (same, one, flat):
        found = discriminants(moments, 2, shrinkage)
        assert found.directions.shape == (0, 3)
        assert sound(found, 0)
        assert found.project(rows).shape == (50, 0)


def test_one_row_in_every_class():
    rows = np.random.default_rng(6).normal(size=(3, 5))
    found = discriminants(Moments.of(rows, np.arange(3), 3))
    assert sound(found, 2)
    steps = found.project(rows)
    assert np.linalg.norm(steps[0] - steps[1]) > 1e5


@pytest.mark.parametrize("scale", [1e-70, 1e70])
def test_scale_does_not_matter(scale):
    rows, labels = labelled(100, 4, 3)
    plain = discriminants(Moments.of(rows, labels, 3))
    scaled = discriminants(Moments.of(rows * scale, labels, 3))
    assert scaled.shrinkage == pytest.approx(plain.shrinkage, rel=1e-12)
    assert scaled.ratios == pytest.approx(plain.ratios, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "0 discriminants"),
        ((2, -0.1), "shrinkage is -0.1"),
        ((2, 1.1), "shrinkage is 1.1"),
        ((2, float("nan")), "shrinkage is nan"),
    ],
)
def test_numbers_out_of_range_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        discriminants(Moments.of(np.eye(2), np.array([0, 1]), 2), *arguments)


def test_no_rows_are_refused():
    with pytest.raises(InputError, match="no rows"):
        discriminants(Moments.empty(2, 2))


def test_rows_of_other_units_are_refused():
    found = discriminants(Moments.of(np.eye(2), np.array([0, 1]), 2))
    with pytest.raises(InputError, match="3 columns where 2"):
        found.project(np.ones((1, 3)))


@pytest.mark.parametrize("transposed", [False, True])
def test_a_triangle_is_solved_as_any_matrix_is(transposed):
    rng = np.random.default_rng(0)
    lower, right = np.tril(rng.normal(size=(6, 6))) + 6 * np.eye(6), rng.normal(size=6)
    expected = np.linalg.solve(lower.T if transposed else lower, right[:, None])
    np.testing.assert_allclose(
        solved(lower, right[:, None], transposed=transposed), expected, rtol=1e-12
    )


def test_the_covariance_within_classes_is_factored_once_for_all_readings(monkeypatch):
    factored = []
    factor = _discriminants._within_factor

    def counted(*given):
        factored.append(given)
        return factor(*given)

    monkeypatch.setattr(_discriminants, "_within_factor", counted)
    # A solver that knows of no triangle would take longer than all else.
    monkeypatch.setattr(np.linalg, "solve", None)
    rows = np.random.default_rng(0).normal(size=(60, 5))
    moments = Moments.of(rows, np.arange(60) % 3, 3)
    found, _ = class_readings(moments)
    assert len(factored) == 1
    assert np.isfinite(separation(moments)).all()
    np.testing.assert_array_equal(found.directions, discriminants(moments).directions)
