"""The loop: figures, stops, interruptions, and one seed, one training."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise import model
from layerwise.arrays import leaves, named_leaves
from layerwise.errors import InputError
from layerwise.model import MLP, initial_network
from layerwise.names import SCHEDULES
from layerwise.training import Order, Progress, Recipe, engine_for, score
from layerwise.training._loop import problem_of
from layerwise.training.engines import _program
from layerwise.training.engines._eager import EagerEngine


def same_bytes(first, second) -> bool:
    ours, theirs = (
        dict(named_leaves((r.checkpoint.state[:2], r.network.parameters)))
        for r in (first, second)
    )
    return ours.keys() == theirs.keys() and all(
        ours[name].tobytes() == theirs[name].tobytes() for name in ours
    )


def figures(network, samples):
    p = network.predict_proba(samples.inputs).astype(np.float64)
    right = p.argmax(axis=1) == samples.targets
    return -np.log(p[np.arange(len(p)), samples.targets]).mean(), right.mean()


class TestFigures:
    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    def test_an_epochs_figures_are_those_of_all_samples(self, small, engine, ends):
        seen = []
        result = lw.fit(
            MLP([8], dropout=0.2),
            small,
            epochs=3,
            batch_size=16,
            engine=engine,
            save=seen.append,
        )
        assert [c.state.step for c in ends(seen)] == [4, 8, 12]
        for epoch, checkpoint in zip(result.history.epochs, ends(seen), strict=True):
            network = score(MLP([8], dropout=0.2), small, Recipe(), checkpoint).network
            for part in ("train", "validation"):
                loss, accuracy = figures(network, getattr(small, part))
                found = getattr(epoch, f"{part}_loss")
                assert found == pytest.approx(loss, rel=1e-6)
                assert getattr(epoch, f"{part}_accuracy") == accuracy
            assert epoch.step == checkpoint.state.step

    @pytest.mark.parametrize(
        ("every", "evaluated"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (0, [5])]
    )
    def test_not_every_epoch_need_be_evaluated(self, small, every, evaluated):
        """The training is the same, and so are the figures of those that are."""
        settings = {"epochs": 5, "batch_size": 16, "snapshots": 3}
        whole = lw.fit(MLP([8]), small, **settings)
        result = lw.fit(MLP([8]), small, evaluate_every=every, **settings)
        assert same_bytes(result, whole)
        assert [e.epoch for e in result.history.epochs] == evaluated
        ours, theirs = (
            {e.epoch: replace(e, seconds=0.0) for e in r.history.epochs}
            for r in (result, whole)
        )
        assert ours.items() <= theirs.items()
        assert [s.epoch for s in result.snapshots] == [0, 1, 2, 5]
        assert result.epochs == 5

    def test_patience_counts_epochs_where_not_all_are_evaluated(self, small):
        result = lw.fit(
            MLP([30]),
            small,
            epochs=200,
            batch_size=16,
            learning_rate=0.05,
            patience=3,
            evaluate_every=2,
        )
        losses = [e.validation_loss for e in result.history.epochs]
        epochs = [e.epoch for e in result.history.epochs]
        best = int(np.argmin(losses))
        assert result.epochs == epochs[-1] == epochs[best] + 4 < 200
        assert result.validation.loss == losses[best]

    def test_the_end(self, small):
        result = lw.fit(MLP([8]), small, epochs=3, batch_size=16)
        assert result.status == "finished"
        assert result.recipe == Recipe(epochs=3, batch_size=16).resolved(50)
        assert [e.epoch for e in result.history.epochs] == [1, 2, 3]
        assert result.history.losses.shape == result.history.accuracies.shape == (12,)
        for found, samples in [
            (result.validation, small.validation),
            (result.test, small.test),
        ]:
            loss, accuracy = figures(result.network, samples)
            assert found.loss == pytest.approx(loss, rel=1e-6)
            assert found.accuracy == accuracy
        last = result.history.epochs[-1]
        assert last.validation_loss == result.validation.loss
        assert 0 < last.seconds <= result.seconds
        assert result.steps_per_second > 0

    def test_the_first_steps_loss_is_the_initial_networks(self, small):
        result = lw.fit(MLP([8]), small, epochs=1, batch_size=16, seed=4)
        (rows,), _ = Order(50, 16, 4).batches(0, 1)
        samples = lw.Samples(small.train.inputs[rows], small.train.targets[rows])
        network = initial_network(MLP([8]), small, seed=4)
        loss, accuracy = figures(network, samples)
        assert result.history.losses[0] == pytest.approx(loss, rel=1e-6)
        assert result.history.accuracies[0] == pytest.approx(accuracy)

    def test_a_watcher_is_told(self, small):
        told = []
        lw.fit(MLP([8]), small, epochs=2, batch_size=16, watch=told.append)
        assert all(isinstance(p, Progress) for p in told)
        steps = [p.step for p in told]
        assert steps == sorted(set(steps))
        assert (told[-1].step, told[-1].total_steps, told[-1].epochs) == (8, 8, 2)
        assert told[0].latest is None
        assert told[-1].latest.epoch == 2
        assert told[-1].loss == told[-1].history.losses[-1]

    def test_the_test_set_has_no_say(self, small):
        """Another test set, the same training."""
        other = replace(small, test=lw.Samples(small.test.inputs[:3] * 9, np.arange(3)))
        settings = {"epochs": 4, "batch_size": 16, "patience": 1}
        first, second = (lw.fit(MLP([8]), d, **settings) for d in (small, other))
        assert same_bytes(first, second)
        assert first.test != second.test


SCRIPT = """
import hashlib, sys
import layerwise as lw
from layerwise.arrays import named_leaves
digest = hashlib.sha256()
for engine in ("eager", "compiled"):
    result = lw.fit(lw.MLP([12, 12], dropout=0.2), lw.load("iris"), epochs=3, seed=5,
                    engine=engine)
    for name, leaf in sorted(named_leaves(result.network.parameters)):
        digest.update(leaf.tobytes())
    digest.update(result.history.losses.tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow("long trainings")
def test_one_seed_gives_the_same_bytes_in_two_processes():
    command = [sys.executable, "-c", SCRIPT]
    # As many threads as there are cores, whatever this process was told.
    environment = dict(os.environ)
    environment.pop("OMP_NUM_THREADS", None)
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    digests = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 64


def test_another_seed_is_another_training(small):
    first, second = (lw.fit(MLP([8]), small, epochs=1, seed=s) for s in (0, 1))
    assert not same_bytes(first, second)


class TestDivergence:
    def settings(self, engine):
        return {
            "epochs": 20,
            "batch_size": 16,
            "optimizer": "sgd",
            "schedule": "constant",
            "learning_rate": 10.0,
            "engine": engine,
        }

    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    def test_the_last_finite_state_is_kept(self, small, engine):
        saved = []
        architecture = MLP([8], loss="squared-error")
        result = lw.fit(architecture, small, save=saved.append, **self.settings(engine))
        losses = result.history.losses
        assert result.status == "diverged"
        assert np.isfinite(losses[:-1]).all()
        assert not np.isfinite(losses[-1])
        assert len(losses) < 80
        assert all(np.isfinite(p).all() for p in leaves(result.network.parameters))
        assert len(losses) - result.checkpoint.state.step in {1, 2}
        # What is saved on the way is never a training that is over.
        assert saved
        assert all(np.isfinite(c.history.losses).all() for c in saved)

    def test_nothing_follows(self, small):
        architecture = MLP([8], loss="squared-error")
        settings = self.settings("eager")
        result = lw.fit(architecture, small, **settings)
        again = lw.fit(architecture, small, resume=result.checkpoint, **settings)
        assert again.status == "diverged"
        assert same_bytes(result, again)
        assert len(again.history.losses) == len(result.history.losses)

    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    def test_a_divergence_right_after_an_epoch_leaves_its_checkpoint(
        self, small, monkeypatch, engine
    ):
        """One saved then would take the name of the one that is good."""

        def leap(steps, total):
            del total
            return np.where(steps == 4, np.inf, 1.0)

        monkeypatch.setattr(
            "layerwise.training._loop.SCHEDULES", dict.fromkeys(SCHEDULES, leap)
        )
        saved = []
        settings = self.settings(engine) | {"learning_rate": 0.01}
        result = lw.fit(MLP([8]), small, save=saved.append, **settings)
        assert result.status == "diverged"
        assert [len(c.history.losses) for c in saved] == [1, 4]
        assert result.checkpoint.state.step == 4


class TestTrainingSamplesScored:
    """Of a large training set a part on the way, and all at the end."""

    @pytest.fixture(autouse=True)
    def twenty(self, monkeypatch):
        monkeypatch.setattr("layerwise.training._loop.TRAINING_SCORED", 20)

    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    def test_each_sample_by_its_weight(self, small, engine):
        weights = np.linspace(0, 2, len(small.train))
        train = replace(small.train, weights=weights)
        data = replace(small, train=train)
        result = lw.fit(MLP([8]), data, epochs=4, batch_size=16, engine=engine)
        assert [s.epoch for s in result.snapshots] == [0, 1, 2, 3, 4]
        part = train.at(train.spread(20))
        assert len(part) == 20 < len(train)
        for epoch, snapshot in zip(
            result.history.epochs, result.snapshots[1:], strict=True
        ):
            scored = train if epoch.epoch == 4 else part
            p = snapshot.network.predict_proba(scored.inputs).astype(float)
            own = p[np.arange(len(p)), scored.targets]
            expected = np.average(-np.log(own), weights=scored.weights)
            assert epoch.train_loss == pytest.approx(expected, rel=1e-5)

    def test_dead_units_are_those_of_the_same_samples_throughout(self, small):
        """Else a unit that few samples reach would come to life at the end."""
        train = small.train
        inputs = train.inputs.copy()
        inputs[train.spread(20)] = 1
        data = replace(small, train=replace(train, inputs=inputs), scaling="none")
        settings = {"epochs": 3, "engine": "eager", "learning_rate": 1e-9}
        result = lw.fit(MLP([64]), data, **settings)
        assert result.epochs == 3
        (first, *others) = [epoch.dead for epoch in result.history.epochs]
        whole = EagerEngine(self.problem(data, settings)).evaluate(
            result.network.parameters, data.train
        )
        assert others == [first] * 2
        assert whole.dead[0] < first[0]

    def problem(self, data, settings):
        return problem_of(MLP([64]), data, Recipe(**settings).resolved(50))

    def test_the_end_may_come_early(self, small):
        settings = {"epochs": 200, "batch_size": 16, "learning_rate": 0.05}
        result = lw.fit(MLP([30]), small, **settings, patience=3)
        *before, last = result.history.epochs
        assert 4 < last.epoch < 200
        stopped = lw.fit(MLP([30]), small, watch=Interrupt(last.step), **settings)
        loss, accuracy = figures(stopped.network, small.train)
        assert last.train_loss == pytest.approx(loss, rel=1e-5)
        assert last.train_accuracy == pytest.approx(accuracy, abs=1e-7)
        twentieths = [20 * epoch.train_accuracy for epoch in before]
        assert twentieths == pytest.approx(np.rint(twentieths), abs=1e-4)

    def test_a_small_set_is_scored_as_it_is(self, small, monkeypatch):
        """Not a copy: an engine may have it on its device."""
        monkeypatch.setattr("layerwise.training._loop.TRAINING_SCORED", 50)
        scored, evaluate = [], EagerEngine.evaluate

        def noted(self, parameters, samples):
            scored.append(samples.inputs)
            return evaluate(self, parameters, samples)

        monkeypatch.setattr(EagerEngine, "evaluate", noted)
        lw.fit(MLP([4]), small, epochs=2, engine="eager")
        lengths = [len(small.train), len(small.validation), len(small.test)]
        of_train = [each for each in scored if len(each) == lengths[0]]
        assert len(of_train) == 2
        assert of_train[0] is of_train[1]


class TestPatience:
    def test_the_best_epoch_is_kept(self, small):
        result = lw.fit(
            MLP([30]), small, epochs=200, batch_size=16, learning_rate=0.05, patience=3
        )
        losses = [e.validation_loss for e in result.history.epochs]
        best = int(np.argmin(losses))
        assert len(losses) == best + 1 + 3
        assert len(losses) < 200
        assert result.status == "finished"
        assert result.validation.loss == losses[best]

    def test_without_patience_the_last_is(self, small):
        result = lw.fit(MLP([30]), small, epochs=30, learning_rate=0.05, batch_size=16)
        losses = [e.validation_loss for e in result.history.epochs]
        assert len(losses) == 30
        assert result.validation.loss == losses[-1] > min(losses)
        assert result.checkpoint.best is None


@pytest.mark.parametrize("data", [np.zeros((5, 2)), "iris", (1, 2)])
def test_what_is_no_dataset_is_refused(data, unchecked):
    words = f"layerwise.Dataset, not on a .*{type(data).__name__}: .*make one with"
    with pytest.raises(InputError, match=words):
        lw.fit(MLP([5]), data)


def test_what_comes_of_it_is_shown_in_one_line(small):
    result = lw.fit(MLP([5]), small, epochs=2, batch_size=16)
    steps, network = len(result.history.losses), result.network
    assert repr(result.history) == f"History(steps={steps}, epochs=2)"
    assert repr(result.checkpoint) == (
        f"Checkpoint(step={steps}, history=History(steps={steps}, epochs=2))"
    )
    assert repr(result) == (
        f"Result('finished', epochs=2, validation_accuracy={result.validation.accuracy}"
        f", test_accuracy={result.test.accuracy}, network={network})"
    )


class Interrupt:
    """A watcher that presses Ctrl-C at a step."""

    def __init__(self, step):
        self.step = step

    def __call__(self, progress):
        if progress.step >= self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_a_network_is_scored_once_on_each_set(small, engine, monkeypatch):
    scored = []
    kind = type(engine_for(problem_of(MLP([8]), small, Recipe().resolved(24)), engine))
    evaluate = kind.evaluate

    def counted(self, parameters, samples):
        scored.append(samples)
        return evaluate(self, parameters, samples)

    monkeypatch.setattr(kind, "evaluate", counted)
    result = lw.fit(MLP([8]), small, epochs=1, engine=engine)
    assert [len(s) for s in scored] == [
        len(s) for s in (small.validation, small.train, small.test)
    ]
    assert result.validation.loss == result.history.epochs[-1].validation_loss
    assert all(isinstance(a, np.ndarray) for a in leaves(result.network.parameters))


class TestInterruption:
    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    @pytest.mark.parametrize("step", [1, 4, 9])
    def test_a_resumed_training_ends_in_the_same_bytes(self, small, engine, step):
        settings = {"epochs": 4, "batch_size": 16, "engine": engine, "patience": 4}
        architecture = MLP([8], dropout=0.3)
        whole = lw.fit(architecture, small, **settings)
        stopped = lw.fit(architecture, small, watch=Interrupt(step), **settings)
        assert stopped.status == "interrupted"
        assert step <= stopped.checkpoint.state.step < 16
        resumed = lw.fit(architecture, small, resume=stopped.checkpoint, **settings)
        assert resumed.status == "finished"
        assert same_bytes(resumed, whole)
        assert resumed.history.losses.tobytes() == whole.history.losses.tobytes()
        assert resumed.validation == whole.validation
        times = [epoch.seconds for epoch in resumed.history.epochs]
        assert times == sorted(times)

    def test_an_interrupt_waits_for_what_is_traced(self, small, monkeypatch):
        events = []

        def hits(outputs, targets):
            if not events:
                events.append("sent")
                signal.raise_signal(signal.SIGINT)
                events.append("traced")
            return model.hits(outputs, targets)

        monkeypatch.setattr(_program, "hits", hits)
        _program._shared.cache_clear()
        stopped = lw.fit(MLP([11]), small, epochs=2, engine="compiled")
        assert (events, stopped.status) == (["sent", "traced"], "interrupted")
        assert stopped.test.accuracy == figures(stopped.network, small.test)[1]

    def test_the_network_is_as_it_stood(self, small):
        stopped = lw.fit(MLP([8]), small, epochs=4, batch_size=16, watch=Interrupt(5))
        loss, accuracy = figures(stopped.network, small.test)
        assert stopped.test.loss == pytest.approx(loss, rel=1e-6)
        assert stopped.test.accuracy == accuracy

    def test_an_error_of_the_watchers_is_its_own(self, small):
        def watch(progress):
            raise ZeroDivisionError(progress.step)

        with pytest.raises(ZeroDivisionError):
            lw.fit(MLP([8]), small, epochs=1, watch=watch)

    def test_a_finished_training_stays_as_it_is(self, small):
        settings = {"epochs": 2, "batch_size": 16}
        result = lw.fit(MLP([8]), small, **settings)
        again = lw.fit(MLP([8]), small, resume=result.checkpoint, **settings)
        assert again.status == "finished"
        assert same_bytes(again, result)


def test_unknown_settings_are_named(small):
    with pytest.raises(InputError, match=r"^no setting rate; a training has epochs, "):
        lw.fit(MLP([]), small, rate=0.1)
    with pytest.raises(InputError, match="epochs must be at least 1"):
        lw.fit(MLP([]), small, epochs=0)


@pytest.mark.parametrize("seed", range(3))
def test_eight_layers_of_standard_normals_diverge_in_the_second_step(moons, seed):
    settings = {"optimizer": "sgd", "learning_rate": 0.05, "schedule": "constant"}
    network = MLP([30] * 8, init="normal")
    result = lw.fit(network, moons, engine="eager", seed=seed, **settings)
    assert result.status == "diverged"
    # The second step, from a loss of 1e21, is the last that can be made.
    assert result.checkpoint.state.step == 2
    assert np.isfinite(result.history.losses).tolist() == [True, True, False]


def test_no_hidden_layer(iris):
    assert lw.fit(MLP([]), iris, learning_rate=0.1).test.accuracy >= 0.9
