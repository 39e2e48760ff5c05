"""One step with every number: the engine's own, and the formulas give them."""

import json

import numpy as np
import pytest

import layerwise as lw
from layerwise import names
from layerwise.arrays import leaves
from layerwise.cli import main
from layerwise.errors import InputError
from layerwise.training import Recipe, _explain, explain_training
from layerwise.training._loop import problem_of
from layerwise.training.engines import engine_for

RECIPE = Recipe(batch_size=3, optimizer="sgd", learning_rate=0.05, schedule="constant")


@pytest.mark.parametrize("step", [1, 4])
@pytest.mark.parametrize(
    "architecture",
    [lw.MLP([3]), lw.MLP([3, 3], "tanh", normalise=True, dropout=0.2, residual=True)],
    ids=["plain", "with everything"],
)
def test_the_numbers_are_those_of_the_engine(moons, architecture, step):
    explanation = explain_training(architecture, moons, RECIPE, step)
    problem = problem_of(architecture, moons, RECIPE)
    engine = engine_for(problem, "eager")
    state, steps = engine.advance(problem.initial_state(), 0, step)
    assert explanation.loss == steps.losses[-1]
    after = [array for layer in explanation.layers for array in layer.after.values()]
    for shown, computed in zip(after, leaves(state.parameters), strict=True):
        assert np.array_equal(shown, computed)


def test_every_number_follows_from_those_before_it(moons):
    explanation = explain_training(lw.MLP([3]), moons, RECIPE)
    first, relu, last = explanation.layers
    assert np.array_equal(first.inputs, explanation.inputs)
    z = first.inputs @ first.before["W"] + first.before["b"]
    assert np.allclose(first.outputs, z)
    assert np.array_equal(relu.outputs, np.maximum(first.outputs, 0))
    e = np.exp(last.outputs)
    p = e / e.sum(axis=1, keepdims=True)
    expected = -(explanation.targets * np.log(p)).sum() / 3
    assert np.isclose(explanation.loss, expected)
    assert np.allclose(last.gradient, (p - explanation.targets) / 3)
    assert np.array_equal(relu.gradient, last.input_gradient)
    assert np.allclose(last.gradients["W"], last.inputs.T @ last.gradient)
    step = last.before["W"] - np.float32(0.05) * last.gradients["W"]
    assert np.allclose(last.after["W"], step)
    assert first.input_gradient is None


def test_what_can_be_chosen_has_its_formulas():
    losses = set(names.LOSSES.values())
    activations = set(names.ACTIVATIONS.values())
    assert _explain.UPDATES.keys() == names.OPTIMISERS.keys()
    assert losses <= _explain.LOSSES.keys()
    assert activations <= _explain.FORWARD.keys() & _explain.BACKWARD.keys()


def test_of_a_network_and_samples_of_ones_own(moons):
    network = lw.fit(lw.MLP([3]), moons, epochs=1).network
    x, y = moons.train.inputs[:2], moons.train.targets[:2]
    explanation = lw.explain(network, x, y, learning_rate=0.1)
    assert (explanation.rows, explanation.rate) == ((0, 1), pytest.approx(0.1))
    assert repr(explanation) == str(explanation)
    assert explanation._repr_html_().startswith("<pre>Step 1, samples 0, 1")
    with pytest.raises(
        InputError, match="optimizer 'newton' is unknown; choose of sgd"
    ):
        lw.explain(network, x, y, optimizer="newton")


@pytest.mark.usefixtures("unchecked")
def test_what_is_no_network_by_hand_is_refused(moons):
    with pytest.raises(InputError, match="explain takes a network by hand, not an MLP"):
        lw.explain(lw.MLP([3]), moons.train.inputs[:2], moons.train.targets[:2])


def test_the_command_prints_all_of_it(folder, capsys):
    assert main(["explain", "--hidden", "3", "--step", "2", "--json"]) == 0
    out, said = capsys.readouterr()
    summary = json.loads(out)
    assert summary["step"] == 2
    assert [layer["kind"] for layer in summary["layers"]] == [
        "Linear",
        "ReLU",
        "Linear",
    ]
    for part in ("FORWARD", "Y = max(X, 0)", "∂L/∂W = Xᵀ G", "UPDATE: θ ← θ − η ∂L/∂θ"):
        assert part in said
    assert not list(folder.iterdir())


@pytest.mark.parametrize("step", ["0", "99999999"])
def test_a_step_that_is_not_there_is_refused(folder, refused, step):
    assert "this training has steps 1 to" in refused("explain", "--step", step)
