"""Linear CKA from streamed sums against the n × n Gram matrices, in float64."""

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from layerwise.errors import InputError
from layerwise.statistics import CrossMoments, linear_cka, linear_cka_of

FORMS = pytest.mark.parametrize("debiased", [False, True])


def grid(rng, shape):
    """Multiples of 2**-20 in [-1, 1): an offset of up to 1e8 is added exactly."""
    return rng.integers(-(2**20), 2**20, shape) / 2**20


def paired(rng, count, left, right):
    """Rows of two layers that have something in common."""
    x = grid(rng, (count, left))
    mixed = x @ rng.normal(size=(left, right)) / left + grid(rng, (count, right))
    return x, np.round(mixed * 2**20) / 2**20


def gram_hsic(x, y, debiased):
    """HSIC of the Gram matrices, as Gretton's and Song's formulas are written."""
    n = len(x)
    gram_x, gram_y = x @ x.T, y @ y.T
    if not debiased:
        columns = gram_x.mean(axis=0)
        centred = gram_x - columns - columns[:, None] + columns.mean()
        return np.vdot(centred, gram_y) / (n - 1) ** 2
    np.fill_diagonal(gram_x, 0)
    np.fill_diagonal(gram_y, 0)
    terms = (
        np.vdot(gram_x, gram_y)
        + gram_x.sum() * gram_y.sum() / ((n - 1) * (n - 2))
        - 2 / (n - 2) * gram_x.sum(axis=0) @ gram_y.sum(axis=0)
    )
    return terms / (n * (n - 3))


def gram_cka(x, y, debiased):
    xx, yy = gram_hsic(x, x, debiased), gram_hsic(y, y, debiased)
    return gram_hsic(x, y, debiased) / np.sqrt(xx * yy)


def pieces(rng, x, y, count):
    """The moments of a random split, in random order, merged in a random tree."""
    order = rng.permutation(len(x))
    cuts = np.sort(rng.integers(0, len(x), count))
    parts = [CrossMoments.of(x[p], y[p]) for p in np.array_split(order, cuts)]
    while len(parts) > 1:
        left = parts.pop(rng.integers(len(parts)))
        right = parts.pop(rng.integers(len(parts)))
        parts.append(left.merge(right))
    return parts[0]


@FORMS
@pytest.mark.parametrize(
    ("count", "left", "right"), [(4, 3, 2), (30, 5, 8), (20, 60, 1), (2500, 4, 3)]
)
def test_it_is_that_of_the_gram_matrices(count, left, right, debiased):
    x, y = paired(np.random.default_rng(0), count, left, right)
    scale = np.sqrt(gram_hsic(x, x, False) * gram_hsic(y, y, False))
    found = CrossMoments.of(x, y).hsic(debiased=debiased)
    expected = gram_hsic(x, y, debiased)
    # Debiased it is the small difference of large terms for few samples.
    assert found == pytest.approx(expected, abs=1e-13 * scale)
    similarity = linear_cka_of(x, y, debiased=debiased)
    assert similarity == pytest.approx(gram_cka(x, y, debiased), rel=1e-11)


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(6, 60),
    left=st.integers(1, 6),
    right=st.integers(1, 6),
    parts=st.integers(0, 10),
    offset=st.sampled_from([0.0, 1e6, -1e7, 1e8]),
    debiased=st.booleans(),
)
def test_any_split_order_and_tree_agree_with_the_gram_matrices(
    seed, count, left, right, parts, offset, debiased
):
    rng = np.random.default_rng(seed)
    x, y = paired(rng, count, left, right)
    scale = np.sqrt(gram_hsic(x, x, False) * gram_hsic(y, y, False))
    found = pieces(rng, x + offset, y - offset, parts)
    assert found.count == count
    expected = gram_hsic(x, y, debiased)
    # The offset costs nothing where adding it to the rows has not rounded them.
    assert abs(found.hsic(debiased=debiased) - expected) <= 1e-11 * scale


def test_streamed_sums_are_about_the_first_sample():
    rng = np.random.default_rng(1)
    x, y = paired(rng, 40, 3, 2)
    streamed = CrossMoments.of(x[:7], y[:7])
    for start in range(7, 40, 11):
        streamed = streamed.updated(x[start : start + 11], y[start : start + 11])
    x_near, y_near = x - x[0], y - y[0]
    x_squares, y_squares = (x_near**2).sum(axis=1), (y_near**2).sum(axis=1)
    expected = CrossMoments(
        x_shift=x[0],
        y_shift=y[0],
        count=40,
        x_sum=x_near.sum(axis=0),
        y_sum=y_near.sum(axis=0),
        cross=x_near.T @ y_near,
        x_square=x_squares.sum(),
        y_square=y_squares.sum(),
        square_product=(x_squares * y_squares).sum(),
        x_weighted=(x_near.T * y_squares).sum(axis=1),
        y_weighted=(y_near.T * x_squares).sum(axis=1),
    )
    later = CrossMoments.of(x[:7], y[:7]).merge(CrossMoments.of(x[7:], y[7:]))
    for found in (streamed, later, CrossMoments.of(x, y)):
        for field in fields(CrossMoments):
            value, due = getattr(found, field.name), getattr(expected, field.name)
            assert value == pytest.approx(due, rel=1e-12, abs=1e-12), field.name


@FORMS
def test_a_layer_is_wholly_like_itself_turned_scaled_and_shifted(debiased):
    rng = np.random.default_rng(2)
    x, _ = paired(rng, 50, 6, 1)
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    for other in (
        x,
        -3 * x,
        1e-3 * x @ turn + 5,
        np.hstack([x @ turn, np.ones_like(x)]),
    ):
        assert linear_cka_of(x, other, debiased=debiased) == pytest.approx(1, abs=1e-13)


@FORMS
def test_it_is_symmetric(debiased):
    x, y = paired(np.random.default_rng(3), 30, 4, 7)
    one, two = (linear_cka_of(*pair, debiased=debiased) for pair in ((x, y), (y, x)))
    assert one == pytest.approx(two, rel=1e-13)


def test_only_the_biased_form_finds_likeness_in_noise():
    rng = np.random.default_rng(4)
    found = np.array(
        [
            [linear_cka_of(*noise, debiased=debiased) for debiased in (False, True)]
            for noise in rng.normal(size=(40, 2, 20, 60))
        ]
    )
    assert found[:, 0].min() > 0.6
    assert (found[:, 1] < 0).any()
    assert abs(found[:, 1].mean()) < 0.03


def test_the_debiased_form_is_right_on_average():
    rng = np.random.default_rng(5)
    x, y = paired(rng, 300, 3, 2)
    whole = gram_hsic(x, y, True)
    draws = [rng.choice(300, 6, replace=False) for _ in range(2000)]
    found = [CrossMoments.of(x[d], y[d]).hsic(debiased=True) for d in draws]
    # A U-statistic of a sample without replacement has the whole's as its mean.
    error = np.std(found) / np.sqrt(len(draws))
    assert abs(np.mean(found) - whole) < 4 * error
    assert error < 0.1 * whole


@FORMS
def test_a_layer_that_never_changes_is_like_nothing(debiased):
    x, _ = paired(np.random.default_rng(6), 3000, 3, 1)
    flat = np.full((3000, 2), 0.1)
    merged = CrossMoments.of(flat[:900], flat[:900]).merge(
        CrossMoments.of(flat[900:], flat[900:])
    )
    assert merged.hsic(debiased=debiased) == 0
    assert CrossMoments.of(x, flat).hsic(debiased=debiased) == 0
    for pair in ((x, flat), (flat, x), (flat, flat)):
        assert np.isnan(linear_cka_of(*pair, debiased=debiased))


def test_samples_equally_far_apart_have_no_debiased_similarity():
    rng = np.random.default_rng(7)
    corners = np.linalg.qr(rng.normal(size=(9, 9)))[0]
    x, _ = paired(rng, 9, 3, 1)
    assert CrossMoments.of(corners, corners).hsic(debiased=True) == 0
    assert np.isnan(linear_cka_of(corners, x, debiased=True))
    assert 0 < linear_cka_of(corners, x, debiased=False) < 1


@pytest.mark.parametrize(("debiased", "least"), [(False, 2), (True, 4)])
def test_too_few_samples_are_refused(debiased, least):
    x, y = paired(np.random.default_rng(8), least, 3, 2)
    assert np.isfinite(linear_cka_of(x, y, debiased=debiased))
    with pytest.raises(InputError, match=f"{least - 1} samples: .* needs {least}$"):
        linear_cka_of(x[1:], y[1:], debiased=debiased)
    with pytest.raises(InputError, match="0 samples"):
        CrossMoments.empty(3, 2).hsic(debiased=debiased)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, bool])
def test_every_dtype_gives_the_same(dtype):
    rng = np.random.default_rng(9)
    x, y = rng.integers(0, 2, (300, 4)), rng.integers(0, 2, (300, 3))
    found = CrossMoments.of(x.astype(dtype), y.astype(dtype))
    for field in fields(CrossMoments):
        due = getattr(CrossMoments.of(x, y), field.name)
        assert np.array_equal(getattr(found, field.name), due), field.name


@FORMS
def test_the_largest_numbers_of_single_precision_are_in_range(debiased):
    x, y = paired(np.random.default_rng(10), 50, 100, 80)
    plain = linear_cka_of(x, y, debiased=debiased)
    for scale in (1e-38, 3e38):
        scaled = linear_cka_of(scale * x, scale * y, debiased=debiased)
        assert scaled == pytest.approx(plain, rel=1e-12)


def test_no_samples_change_nothing():
    none = CrossMoments.empty(3, 2)
    some = CrossMoments.of(*paired(np.random.default_rng(11), 5, 3, 2))
    assert none.count == 0
    assert none.merge(some) is some
    assert some.merge(none) is some
    assert some.updated(np.empty((0, 3)), np.empty((0, 2))) is some


def test_inputs_are_never_changed():
    x, y = paired(np.random.default_rng(12), 20, 3, 2)
    before = CrossMoments.of(x, y)
    named = {field.name: getattr(before, field.name) for field in fields(CrossMoments)}
    arrays = [each for each in named.values() if isinstance(each, np.ndarray)]
    kept = [array.copy() for array in arrays]
    for array in (x, y, *arrays):
        array.flags.writeable = False
    before.updated(x + 1, y).merge(before).hsic(debiased=True)
    for array, copy in zip(arrays, kept, strict=True):
        assert np.array_equal(array, copy)


def test_memory_does_not_grow_with_the_number_of_samples():
    def peak(count):
        x = np.broadcast_to(np.arange(4.0), (count, 4))
        tracemalloc.start()
        try:
            assert CrossMoments.of(x, x).count == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10_000)
    assert peak(300_000) < peak(10_000) + 10_000


@pytest.mark.parametrize(
    ("row", "bad"), [(0, np.nan), (0, np.inf), (3000, -np.inf), (3000, 1e160)]
)
@pytest.mark.parametrize("side", [0, 1])
def test_a_value_that_is_not_finite_is_named(side, row, bad):
    layers = [np.ones((3001, 2)), np.ones((3001, 3))]
    layers[side][row, 1] = bad
    with pytest.raises(InputError, match=f"^row {row} holds a value that is not"):
        CrossMoments.of(*layers)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones(3), np.ones((3, 1)), r"shape \(3,\)"),
        (np.ones((3, 2)), np.ones((2, 2)), "3 rows of one layer and 2 of the other"),
        (np.ones((3, 2)), np.ones((3, 2), complex), "dtype complex128"),
    ],
)
def test_rows_that_are_not_paired_are_refused(x, y, message):
    with pytest.raises(InputError, match=message):
        CrossMoments.of(x, y)


def test_moments_of_other_layers_or_samples_are_refused():
    x, y = paired(np.random.default_rng(13), 20, 3, 2)
    xy, xx, yy = (CrossMoments.of(*pair) for pair in ((x, y), (x, x), (y, y)))
    with pytest.raises(InputError, match="cannot be merged"):
        xy.merge(xx)
    with pytest.raises(InputError, match="3 columns where 2"):
        yy.updated(x, y)
    fewer = CrossMoments.of(x[:10], x[:10])
    for three in ((xy, yy, xx), (xx, xx, yy), (xy, fewer, yy)):
        with pytest.raises(InputError, match="take all three of the same"):
            linear_cka(*three, debiased=False)
