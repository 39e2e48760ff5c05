"""How a network came to be: the stated sample, measured and drawn epoch by epoch."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.spatial.distance import pdist

import layerwise as lw
from layerwise.study.passes._snapshots import aligned, turn_onto


def rotated_onto(frame, target):
    return turn_onto(frame, target)(frame)


@pytest.fixture(scope="module")
def result(digits):
    return lw.fit(lw.MLP([12, 8]), digits, epochs=4, snapshots=2, engine="eager")


@pytest.fixture(scope="module")
def study(result, digits):
    return lw.inspect(result.network, digits, snapshots=result.snapshots)


def turned(frame, angle, mirrored):
    sine, cosine = np.sin(angle), np.cos(angle)
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    if mirrored:
        rotation = rotation * [1, -1]
    return (frame @ rotation).astype(np.float32)


class TestFrames:
    def frame(self, seed=0):
        rows = np.random.default_rng(seed).normal(size=(40, 2)) * [3, 1]
        return rows.astype(np.float32)

    @given(angle=st.floats(-np.pi, np.pi), mirrored=st.booleans())
    def test_a_turned_frame_is_turned_back(self, angle, mirrored):
        frame = self.frame() - self.frame().mean(axis=0)
        found = rotated_onto(turned(frame, angle, mirrored), frame)
        assert np.abs(found - frame).max() < 1e-5

    def test_distances_and_the_centre_stay(self):
        frame, target = self.frame(0) + np.array([5, -2]), self.frame(1) * 7
        found = rotated_onto(frame.astype(np.float32), target)
        assert pdist(found) == pytest.approx(pdist(frame), rel=1e-5)
        assert found.mean(axis=0) == pytest.approx(frame.mean(axis=0), abs=1e-5)

    def test_no_other_turn_lies_nearer(self):
        frame, target = self.frame(0), self.frame(1)
        frame, target = frame - frame.mean(axis=0), target - target.mean(axis=0)
        best = np.linalg.norm(rotated_onto(frame, target) - target)
        angles = np.linspace(0, 2 * np.pi, 721)
        others = [
            np.linalg.norm(turned(frame, angle, mirrored) - target)
            for angle in angles
            for mirrored in (False, True)
        ]
        assert best <= min(others) + 1e-5

    def test_neighbouring_epochs_and_layers_lie_on_each_other(self, study):
        """Turned by any angle beforehand, the frames come out the same."""

        def spun(snapshot, angle):
            layers = []
            for layer in snapshot.layers:
                frame = layer.frames["components"]
                centre = frame.mean(axis=0)
                frame = turned(frame - centre, angle, mirrored=True) + centre
                frames = layer.frames | {"components": frame}
                layers.append(replace(layer, frames=frames))
            return replace(snapshot, layers=tuple(layers))

        *before, last = study.snapshots
        seen = [
            replace(layer, frames={**own.planes, "fixed": own.planes["components"]})
            for layer, own in zip(last.layers, study.layers, strict=True)
        ]
        last = replace(last, layers=tuple(seen))
        again = aligned([*(spun(one, 1.1) for one in before), last], study.layers)
        for ours, theirs in zip(again, study.snapshots, strict=True):
            for one, other in zip(ours.layers, theirs.layers, strict=True):
                span = np.abs(other.frames["components"]).max()
                error = one.frames["components"] - other.frames["components"]
                assert np.abs(error).max() < 1e-3 * span

    def test_the_studied_layers_lie_on_each_other(self, study):
        """No other turn of a layer's plane lies nearer to that of the layer before."""
        for plane in ("components", "discriminants"):
            for before, layer in pairwise(study):
                target, found = before.turned(plane), layer.turned(plane)
                centre, onto = found.mean(axis=0), target - target.mean(axis=0)
                best = np.linalg.norm(found - centre - onto)
                for angle, mirrored in ((0.1, False), (-0.1, False), (0, True)):
                    other = turned(found - centre, angle, mirrored)
                    assert best < np.linalg.norm(other - onto)
                assert pdist(found[:30]) == pytest.approx(
                    pdist(layer.planes[plane][:30]), rel=1e-4
                )

    def test_the_studied_network_is_seen_as_its_planes_are(self, study):
        for seen, layer in zip(study.snapshots[-1].layers, study.layers, strict=True):
            for name in ("components", "discriminants"):
                assert np.array_equal(seen.frames[name], layer.turned(name))
            assert np.array_equal(seen.frames["fixed"], seen.frames["components"])

    def test_the_fixed_basis_is_the_studied_networks(self, study, result, digits):
        inputs = digits.test.inputs[study.shown]
        for snapshot, kept in zip(study.snapshots, result.snapshots, strict=True):
            _, *rows = next(iter(kept.network.activations(inputs)))
            for layer, seen, own in zip(
                study.layers, snapshot.layers, rows, strict=True
            ):
                expected = layer.components.project(own)[:, :2]
                expected = layer.turned("components", expected)
                assert np.abs(seen.frames["fixed"] - expected).max() < 1e-4


class TestSnapshots:
    def test_the_epochs_are_the_trainings(self, study, result):
        assert [s.epoch for s in study.snapshots] == [0, 1, 4]
        assert [s.epoch for s in result.snapshots] == [0, 1, 4]

    def test_the_last_is_measured_as_the_studied_network_is(self, study):
        """On the whole of a small set, the stated sample is everything."""
        last = study.snapshots[-1]
        assert len(study.sampled) == len(study.targets)
        # Blocks of other sizes: products in single precision round otherwise, and the
        # inverse of a nearly singular scatter makes more of it.
        allowed = {"probe_accuracy": 0, "fisher_ratio": 1e-6, "collapse_within": 1e-3}
        for seen, layer in zip(last.layers, study.layers, strict=True):
            for name, error in allowed.items():
                value = layer.measures.values[name]
                assert seen.measures.values[name] == pytest.approx(value, rel=error)

    def test_every_network_on_the_way_answers_for_all_shown(
        self, study, result, digits
    ):
        inputs = digits.test.inputs[study.shown]
        for seen, kept in zip(study.snapshots, result.snapshots, strict=True):
            proba = kept.network.predict_proba(inputs)
            assert np.array_equal(seen.predictions, proba.argmax(axis=1))
            assert seen.confidence == pytest.approx(proba.max(axis=1), rel=1e-5)

    def test_training_parts_the_classes(self, study):
        first, *_, last = (s.layers[-1].measures.values for s in study.snapshots)
        assert last["probe_accuracy"] > first["probe_accuracy"] + 0.2
        assert last["fisher_ratio"] > 2 * first["fisher_ratio"]

    def test_the_untrained_network_has_every_measure(self, study):
        trust = {name for name in study.layers[0].measures.values if "trust" in name}
        trust |= {name for name in study.layers[0].measures.values if "cont" in name}
        untrained = study.untrained.layers[0].measures.values
        assert untrained.keys() == study.layers[0].measures.values.keys() - trust

    def test_without_snapshots_the_untrained_network_is_drawn(self, trained, digits):
        study = lw.inspect(trained, digits)
        assert [s.epoch for s in study.snapshots] == [0, None]

    def test_an_untrained_network_is_its_own_snapshot(self, trained, digits):
        study = lw.inspect(trained.redrawn(seed=0), digits)
        assert [s.epoch for s in study.snapshots] == [0]
