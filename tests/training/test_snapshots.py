"""Snapshots: which epochs, and that they are the networks of those epochs, exactly."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import layerwise as lw
from layerwise.arrays import named_leaves
from layerwise.model import MLP, initial_network
from layerwise.names import SCHEDULES
from layerwise.training import Recipe, Result, score, snapshot_epochs

ARCHITECTURE = MLP([8], dropout=0.3)


def recipe_of(**changes) -> Recipe:
    return Recipe(**{"epochs": 7, "batch_size": 16, "snapshots": 4} | changes)


def tree_bytes(tree) -> dict[str, bytes]:
    return {name: leaf.tobytes() for name, leaf in named_leaves(tree)}


def epochs_of(result: Result) -> list[int]:
    return [snapshot.epoch for snapshot in result.snapshots]


def bytes_of(result: Result) -> dict[int, dict[str, bytes]]:
    return {s.epoch: tree_bytes(s.network.parameters) for s in result.snapshots}


class TestEpochs:
    @given(epochs=st.integers(1, 2000), count=st.integers(0, 40))
    def test_as_many_as_were_asked_for_and_there_are(self, epochs, count):
        chosen = snapshot_epochs(epochs, count)
        assert chosen[0] == 0
        assert len(chosen) == 1 + min(count, epochs)
        assert list(chosen) == sorted(set(chosen))
        assert all(type(epoch) is int for epoch in chosen)
        if count >= 1:
            assert chosen[1] == 1
        if count >= 2:
            assert chosen[-1] == epochs

    @given(epochs=st.integers(2, 2000), count=st.integers(2, 40))
    def test_each_is_nearest_to_the_geometric_one_or_follows_the_last(
        self, epochs, count
    ):
        kept = snapshot_epochs(epochs, count)[1:]
        for place, epoch in enumerate(kept):
            geometric = epochs ** (place / (len(kept) - 1))
            nearest = abs(epoch - geometric) <= 0.5 + 1e-9
            follows = epoch == place + 1 > geometric
            assert nearest or follows

    @pytest.mark.parametrize(
        ("epochs", "count", "expected"),
        [
            (10, 5, (0, 1, 2, 3, 6, 10)),
            (40, 5, (0, 1, 3, 6, 16, 40)),
            (10_000, 5, (0, 1, 10, 100, 1000, 10_000)),
            (5, 5, (0, 1, 2, 3, 4, 5)),
            (3, 5, (0, 1, 2, 3)),
            (1, 5, (0, 1)),
            (10, 2, (0, 1, 10)),
            (10, 1, (0, 1)),
            (10, 0, (0,)),
        ],
    )
    def test_by_hand(self, epochs, count, expected):
        assert snapshot_epochs(epochs, count) == expected


class TestNetworks:
    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    def test_each_is_the_network_at_the_end_of_its_epoch(self, small, engine, ends):
        """Also the earlier ones, which the steps that followed did not touch."""
        seen = []
        result = lw.fit(ARCHITECTURE, small, recipe_of(engine=engine), save=seen.append)
        at_end = {
            checkpoint.history.epochs[-1].epoch: tree_bytes(checkpoint.state.parameters)
            for checkpoint in ends(seen)
        }
        assert result.engine == engine
        assert list(at_end) == [1, 2, 3, 4, 5, 6, 7]
        assert epochs_of(result) == [0, 1, 2, 4, 7]
        found = bytes_of(result)
        untrained = initial_network(ARCHITECTURE, small, seed=0)
        assert found.pop(0) == tree_bytes(untrained.parameters)
        assert found == {epoch: at_end[epoch] for epoch in (1, 2, 4, 7)}
        assert len({parameters["0.0.W"] for parameters in found.values()}) == 4

    def test_each_predicts_as_it_did(self, small):
        result = lw.fit(ARCHITECTURE, small, recipe_of(learning_rate=0.05))
        figures = {e.epoch: e.validation_accuracy for e in result.history.epochs}
        samples = small.validation
        for snapshot in result.snapshots[1:]:
            right = snapshot.network.predict(samples.inputs) == samples.targets
            assert right.mean() == figures[snapshot.epoch]

    def test_they_are_on_the_host(self, small):
        result = lw.fit(ARCHITECTURE, small, recipe_of(engine="compiled"))
        for snapshot in result.snapshots:
            for _, leaf in named_leaves(snapshot.network.parameters):
                assert type(leaf) is np.ndarray

    def test_none_but_the_untrained(self, small):
        result = lw.fit(ARCHITECTURE, small, recipe_of(snapshots=0))
        assert epochs_of(result) == [0]
        assert result.checkpoint.snapshots == {}

    def test_they_have_no_say(self, small):
        without, every = (
            lw.fit(ARCHITECTURE, small, recipe_of(snapshots=count)) for count in (0, 7)
        )
        assert epochs_of(every) == [0, 1, 2, 3, 4, 5, 6, 7]
        states = (tree_bytes(r.checkpoint.state[:2]) for r in (without, every))
        assert next(states) == next(states)

    def test_the_score_of_a_checkpoint_has_them(self, small):
        recipe = recipe_of()
        result = lw.fit(ARCHITECTURE, small, recipe)
        scored = score(ARCHITECTURE, small, recipe, result.checkpoint)
        assert bytes_of(scored) == bytes_of(result)


class TestStops:
    @pytest.mark.parametrize("engine", ["eager", "compiled"])
    def test_diverged(self, small, monkeypatch, engine):
        """In the third epoch; the second is the last that was reached."""

        def leap(steps, total):
            del total
            return np.where(steps == 9, np.inf, 1.0)

        recipe = recipe_of(engine=engine, learning_rate=0.01, snapshots=7)
        whole = lw.fit(ARCHITECTURE, small, recipe, schedule="constant")
        monkeypatch.setattr(
            "layerwise.training._loop.SCHEDULES", dict.fromkeys(SCHEDULES, leap)
        )
        result = lw.fit(ARCHITECTURE, small, recipe)
        assert result.status == "diverged"
        assert epochs_of(result) == [0, 1, 2]
        expected = bytes_of(whole)
        assert bytes_of(result) == {epoch: expected[epoch] for epoch in (0, 1, 2)}

    def test_diverged_in_the_last_step_of_an_epoch(self, small, monkeypatch):
        """That epoch has no network: its end was not reached."""

        def leap(steps, total):
            del total
            return np.where(steps == 7, np.inf, 1.0)

        monkeypatch.setattr(
            "layerwise.training._loop.SCHEDULES", dict.fromkeys(SCHEDULES, leap)
        )
        result = lw.fit(ARCHITECTURE, small, recipe_of(learning_rate=0.01))
        assert result.status == "diverged"
        assert epochs_of(result) == [0, 1]

    def test_patience_keeps_those_that_were_reached_as_they_were(self, small):
        settings = {"epochs": 200, "learning_rate": 0.05, "snapshots": 200}
        result = lw.fit(MLP([30]), small, recipe_of(**settings), patience=3)
        epochs = [epoch.epoch for epoch in result.history.epochs]
        assert epochs_of(result) == [0, *epochs]
        assert len(epochs) < 200
        best = result.checkpoint.best[0].epoch
        assert best == epochs[-1] - 3
        kept = tree_bytes(result.network.parameters)
        found = bytes_of(result)
        assert found[best] == kept
        assert found[epochs[-1]] == tree_bytes(result.checkpoint.state.parameters)
        assert found[epochs[-1]] != kept

    @pytest.mark.parametrize(
        ("engine", "step"),
        [("eager", 1), ("eager", 4), ("eager", 9), ("eager", 17), ("compiled", 9)],
    )
    def test_a_resumed_training_has_the_same(self, small, engine, step):
        def interrupt(progress):
            if progress.step >= step:
                raise KeyboardInterrupt

        recipe = recipe_of(engine=engine)
        whole = lw.fit(ARCHITECTURE, small, recipe)
        stopped = lw.fit(ARCHITECTURE, small, recipe, watch=interrupt)
        assert stopped.status == "interrupted"
        done = stopped.checkpoint.state.step // 4
        reached = {e: b for e, b in bytes_of(whole).items() if e <= done}
        assert bytes_of(stopped) == reached
        assert len(reached) < 5
        resumed = lw.fit(ARCHITECTURE, small, recipe, resume=stopped.checkpoint)
        assert resumed.status == "finished"
        assert epochs_of(resumed) == [0, 1, 2, 4, 7]
        assert bytes_of(resumed) == bytes_of(whole)
