"""Moments are the same for any split, order and merge tree, and far from zero."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from layerwise.errors import InputError
from layerwise.statistics import Moments

OFFSETS = [0.0, 1e5, -1e6, 1e7, 1e8]


def grid(rng, shape):
    """Multiples of 2**-20 in [-1, 1): an offset of up to 1e8 is added exactly."""
    return rng.integers(-(2**20), 2**20, shape) / 2**20


def pieces(rng, rows, labels, classes, count):
    """The moments of a random split, in random order, merged in a random tree."""
    order = rng.permutation(len(rows))
    parts = [
        Moments.of(rows[chosen], labels[chosen], classes)
        for chosen in np.array_split(order, np.sort(rng.integers(0, len(rows), count)))
    ]
    while len(parts) > 1:
        left = parts.pop(rng.integers(len(parts)))
        right = parts.pop(rng.integers(len(parts)))
        parts.append(left.merge(right))
    return parts[0]


def close(found, expected, tolerance=1e-12):
    """Whether two arrays agree to ``tolerance`` of the largest entry expected."""
    error = np.abs(found - expected).max()
    return error <= tolerance * np.abs(expected).max(initial=0)


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(2, 60),
    units=st.integers(1, 8),
    classes=st.integers(1, 4),
    parts=st.integers(0, 10),
    offset=st.sampled_from(OFFSETS),
)
def test_any_split_order_and_tree_agree_with_svd(
    seed, count, units, classes, parts, offset
):
    rng = np.random.default_rng(seed)
    near = grid(rng, (count, units))
    labels = rng.integers(0, classes, count)
    moments = pieces(rng, near + offset, labels, classes, parts)

    centred = near - near.mean(axis=0)
    assert moments.counts.tolist() == np.bincount(labels, minlength=classes).tolist()
    assert close(moments.total_scatter, centred.T @ centred)
    eigenvalues = np.linalg.eigvalsh(moments.total_scatter)[::-1]
    singular = np.zeros(units)
    found = np.linalg.svd(centred, compute_uv=False)
    singular[: len(found)] = found
    assert close(eigenvalues, singular**2)

    ulp = np.spacing(abs(offset) + 2)
    assert np.abs(moments.mean - (near.mean(axis=0) + offset)).max() <= 2 * ulp
    for label in np.unique(labels):
        mean = near[labels == label].mean(axis=0) + offset
        assert np.abs(moments.class_means[label] - mean).max() <= 2 * ulp


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), count=st.integers(1, 60), parts=st.integers(0, 10)
)
def test_bytes_are_added_up_without_rounding(seed, count, parts):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 256, (count, 5), np.uint8)
    labels = rng.integers(0, 3, count)
    moments = pieces(rng, rows, labels, 3, parts)
    about = rows.astype(np.int64) - moments.shift.astype(np.int64)
    assert (moments.shift == rows).all(axis=1).any()
    assert np.array_equal(moments.scatter, about.T @ about)
    for label in range(3):
        own = about[labels == label]
        assert np.array_equal(moments.sums[label], own.sum(axis=0))
        assert np.array_equal(moments.squares[label], (own**2).sum(axis=0))


@pytest.mark.parametrize("value", [0, 1, 255])
def test_bytes_stay_exact_at_the_bound_of_single_precision(value):
    rows = np.full((5000, 2), value, np.uint8)
    rows[0] = 77
    moments = Moments.of(rows)
    assert np.array_equal(moments.scatter, np.full((2, 2), 4999 * (value - 77) ** 2))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64, bool])
def test_every_dtype_gives_the_same(dtype):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (300, 4))
    found = Moments.of(rows.astype(dtype))
    mixed = Moments.of(rows[:100]).updated(rows[100:].astype(dtype))
    for name, array in Moments.of(rows).to_arrays().items():
        assert np.array_equal(getattr(found, name), array), name
        assert np.array_equal(getattr(mixed, name), array), name


def test_single_precision_rows_accumulate_in_double():
    rows = np.full((200_000, 1), 0.1, np.float32)
    rows[0] = 0
    exact = 199_999 * float(np.float32(0.1))
    assert Moments.of(rows).sums[0, 0] == pytest.approx(exact, rel=1e-13)


def test_a_large_offset_costs_nothing():
    rng = np.random.default_rng(1)
    near = grid(rng, (20_000, 20))
    far = near + 1e8
    labels = rng.integers(0, 3, len(near))
    merged = pieces(rng, far, labels, 3, 7)
    streamed = Moments.empty(20, 3)
    for start in range(0, len(far), 777):
        batch = slice(start, start + 777)
        streamed = streamed.updated(far[batch], labels[batch])
    # In whole numbers the reference has no rounding; float64 formulas have more of it
    # than the tolerance.
    whole = (near * 2**20).astype(np.int64)
    product, total = (whole.T @ whole).astype(object), whole.sum(axis=0).astype(object)
    scatter = product * len(near) - np.outer(total, total)
    scatter = (scatter / len(near)).astype(float) / 2**40
    for moments in (Moments.of(far, labels, 3), merged, streamed):
        assert close(moments.total_scatter, scatter, 3e-15)
        assert close(moments.variances, scatter.diagonal() / (len(near) - 1), 3e-15)


def test_streaming_keeps_the_first_row_as_shift():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(30, 3))
    moments = Moments.of(rows[:10]).updated(rows[10:])
    assert np.array_equal(moments.shift, rows[0])
    later = Moments.of(rows[10:])
    assert np.array_equal(Moments.of(rows[:10]).merge(later).shift, rows[0])
    assert np.array_equal(Moments.empty(3).merge(later).shift, rows[10])


def test_derived_figures_are_those_of_numpy():
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6)) + 5
    labels = rng.integers(0, 4, 200)
    moments = Moments.of(rows, labels, 4)
    assert moments.count == 200
    assert close(moments.mean, rows.mean(axis=0), 1e-14)
    assert close(moments.variances, rows.var(axis=0, ddof=1), 1e-14)
    assert close(moments.covariance, np.cov(rows.T), 1e-14)
    within = np.zeros((6, 6))
    for label in range(4):
        own = rows[labels == label]
        scatter = np.cov(own.T) * (len(own) - 1)
        within += scatter
        assert close(moments.class_means[label], own.mean(axis=0), 1e-14)
        variances = moments.class_variances[label]
        assert close(variances, own.var(axis=0, ddof=1), 1e-13)
    assert close(moments.within_scatter, within, 1e-14)
    assert close(moments.between_scatter, moments.total_scatter - within, 1e-13)
    assert np.array_equal(moments.total_scatter, moments.total_scatter.T)


@pytest.mark.parametrize(
    ("offset", "divisor"),
    [(np.array(127.5), np.array(127.5)), (np.arange(5.0), np.arange(1.0, 6.0))],
)
def test_scaled_moments_are_those_of_scaled_rows(offset, divisor):
    rng = np.random.default_rng(4)
    rows = rng.integers(0, 256, (300, 5), dtype=np.uint8)
    labels = rng.integers(0, 3, 300)
    found = Moments.of(rows, labels, 3).scaled(offset, divisor)
    scaled = (rows.astype(np.float64) - offset) / divisor
    expected = Moments.of(scaled, labels, 3)
    for name, array in expected.to_arrays().items():
        assert close(found.to_arrays()[name], array), name


def test_no_rows_have_no_mean_and_change_nothing():
    none = Moments.of(np.empty((0, 3)), np.empty(0, int), 2)
    assert none.count == 0
    assert np.isnan(none.mean).all()
    assert np.isnan(none.variances).all()
    assert np.array_equal(none.covariance, np.zeros((3, 3)))
    some = Moments.of(np.arange(6.0).reshape(2, 3), np.array([0, 1]), 2)
    assert none.merge(some) is some
    assert some.merge(none) is some
    assert some.updated(np.empty((0, 3))) is some


def test_one_row_has_no_spread():
    one = Moments.of(np.array([[1e8, -3.0]]))
    assert one.mean.tolist() == [1e8, -3.0]
    assert one.variances.tolist() == [0, 0]
    assert np.array_equal(one.covariance, np.zeros((2, 2)))


def test_classes_with_few_rows():
    rows = np.array([[0.0], [2.0], [7.0]])
    moments = Moments.of(rows, np.array([0, 0, 1]), 3)
    assert moments.class_means[:2, 0].tolist() == [1, 7]
    assert moments.class_variances[:2, 0].tolist() == [2, 0]
    assert np.isnan(moments.class_means[2, 0])
    assert np.isnan(moments.class_variances[2, 0])
    assert close(moments.within_scatter, np.array([[2.0]]), 1e-15)
    assert close(moments.between_scatter, np.array([[24.0]]), 1e-15)


def test_a_class_of_equal_rows_has_no_variance():
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(2, 4)) * 1e3
    labels = np.repeat([0, 1], 500)
    moments = Moments.of(centres[labels], labels, 2)
    assert np.array_equal(moments.class_variances, np.zeros((2, 4)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 3000])
def test_a_value_that_is_not_finite_is_named(bad, row):
    rows = np.ones((3001, 2), np.float32)
    rows[row, 1] = bad
    with pytest.raises(InputError, match=f"^row {row}, column 1 is {bad}: "):
        Moments.of(rows)


def test_values_whose_squares_overflow_are_refused():
    with pytest.raises(InputError, match="overflow"):
        Moments.of(np.array([[1e200], [-1e200]]))


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (np.ones(3), None, r"shape \(3,\)"),
        (np.array([["a"]]), None, "dtype <U1"),
        (np.ones((2, 1), complex), None, "dtype complex128"),
        (np.ones((2, 1)), np.array([0]), r"labels have shape \(1,\)"),
        (np.ones((2, 1)), np.array([0.0, 1.0]), "labels have dtype float64"),
        (np.ones((2, 1)), np.array([0, 2]), "row 1 has the label 2: .* 0 to 1"),
        (np.ones((2, 1)), np.array([1, -1]), "row 1 has the label -1"),
    ],
)
def test_wrong_rows_and_labels_are_named(rows, labels, message):
    with pytest.raises(InputError, match=message) as caught:
        Moments.of(rows, labels, 2)
    assert "\n" not in str(caught.value)


def test_rows_of_other_units_are_refused():
    with pytest.raises(InputError, match="3 columns where 2"):
        Moments.empty(2).updated(np.ones((1, 3)))


@pytest.mark.parametrize("other", [Moments.empty(3, 2), Moments.empty(2, 3)])
def test_moments_of_another_kind_do_not_merge(other):
    with pytest.raises(InputError, match="cannot be merged"):
        Moments.empty(2, 2).merge(other)


def test_saved_moments_come_back():
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 2, 9)
    saved = Moments.of(rng.normal(size=(9, 3)), labels, 2)
    arrays = saved.to_arrays()
    for name, array in Moments.from_arrays(arrays).to_arrays().items():
        assert array is arrays[name]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scatter": None, "sums": None}, "lack scatter, sums"),
        ({"scatter": np.zeros((3, 2))}, r"scatter is float64 of shape \(3, 2\)"),
        ({"sums": np.zeros((3, 2))}, r"sums is float64 of shape \(3, 2\)"),
        ({"counts": np.zeros(2)}, "counts is float64"),
        ({"shift": np.zeros((3, 1))}, r"shift is float64 of shape \(3, 1\)"),
        ({"fast_error": np.zeros(1)}, r"fast_error is float64 of shape \(1,\)"),
    ],
)
def test_what_are_not_saved_moments_is_said(change, message):
    arrays = Moments.empty(3, 2).to_arrays() | change
    arrays = {name: array for name, array in arrays.items() if array is not None}
    with pytest.raises(InputError, match=message):
        Moments.from_arrays(arrays)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("labelled", [False, True])
def test_memory_does_not_grow_with_the_number_of_rows(dtype, labelled):
    def peak(count):
        rows = np.broadcast_to(np.arange(4, dtype=dtype), (count, 4))
        labels = np.broadcast_to(np.int64(1), count) if labelled else None
        tracemalloc.start()
        try:
            moments = Moments.of(rows, labels, 2)
            assert moments.count == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10_000)
    assert peak(1_000_000) < peak(10_000) + 10_000


def test_inputs_are_never_changed():
    rng = np.random.default_rng(7)
    rows, labels = rng.normal(size=(50, 3)), rng.integers(0, 2, 50)
    before = Moments.of(rows, labels, 2)
    kept = {name: array.copy() for name, array in before.to_arrays().items()}
    for array in (rows, labels, *before.to_arrays().values()):
        array.flags.writeable = False
    before.updated(rows + 1, labels).merge(before)
    for name, array in before.to_arrays().items():
        assert np.array_equal(array, kept[name])


def test_they_are_shown_in_one_line():
    found = Moments.of(np.ones((5, 3)), np.array([0, 1, 1, 0, 1]), 2)
    assert repr(found) == "Moments(count=5, classes=2, units=3)"


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_relabelled_rows_are_counted_anew(kind):
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(40, 5)) * 20 + 100).astype(kind)
    rows[:, 2] = 7
    labels, others = rng.integers(0, 3, (2, 40))
    found = Moments.of(rows, labels, 3).relabelled(rows, others)
    expected = Moments.of(rows, others, 3)
    for name, array in expected.to_arrays().items():
        np.testing.assert_allclose(
            found.to_arrays()[name], array, rtol=1e-12, atol=1e-9, err_msg=name
        )
    assert not found.squares[:, 2].any()
