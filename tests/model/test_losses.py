"""Losses: values, floors, extremes, and the mean over a batch."""

import numpy as np
import pytest

from layerwise.arrays import automatic_gradient, leaves, ravelled, tree_map, unravelled
from layerwise.model import (
    LOSSES,
    MLP,
    Batch,
    BinaryCrossEntropy,
    CrossEntropy,
    CrossEntropyOnProbabilities,
    SquaredError,
    loss_and_gradients,
    mean_loss,
    with_l2_penalty,
)

TINY = np.finfo(np.float64).smallest_normal


def test_cross_entropy_of_known_rows():
    logits = np.log([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]])
    losses, trace = CrossEntropy().forward(logits, np.eye(3)[[0, 2]])
    assert losses == pytest.approx([np.log(2), np.log(10)], rel=1e-15)
    gradient = CrossEntropy().backward(trace)
    expected = [[-0.5, 0.25, 0.25], [0.1, 0.8, -0.9]]
    assert gradient == pytest.approx(np.array(expected), abs=1e-15)


def test_cross_entropy_of_soft_targets_of_any_mass():
    logits = np.array([[1.0, -2.0, 0.5]])
    targets = np.array([[0.5, 1.0, 0.5]])
    softmax = np.exp(logits) / np.exp(logits).sum()
    losses, trace = CrossEntropy().forward(logits, targets)
    assert losses == pytest.approx([-(targets * np.log(softmax)).sum()], rel=1e-15)
    gradient = CrossEntropy().backward(trace)
    assert gradient == pytest.approx(2 * softmax - targets, rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_of_extreme_logits_is_finite_and_exact(dtype):
    logits = np.array([[1e4, -1e4], [1e4, -1e4]], dtype)
    losses, trace = CrossEntropy().forward(logits, np.eye(2, dtype=dtype))
    assert losses.tolist() == [0, 2e4]
    assert CrossEntropy().backward(trace).tolist() == [[0, 0], [1, -1]]


def test_floored_probabilities_have_a_finite_loss_and_no_gradient():
    p = np.array([[0.0, 1.0], [TINY, 1.0], [2 * TINY, 1.0]])
    loss = CrossEntropyOnProbabilities()
    losses, trace = loss.forward(p, np.eye(2)[[0, 0, 0]])
    assert losses == pytest.approx(-np.log([TINY, TINY, 2 * TINY]), rel=1e-15)
    gradient = loss.backward(trace)
    assert gradient[:2].tolist() == [[0, 0], [0, 0]]
    assert gradient[2].tolist() == [-1 / (2 * TINY), 0]


def test_squared_error_of_known_rows():
    losses, trace = SquaredError().forward(np.array([[1.0, 3.0]]), np.array([[1, 0.0]]))
    assert losses.tolist() == [4.5]
    assert SquaredError().backward(trace).tolist() == [[0, 3]]


@pytest.mark.parametrize("name", LOSSES)
def test_probabilities_are_positive_and_add_up_to_one(name):
    outputs = np.random.default_rng(0).dirichlet(np.ones(5), size=20)
    p = LOSSES[name].probabilities(outputs)
    assert (p > 0).all()
    assert p.sum(axis=1) == pytest.approx(np.ones(20), rel=1e-14)
    assert np.array_equal(p.argmax(axis=1), outputs.argmax(axis=1))


def test_probabilities_of_negative_scores():
    p = SquaredError().probabilities(np.array([[-1.0, 0.5, 1.5], [-1.0, -2.0, -3.0]]))
    assert p[0] == pytest.approx([0, 0.25, 0.75], abs=1e-300)
    assert p[1] == pytest.approx([1 / 3] * 3)


def test_the_mean_is_weighted_and_its_gradient_is_the_means():
    losses, gradient = np.array([1.0, 2.0, 5.0]), np.ones((3, 2))
    value, shared = mean_loss(losses, gradient, np.array([1.0, 3.0, 0.0]))
    assert value == 1.75
    assert shared.tolist() == [[0.25, 0.25], [0.75, 0.75], [0, 0]]


def test_a_batch_without_weight_has_no_loss_and_no_gradient():
    value, gradient = mean_loss(np.ones(2), np.ones((2, 3)), np.zeros(2))
    assert value == 0
    assert not gradient.any()


def test_the_penalty_on_large_weights_and_its_gradient():
    """Against automatic differentiation, entry by entry; vectors are left free."""
    rng = np.random.default_rng(0)
    parameters = ({"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}, {})
    nothing = tree_map(np.zeros_like, parameters)

    def penalty(tree):
        return with_l2_penalty(np.zeros(()), nothing, tree, 0.3)[0]

    W = parameters[0]["W"]
    value, gradients = with_l2_penalty(np.zeros(()), nothing, parameters, 0.3)
    assert value == pytest.approx(0.15 * (W**2).sum(), rel=1e-15)
    exact = automatic_gradient(penalty, parameters)
    for found, true in zip(leaves(gradients), leaves(exact), strict=True):
        assert np.abs(found - true).max() < 1e-15
    assert not gradients[0]["b"].any()


def test_the_objective_with_the_penalty_has_the_gradient_of_differences():
    """Along random directions, as a whole: loss, mean, penalty and its share."""
    rng = np.random.default_rng(1)
    layer = MLP([5], "tanh").build(4, 3)
    parameters = layer.init(rng, (4,))
    weights = rng.uniform(0.5, 2, 6)
    batch = Batch(rng.normal(size=(6, 4)), np.eye(3)[rng.integers(0, 3, 6)], weights)
    vector = ravelled(parameters)

    def objective(v):
        tree = unravelled(v, parameters)
        return loss_and_gradients(layer, CrossEntropy(), tree, batch, None, 0.7)

    gradient = ravelled(objective(vector).gradients)
    for _ in range(5):
        d = rng.normal(size=vector.shape)
        difference = (
            objective(vector + 1e-5 * d).loss - objective(vector - 1e-5 * d).loss
        )
        assert gradient @ d == pytest.approx(difference / 2e-5, rel=1e-7)


def test_binary_cross_entropy_of_known_and_of_huge_logits():
    loss = BinaryCrossEntropy()
    z = np.array([[0.0, np.log(3)], [1e4, -1e4], [1e4, -1e4]])
    t = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    losses, trace = loss.forward(z, t)
    assert losses == pytest.approx([np.log(2) + np.log(4), 0, 2e4])
    assert loss.backward(trace) == pytest.approx(
        np.array([[-0.5, 0.75], [0, 0], [1, -1]])
    )
    p = loss.probabilities(np.array([[0.0, 0.0], [-1e4, -1e4]]))
    assert p == pytest.approx(np.full((2, 2), 0.5))
