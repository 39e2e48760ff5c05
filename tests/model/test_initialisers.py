"""How weights begin: variances, orthogonality, and a signal's way through layers."""

import numpy as np
import pytest

from layerwise.errors import InputError
from layerwise.model import INITIALISERS, Linear

FAN_IN, FAN_OUT = 120, 200

VARIANCES = {
    "he": 2 / FAN_IN,
    "glorot": 2 / (FAN_IN + FAN_OUT),
    "lecun": 1 / FAN_IN,
    "normal": 1.0,
    "orthogonal": 1 / FAN_OUT,
}


@pytest.mark.parametrize("name", INITIALISERS)
def test_mean_and_variance(name):
    weights = INITIALISERS[name](np.random.default_rng(0), FAN_IN, FAN_OUT)
    assert weights.shape == (FAN_IN, FAN_OUT)
    assert weights.dtype == np.float64
    variance, entries = VARIANCES[name], weights.size
    # Four standard errors of a normal sample's mean and variance.
    assert abs(weights.mean()) < 4 * np.sqrt(variance / entries)
    assert weights.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / entries))


@pytest.mark.parametrize(("fan_in", "fan_out"), [(30, 30), (50, 20), (20, 50), (1, 1)])
def test_orthogonal_rows_or_columns(fan_in, fan_out):
    W = INITIALISERS["orthogonal"](np.random.default_rng(1), fan_in, fan_out)
    gram = W @ W.T if fan_in < fan_out else W.T @ W
    assert np.abs(gram - np.eye(min(fan_in, fan_out))).max() < 1e-12
    assert W.flags.c_contiguous


def test_orthogonal_is_uniform():
    """Without R's signs the diagonal of a QR factor of a 2 x 2 matrix is negative."""
    rng = np.random.default_rng(2)
    corners = [INITIALISERS["orthogonal"](rng, 2, 2)[0, 0] for _ in range(2000)]
    # cos of a uniform angle: mean 0, variance 1/2.
    assert abs(np.mean(corners)) < 4 * np.sqrt(0.5 / 2000)
    assert np.mean(np.square(corners)) == pytest.approx(0.5, abs=4 * np.sqrt(1 / 16000))


def mean_square_through(name, layers, width, rng):
    """E[x²] before and after so many ReLU layers, over many draws."""
    x = rng.normal(size=(50, width))
    before = np.mean(x**2)
    for _ in range(layers):
        x = np.maximum(x @ INITIALISERS[name](rng, width, width), 0)
    return np.mean(x**2) / before


def test_he_keeps_the_mean_square_through_twenty_relu_layers():
    # E[x²] after the positive part is half of what the layer's product has: 2/2 = 1.
    # Each layer of n units adds a relative variance of 5/n, twenty of 250: 0.4.
    ratios = [
        mean_square_through("he", 20, 250, np.random.default_rng(seed))
        for seed in range(10)
    ]
    assert np.mean(ratios) == pytest.approx(1, abs=4 * np.sqrt(0.4 / 10))
    assert 0.1 < min(ratios) <= max(ratios) < 10


def test_normal_multiplies_the_mean_square_by_half_the_fan_in():
    rng = np.random.default_rng(0)
    ratios = [mean_square_through("normal", 1, 400, rng) for _ in range(10)]
    assert np.mean(ratios) == pytest.approx(200, rel=4 * np.sqrt(5 / 400 / 10))


def test_draws_follow_the_generator():
    first, second, other = (
        INITIALISERS["he"](np.random.default_rng(seed), 4, 3) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_an_unknown_scheme_names_the_known_ones():
    with pytest.raises(InputError, match=r"^init 'zeros' is unknown; .*orthogonal$"):
        Linear(2, "zeros").init(np.random.default_rng(0), (2,))
