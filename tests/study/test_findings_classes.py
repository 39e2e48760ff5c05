"""Findings on the classes: planted pairs, planted layers, planted spreads."""

import re
from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.study.findings._layers import apart, mixed_pairs, spread


def classes_at(centres, each=60, seed=0):
    """Samples of unit variance about each of the centres."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(len(centres)), each)
    centres = np.asarray(centres, float)
    return lw.Samples(centres[targets] + rng.normal(size=(len(targets), 4)), targets)


def confusing(study, mistakes):
    """The study with 100 samples of each class, so many of them taken for another."""
    classes = len(study.class_names)
    targets = np.repeat(np.arange(classes), 100).astype(np.int32)
    predictions = targets.astype(np.int64)
    for (i, j), wrong in mistakes.items():
        free = np.flatnonzero((targets == i) & (predictions == i))
        predictions[free[:wrong]] = j
    confidence = np.ones(len(targets), np.float32)
    return replace(
        study, targets=targets, predictions=predictions, confidence=confidence
    )


def mixing(study, pair, shares):
    """The study with this share of the pair confused in the input and each layer."""

    def mixed(layer, share):
        measures = layer.measures
        matrix = measures.by_pair["mixed"].copy()
        matrix[pair] = matrix[pair[::-1]] = share
        by_pair = {**measures.by_pair, "mixed": matrix}
        return replace(layer, measures=replace(measures, by_pair=by_pair))

    first, *layers = map(mixed, study, shares)
    return replace(study, input=first, layers=tuple(layers))


class TestMixedPairs:
    def test_a_planted_pair_is_named(self, identity):
        """Four classes in the corners, but for 1 and 3, which lie half a step apart."""
        centres = 12 * np.eye(4)
        centres[3] = centres[1] + [0, -0.5, 0, 0.5]
        samples = classes_at(centres)
        network = identity(4)
        closer = np.eye(4)
        closer[1, 3] = 1.0  # class 3 gets what class 1 has, so that both compete
        network = replace(network, parameters=(({"W": closer, "b": np.zeros(4)},),))
        study = lw.inspect(network, samples, fit_on=samples)
        (mixed,) = mixed_pairs(study)
        assert mixed.headline.startswith('"c1" and "c3" are still confused: ')
        confusion = study.confusion
        assert mixed.evidence["mixed"] == confusion[1, 3] + confusion[3, 1] > 20
        assert mixed.evidence["samples"] == 120

    def test_where_nothing_is_mixed_nothing_is_named(self, identity):
        samples = classes_at(20 * np.eye(4))
        study = lw.inspect(identity(4), samples, fit_on=samples)
        assert study.accuracy.value == 1
        assert not list(mixed_pairs(study))

    def test_mistakes_all_over_are_no_pair(self, identity):
        samples = classes_at(np.zeros((4, 4)))
        study = lw.inspect(identity(4), samples, fit_on=samples)
        assert study.accuracy.value < 0.5
        assert not list(mixed_pairs(study))

    def test_the_most_confused_come_first(self, study):
        mistakes = {(4, 9): 9, (9, 4): 3, (3, 5): 8, (7, 2): 5, (1, 7): 4, (0, 6): 1}
        found = list(mixed_pairs(confusing(study, mistakes)))
        assert [f.evidence["classes"] for f in found] == [
            ["4", "9"],
            ["3", "5"],
            ["2", "7"],
        ]
        assert [f.evidence["mixed"] for f in found] == [12, 8, 5]
        assert [f.evidence["samples"] for f in found] == [200] * 3
        assert [f.headline for f in found] == [
            "4 and 9 are still confused: 12 of 200 samples",
            "3 and 5 are still confused: 8 of 200 samples",
            "2 and 7 are still confused: 5 of 200 samples",
        ]

    def test_two_mistakes_are_no_pair(self, study):
        assert not list(mixed_pairs(confusing(study, {(4, 9): 2})))
        assert len(list(mixed_pairs(confusing(study, {(4, 9): 3})))) == 1

    def test_a_class_that_was_not_fitted_on(self, identity):
        """All samples of the third class are taken for the first."""
        both = classes_at([[9, 0, 0, 0], [0, 9, 0, 0]])
        three = classes_at([[9, 0, 0, 0], [0, 9, 0, 0], [9, 0, 0, 0]])
        study = lw.inspect(identity(4), three, fit_on=both)
        (mixed,) = mixed_pairs(study)
        assert mixed.headline == 'All 60 samples of "c2" are predicted as "c0"'
        assert mixed.evidence["classes"] == ["c0", "c2"]
        assert (mixed.evidence["mixed"], mixed.evidence["samples"]) == (60, 120)
        assert mixed.evidence["by_layer"] == {"input": 0.5, "output": 0.5}
        assert not any(re.search(r"\bnan\b", f.text) for f in study.findings)


class TestParting:
    """Of 200 samples, 5 and 3 points are noise where a tenth is confused."""

    @pytest.mark.parametrize(
        ("shares", "said"),
        [
            (
                [0.2, 0.18, 0.05, 0.04],
                " hidden2 separates them: a linear probe's confusion falls from 18.0 % "
                "to 5.0 %.",
            ),
            (
                [0.3, 0.05, 0.2, 0.3],
                " hidden1 separates them: a linear probe's confusion falls from 30.0 % "
                "to 5.0 %. hidden2 mixes them again: it rises from 5.0 % to 20.0 %.",
            ),
            # A rise before they were separate mixes nothing again.
            (
                [0.05, 0.3, 0.05, 0.06],
                " hidden2 separates them: a linear probe's confusion falls from 30.0 % "
                "to 5.0 %.",
            ),
            ([0.1, 0.08, 0.06, 0.04], ""),
            ([0.05, 0.2, 0.2, 0.2], ""),
        ],
    )
    def test_the_layers(self, study, shares, said):
        planted = mixing(confusing(study, {(4, 9): 12}), (4, 9), shares)
        (mixed,) = mixed_pairs(planted)
        assert mixed.text.partition("as the other class.")[2] == said
        names = ["input", "hidden1", "hidden2", "output"]
        assert mixed.evidence["by_layer"] == dict(zip(names, shares, strict=True))

    def test_the_noise_is_that_of_two_counts(self, study):
        """From 10 % the fall has to exceed 1.96 √((0.1·0.9 + q (1 - q)) / 200)."""
        confused = confusing(study, {(4, 9): 12})
        q = np.linspace(0, 0.1, 10_001)
        beyond = 0.1 - q > 1.96 * np.sqrt((0.09 + q * (1 - q)) / 200)
        most = q[beyond].max()
        (parted,) = mixed_pairs(mixing(confused, (4, 9), [0.1, most, most, most]))
        assert "hidden1 separates them" in parted.text
        more = most + 1e-5
        (noise,) = mixed_pairs(mixing(confused, (4, 9), [0.1, more, more, more]))
        assert "separates" not in noise.text


class TestApart:
    def test_the_layer_from_which_on_a_class_is_apart(self, study):
        (found,) = apart(study)
        recall = np.array([layer.probe_recall for layer in study])
        names = [layer.name for layer in study]
        for layer, classes in found.evidence["from"].items():
            start = names.index(layer) if layer else len(names)
            for digit in map(int, classes):
                assert (recall[start:, digit] >= 0.95).all()
                assert start == 0 or recall[start - 1, digit] < 0.95
        named = [c for classes in found.evidence["from"].values() for c in classes]
        assert sorted(named) == list("0123456789")

    def test_many_classes_are_counted(self, study):
        targets = np.arange(270) % 40
        layers = [
            replace(x, probe_recall=np.ones(40), probe_predictions=targets)
            for x in study
        ]
        names = tuple(f"kind {c}" for c in range(40))
        many = replace(
            study,
            input=layers[0],
            layers=tuple(layers[1:]),
            class_names=names,
            targets=targets,
        )
        (found,) = apart(many)
        assert found.headline.startswith("40 of 40 classes are linearly separable ")
        assert found.detail.startswith("40 classes in the raw input. ")
        assert found.evidence["from"] == {"input": list(names)}

    def test_classes_without_samples_are_not_named(self, study):
        layers = [replace(x, probe_recall=np.full(10, np.nan)) for x in study]
        none = replace(study, input=layers[0], layers=tuple(layers[1:]))
        assert not list(apart(none))


class TestSpread:
    def test_the_most_spread_out_class_is_named(self, identity):
        samples = classes_at(20 * np.eye(4), each=200)
        inputs = samples.inputs.copy()
        third = samples.targets == 2
        rng = np.random.default_rng(1)
        inputs[third] += 1.5 * rng.normal(size=inputs[third].shape)
        wide = lw.Samples(inputs, samples.targets)
        (found,) = spread(lw.inspect(identity(4), wide, fit_on=wide))
        assert found.evidence["class"] == "c2"
        assert found.headline.startswith('Class "c2" varies most: ')
        # A variance of 3.25 beside three of 1.
        assert found.evidence["ratio"] == pytest.approx(3.25 / 1.5625, rel=0.1)

    def test_equal_classes_are_not(self, identity):
        samples = classes_at(20 * np.eye(4), each=200)
        study = lw.inspect(identity(4), samples, fit_on=samples)
        assert study.layers[-1].spread.max() < 1.1
        assert not list(spread(study))
