"""Principal components against float64 SVD; dimensions; constant, duplicate units."""

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from scipy.stats import entropy

from layerwise.errors import InputError
from layerwise.statistics import (
    Moments,
    constant_units,
    duplicate_units,
    effective_rank,
    participation_ratio,
    principal_components,
)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(3, 60),
    units=st.integers(2, 8),
    parts=st.integers(1, 5),
    offset=st.sampled_from([0.0, 1e5, 1e8]),
)
def test_subspaces_before_a_gap_are_those_of_svd(seed, count, units, parts, offset):
    rng = np.random.default_rng(seed)
    stretched = rng.normal(size=(count, units)) * rng.uniform(0.01, 8, units)
    turned = stretched @ np.linalg.qr(rng.normal(size=(units, units)))[0]
    near = np.round(turned * 2**20) / 2**20  # the offset is added exactly
    centred = near - near.mean(axis=0)
    singular, Vt = np.linalg.svd(centred)[1:]
    spectrum = np.zeros(units)
    spectrum[: len(singular)] = singular**2
    gaps = -np.diff(spectrum)
    kept = int(np.argmax(gaps)) + 1
    gap = gaps[kept - 1] / spectrum[0]
    assume(gap > 1e-3)

    moments = Moments.empty(units)
    for batch in np.array_split(rng.permutation(near + offset), parts):
        moments = moments.updated(batch)
    found = principal_components(moments)
    largest = found.explained_variance[0]
    expected = spectrum / (count - 1)
    assert np.abs(found.explained_variance - expected).max() <= 1e-12 * largest
    first = found.components[:kept]
    error = np.abs(first.T @ first - Vt[:kept].T @ Vt[:kept]).max()
    assert error <= 1e-11 / gap


def test_components_are_real_orthonormal_and_sorted_where_eig_fails():
    # Rank 4 of 40: eig gives no orthonormal vectors for the repeated eigenvalue 0.
    rows = np.random.default_rng(0).normal(size=(5, 40))
    moments = Moments.of(rows)
    found = principal_components(moments)
    assert found.components.dtype == np.float64
    assert np.abs(found.components @ found.components.T - np.eye(40)).max() < 1e-14
    assert (np.diff(found.explained_variance) <= 0).all()
    assert (found.explained_variance >= 0).all()
    rebuilt = (found.components.T * found.explained_variance) @ found.components
    assert np.abs(rebuilt - moments.covariance).max() < 1e-14 * 40


def test_projections_are_centred():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(500, 3)) * [3, 2, 1] + [1e4, -1e4, 50]
    found = principal_components(Moments.of(rows), 2)
    coordinates = found.project(rows)
    assert np.abs(coordinates.mean(axis=0)).max() < 1e-11
    assert np.cov(coordinates.T) == pytest.approx(
        np.diag(found.explained_variance), abs=1e-10
    )
    assert np.array_equal(found.project(found.mean[None]), np.zeros((1, 2)))


def test_projection_takes_bytes_and_many_blocks():
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 256, (5000, 6), np.uint8)
    found = principal_components(Moments.of(rows), 3)
    expected = (rows.astype(float) - rows.mean(axis=0)) @ found.components.T
    assert np.abs(found.project(rows) - expected).max() < 1e-11


def test_signs_are_fixed_by_the_largest_entry():
    rows = np.random.default_rng(3).normal(size=(50, 4))
    for sample in (rows, -rows):
        components = principal_components(Moments.of(sample)).components
        largest = np.abs(components).argmax(axis=1)
        assert (components[np.arange(4), largest] > 0).all()


def test_shares_of_variance_sum_to_one():
    rows = np.random.default_rng(4).normal(size=(50, 4))
    shares = principal_components(Moments.of(rows)).explained_variance_ratio
    assert shares.sum() == pytest.approx(1, abs=1e-14)
    first = principal_components(Moments.of(rows), 2).explained_variance_ratio
    assert np.array_equal(first, shares[:2])


def test_rows_without_variance_have_components_all_the_same():
    for rows in (np.array([[3.0, 4.0]]), np.full((9, 2), 0.1)):
        found = principal_components(Moments.of(rows))
        assert found.explained_variance.tolist() == [0, 0]
        assert found.explained_variance_ratio.tolist() == [0, 0]
        assert np.array_equal(found.components @ found.components.T, np.eye(2))


@pytest.mark.parametrize("count", [0, 3, -1])
def test_a_count_out_of_range_is_refused(count):
    with pytest.raises(InputError, match="1 to the 2 units"):
        principal_components(Moments.of(np.eye(2)), count)


def test_no_rows_are_refused():
    with pytest.raises(InputError, match="no rows"):
        principal_components(Moments.empty(2))


def test_rows_of_other_units_are_refused():
    found = principal_components(Moments.of(np.eye(2)))
    with pytest.raises(InputError, match="3 columns where 2"):
        found.project(np.ones((1, 3)))


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
@pytest.mark.parametrize("dimensions", [1, 2, 5])
@pytest.mark.parametrize("measure", [participation_ratio, effective_rank])
def test_equal_dimensions_are_counted(measure, dimensions, scale):
    corners = np.zeros((2 * dimensions, 7))
    corners[np.arange(2 * dimensions), np.repeat(np.arange(dimensions), 2)] = np.tile(
        [scale, -scale], dimensions
    )
    assert measure(Moments.of(corners)) == pytest.approx(dimensions, rel=1e-14)


@pytest.mark.parametrize("count", [4, 80])
def test_dimensions_are_those_of_the_eigenvalues(count):
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(count, 6)) @ rng.normal(size=(6, 6)) + 1e3
    moments = Moments.of(rows)
    values = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
    shares = values[values > 1e-12 * values[0]] / values.sum()
    assert len(shares) == min(count - 1, 6)
    ratio = 1 / (shares**2).sum()
    rank = np.exp(entropy(shares))
    assert participation_ratio(moments) == pytest.approx(ratio, rel=1e-12)
    assert effective_rank(moments) == pytest.approx(rank, rel=1e-12)
    assert rank > ratio


@pytest.mark.parametrize("measure", [participation_ratio, effective_rank])
def test_no_variance_has_no_dimensions(measure):
    assert measure(Moments.of(np.full((100, 3), 0.1))) == 0
    assert measure(Moments.of(np.ones((1, 3)))) == 0
    assert measure(Moments.empty(3)) == 0


def test_constant_units_are_exact():
    rows = np.full((3000, 4), 0.1)
    rows[:, 1] = 1e8 + 0.1
    rows[-1, 2] = np.nextafter(0.1, 1)
    rows[:1500, 3] = 0.2
    whole = Moments.of(rows)
    merged = Moments.of(rows[1500:]).merge(Moments.of(rows[:1500]))
    for moments in (whole, merged):
        assert constant_units(moments).tolist() == [True, True, False, False]


def test_constant_units_of_bytes():
    rows = np.zeros((3000, 3), np.uint8)
    rows[:, 1] = 255
    rows[2999, 2] = 1
    assert constant_units(Moments.of(rows)).tolist() == [True, True, False]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_affine_copies_are_duplicates_of_earlier_units(offset, dtype):
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(3000, 8)) + offset
    rows[:, 2] = -3 * rows[:, 0] + 7
    rows[:, 4] = rows[:, 1]
    rows[:, 5] = 1e-6 * rows[:, 2]
    rows[:, 6] = 0.1
    rows[:, 7] = 0.1
    labels = rng.integers(0, 3, 3000)
    moments = Moments.of(rows.astype(dtype), labels, 3)
    duplicates = [False, False, True, False, True, True, False, False]
    assert duplicate_units(moments).tolist() == duplicates
    assert constant_units(moments).tolist() == [False] * 6 + [True] * 2


def test_duplicates_are_found_far_from_zero():
    rng = np.random.default_rng(7)
    rows = rng.integers(-(2**20), 2**20, (300, 3)) / 2**20
    rows[:, 2] = 4 * rows[:, 0]
    found = duplicate_units(Moments.of(rows + np.array([1e8, 0, -1e8])))
    assert found.tolist() == [False, False, True]


def test_a_unit_that_differs_in_one_row_is_no_duplicate():
    rng = np.random.default_rng(8)
    unit = rng.normal(size=1000)
    other = unit.copy()
    other[17] += 0.01
    rectified = np.maximum(unit, unit.min() + 0.01)
    rows = np.column_stack([unit, other, rectified, np.abs(unit)])
    assert not duplicate_units(Moments.of(rows)).any()


def test_rows_without_variance_have_no_duplicates():
    for moments in (Moments.empty(3), Moments.of(np.ones((1, 3)))):
        assert duplicate_units(moments).tolist() == [False, False, False]


class TestFewRows:
    """Of few rows a factor of low rank gives what the whole eigenproblem gives."""

    @pytest.mark.parametrize("rows", [2, 7, 60])
    def test_eigenvalues_and_vectors(self, rows):
        from layerwise.statistics._components import eigen

        rng = np.random.default_rng(rows)
        X = rng.normal(size=(rows, 300)) * np.logspace(-6, 6, 300) + 1e3
        moments = Moments.of(X)
        scatter = moments.total_scatter
        values, vectors = eigen(scatter, rows - 1)
        assert len(values) == rows - 1
        singular = np.linalg.svd(X - X.mean(0), compute_uv=False)[: rows - 1]
        tolerance = 1e-9 * singular[0] ** 2
        np.testing.assert_allclose(values[::-1], singular**2, atol=tolerance)
        rebuilt = (vectors * values) @ vectors.T
        np.testing.assert_allclose(rebuilt, scatter, atol=tolerance)
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(rows - 1), atol=1e-12)

    def test_more_components_than_rows_are_a_whole_basis(self):
        moments = Moments.of(np.random.default_rng(0).normal(size=(5, 40)))
        found = principal_components(moments, 12)
        product = found.components @ found.components.T
        np.testing.assert_allclose(product, np.eye(12), atol=1e-12)
        np.testing.assert_allclose(found.explained_variance[4:], 0, atol=1e-12)

    def test_rows_that_are_all_equal(self):
        moments = Moments.of(np.ones((3, 40)))
        assert not principal_components(moments, 2).explained_variance.any()
        assert effective_rank(moments) == 0


def test_eigenvalues_are_found_once(monkeypatch):
    """Principal components leave them, and rows that are relabelled keep them."""
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(50, 6)) ** 3, rng.integers(0, 3, 50)
    alone = effective_rank(Moments.of(rows, labels, 3))
    moments = Moments.of(rows, labels, 3)
    principal_components(moments, 2)
    monkeypatch.setattr(np.linalg, "eigvalsh", None)
    monkeypatch.setattr(np.linalg, "eigh", None)
    assert effective_rank(moments) == pytest.approx(alone, rel=1e-12)
    other = moments.relabelled(rows, labels[::-1])
    assert effective_rank(other) == effective_rank(moments)
