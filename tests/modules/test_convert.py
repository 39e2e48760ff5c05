"""Networks by hand and torch modules are the same functions, in both directions."""

import numpy as np
import pytest
import torch
from torch import nn

import layerwise as lw
from layerwise.arrays import named_leaves, one_hot, tree_map
from layerwise.data import Scaling
from layerwise.errors import InputError
from layerwise.model import (
    ACTIVATIONS,
    LOSSES,
    Batch,
    Network,
    Sequential,
    flatten,
    loss_and_gradients,
)
from layerwise.modules import slots

AGREEMENT = 1e-14
"""Of an array's largest magnitude."""

MAKES = {
    **{name: lw.MLP([7, 7], activation=name) for name in ACTIVATIONS},
    "no hidden layer": lw.MLP([]),
    "normalised": lw.MLP([7, 7], normalise=True),
    "dropout": lw.MLP([7, 5], dropout=0.4),
    "residual": lw.MLP([6, 7, 7], residual=True),
    "residual from the inputs": lw.MLP([6, 6], residual=True),
    "everything": lw.MLP([7, 7, 7], "gelu", normalise=True, dropout=0.1, residual=True),
    "softmax": lw.MLP([7], loss="cross-entropy-on-probabilities"),
}


def drawn(mlp, seed=0, dtype=np.float64, shape=(2, 3)) -> Network:
    """A network whose parameters, biases too, are all drawn."""
    rng = np.random.default_rng(seed)
    layer = mlp.build(int(np.prod(shape)), 3)
    parameters = tree_map(
        lambda leaf: (leaf + 0.3 * rng.normal(size=leaf.shape)).astype(dtype),
        layer.init(rng, (int(np.prod(shape)),)),
    )
    scaling = Scaling("standard", rng.normal(size=shape), rng.uniform(1, 2, shape))
    return Network(mlp, parameters, shape, ("a", "b", "c"), scaling)


def assert_close(found, expected):
    error = np.abs(np.asarray(found) - expected).max()
    assert error <= AGREEMENT * max(np.abs(expected).max(), 1e-300)


@pytest.mark.parametrize("make", MAKES)
class TestEveryMake:
    def test_outputs_for_raw_inputs(self, make):
        network = drawn(MAKES[make])
        x = np.random.default_rng(1).normal(size=(9, 2, 3))
        with torch.no_grad():
            found = lw.to_torch(network)(torch.tensor(x))
        assert found.dtype == torch.float64
        assert_close(found, network.logits(x))

    def test_gradients(self, make):
        network = drawn(MAKES[make])
        rng = np.random.default_rng(2)
        x, targets = rng.normal(size=(9, 2, 3)), np.arange(9) % 3
        batch = Batch(
            flatten(network.scaling.apply(x)), one_hot(targets, 3, x), np.ones(9)
        )
        by_hand = loss_and_gradients(
            network.layer, network.loss, network.parameters, batch
        )
        module = lw.to_torch(network)
        outputs = module(torch.tensor(x))
        labels = torch.tensor(targets)
        # The losses of torch itself, not ours on tensors.
        if network.architecture.loss == "cross-entropy":
            loss = nn.functional.cross_entropy(outputs, labels)
        else:
            loss = nn.functional.nll_loss(outputs.log(), labels)
        loss.backward()
        assert_close(loss.detach(), by_hand.loss)
        places = slots(network.layer, list(module)[2:])
        found = tree_map(lambda s: s.turned(s.tensor.grad).numpy(), places)
        expected = dict(named_leaves(by_hand.gradients))
        assert dict(named_leaves(found)).keys() == expected.keys()
        for name, gradient in named_leaves(found):
            assert_close(gradient, expected[name])

    def test_and_back(self, make):
        network = drawn(MAKES[make])
        back = lw.from_torch(lw.to_torch(network), class_names=network.class_names)
        assert back.architecture == network.architecture
        assert (back.shape, back.class_names) == (network.shape, network.class_names)
        assert back.scaling.kind == "standard"
        x = np.random.default_rng(3).normal(size=(9, 2, 3))
        assert back.logits(x).tobytes() == network.logits(x).tobytes()
        found, expected = (
            {name: (leaf.dtype, leaf.tobytes()) for name, leaf in named_leaves(tree)}
            for tree in (back.parameters, network.parameters)
        )
        assert found == expected


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_differentiate_on_tensors_as_by_hand(loss):
    """Autograd through the forward lines finds what the backward lines say."""
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(5, 3))
    if loss == "cross-entropy-on-probabilities":
        outputs = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    targets = one_hot(np.arange(5) % 3, 3, outputs)
    ours = LOSSES[loss]
    expected = ours.backward(ours.forward(outputs, targets)[1])
    z = torch.tensor(outputs, requires_grad=True)
    ours.forward(z, torch.tensor(targets))[0].sum().backward()
    assert_close(z.grad, expected)


def test_dropout_rests_in_evaluation_and_acts_in_training():
    module = lw.to_torch(drawn(lw.MLP([50], dropout=0.5)))
    x = torch.ones(4, 2, 3, dtype=torch.float64)
    assert torch.equal(module(x), module(x))
    module.train()
    assert not torch.equal(module(x), module(x))


def test_single_precision_and_bytes():
    network = drawn(lw.MLP([5]), dtype=np.float32)
    module = lw.to_torch(network)
    x = np.random.default_rng(0).integers(0, 256, (8, 2, 3), np.uint8)
    found = module(torch.tensor(x))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.detach(), network.logits(x), rtol=1e-5)


def test_the_network_stays_what_it_was():
    network = drawn(lw.MLP([5]))
    before = network.logits(np.ones((1, 2, 3)))
    module = lw.to_torch(network)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(1)
    assert np.array_equal(network.logits(np.ones((1, 2, 3))), before)
    back = lw.from_torch(module)
    kept = back.logits(np.ones((1, 2, 3)))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(1)
    assert np.array_equal(back.logits(np.ones((1, 2, 3))), kept)


class TestModulesOfOthers:
    def test_a_flat_sequential(self):
        torch.manual_seed(0)
        module = nn.Sequential(
            nn.Flatten(),
            nn.Linear(6, 8),
            nn.ReLU(inplace=True),
            nn.Linear(8, 5),
            nn.ReLU(),
            nn.Linear(5, 3),
        ).double()
        network = lw.from_torch(module, shape=(2, 3), class_names=["a", "b", "c"])
        assert network.architecture == lw.MLP([8, 5])
        x = np.random.default_rng(0).normal(size=(4, 2, 3))
        assert_close(network.logits(x), module(torch.tensor(x)).detach().numpy())

    def test_nested_wrapped_and_with_a_softmax(self):
        module = nn.Sequential(
            nn.Sequential(nn.Linear(6, 4), nn.Tanh()), nn.Linear(4, 2), nn.Softmax(1)
        )
        network = lw.from_torch(nn.DataParallel(module))
        assert network.architecture.loss == "cross-entropy-on-probabilities"
        assert network.shape == (6,)

    @pytest.mark.parametrize(
        ("part", "named"),
        [
            (nn.Conv1d(1, 1, 1), r"^1\.0: Conv1d\(1, 1, .* has no counterpart by hand"),
            (nn.GELU(), r"^1\.0: GELU\(approximate='none'\) has no counterpart"),
            (nn.Linear(4, 4, bias=False), r"^1\.0: Linear without weight or bias"),
            (nn.LayerNorm(4, bias=False), r"^1\.0: LayerNorm without weight or bias"),
            (nn.Softmax(0), r"^1\.0: Softmax\(dim=0\) has no counterpart"),
            (nn.Linear(4, 4).bfloat16(), r"^1\.0: parameters of torch.bfloat16"),
            (nn.Linear(4, 4), r"^Sequential: its blocks are not all of one make"),
            (nn.LeakyReLU(0.3), r"^Sequential: its blocks are not all of one make"),
        ],
    )
    def test_what_has_no_counterpart_is_named(self, part, named):
        module = nn.Sequential(
            nn.Linear(4, 4), nn.Sequential(part), nn.Linear(4, 4), nn.ReLU()
        )
        module.append(nn.Linear(4, 2))
        with pytest.raises(InputError, match=named):
            lw.from_torch(module)

    def test_modules_that_are_no_sequence(self):
        with pytest.raises(InputError, match=r"^Transformer.*Layer: .* no counterpart"):
            lw.from_torch(nn.TransformerEncoderLayer(4, 1))
        with pytest.raises(InputError, match="there is no Linear in it"):
            lw.from_torch(nn.Sequential(nn.ReLU()))
        with pytest.raises(InputError, match="2 class names for 3 outputs"):
            lw.from_torch(nn.Linear(4, 3), class_names=["a", "b"])

    def test_a_module_that_was_trained_with_a_scaling(self):
        module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        data = lw.load("iris")
        scaled = lw.TorchModule(module, scaling="standard")
        trained = lw.fit(scaled, data, epochs=1).network
        network = lw.from_torch(lw.to_torch(trained))
        assert network.scaling.kind == "standard"
        x = data.test.inputs
        ours, theirs = network.predict_proba(x), trained.predict_proba(x)
        np.testing.assert_allclose(ours, theirs, atol=1e-6)

    def test_a_layer_of_one_s_own(self):
        class Own(lw.Tanh):
            pass

        class Blocks:
            def build(self, *features):
                hidden = Sequential((lw.Linear(4), Own()))
                return Sequential((hidden, lw.Linear(features[1])))

            def loss_function(self):
                return LOSSES["cross-entropy"]

        with pytest.raises(InputError, match=r"^hidden1\.1: Own has no counterpart"):
            lw.to_torch(drawn(Blocks()))
