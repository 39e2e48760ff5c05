"""What is kept of single samples: where they end, settle, lie between two classes."""

import numpy as np
import pytest

import layerwise as lw
from layerwise.data import Samples
from layerwise.statistics import Moments, class_readings, discriminants
from layerwise.study import _seen


class TestDirections:
    """Of any two classes, from one vector for each."""

    def test_the_means_lie_at_minus_one_and_one(self, blobs):
        rows, labels = blobs(400, 5, classes=4)
        _, found = class_readings(Moments.of(rows, labels, 4))
        means = np.stack([rows[labels == c].mean(axis=0) for c in range(4)])
        for pair in ((0, 1), (3, 2)):
            along = found.along(found.scores(means[list(pair)]), *pair)
            assert along == pytest.approx([-1, 1], abs=1e-9)

    def test_two_classes_by_themselves_are_parted_as_by_their_discriminant(self, blobs):
        rows, labels = blobs(300, 4, classes=2)
        counted = Moments.of(rows, labels, 2)
        _, found = class_readings(counted)
        ours = found.along(found.scores(rows), 0, 1)
        theirs = discriminants(counted, 1).project(rows)[:, 0]
        assert abs(np.corrcoef(ours, theirs)[0, 1]) == pytest.approx(1, abs=1e-9)

    def test_classes_with_one_mean_have_no_direction(self):
        rows = np.array([[1.0, 0], [-1, 0], [1, 0], [-1, 0], [0, 1]])
        counted = Moments.of(rows, np.array([0, 0, 1, 1, 2]), 4)
        _, found = class_readings(counted)
        assert found.along(found.scores(rows), 0, 1).tolist() == [0] * 5
        assert np.isfinite(found.weights).all()


class TestPairs:
    def test_are_the_most_confused_ones(self, study):
        confused = study.confusion + study.confusion.T
        worst = np.sort(np.triu(confused, 1), axis=None)[::-1][:5]
        assert [confused[pair.classes] for pair in study.pairs] == worst.tolist()

    def test_lie_on_their_own_discriminant(self, study, trained, digits):
        pair = study.pairs[0]
        own = study.targets[study.shown[pair.samples]]
        assert set(own.tolist()) == set(pair.classes)
        assert len(own) == np.isin(study.targets, pair.classes).sum()
        inputs = digits.test.inputs[study.shown[pair.samples]]
        (rows,) = trained.activations(inputs)
        for layer, own_rows, along in zip(study, rows, pair.along, strict=True):
            _, directions = class_readings(layer.moments)
            expected = directions.along(directions.scores(own_rows), *pair.classes)
            assert along == pytest.approx(expected, abs=1e-3)

    def test_are_none_where_nothing_is_confused(self, identity):
        samples = Samples(np.eye(3)[[0, 1, 2] * 10], np.array([0, 1, 2] * 10))
        assert lw.inspect(identity(3), samples).pairs == ()

    def test_are_left_out_where_classes_are_too_many(
        self, trained, digits, monkeypatch
    ):
        monkeypatch.setattr("layerwise.study.passes._fit_and_score.MOST_TOWARDS", 1000)
        assert lw.inspect(trained, digits).pairs == ()


class TestNearest:
    def test_are_the_nearest_of_the_training_samples(self, study, digits):
        found = study.nearest
        assert {*study.mistakes, *study.sampled} == {*found.positions.tolist()}
        scaled = digits.fitted_scaling
        train, test = (
            scaled.apply(part.inputs, np.float64).reshape(len(part), -1)
            for part in (digits.train, digits.test)
        )
        assert found.among == len(train)
        for place in (0, 7, 100):
            distances = np.linalg.norm(train - test[found.positions[place]], axis=1)
            own = found.neighbours[place]
            assert distances[own] == pytest.approx(np.sort(distances)[:3], rel=1e-5)
            assert np.array_equal(found.targets[place], digits.train.targets[own])
            assert np.array_equal(found.inputs[own], digits.train.inputs[own])
            assert found.origins.row(own[0]) == digits.train.rows[own[0]]

    def test_suspects_name_theirs(self, study, digits):
        suspect = study.suspects[0]
        own = digits.train.targets[list(suspect.nearest)]
        assert len(own) == suspect.neighbours
        agreeing = np.count_nonzero(own == suspect.suggestion)
        assert agreeing == suspect.neighbours_agreeing
        place = np.searchsorted(study.nearest.positions, suspect.position)
        assert tuple(study.nearest.neighbours[place]) == suspect.nearest[:3]

    def test_are_of_the_other_half_where_nothing_else_is_fitted_on(
        self, trained, digits
    ):
        study = lw.inspect(trained, digits.test)
        found = study.nearest
        assert not (found.neighbours == found.positions[:, None]).any()
        assert np.array_equal(found.targets, digits.test.targets[found.neighbours])


class TestSettled:
    def test_is_the_layer_from_which_on_all_probes_agree(self, study):
        settled = study.settled
        hidden = [study.input, *study.hidden]
        for sample in range(0, len(settled), 7):
            said = [layer.probe_predictions[sample] for layer in hidden]
            agree = [
                all(p == study.predictions[sample] for p in said[k:]) for k in range(3)
            ]
            expected = agree.index(True) if any(agree) else -1
            assert settled[sample] == expected
        assert {0, 2} < {*settled.tolist()}


class TestCrowd:
    @pytest.fixture
    def limited(self, monkeypatch):
        monkeypatch.setattr(_seen, "SHOWN", 100)
        monkeypatch.setattr(_seen, "CROWD", 180)
        monkeypatch.setattr(_seen, "SAMPLED", 50)

    def test_is_nobody_where_all_are_shown(self, study):
        assert study.crowd is None

    @pytest.mark.usefixtures("limited")
    def test_holds_more_than_are_shown(self, trained, digits, study):
        some = lw.inspect(trained, digits)
        crowd = some.crowd
        assert len(crowd.positions) == 180
        assert set(some.shown.tolist()) < set(crowd.positions.tolist())
        for layer, planes, of_all in zip(some, crowd.planes, study, strict=True):
            for name, plane in planes.items():
                assert np.array_equal(plane, of_all.planes[name][crowd.positions])
                assert np.array_equal(
                    layer.planes[name], of_all.planes[name][some.shown]
                )

    @pytest.mark.usefixtures("limited")
    def test_moves_no_more_than_are_shown(self, trained, digits):
        some = lw.inspect(trained, digits)
        for snapshot in some.snapshots:
            assert len(snapshot.predictions) == 100
            assert snapshot.layers[0].frames["fixed"].shape == (100, 2)
