"""Moments of much: fast ones with their bound, wide layers, other devices, files."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from layerwise.errors import InputError
from layerwise.statistics import (
    Moments,
    Projection,
    Tally,
    discriminants,
    duplicate_units,
    fisher_ratio,
    least_squares_probe,
    participation_ratio,
    principal_components,
    separation,
    within_collapse,
)


def brute(rows):
    """The total scatter, in double precision: every row about the mean."""
    centred = rows - rows.mean(axis=0)
    return centred.T @ centred


def grid(rng, shape):
    """Multiples of 2**-10 in [-1, 1): an offset of up to 1e8 is added exactly."""
    return rng.integers(-(2**10), 2**10, shape) / 2**10


def as_matrix(projection):
    """The projection's rows, written out from the cosines of its definition."""
    n = projection.units
    rng = np.random.default_rng([projection.seed, n])
    signs = rng.integers(0, 2, n) * 2.0 - 1
    kept = np.sort(rng.permutation(n)[: projection.width])
    j = np.arange(n)
    basis = np.array([np.cos(np.pi * (2 * j + 1) * k / (2 * n)) for k in kept])
    basis *= np.sqrt(np.where(kept, 2, 1) / n)[:, None]
    return basis * signs


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(2, 3000),
    units=st.integers(1, 8),
    offset=st.sampled_from([0.0, -1e3, 1e8]),
    cut=st.integers(0, 3000),
)
def test_fast_moments_keep_their_bound(seed, count, units, offset, cut):
    rng = np.random.default_rng(seed)
    near = grid(rng, (count, units)) * 2.0 ** rng.integers(-3, 4, units)
    labels = rng.integers(0, 3, count)
    rows = near + offset
    fast = Moments.empty(units, 3, precision="fast")
    fast = fast.updated(rows[:cut], labels[:cut])
    later = Moments.empty(units, 3, precision="fast").updated(rows[cut:], labels[cut:])
    fast = fast.merge(later)
    expected = brute(near)
    wrong = np.abs(fast.total_scatter - expected).max()
    assert wrong <= fast.rounding_bound * expected.diagonal().max() * (1 + 1e-9) + 1e-12
    assert fast.rounding <= fast.rounding_bound
    assert fast.counts.tolist() == np.bincount(labels, minlength=3).tolist()
    for label in np.unique(labels):
        mean = near[labels == label].mean(axis=0)
        about = np.abs(fast.class_means[label] - offset - mean).max()
        assert about <= 1e-4 * np.abs(near - near[0]).max() + np.spacing(abs(offset))


def test_the_error_of_fast_moments_is_measured_and_holds():
    rng = np.random.default_rng(0)
    rows = rng.normal(3, 1, (30_000, 40)).astype(np.float32)
    fast, exact = Moments.of(rows, precision="fast"), Moments.of(rows)
    assert exact.fast_error is None
    assert exact.rounding == exact.rounding_bound == 0
    wrong = np.abs(fast.total_scatter - exact.total_scatter).max()
    share = wrong / exact.total_scatter.max()
    assert 0 < share <= fast.rounding <= 1e-5
    assert fast.rounding < fast.rounding_bound < 2e-3


def test_fast_bytes_are_exact():
    rows = np.random.default_rng(1).integers(0, 256, (3000, 6), np.uint8)
    fast, exact = Moments.of(rows, precision="fast"), Moments.of(rows)
    assert np.array_equal(fast.scatter, exact.scatter)
    assert fast.fast_error == 0


def test_exact_and_fast_merge_to_fast():
    rows = np.random.default_rng(2).normal(size=(100, 3))
    fast = Moments.of(rows[:50], precision="fast")
    both = Moments.of(rows[50:]).merge(fast)
    assert both.fast_error == fast.fast_error > 0
    assert both.count == 100


def test_an_unknown_precision_is_refused(unchecked):
    with pytest.raises(InputError, match="choose exact or fast"):
        Moments.empty(2, precision="quick")


@pytest.mark.parametrize(("units", "width"), [(2, 1), (7, 6), (10, 4), (33, 12)])
def test_a_projection_is_the_cosines_of_its_definition(units, width):
    projection = Projection(units, width, seed=3)
    matrix = as_matrix(projection)
    rows = np.random.default_rng(units).normal(size=(5, units))
    assert np.allclose(matrix @ matrix.T, np.eye(width), atol=1e-14)
    assert np.allclose(projection.apply(rows), rows @ matrix.T, rtol=0, atol=1e-13)
    coordinates = rows[:, :width]
    found = projection.lifted(coordinates)
    assert np.allclose(found, coordinates @ matrix, rtol=0, atol=1e-13)


def test_a_projection_in_torch_is_that_in_numpy():
    import torch

    projection = Projection(30, 11)
    rows = np.random.default_rng(0).normal(size=(4, 30))
    found = projection.apply(torch.from_numpy(rows))
    assert np.allclose(found.numpy(), projection.apply(rows), rtol=0, atol=1e-14)
    single = projection.apply(rows.astype(np.float32))
    assert single.dtype == np.float32
    assert np.allclose(single, projection.apply(rows), rtol=0, atol=1e-6)


@pytest.mark.parametrize("width", [0, 5, 6])
def test_a_projection_to_no_fewer_coordinates_is_refused(width):
    with pytest.raises(InputError, match="choose fewer"):
        Projection(5, width)


@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("dtype", [np.float64, np.uint8])
def test_wide_moments_are_those_of_the_projected_rows(offset, dtype):
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 500)
    near = rng.integers(0, 256, (500, 30)).astype(np.float64)
    near[:, :3] += 40 * labels[:, None]
    near = np.minimum(near, 255)
    rows = near.astype(dtype) if dtype == np.uint8 else near + offset
    wide = Moments.empty(30, 3, max_units=12)
    wide = wide.updated(rows[:200], labels[:200]).updated(rows[200:], labels[200:])
    matrix = as_matrix(Projection(30, 12))
    narrow = Moments.of((near - near[0]) @ matrix.T, labels, 3)

    def close(found, expected):
        return np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()

    assert close(wide.total_scatter, narrow.total_scatter)
    assert close(wide.within_scatter, narrow.within_scatter)
    assert close(wide.between_scatter, narrow.between_scatter)
    full = Moments.of(rows, labels, 3)
    assert np.array_equal(wide.counts, full.counts)
    assert np.array_equal(wide.class_means, full.class_means)
    assert np.array_equal(wide.class_variances, full.class_variances)
    assert fisher_ratio(wide) == fisher_ratio(full)
    assert participation_ratio(wide) == pytest.approx(participation_ratio(narrow))
    assert within_collapse(wide) == pytest.approx(within_collapse(narrow), rel=1e-9)
    assert close(separation(wide), separation(narrow))


def test_what_is_fitted_on_a_projection_takes_rows_of_all_units():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 400)
    rows = rng.normal(size=(400, 30)) + labels[:, None]
    matrix = as_matrix(Projection(30, 12))
    wide = Moments.empty(30, 3, max_units=12).updated(rows, labels)
    narrow = Moments.of(rows @ matrix.T, labels, 3)
    for fitted in (lambda m: principal_components(m, 4), discriminants):
        found = np.abs(fitted(wide).project(rows))
        expected = np.abs(fitted(narrow).project(rows @ matrix.T))
        assert np.allclose(found, expected, rtol=0, atol=1e-10)
    found = least_squares_probe(wide).scores(rows)
    expected = least_squares_probe(narrow).scores(rows @ matrix.T)
    assert np.allclose(found, expected, rtol=0, atol=1e-10)
    assert not duplicate_units(wide).any()
    with pytest.raises(InputError, match="from 1 to the 12"):
        principal_components(wide, 13)


def test_up_to_max_units_nothing_is_projected():
    assert Moments.empty(12, max_units=12).projection is None
    assert Moments.empty(13, max_units=12).projection == Projection(13, 12)


def test_moments_of_different_projections_do_not_merge():
    with pytest.raises(InputError, match="same max_units"):
        Moments.empty(9, max_units=4).merge(
            replace(Moments.empty(9, max_units=4), projection=Projection(9, 4, 1))
        )


def test_scaling_a_projection_needs_one_divisor():
    rows = np.random.default_rng(6).normal(size=(50, 9))
    wide = Moments.empty(9, max_units=4).updated(rows)
    found = wide.scaled(np.array(2.0), np.array(4.0))
    expected = Moments.empty(9, max_units=4).updated((rows - 2) / 4)
    assert np.allclose(found.scatter, expected.scatter)
    with pytest.raises(InputError, match="scale the rows"):
        wide.scaled(np.zeros(9), np.ones(9))


@pytest.mark.parametrize("precision", ["exact", "fast"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "float16"])
def test_torch_tensors_are_added_up_as_arrays_are(precision, dtype):
    import torch

    rng = np.random.default_rng(7)
    rows = (rng.normal(3, 1, (2500, 6)) * 8).clip(0, 255).astype(dtype)
    labels = rng.integers(0, 3, 2500)
    none = Moments.empty(6, 3, precision=precision)
    tally = Tally(none)
    for start in range(0, 2500, 700):
        part = slice(start, start + 700)
        tally.add(torch.from_numpy(rows[part]), torch.from_numpy(labels[part]))
    expected = none.updated(rows, labels)
    tolerance = 1e-12 if precision == "exact" else 1e-5
    for name, array in tally.moments().to_arrays().items():
        if name != "fast_error":
            due = expected.to_arrays()[name]
            error = np.abs(array - due).max()
            assert error <= tolerance * np.abs(due).max(), name


def test_a_tally_goes_on_with_rows_of_another_kind():
    rng = np.random.default_rng(8)
    rows = rng.integers(0, 9, (300, 4))
    tally = Tally(Moments.of(rows[:50]))
    tally.add(rows[50:100].astype(np.uint8))
    tally.add(rows[100:150].astype(np.uint8))
    assert np.array_equal(tally.moments().scatter, Moments.of(rows[:150]).scatter)
    tally.add(rows[150:].astype(np.float32))
    for name, array in Moments.of(rows).to_arrays().items():
        assert np.array_equal(getattr(tally.moments(), name), array), name


def test_what_a_tally_gave_stays_as_more_is_added():
    rows = np.random.default_rng(8).normal(size=(30, 4))
    tally = Tally(Moments.empty(4))
    tally.add(rows[:10])
    early = tally.moments()
    tally.add(rows[10:])
    assert early.count == 10
    assert np.array_equal(early.scatter, Moments.of(rows[:10]).scatter)


def test_bad_torch_values_are_named():
    import torch

    rows = torch.ones(5, 2)
    rows[3, 1] = float("nan")
    with pytest.raises(InputError, match="row 3, column 1 is nan"):
        Moments.of(rows)


@pytest.mark.parametrize("max_units", [None, 4])
@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_moments_come_back_from_their_arrays(max_units, precision):
    rng = np.random.default_rng(9)
    empty = Moments.empty(6, 2, precision=precision, max_units=max_units)
    saved = empty.updated(rng.normal(size=(9, 6)), rng.integers(0, 2, 9))
    for kept in (empty, saved):
        found = Moments.from_arrays(kept.to_arrays())
        assert found.projection == kept.projection
        assert found.fast_error == kept.fast_error
        for name, array in kept.to_arrays().items():
            assert np.array_equal(found.to_arrays()[name], array), name
    assert found.merge(saved).count == 18


@pytest.mark.parametrize("found", [[6, 4], [7, 4, 0], [6, -4, 0]])
def test_what_is_no_saved_projection_is_said(found):
    arrays = Moments.empty(6, max_units=4).to_arrays()
    with pytest.raises(InputError, match="projection"):
        Moments.from_arrays(arrays | {"projection": np.array(found)})
