"""A network predicts: shapes, scaling, blocks of rows, seeds and precisions."""

import numpy as np
import pandas as pd
import pytest

import layerwise as lw
from layerwise.arrays import named_leaves, tree_map
from layerwise.errors import InputError
from layerwise.model import MLP, flatten, initial_network, mean_loss


@pytest.fixture(scope="module")
def network(digits):
    return initial_network(MLP([7, 5], dropout=0.5), digits, seed=3)


def test_figures_of_a_network(network):
    assert network.layer_names == ("hidden1", "hidden2", "output")
    assert network.parameter_count == 64 * 7 + 7 + 7 * 5 + 5 + 5 * 10 + 10
    assert network.shape == (8, 8)
    assert network.class_names == tuple("0123456789")


def test_predictions_follow_from_the_logits(network, digits):
    inputs = digits.test.inputs
    logits, p = network.logits(inputs), network.predict_proba(inputs)
    assert logits.dtype == p.dtype == np.float32
    assert np.array_equal(network.predict(inputs), logits.argmax(axis=1))
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert p == pytest.approx(softmax, rel=1e-5)


def test_the_forward_pass_by_hand(network, digits):
    x = (digits.test.inputs.reshape(-1, 64).astype(np.float32) - 8) / 8
    scaled, hidden1, hidden2, output = next(network.activations(digits.test.inputs))
    assert np.array_equal(scaled, x)
    for block, (found, relu) in enumerate(
        [(hidden1, True), (hidden2, True), (output, False)]
    ):
        linear = network.parameters[block][0]
        x = x @ linear["W"] + linear["b"]
        x = np.maximum(x, 0) if relu else x
        assert found == pytest.approx(x, rel=1e-5, abs=1e-6)


def test_rows_are_passed_in_blocks_and_none_is_lost(network):
    inputs = np.random.default_rng(0).integers(0, 17, (9000, 8, 8), dtype=np.uint8)
    sizes = [len(arrays[0]) for arrays in network.activations(inputs)]
    assert sizes == [4096, 4096, 808]
    assert np.array_equal(
        network.predict(inputs)[5000:5003], network.predict(inputs[5000:5003])
    )


@pytest.mark.parametrize("settings", [{}, {"normalise": True, "activation": "gelu"}])
def test_a_row_has_the_same_outputs_in_any_company(digits, settings):
    network = initial_network(MLP([100, 100], **settings), digits)
    inputs = np.concatenate([digits.train.inputs] * 4)[:4500]
    whole = network.logits(inputs)
    for rows in (1, 2, 3, 17, 100, 127, 129, 1000):
        for first in (0, 50, 4096, 4500 - rows):
            part = slice(first, first + rows)
            assert np.array_equal(network.logits(inputs[part]), whole[part])


def test_no_rows_have_no_predictions(network):
    assert network.logits(np.zeros((0, 8, 8), np.uint8)).shape == (0, 10)
    assert network.predict(np.zeros((0, 8, 8), np.uint8)).shape == (0,)


def test_a_row_with_a_missing_value_is_named(network, digits):
    inputs = digits.test.inputs.astype(np.float32)
    inputs[17, 2, 3] = np.nan
    with pytest.raises(InputError, match=r"^row 17 \(counted from 0\) has logits"):
        network.predict(inputs)
    assert np.isnan(network.logits(inputs)[17]).all()


def test_it_is_shown_in_one_line(network):
    assert repr(network) == (
        f"Network({network.architecture}, shape=(8, 8), classes=10, parameters=555)"
    )


def test_other_shapes_are_refused(network):
    words = r"^the network takes inputs of shape \(8, 8\), these have \(64,\)$"
    with pytest.raises(InputError, match=words):
        network.predict(np.zeros((2, 64)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_seed_is_one_network_in_every_precision(digits, dtype):
    drawn = initial_network(MLP([7]), digits, seed=3, dtype=dtype)
    exact = initial_network(MLP([7]), digits, seed=3, dtype=np.float64)
    for (name, ours), (_, double) in zip(
        named_leaves(drawn.parameters), named_leaves(exact.parameters), strict=True
    ):
        assert ours.dtype == dtype
        assert np.array_equal(ours, double.astype(dtype)), name


def test_another_seed_is_another_network(digits):
    first, second = (
        initial_network(MLP([7]), digits, seed=seed).parameters[0][0]["W"]
        for seed in (0, 1)
    )
    assert not np.any(first == second)


def test_the_scaling_is_the_training_sets():
    X = np.vstack([np.zeros((70, 1)), np.full((30, 1), 4.0)])
    data = lw.Dataset.from_arrays(X, np.arange(100) % 2)
    network = initial_network(MLP([]), data)
    assert network.scaling.offset == pytest.approx([data.train.inputs.mean()])
    assert network.scaling.divisor == pytest.approx([data.train.inputs.std()])


def test_dropout_rests_in_predictions(network, digits):
    plain = initial_network(MLP([7, 5]), digits, seed=3)
    inputs = digits.test.inputs
    assert np.array_equal(network.logits(inputs), plain.logits(inputs))


def test_zero_parameters_predict_the_first_class_and_equal_shares(network, digits):
    empty = lw.Network(
        network.architecture,
        tree_map(np.zeros_like, network.parameters),
        network.shape,
        network.class_names,
        network.scaling,
    )
    p = empty.predict_proba(digits.test.inputs)
    assert np.array_equal(p, np.full_like(p, 0.1))


def test_flatten_keeps_rows():
    x = np.arange(24).astype(float).reshape(2, 3, 4)
    assert np.array_equal(flatten(x), x.reshape(2, 12))


def test_mean_loss_in_single_precision_stays_single():
    value, gradient = mean_loss(
        np.ones(2, np.float32), np.ones((2, 3), np.float32), np.ones(2, np.float32)
    )
    assert value.dtype == gradient.dtype == np.float32


@pytest.mark.parametrize("engine", ["eager", "torch"])
def test_lists_frames_and_one_row_are_predicted(engine):
    data = lw.load("iris")
    network = lw.fit(lw.MLP([4]), data, epochs=1, engine=engine).network
    rows = data.test.inputs
    expected = network.predict(rows)
    frame = pd.DataFrame(rows)
    for given in (rows.tolist(), frame, frame.astype("Float64"), tuple(rows)):
        np.testing.assert_array_equal(network.predict(given), expected)
    for given in (rows[3], rows[3].tolist(), frame.iloc[3].tolist()):
        np.testing.assert_array_equal(network.predict(given), expected[3:4])
    with pytest.raises(lw.InputError, match="make no array"):
        network.predict([[1.0, 2.0], [3.0]])
    with pytest.raises(lw.InputError, match="column 'town' holds text"):
        network.predict(frame.iloc[:, :3].assign(town="a"))
    with pytest.raises(lw.InputError, match="give numbers"):
        network.predict([["a", "b", "c", "d"]])
