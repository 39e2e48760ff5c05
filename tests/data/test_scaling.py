"""Scaling: exact at both ends, fitted once, the same on every array library."""

import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from layerwise.data import Dataset, Scaling, _scaling as module, fit_scaling
from layerwise.errors import InputError

BYTES = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bytes_reach_both_ends_exactly(dtype):
    """Computed in bytes, (x - 255) / 255 takes 255 to 0 and 0 to 1/255, not to -1."""
    scaled = fit_scaling(BYTES, "range").apply(BYTES, dtype)
    assert scaled.dtype == dtype
    assert scaled.flat[0] == -1
    assert scaled.flat[255] == 1
    assert (np.diff(scaled.ravel()) > 0).all()
    expected = np.arange(256) / 127.5 - 1
    np.testing.assert_allclose(
        scaled.ravel(), expected, rtol=0, atol=2 * np.finfo(dtype).eps
    )


def test_images_share_one_scale():
    scaling = fit_scaling(BYTES, "range")
    assert (scaling.offset.shape, scaling.offset, scaling.divisor) == ((), 127.5, 127.5)
    standard = fit_scaling(BYTES.astype(np.float32), "standard")
    assert standard.offset == 127.5
    assert standard.divisor == np.arange(256).std()


def test_tables_are_scaled_by_feature():
    table = np.array([[1.0, -4.0], [3.0, 4.0], [2.0, 0.0]])
    scaled = fit_scaling(table, "range").apply(table)
    np.testing.assert_array_equal(scaled, [[-1, -1], [1, 1], [0, 0]])


def test_unit_variance():
    table = np.random.default_rng(0).normal([5, -300, 1e8], [1, 20, 3], (5000, 3))
    scaled = fit_scaling(table, "standard").apply(table)
    # The offset of 1e8 leaves eight digits of the third feature.
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-8)
    np.testing.assert_allclose(scaled.std(0), 1, rtol=1e-12)


@pytest.mark.parametrize("kind", ["range", "standard"])
def test_what_is_constant_becomes_zero(kind):
    table = np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]])
    scaled = fit_scaling(table, kind).apply(table)
    np.testing.assert_array_equal(scaled[:, 0], 0)
    assert scaled[0, 1] == -scaled[2, 1] < 0
    black = np.full((3, 2, 2), 7, np.uint8)
    grey = np.full((2, 3, 1), 0.7)  # pooled, its mean is off by a rounding
    for images in (black, grey):
        scaling = fit_scaling(images, kind)
        assert scaling.divisor == 1
        np.testing.assert_array_equal(scaling.apply(images), 0)
    # The squares of so small a difference are 0.
    tiny = np.array([[0.0], [1e-200]])
    assert np.isfinite(fit_scaling(tiny, kind).apply(tiny)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_the_range_is_that_of_all_blocks(dtype, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", 8 * 3 * 4)  # four rows
    inputs = np.random.default_rng(0).integers(3, 200, (50, 3)).astype(dtype)
    scaling = fit_scaling(inputs, "range")
    axis = None if dtype == np.uint8 else 0
    least, greatest = inputs.min(axis).astype(float), inputs.max(axis).astype(float)
    np.testing.assert_array_equal(scaling.offset, (least + greatest) / 2)
    np.testing.assert_array_equal(scaling.divisor, (greatest - least) / 2)


def test_what_is_missing_is_left_out_of_the_range():
    inputs = np.array([[np.nan, 1.0], [2.0, np.nan], [4.0, 5.0]])
    scaling = fit_scaling(inputs, "range")
    assert scaling.offset.tolist() == [3, 3]
    assert scaling.divisor.tolist() == [1, 2]


def test_what_overflows_is_infinite_without_a_warning():
    found = module.summary(np.array([[1e308], [1.7e308], [-1.7e308], [np.inf]]))
    assert found.maximum.tolist() == [np.inf]
    assert not np.isfinite(found.total).any()


def test_none_changes_the_dtype_alone():
    scaled = fit_scaling(BYTES, "none").apply(BYTES)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled, BYTES)


def test_new_inputs_are_scaled_as_the_training_inputs():
    scaling = fit_scaling(np.array([[0.0], [10.0]]), "range")
    np.testing.assert_array_equal(
        scaling.apply(np.array([[20.0], [-5.0]])), [[3], [-2]]
    )


def to_strict(x):
    return array_api_strict.asarray(x)


@pytest.mark.parametrize("convert", [to_strict, jnp.asarray, torch.from_numpy])
@pytest.mark.parametrize("inputs", [BYTES, np.eye(5, 3, dtype=np.float32)])
def test_every_library_scales_to_the_same_numbers(convert, inputs):
    """To one rounding: XLA divides by a number by multiplying with its reciprocal."""
    scaling = fit_scaling(inputs, "standard")
    expected = scaling.apply(inputs)
    assert expected.dtype == np.float32
    scaled = np.asarray(scaling.apply(convert(inputs)))
    assert scaled.dtype == np.float32
    np.testing.assert_array_max_ulp(scaled, expected, maxulp=1)


@pytest.mark.parametrize("compiled", [False, True])
def test_both_ends_are_exact_in_xla_too(compiled):
    apply = fit_scaling(BYTES, "range").apply
    scaled = (jax.jit(apply) if compiled else apply)(jnp.asarray(BYTES))
    assert (scaled.dtype, scaled.min(), scaled.max()) == (np.float32, -1, 1)


def test_what_is_saved_scales_the_same():
    table = np.random.default_rng(1).normal(size=(9, 4))
    scaling = fit_scaling(table, "standard")
    again = Scaling.from_arrays(scaling.kind, scaling.to_arrays())
    np.testing.assert_array_equal(again.apply(table), scaling.apply(table))
    assert again.kind == "standard"


def test_what_cannot_be_a_scaling_is_refused():
    arrays = fit_scaling(BYTES, "range").to_arrays()
    with pytest.raises(InputError, match="divisor missing"):
        Scaling.from_arrays("range", {"offset": arrays["offset"]})
    with pytest.raises(InputError, match="different shapes"):
        Scaling.from_arrays("range", arrays | {"offset": np.zeros(3)})
    with pytest.raises(InputError, match="'ranges'"):
        Scaling.from_arrays("ranges", arrays)
    with pytest.raises(InputError, match="rows"):
        fit_scaling(np.zeros((0, 3)), "range")


@pytest.mark.parametrize("kind", ["range", "standard"])
@pytest.mark.parametrize("divisor", [1, 255])
def test_flattened_pictures_keep_one_scale(kind, divisor):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (80, 8, 8)) * (rng.random((8, 8)) < 0.8)
    pictures[:, 0, 0] = 0
    pictures[3, 0, 1] = 1  # a pixel that is hardly ever other than 0
    flat = pictures.reshape(80, 64)
    flat = flat / divisor if divisor > 1 else flat
    scaling = fit_scaling(flat, kind)
    assert scaling.offset.shape == ()
    whole = fit_scaling(flat.reshape(80, 8, 8), kind)
    np.testing.assert_allclose(scaling.offset, whole.offset)
    np.testing.assert_allclose(scaling.divisor, whole.divisor)


@pytest.mark.parametrize(
    "table",
    [
        np.random.default_rng(0).normal(size=(200, 64)),
        np.random.default_rng(0).integers(0, 256, (200, 9)),
        np.random.default_rng(0).integers(0, 9, (200, 64)) * np.arange(1, 65),
    ],
)
def test_features_of_ranges_of_their_own_keep_scales_of_their_own(table):
    assert fit_scaling(table, "standard").offset.shape == table.shape[1:]


def test_a_square_of_pixels_is_offered_as_pictures():
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (100, 784)), np.arange(100) % 2
    (said,) = Dataset.from_arrays(pixels, labels).remarks
    assert "784 features share the range 0 to 255" in said
    assert 'X.astype("uint8").reshape(-1, 28, 28)' in said
    (said,) = Dataset.from_arrays(pixels / 255, labels).remarks
    assert '(255 * X).astype("uint8")' in said
    for others in (pixels[:, :783], rng.normal(size=(100, 784))):
        assert Dataset.from_arrays(others, labels).remarks == ()
