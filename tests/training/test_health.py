"""Health: what is measured, that both engines agree, and that no cut changes it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from layerwise.arrays import leaves
from layerwise.data import Samples
from layerwise.model import MLP, Batch, loss_and_gradients
from layerwise.training import LayerHealth, engine_for
from layerwise.training._history import health_of_step

ENGINES = ["eager", "compiled"]


def health(problem, engine, cuts):
    """The records of a training along the places where it is cut."""
    machine = engine_for(problem, engine)
    state, found = problem.initial_state(), []
    for start, stop in pairwise(cuts):
        state, steps = machine.advance(state, start, stop)
        found.append(steps.health)
    return np.concatenate(found)


class TestMeasures:
    @pytest.fixture
    def step(self, problem_of):
        """A step of a tanh network by hand; two of its eight samples do not count."""
        network = problem_of(MLP([6], activation="tanh")).network
        rng = np.random.default_rng(0)
        inputs, targets = 3 * rng.normal(size=(8, 4)), np.eye(3)[np.arange(8) % 3]
        batch = Batch(inputs, targets, np.array([1.0] * 6 + [0.0] * 2))
        before = network.parameters
        found = loss_and_gradients(network.layer, network.loss, before, batch)
        after = ((tree_half(before[0][0]), {}), before[1])
        return network, batch, found, after

    def test_of_parameters(self, step):
        network, batch, found, after = step
        measured = health_of_step(
            network.layer, batch, found, network.parameters, after
        )
        hidden, output = (LayerHealth(*layer) for layer in measured)
        flat = np.concatenate([g.ravel() for g in leaves(found.gradients[0])])
        assert hidden.gradient_norm == pytest.approx(np.linalg.norm(flat), rel=1e-12)
        assert hidden.update_ratio == pytest.approx(0.5, rel=1e-12)
        assert output.update_ratio == 0

    def test_of_outputs_over_the_samples_that_count(self, step):
        network, batch, found, after = step
        measured = health_of_step(
            network.layer, batch, found, network.parameters, after
        )
        hidden = LayerHealth(*measured[0])
        y = found.activations[0][:6]
        assert hidden.mean == pytest.approx(y.mean(), rel=1e-12)
        assert hidden.spread == pytest.approx(y.std(), rel=1e-12)
        variation = np.sqrt(y.var(axis=0).mean())
        assert hidden.variation == pytest.approx(variation, rel=1e-12)
        assert hidden.saturated == pytest.approx(np.mean(1 - y**2 < 0.05), rel=1e-12)
        assert hidden.silent == np.mean((1 - y**2).max(axis=0) < 1e-3)
        assert LayerHealth(*measured[1]).saturated == 0


def tree_half(tree):
    return {name: leaf / 2 for name, leaf in tree.items()}


class TestEngines:
    @pytest.mark.parametrize(
        "mlp", [MLP([6, 6], dropout=0.0), MLP([6, 6], normalise=True, residual=True)]
    )
    def test_agree(self, problem_of, mlp):
        eager, compiled = (health(problem_of(mlp), e, [0, 100]) for e in ENGINES)
        assert eager.shape == (3, 3, len(LayerHealth._fields))
        assert np.abs(eager - compiled).max() < 1e-10

    @pytest.mark.parametrize("engine", ENGINES)
    def test_no_cut_changes_a_byte(self, problem_of, engine):
        """Blocks are of four steps here: most have no record, some have one."""
        problem = problem_of(MLP([6], dropout=0.3), dtype=np.float32)
        whole = health(problem, engine, [0, 100]).tobytes()
        for cuts in ([0, 40, 41, 100], [0, 1, 39, 80, 81, 100]):
            assert health(problem, engine, cuts).tobytes() == whole

    @pytest.mark.parametrize("engine", ENGINES)
    def test_a_step_that_diverges_has_its_record(self, problem_of, engine):
        def jump(steps, total):
            return np.where(steps == 6, np.inf, 1.0)

        problem = problem_of(optimizer="sgd", schedule=jump, dtype=np.float32)
        problem = replace(problem, health_every=3)
        found = health(problem, engine, [0, 20])
        assert len(found) == 3
        ratio = LayerHealth._fields.index("update_ratio")
        assert np.isfinite(found[:2]).all()
        assert not np.isfinite(found[2, :, ratio]).any()

    @pytest.mark.parametrize("engine", ENGINES)
    def test_units_dead_for_a_whole_evaluation(self, problem_of, engine):
        problem = problem_of(MLP([6]), dtype=np.float32)
        ((hidden, relu), output) = problem.network.parameters
        bias = np.array([-1e3, -1e3, -1e3, 0, 0, 0], np.float32)
        parameters = (({**hidden, "b": bias}, relu), output)
        rng = np.random.default_rng(0)
        inputs, targets = rng.normal(size=(9001, 4)), rng.integers(0, 3, 9001)
        machine = engine_for(problem, engine)

        def dead():
            return machine.evaluate(parameters, Samples(inputs, targets)).dead

        assert dead() == (0.5, 0)
        # One sample, in the last and short block, wakes one of them at least.
        inputs[-1] = 1e5 * np.sign(hidden["W"][:, 0])
        assert dead()[0] < 0.5
