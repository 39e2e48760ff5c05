"""One derivation, many array libraries: the same numbers from all of them."""

import numpy as np
import pytest

from layerwise.arrays import named_leaves, namespace, to_numpy
from layerwise.model import (
    GELU,
    LOSSES,
    MLP,
    Batch,
    Dropout,
    LayerNorm,
    LeakyReLU,
    Linear,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    loss_and_gradients,
)

LAYERS = (
    Linear(3),
    ReLU(),
    LeakyReLU(),
    Tanh(),
    Sigmoid(),
    GELU(),
    Softmax(),
    LayerNorm(),
    Dropout(0.4),
    Residual(Sequential((Linear(5), Tanh()))),
)

AGREEMENT = 1e-14
"""Of an array's largest magnitude: promised is 1e-10; measured was 4e-15 at most."""


def assert_agree(found, expected):
    found, expected = dict(named_leaves(found)), dict(named_leaves(expected))
    assert found.keys() == expected.keys()
    for path, true in expected.items():
        array = to_numpy(found[path])
        assert array.dtype == true.dtype == np.float64
        assert array.shape == true.shape
        error = np.abs(array - true).max(initial=0)
        assert error <= AGREEMENT * np.abs(true).max(initial=0), path


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_layers(xp, layer, point_of):
    params, x, noise = point_of(layer, (5,))
    cotangent = np.random.default_rng(1).normal(size=layer.forward(params, x)[0].shape)

    def both_ways(params, x, noise, cotangent):
        y, trace = layer.forward(params, x, noise)
        return y, layer.backward(params, trace, cotangent)

    arguments = (params, x, noise, cotangent)
    found = xp.run(both_ways, *(xp.enter(argument) for argument in arguments))
    assert_agree(found, both_ways(*arguments))
    assert namespace(found[0]) is namespace(xp.asarray(x))


@pytest.mark.parametrize("name", LOSSES)
def test_losses(xp, name):
    loss = LOSSES[name]
    rng = np.random.default_rng(2)
    outputs, targets = rng.dirichlet(np.ones(4), size=6), np.eye(4)[[0, 1, 2, 3, 0, 1]]

    def both_ways(outputs, targets):
        losses, trace = loss.forward(outputs, targets)
        return losses, loss.backward(trace), loss.probabilities(outputs)

    found = xp.run(both_ways, xp.asarray(outputs), xp.asarray(targets))
    assert_agree(found, both_ways(outputs, targets))


def test_a_whole_network(xp, point_of):
    layer = MLP([8] * 3, "gelu", normalise=True, dropout=0.2, residual=True).build(5, 4)
    loss = LOSSES["cross-entropy"]
    params, x, noise = point_of(layer, (5,), batch=6)
    batch = (x, np.eye(4)[[0, 1, 2, 3, 0, 1]], np.array([1, 1, 1, 1, 1, 0.0]))

    def passed(params, batch, noise):
        return tuple(loss_and_gradients(layer, loss, params, Batch(*batch), noise))

    arguments = (params, batch, noise)
    found = xp.run(passed, *(xp.enter(argument) for argument in arguments))
    assert_agree(found, passed(*arguments))
