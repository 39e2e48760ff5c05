"""Three engines, one mathematics: agreement, cuts, divergence, evaluation."""

import gc
import os
import subprocess
import sys
import weakref
from dataclasses import dataclass, replace

import jax
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from layerwise.arrays import leaves, named_leaves, one_hot
from layerwise.data import Samples, fit_scaling
from layerwise.errors import InputError
from layerwise.model import MLP, Batch, Linear, initial_network, loss_and_gradients
from layerwise.training import (
    OPTIMISERS,
    SCHEDULES,
    Optimiser,
    Order,
    Recipe,
    Score,
    Task,
    engine_for,
    engine_kind,
    on_host,
    planned_engine,
)
from layerwise.training.engines import _program
from layerwise.training.engines._xla import TILES

ENGINES = ["eager", "compiled", "torch"]
OTHERS = ENGINES[1:]
STEPS = 50

cuts_of = st.lists(st.integers(0, STEPS), max_size=6).map(
    lambda inner: [0, *sorted(inner), STEPS]
)


def as_bytes(state, records) -> bytes:
    state = on_host(state)
    arrays = [*leaves(state.parameters), *leaves(state.slots), records]
    return b"".join(a.tobytes() for a in arrays) + state.step.to_bytes(8)


def largest_difference(ours, theirs) -> float:
    """Over all arrays, of the largest magnitude of each."""
    found, expected = dict(named_leaves(ours)), dict(named_leaves(theirs))
    assert found.keys() == expected.keys()
    assert {a.dtype for a in found.values()} == {b.dtype for b in expected.values()}
    return max(
        np.abs(found[name] - b).max() / max(np.abs(b).max(), 1e-12)
        for name, b in expected.items()
    )


class TestAgreement:
    @pytest.mark.parametrize("engine", OTHERS)
    @pytest.mark.parametrize("optimizer", OPTIMISERS)
    def test_in_double_precision(self, problem_of, run, engine, optimizer):
        problem = problem_of(MLP([6, 6], normalise=True), optimizer=optimizer)
        (eager, first), (other, second) = (
            run(problem, name, [0, STEPS]) for name in ("eager", engine)
        )
        assert eager.step == other.step == STEPS
        other = on_host(other)
        assert largest_difference(other.parameters, eager.parameters) < 1e-10
        assert np.abs(first[0] - second[0]).max() < 1e-10
        assert np.array_equal(first[1], second[1])

    @pytest.mark.parametrize("engine", OTHERS)
    def test_in_single_precision(self, problem_of, run, engine):
        problem = problem_of(dtype=np.float32, optimizer="momentum")
        (eager, first), (other, second) = (
            run(problem, name, [0, STEPS]) for name in ("eager", engine)
        )
        other = on_host(other)
        assert largest_difference(other.parameters, eager.parameters) < 1e-4
        assert first.dtype == second.dtype == np.float32
        assert np.abs(first[0] - second[0]).max() < 1e-5

    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_evaluation_is_over_all_samples_once(self, problem_of, engine, dtype):
        problem = problem_of(dtype=dtype, mlp=MLP([6], dropout=0.5))
        rng = np.random.default_rng(0)
        # More than two blocks of either engine, the last of them short.
        samples = Samples(rng.normal(size=(9001, 4)), rng.integers(0, 3, 9001))
        network = problem.network
        p = network.predict_proba(samples.inputs).astype(np.float64)
        loss = -np.log(p[np.arange(9001), samples.targets]).mean()
        right = (p.argmax(axis=1) == samples.targets).mean()
        found = engine_for(problem, engine).evaluate(network.parameters, samples)
        assert isinstance(found, Score)
        assert found.loss == pytest.approx(
            loss, rel=1e-6 if dtype == np.float32 else 1e-12
        )
        assert found.accuracy == right


class TestCuts:
    @pytest.mark.slow("many cases")
    @pytest.mark.parametrize("engine", ENGINES)
    def test_any_cut_gives_the_same_bytes(self, problem_of, run, engine):
        """With Adam, dropout and a short last batch."""
        problem = problem_of(MLP([6, 6], dropout=0.3), dtype=np.float32)
        machine = engine_for(problem, engine)
        whole = as_bytes(*run(problem, machine, [0, STEPS]))

        @settings(max_examples=10, deadline=None)
        @given(cuts_of)
        def check(cuts):
            assert as_bytes(*run(problem, machine, cuts)) == whole

        check()

    @pytest.mark.parametrize("engine", ENGINES)
    def test_a_new_engine_goes_on_where_another_stopped(self, problem_of, run, engine):
        problem = problem_of(MLP([6], dropout=0.3), dtype=np.float32)
        whole, records = run(problem, engine, [0, 20])
        state, first = run(problem, engine, [0, 7])
        state, second = run(problem, engine, [7, 20], on_host(state))
        both = np.concatenate([first, second], axis=1)
        assert as_bytes(state, both) == as_bytes(whole, records)

    @pytest.mark.slow("long trainings")
    def test_more_steps_than_one_call_of_the_program_holds(self, problem_of, run):
        problem = problem_of(MLP([3]), dtype=np.float32, total=2500)
        machine = engine_for(problem, "compiled")
        whole, records = run(problem, machine, [0, 2500])
        assert records.shape == (2, 2500)
        cut = run(problem, machine, [0, 1, 1024, 1500, 2500])
        assert as_bytes(*cut) == as_bytes(whole, records)

    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.slow("long trainings")
    def test_noise_changes_with_the_step_and_with_the_seed(self, problem_of, engine):
        """At no rate, and with the same batch in every step, nothing else does."""

        class SameBatch(Order):
            def batches(self, start, stop):
                same = np.broadcast_to(np.arange(50), (stop - start, 50))
                return same.astype(np.int32), np.ones_like(same, np.float32)

        def losses(mlp, seed):
            problem = problem_of(mlp, schedule="constant", rate=1e-30)
            problem = replace(problem, order=SameBatch(50, 50, seed))
            machine = engine_for(problem, engine)
            return machine.advance(problem.initial_state(), 0, 5)[1].losses

        noisy = MLP([50], dropout=0.5)
        first, again, other = (losses(noisy, seed) for seed in (5, 5, 6))
        assert np.array_equal(first, again)
        assert np.abs(first - other).min() > 1e-6
        assert np.diff(np.sort(first)).min() > 1e-6
        assert np.ptp(losses(MLP([50]), 5)) == 0


def jump(at):
    """A schedule that leaps out of all bounds at one step."""

    def shares(steps, total):
        return np.where(steps == at, np.inf, 1.0)

    return shares


class TestDivergence:
    @pytest.mark.parametrize("engine", ENGINES)
    def test_stops_at_the_first_loss_that_is_not_finite(self, problem_of, run, engine):
        problem = problem_of(
            MLP([6], loss="squared-error"),
            optimizer="sgd",
            schedule="constant",
            rate=50.0,
            dtype=np.float32,
        )
        machine = engine_for(problem, engine)
        state, (losses, accuracies) = run(problem, machine, [0, 40])
        assert np.isfinite(losses[:-1]).all()
        assert not np.isfinite(losses[-1])
        assert len(losses) == len(accuracies)
        # An update that overflowed does not count as a step.
        assert state.step in {len(losses) - 1, len(losses) - 2}
        assert 1 < state.step < 20
        assert all(np.isfinite(leaf).all() for leaf in leaves(on_host(state)[:2]))
        whole = as_bytes(state, np.stack([losses, accuracies]))
        for cuts in ([0, 3, 40], list(range(41))):
            assert as_bytes(*run(problem, machine, cuts)) == whole

    @pytest.mark.parametrize("engine", OTHERS)
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_all_engines_stop_at_the_same_step(self, problem_of, run, engine, dtype):
        problem = problem_of(
            MLP([6], loss="squared-error"),
            optimizer="sgd",
            schedule="constant",
            # No more: what fills a short batch would overflow before its samples do.
            rate=20.0,
            dtype=dtype,
        )
        (eager, first), (other, second) = (
            run(problem, name, [0, 60]) for name in ("eager", engine)
        )
        assert eager.step == other.step
        assert first.shape == second.shape

    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.parametrize("at", [0, 7])
    def test_an_update_that_overflows_is_not_kept(self, problem_of, run, engine, at):
        """The loss before the update is finite, the parameters after it are not."""
        problem = problem_of(optimizer="sgd", schedule=jump(at), dtype=np.float32)
        steady = problem_of(optimizer="sgd", schedule="constant", dtype=np.float32)
        expected, records = run(steady, engine, [0, at, at + 1])
        before = run(steady, engine, [0, at])[0] if at else steady.initial_state()
        machine = engine_for(problem, engine)
        for cuts in ([0, 20], [0, 7, 8, 20], list(range(21))):
            state, found = run(problem, machine, cuts)
            assert state.step == at < expected.step
            assert np.array_equal(found[:, :-1], records)
            assert np.isnan(found[:, -1]).all()
            kept, true = (leaves(on_host(s).parameters) for s in (state, before))
            assert all(map(np.array_equal, kept, true))

    @pytest.mark.parametrize("engine", ENGINES)
    def test_slots_that_overflow_are_not_kept(self, problem_of, run, engine):
        """Adam's mean squares overflow first: the parameters would just stand still."""
        problem = problem_of(MLP([6]), optimizer="adam", dtype=np.float32)
        start = problem.initial_state()
        ((hidden, relu), output) = start.parameters
        huge = {**hidden, "b": np.full(6, 1e20, np.float32)}
        start = start._replace(parameters=((huge, relu), output))
        state, (losses, _) = run(problem, engine, [0, 10], start)
        assert np.isfinite(losses[0])
        everything = leaves(on_host(state)[:2])
        assert all(np.isfinite(leaf).all() for leaf in everything)


class TestWeights:
    def test_samples_without_weight_change_nothing(self, problem_of):
        network = problem_of().network
        rng = np.random.default_rng(0)
        x, targets = rng.normal(size=(8, 4)), np.arange(8) % 3
        weights = np.array([1.0] * 5 + [0.0] * 3)

        def passed(x, targets):
            batch = Batch(x, one_hot(targets, 3, x), weights)
            return loss_and_gradients(
                network.layer, network.loss, network.parameters, batch
            )

        garbage = np.where(weights[:, None] > 0, x, 1e3 * rng.normal(size=x.shape))
        other = np.where(weights > 0, targets, 2 - targets)
        first, second = passed(x, targets), passed(garbage, other)
        assert first.loss == second.loss
        for a, b in zip(leaves(first.gradients), leaves(second.gradients), strict=True):
            assert a.tobytes() == b.tobytes()

    def test_a_padded_batch_is_the_batch(self, problem_of):
        network = problem_of().network
        rng = np.random.default_rng(0)
        x, targets = rng.normal(size=(8, 4)), np.arange(8) % 3

        def passed(rows, weights):
            batch = Batch(x[:rows], one_hot(targets[:rows], 3, x), weights)
            found = loss_and_gradients(
                network.layer, network.loss, network.parameters, batch
            )
            return {"loss": found.loss[None], "gradients": found.gradients}

        padded = passed(8, np.array([1.0] * 5 + [0.0] * 3))
        assert largest_difference(padded, passed(5, np.ones(5))) < 1e-14

    def test_a_weight_of_two_is_the_sample_twice(self, problem_of):
        network = problem_of().network
        x = np.random.default_rng(0).normal(size=(3, 4))

        def passed(rows, weights):
            batch = Batch(x[rows], one_hot(np.array(rows), 3, x), np.array(weights))
            return loss_and_gradients(
                network.layer, network.loss, network.parameters, batch
            ).gradients

        twice, weighted = passed([0, 1, 1], [1.0, 1, 1]), passed([0, 1], [1.0, 2])
        assert largest_difference(weighted, twice) < 1e-14


@pytest.fixture(scope="module")
def compilations():
    """The names of what XLA has compiled so far."""
    seen = []

    def listen(event, seconds, **others):
        del seconds
        if event.endswith("backend_compile_duration"):
            seen.append(others.get("fun_name"))

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield seen
    jax.monitoring.unregister_event_duration_listener(listen)


MOVES = {"now": True}


@dataclass(frozen=True)
class Stubborn(Optimiser):
    """An optimiser that looks at something outside of its fields."""

    def init(self, parameters):
        del parameters
        return ()

    def update(self, gradients, slots, parameters, rate):
        changed = OPTIMISERS["sgd"].update(gradients, slots, parameters, rate)
        return changed if MOVES["now"] else (parameters, slots)


class TestSharedPrograms:
    def test_trainings_of_one_shape_are_compiled_once(
        self, problem_of, run, compilations
    ):
        """Whatever else differs between two folds of two data sets."""
        first = problem_of(MLP([7], dropout=0.2), dtype=np.float32)
        run(replace(first, l2=0.1), "compiled", [0, 20])
        inputs, targets = first.samples.inputs, first.samples.targets
        scaling = fit_scaling(inputs[:49] * 3, "range")
        other = replace(
            first,
            network=replace(first.network, scaling=scaling),
            samples=Samples(np.flip(inputs[:49]) * 3, targets[:49]),
            schedule=SCHEDULES["cosine"],
            peak_rate=0.02,
            total_steps=25,
            order=Order(49, 16, seed=8),
            l2=0.2,
        )
        before = len(compilations)
        assert before
        found = as_bytes(*run(other, "compiled", [0, 20]))
        assert len(compilations) == before
        _program._shared.cache_clear()
        assert as_bytes(*run(other, "compiled", [0, 20])) == found
        assert len(compilations) > before

    @pytest.mark.slow("long trainings")
    def test_what_may_change_is_not_shared(self, problem_of, run, monkeypatch):
        problem = replace(problem_of(), optimiser=Stubborn())
        moved = []
        for now in (True, False):
            monkeypatch.setitem(MOVES, "now", now)
            state, _ = run(problem, "compiled", [0, 2])
            found = on_host(state).parameters
            moved.append(largest_difference(found, problem.network.parameters))
        assert moved[0] > 0
        assert moved[1] == 0

    def test_a_program_does_not_keep_the_samples(self, problem_of, run):
        problem = problem_of(dtype=np.float32)
        inputs = problem.samples.inputs.copy()
        problem = replace(problem, samples=replace(problem.samples, inputs=inputs))
        run(problem, "compiled", [0, 2])
        gone = weakref.ref(inputs)
        del problem, inputs
        gc.collect()
        assert gone() is None


def test_size_alone_chooses_the_engine(problem_of):
    tiny = engine_for(problem_of(total=100))
    large = engine_for(problem_of(total=1_000_000))
    assert [type(e).__name__ for e in (tiny, large)] == [
        "EagerEngine",
        "CompiledEngine",
    ]
    # A program that fifteen trainings share is worth compiling sooner.
    middling = Task.of(problem_of(total=1_000))
    fifteen = middling._replace(steps=15 * middling.steps)
    assert engine_kind(middling).name == "eager"
    assert engine_kind(fifteen).name == "compiled"


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_is_called_what_its_entry_is(problem_of, name):
    assert engine_for(problem_of(), name).name == name


@pytest.mark.parametrize("mlp", [MLP(()), MLP([6] * 40), MLP([300] * 3)])
@pytest.mark.parametrize("epochs", [1, 40, 4_000])
def test_an_engine_is_planned_from_sizes_alone(small, monkeypatch, mlp, epochs):
    recipe = Recipe(epochs=epochs)
    network = initial_network(mlp, small)
    steps = recipe.resolved(len(small.train)).steps(len(small.train))
    blocks = len(network.layer.layers)
    task = Task(False, None, steps, 32, blocks, network.parameter_count)
    with monkeypatch.context() as patched:
        patched.setattr(Linear, "init", lambda *_: pytest.fail("drawn"))
        assert planned_engine(mlp, small, recipe) == engine_kind(task)


def test_an_engine_is_planned_for_several_trainings_together(small):
    for trainings, name in ((1, "eager"), (15, "compiled")):
        planned = planned_engine(MLP([6]), small, Recipe(epochs=400), trainings)
        assert planned.name == name


def test_a_deep_network_is_not_worth_compiling_for_few_steps(problem_of):
    names = [
        engine_for(problem_of(MLP([6] * depth), total=total)).name
        for depth, total in ((2, 2500), (2, 4000), (8, 2500), (100, 2500), (100, 7500))
    ]
    assert names == ["eager", "compiled", "eager", "eager", "compiled"]


def test_a_device_that_is_not_there_is_named(problem_of):
    with pytest.raises(InputError, match=r"^device 'abacus' is not on this machine"):
        engine_for(replace(problem_of(), device="abacus"), "compiled")


TILED = """
import os
import layerwise as lw

before = os.environ.get("XLA_FLAGS")
data = lw.load("iris")
result = lw.fit(lw.MLP([30, 30]), data, epochs=30, seed=0, engine="compiled")
assert os.environ.get("XLA_FLAGS") == before
print(result.history.losses.tobytes().hex())
"""


@pytest.mark.slow("long trainings")
def test_tiles_change_no_number_and_leave_the_environment():
    said = []
    for flags in (None, TILES.replace("8:2:2", "11:9:1")):
        environment = {**os.environ}
        environment.pop("XLA_FLAGS", None)
        if flags is not None:
            environment["XLA_FLAGS"] = flags
        done = subprocess.run(
            [sys.executable, "-c", TILED],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0] == said[1]
    assert len(said[0]) > 100
