"""Linear CKA without the n × n Gram matrices, against them, in float64."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from layerwise.errors import InputError
from layerwise.statistics import hsic, linear_cka

FORMS = pytest.mark.parametrize("form", ["debiased", "biased"])


def alike(x, y):
    return linear_cka(hsic(x, y), hsic(x, x), hsic(y, y))


def grid(rng, shape):
    """Multiples of 2**-20 in [-1, 1): an offset of up to 1e8 is added exactly."""
    return rng.integers(-(2**20), 2**20, shape) / 2**20


def paired(rng, count, left, right):
    """Rows of two layers that have something in common."""
    x = grid(rng, (count, left))
    mixed = x @ rng.normal(size=(left, right)) / left + grid(rng, (count, right))
    return x, np.round(mixed * 2**20) / 2**20


def gram_hsic(x, y, form):
    """HSIC of the Gram matrices, as Gretton's and Song's formulas are written."""
    n = len(x)
    gram_x, gram_y = x @ x.T, y @ y.T
    if form == "biased":
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


def gram_cka(x, y, form):
    xx, yy = gram_hsic(x, x, form), gram_hsic(y, y, form)
    return gram_hsic(x, y, form) / np.sqrt(xx * yy)


@FORMS
@pytest.mark.parametrize(
    ("count", "left", "right"), [(4, 3, 2), (30, 5, 8), (20, 60, 1), (2500, 4, 3)]
)
def test_it_is_that_of_the_gram_matrices(count, left, right, form):
    x, y = paired(np.random.default_rng(0), count, left, right)
    scale = np.sqrt(gram_hsic(x, x, "biased") * gram_hsic(y, y, "biased"))
    # Debiased it is the small difference of large terms for few samples.
    expected = pytest.approx(gram_hsic(x, y, form), abs=1e-13 * scale)
    assert getattr(hsic(x, y), form) == expected
    similarity = pytest.approx(gram_cka(x, y, form), rel=1e-11)
    assert getattr(alike(x, y), form) == similarity


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(6, 60),
    left=st.integers(1, 6),
    right=st.integers(1, 6),
    offset=st.sampled_from([0.0, 1e6, -1e7, 1e8]),
    form=st.sampled_from(["debiased", "biased"]),
)
def test_an_offset_and_the_order_of_the_samples_change_nothing(
    seed, count, left, right, offset, form
):
    rng = np.random.default_rng(seed)
    x, y = paired(rng, count, left, right)
    scale = np.sqrt(gram_hsic(x, x, "biased") * gram_hsic(y, y, "biased"))
    order = rng.permutation(count)
    found = getattr(hsic(x[order] + offset, y[order] - offset), form)
    # The offset costs nothing where adding it to the rows has not rounded them.
    assert abs(found - gram_hsic(x, y, form)) <= 1e-11 * scale


@FORMS
def test_a_layer_is_wholly_like_itself_turned_scaled_and_shifted(form):
    rng = np.random.default_rng(2)
    x, _ = paired(rng, 50, 6, 1)
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    for other in (
        x,
        -3 * x,
        1e-3 * x @ turn + 5,
        np.hstack([x @ turn, np.ones_like(x)]),
    ):
        assert getattr(alike(x, other), form) == pytest.approx(1, abs=1e-13)


def test_it_is_symmetric():
    x, y = paired(np.random.default_rng(3), 30, 4, 7)
    assert alike(x, y) == pytest.approx(alike(y, x), rel=1e-13)


def test_only_the_biased_form_finds_likeness_in_noise():
    rng = np.random.default_rng(4)
    found = np.array([alike(*noise) for noise in rng.normal(size=(40, 2, 20, 60))])
    debiased, biased = found.T
    assert biased.min() > 0.6
    assert (debiased < 0).any()
    assert abs(debiased.mean()) < 0.03


def test_the_debiased_form_is_right_on_average():
    rng = np.random.default_rng(5)
    x, y = paired(rng, 300, 3, 2)
    whole = gram_hsic(x, y, "debiased")
    draws = [rng.choice(300, 6, replace=False) for _ in range(2000)]
    found = [hsic(x[d], y[d]).debiased for d in draws]
    # A U-statistic of a sample without replacement has the whole's as its mean.
    error = np.std(found) / np.sqrt(len(draws))
    assert abs(np.mean(found) - whole) < 4 * error
    assert error < 0.1 * whole


def test_a_layer_that_never_changes_is_like_nothing():
    x, _ = paired(np.random.default_rng(6), 3000, 3, 1)
    flat = np.full((3000, 2), 0.1)
    assert hsic(flat, flat) == (0, 0)
    assert hsic(x, flat) == (0, 0)
    for pair in ((x, flat), (flat, x), (flat, flat)):
        assert np.isnan(alike(*pair)).all()


def test_samples_equally_far_apart_have_no_debiased_similarity():
    rng = np.random.default_rng(7)
    corners = np.linalg.qr(rng.normal(size=(9, 9)))[0]
    x, _ = paired(rng, 9, 3, 1)
    assert hsic(corners, corners).debiased == 0
    assert np.isnan(alike(corners, x).debiased)
    assert 0 < alike(corners, x).biased < 1


def test_too_few_samples_are_refused():
    x, y = paired(np.random.default_rng(8), 4, 3, 2)
    assert np.isfinite(alike(x, y)).all()
    with pytest.raises(InputError, match="3 samples: the similarity of layers needs 4"):
        hsic(x[1:], y[1:])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, bool])
def test_every_dtype_gives_the_same(dtype):
    rng = np.random.default_rng(9)
    x, y = rng.integers(0, 2, (300, 4)), rng.integers(0, 2, (300, 3))
    assert hsic(x.astype(dtype), y.astype(dtype)) == hsic(x, y)


def test_the_largest_numbers_of_single_precision_are_in_range():
    x, y = paired(np.random.default_rng(10), 50, 100, 80)
    for scale in (1e-38, 3e38):
        scaled = alike(scale * x, scale * y)
        assert scaled == pytest.approx(alike(x, y), rel=1e-12)


def test_inputs_are_never_changed():
    x, y = paired(np.random.default_rng(12), 20, 3, 2)
    before = x.copy(), y.copy()
    hsic(x, y)
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])


@pytest.mark.parametrize(
    ("row", "bad"), [(0, np.nan), (0, np.inf), (3000, -np.inf), (3000, 1e160)]
)
@pytest.mark.parametrize("side", [0, 1])
def test_a_value_that_is_not_finite_is_named(side, row, bad):
    layers = [np.ones((3001, 2)), np.ones((3001, 3))]
    layers[side][row, 1] = bad
    with pytest.raises(InputError, match=f"^row {row} holds a value that is not"):
        hsic(*layers)


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
        hsic(x, y)
