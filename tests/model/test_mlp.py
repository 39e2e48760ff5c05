"""The multilayer perceptron: what its settings build."""

import dataclasses

import numpy as np
import pytest

from layerwise.errors import InputError
from layerwise.model import (
    ACTIVATIONS,
    INITIALISERS,
    LOSSES,
    MLP,
    Architecture,
    Dropout,
    LayerNorm,
    Linear,
    ReLU,
    Residual,
    Sequential,
    Softmax,
    block_names,
)


@pytest.mark.parametrize("depth", [0, 1, 2, 8])
def test_any_number_of_hidden_layers(depth):
    layer = MLP([5] * depth).build(3, 2)
    params = layer.init(np.random.default_rng(0), (3,))
    assert layer.forward(params, np.ones((4, 3)))[0].shape == (4, 2)
    hidden = tuple(f"hidden{i}" for i in range(1, depth + 1))
    assert block_names(layer) == (*hidden, "output")


def test_a_plain_block_and_the_output():
    built = MLP([4], "relu", "lecun").build(3, 2)
    hidden = Sequential((Linear(4, "lecun"), ReLU()))
    assert built == Sequential((hidden, Sequential((Linear(2, "lecun"),))))


def test_a_block_with_everything():
    mlp = MLP([4], normalise=True, dropout=0.25, residual=True)
    inner = Sequential((Linear(4), LayerNorm(), ReLU(), Dropout(0.25)))
    assert mlp.build(4, 2).layers[0] == Residual(inner)


def test_skip_connections_only_between_equal_widths():
    blocks = MLP([5, 5, 7, 7, 7], residual=True).build(3, 2).layers
    skips = [isinstance(block, Residual) for block in blocks]
    assert skips == [False, True, False, True, True, False]


@pytest.mark.parametrize("hidden", [[], [4]])
def test_a_loss_on_probabilities_keeps_its_softmax(hidden):
    textbook = MLP(hidden, loss="cross-entropy-on-probabilities").build(3, 2)
    assert textbook.layers[-1] == Sequential((Linear(2), Softmax()))
    assert MLP(hidden).build(3, 2).layers[-1] == Sequential((Linear(2),))


def test_settings_are_values():
    assert MLP([3, 4]) == MLP((3, 4)) == MLP(np.array([3, 4]).tolist())
    assert hash(MLP([3, 4])) == hash(MLP((3, 4)))
    assert isinstance(MLP(), Architecture)
    assert dataclasses.replace(MLP([3]), activation="tanh").hidden == (3,)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(name):
    assert MLP([2], name).build(2, 2).layers[0].layers[1] == ACTIVATIONS[name]


@pytest.mark.parametrize("name", INITIALISERS)
def test_every_initialiser(name):
    assert MLP([2], init=name).build(2, 2).layers[0].layers[0] == Linear(2, name)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name):
    assert MLP([2], loss=name).loss_function() == LOSSES[name]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hidden": [30, 0]}, "at least one unit, not (30, 0)"),
        ({"hidden": [-1]}, "at least one unit, not (-1,)"),
        ({"hidden": [2.5]}, "whole numbers, such as [30, 30], not [2.5]"),
        ({"hidden": "30"}, "whole numbers, such as [30, 30], not '30'"),
        ({"hidden": 30}, "whole numbers, such as [30, 30], not 30"),
        ({"activation": "swish"}, "activation 'swish' is unknown"),
        ({"init": "zeros"}, "init 'zeros' is unknown"),
        ({"loss": "hinge"}, "loss 'hinge' is unknown"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, not 1.0"),
        ({"dropout": -0.5}, "dropout must be at least 0 and below 1, not -0.5"),
    ],
)
def test_wrong_settings_are_one_line(unchecked, settings, words):
    with pytest.raises(InputError) as caught:
        MLP(**settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
