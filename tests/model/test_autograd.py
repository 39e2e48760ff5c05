"""Hand-derived gradients against torch's, which share no line with ours."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from layerwise.arrays import named_leaves, one_hot, tree_map
from layerwise.model import (
    ACTIVATIONS,
    GELU,
    LOSSES,
    MLP,
    Batch,
    BinaryCrossEntropy,
    CrossEntropy,
    CrossEntropyOnProbabilities,
    Dropout,
    Identity,
    LayerNorm,
    LeakyReLU,
    Linear,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Softmax,
    SquaredError,
    Tanh,
    loss_and_gradients,
)

LAYERS = (
    Linear(3),
    ReLU(),
    LeakyReLU(0.2),
    Tanh(),
    Sigmoid(),
    GELU(),
    Softmax(),
    LayerNorm(),
    Dropout(0.4),
    Residual(Sequential((Linear(5), Tanh()))),
)


def outputs_in_torch(layer, params, x, noise):  # noqa: C901, PLR0911, PLR0912
    """What the layer computes, by torch's own functions."""
    match layer:
        case Linear():
            return F.linear(x, params["W"].T, params["b"])
        case LeakyReLU(slope=slope):
            return F.leaky_relu(x, slope)
        case ReLU():
            return F.relu(x)
        case Tanh():
            return torch.tanh(x)
        case Sigmoid():
            return torch.sigmoid(x)
        case GELU():
            return F.gelu(x, approximate="tanh")
        case Identity():
            return x
        case Softmax():
            return F.softmax(x, dim=-1)
        case LayerNorm(epsilon=epsilon):
            shape = x.shape[-1:]
            return F.layer_norm(x, shape, params["gamma"], params["beta"], epsilon)
        case Dropout(rate=rate):
            return torch.where(noise < rate, 0, x / (1 - rate))
        case Residual(layer=inner):
            return x + outputs_in_torch(inner, params, x, noise)
        case Sequential(layers=layers):
            for one, p, n in zip(layers, params, noise, strict=True):
                x = outputs_in_torch(one, p, x, n)
            return x
    raise AssertionError(f"no reference for {layer}")


def losses_in_torch(loss, outputs, targets):
    match loss:
        case CrossEntropy():
            return F.cross_entropy(outputs, targets, reduction="none")
        case CrossEntropyOnProbabilities():
            return F.nll_loss(outputs.log(), targets.argmax(dim=1), reduction="none")
        case BinaryCrossEntropy():
            return F.binary_cross_entropy_with_logits(
                outputs, targets, reduction="none"
            ).sum(dim=1)
        case SquaredError():
            return 0.5 * F.mse_loss(outputs, targets, reduction="none").sum(dim=1)
    raise AssertionError(f"no reference for {loss}")


def tensors(tree):
    """Torch leaves of a tree that collect gradients; None stays None."""
    return tree_map(
        lambda a: None if a is None else torch.tensor(a, requires_grad=True), tree
    )


def assert_equal_trees(ours, theirs, tolerance=1e-13):
    ours, theirs = dict(named_leaves(ours)), dict(named_leaves(theirs))
    assert ours.keys() == theirs.keys()
    for path, array in theirs.items():
        true = array.numpy()
        error = np.abs(ours[path] - true).max()
        assert error <= tolerance * max(np.abs(true).max(), 1e-3), path


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_every_layer(layer, point_of):
    params, x, noise = point_of(layer, (5,), batch=7)
    y, trace = layer.forward(params, x, noise)
    cotangent = np.random.default_rng(1).normal(size=y.shape)
    gradients, of_input = layer.backward(params, trace, cotangent)

    p, inputs, n = tensors(params), tensors(x), tensors(noise)
    outputs = outputs_in_torch(layer, p, inputs, n)
    outputs.backward(torch.tensor(cotangent))
    assert_equal_trees(
        {"y": y, "x": of_input, "params": gradients},
        {
            "y": outputs.detach(),
            "x": inputs.grad,
            "params": tree_map(lambda leaf: leaf.grad, p),
        },
    )


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_every_loss(loss):
    rng = np.random.default_rng(2)
    outputs = rng.dirichlet(np.ones(4), size=6)
    targets = np.eye(4)[rng.integers(0, 4, 6)]
    losses, trace = loss.forward(outputs, targets)
    leaf = tensors(outputs)
    expected = losses_in_torch(loss, leaf, torch.tensor(targets))
    expected.sum().backward()
    assert_equal_trees(
        {"losses": losses, "gradient": loss.backward(trace)},
        {"losses": expected.detach(), "gradient": leaf.grad},
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "mlp",
    [
        MLP([]),
        *(MLP([6, 6, 4], name) for name in ACTIVATIONS),
        MLP([6, 6], "tanh", normalise=True, dropout=0.3, residual=True),
    ],
    ids=str,
)
def test_whole_networks_with_a_weighted_batch(mlp, loss, point_of):
    layer = MLP(**{**vars(mlp), "loss": loss}).build(5, 3)
    params, x, noise = point_of(layer, (5,), batch=8)
    weights = np.array([1, 1, 1, 0.5, 2, 1, 0, 0.0])
    targets = one_hot(np.arange(8) % 3, 3, x)
    batch = Batch(x, targets, weights)
    found = loss_and_gradients(layer, LOSSES[loss], params, batch, noise)

    p = tensors(params)
    outputs = outputs_in_torch(layer, p, torch.tensor(x), tensors(noise))
    losses = losses_in_torch(LOSSES[loss], outputs, torch.tensor(targets))
    w = torch.tensor(weights)
    value = (w * losses).sum() / w.sum()
    value.backward()
    assert_equal_trees(
        {"loss": found.loss, "outputs": found.outputs, "gradients": found.gradients},
        {
            "loss": value.detach(),
            "outputs": outputs.detach(),
            "gradients": tree_map(lambda leaf: leaf.grad, p),
        },
    )
