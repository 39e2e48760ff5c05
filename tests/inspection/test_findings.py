"""Findings: what was planted is named, and every number in a sentence is evidence."""

import re
from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.inspection import baselines, inspect_inputs
from layerwise.model import MLP, initial_network
from layerwise.wording import count, number, percent

NUMBER = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]\d+)?(?: %)?")


def written(value):
    """Every way in which a sentence may write a piece of evidence."""
    if isinstance(value, dict):
        return set().union(*map(written, value), *map(written, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(written, value))
    if isinstance(value, str):
        return {value, *NUMBER.findall(value)}
    if isinstance(value, int):
        return {str(value), count(value)}
    if not np.isfinite(value):
        return set()
    return {percent(value), percent(value, 0), number(value), str(value)}


@pytest.fixture(scope="module")
def inputs_study(digits):
    return inspect_inputs(digits, digits.validation)


@pytest.fixture(scope="module")
def dead_study(digits):
    """Of a network whose first two units never fire."""
    network = initial_network(MLP([6]), digits)
    (linear, relu), output = network.parameters
    bias = np.array([-1e6, -1e6, 0, 0, 0, 0], np.float32)
    parameters = (({**linear, "b": bias}, relu), output)
    return lw.inspect(replace(network, parameters=parameters), digits)


def test_every_number_of_a_sentence_is_in_its_evidence(study, dead_study, inputs_study):
    findings = [*study.findings, *dead_study.findings, *inputs_study.findings]
    assert {"dead units", "mixed pair"} <= {finding.kind for finding in findings}
    for finding in findings:
        known = written(finding.evidence)
        unknown = set(NUMBER.findall(finding.text)) - known
        assert not unknown, finding.text
        assert "nan" not in finding.text


def test_the_kinds_and_their_order(study):
    kinds = list(dict.fromkeys(f.kind for f in study.findings))
    order = [
        "accuracy",
        "keepable",
        "mixed pair",
        "apart",
        "probe",
        "spread",
        "dead units",
        "picture",
    ]
    assert kinds == [kind for kind in order if kind in kinds]
    assert {"accuracy", "keepable", "apart", "probe", "picture"} <= set(kinds)


def classes_at(centres, each=60, seed=0):
    """Samples of unit variance about each of the centres."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(len(centres)), each)
    centres = np.asarray(centres, float)
    return lw.Samples(centres[targets] + rng.normal(size=(len(targets), 4)), targets)


def finding(study, kind):
    return [f for f in study.findings if f.kind == kind]


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
        (mixed,) = finding(study, "mixed pair")
        assert mixed.text.startswith("c1 and c3 are still mixed in the last layer")
        confusion = study.confusion
        assert mixed.evidence["mixed"] == confusion[1, 3] + confusion[3, 1] > 20
        assert mixed.evidence["samples"] == 120
        apart = mixed.evidence["separation"]
        assert apart < 2 < mixed.evidence["median_separation"]

    def test_where_nothing_is_mixed_nothing_is_named(self, identity):
        samples = classes_at(20 * np.eye(4))
        study = lw.inspect(identity(4), samples, fit_on=samples)
        assert study.accuracy.value == 1
        assert not finding(study, "mixed pair")

    def test_mistakes_all_over_are_no_pair(self, identity):
        samples = classes_at(np.zeros((4, 4)))
        study = lw.inspect(identity(4), samples, fit_on=samples)
        assert study.accuracy.value < 0.5
        assert not finding(study, "mixed pair")


def test_the_most_spread_out_class_is_named(identity):
    samples = classes_at(20 * np.eye(4), each=200)
    inputs = samples.inputs.copy()
    third = samples.targets == 2
    inputs[third] += 1.5 * np.random.default_rng(1).normal(size=inputs[third].shape)
    wide = lw.Samples(inputs, samples.targets)
    (spread,) = finding(lw.inspect(identity(4), wide, fit_on=wide), "spread")
    assert spread.evidence["class"] == "c2"
    # A variance of 3.25 beside three of 1.
    assert spread.evidence["ratio"] == pytest.approx(3.25 / 1.5625, rel=0.1)


def test_the_layer_from_which_on_a_class_is_apart(study):
    (apart,) = finding(study, "apart")
    recall = np.array([layer.probe_recall for layer in study])
    names = [layer.name for layer in study]
    for layer, classes in apart.evidence["from"].items():
        start = names.index(layer) if layer else len(names)
        for digit in map(int, classes):
            assert (recall[start:, digit] >= 0.95).all()
            assert start == 0 or recall[start - 1, digit] < 0.95
    named = [c for classes in apart.evidence["from"].values() for c in classes]
    assert sorted(named) == list("0123456789")


def test_five_in_a_row(study):
    (accuracy,) = finding(study, "accuracy")
    share = study.accuracy.value
    assert accuracy.evidence["all_right"] == share**5
    assert "a five-digit postcode" in accuracy.text
    renamed = replace(study, class_names=tuple("abcdefghij"))
    from layerwise.inspection._findings import study_findings

    assert "five samples in a row" in study_findings(renamed)[0].text


class TestInputs:
    def test_the_components_are_those_of_the_training_inputs(self, inputs_study, study):
        assert np.array_equal(
            inputs_study.layer.components.components, study.input.components.components
        )
        kinds = [f.kind for f in inputs_study.findings]
        assert kinds == [
            "components",
            "if it were easy",
            "parted by two components",
            "difficulty",
        ]

    def test_the_share_between_classes(self, inputs_study, digits):
        """η² of each component, by a one-way analysis of variance."""
        from layerwise.data import fit_scaling

        scaling = fit_scaling(digits.train.inputs, digits.scaling)
        rows = scaling.apply(digits.train.inputs, float).reshape(-1, 64)
        scores = inputs_study.layer.components.project(rows)
        targets = digits.train.targets
        means = np.stack([scores[targets == c].mean(axis=0) for c in range(10)])
        between = (means[targets] ** 2).sum(axis=0) / (scores**2).sum(axis=0)
        (easy,) = [f for f in inputs_study.findings if f.kind == "if it were easy"]
        assert easy.evidence["between_classes"] == pytest.approx(between, rel=1e-6)
        ratio = inputs_study.layer.components.explained_variance_ratio
        both = (between * ratio)[:2].sum()
        assert easy.evidence["two_components"] == pytest.approx(both, rel=1e-6)

    def test_pairs_that_two_components_part(self, inputs_study):
        (parted,) = [f for f in inputs_study.findings if "parted" in f.kind]
        evidence = parted.evidence
        above = np.triu(np.array(evidence["separation"]) >= 3.29, 1)
        assert evidence["parted"] == above.sum()
        assert evidence["pairs"] == 45
        assert evidence["nearest"]["distance"] <= evidence["farthest"]["distance"]

    def test_an_easy_problem_is_called_easy(self):
        samples = classes_at([[0, 0, 0, 0], [50, 0, 0, 0], [0, 50, 0, 0]], each=80)
        data = lw.Dataset.from_arrays(samples.inputs[:, :2], samples.targets)
        found = {f.kind: f for f in inspect_inputs(data, data.validation).findings}
        assert "That is the case here" in found["if it were easy"].text
        assert "the problem is easy" in found["difficulty"].text
        assert found["parted by two components"].evidence["parted"] == 3

    def test_curved_borders_are_called_curved(self, moons):
        study = inspect_inputs(moons, moons.validation)
        (difficulty,) = [f for f in study.findings if f.kind == "difficulty"]
        assert "curved rather than inseparable" in difficulty.text


class TestBaselines:
    def rows(self, data):
        from layerwise.data import fit_scaling

        scaling = fit_scaling(data.train.inputs, data.scaling)
        return [
            scaling.apply(s.inputs, np.float32).reshape(len(s), -1)
            for s in (data.train, data.test)
        ]

    @pytest.mark.parametrize("name", ["digits", "iris"])
    def test_against_scikit_learn(self, name, request):
        from sklearn.dummy import DummyClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.neighbors import KNeighborsClassifier

        data = request.getfixturevalue(name)
        train, test = self.rows(data)
        majority, linear, neighbour = baselines(data, data.test)
        expected = [
            model.fit(train, data.train.targets).score(test, data.test.targets)
            for model in (
                DummyClassifier(strategy="most_frequent"),
                LogisticRegression(max_iter=2000),
                KNeighborsClassifier(1),
            )
        ]
        assert majority.accuracy.value == expected[0]
        assert linear.accuracy.value == pytest.approx(expected[1], abs=0.02)
        assert neighbour.accuracy.value == expected[2]
        assert [b.name for b in (majority, linear, neighbour)] == [
            "majority class",
            "logistic regression",
            "nearest neighbour",
        ]
        assert {b.fitted_on for b in (majority, linear, neighbour)} == {len(data.train)}

    def test_many_samples_are_drawn_from(self, moons, monkeypatch):
        monkeypatch.setattr("layerwise.inspection._baselines.NEIGHBOURS_FITTED", 500)
        monkeypatch.setattr("layerwise.inspection._baselines.NEIGHBOURS_SCORED", 100)
        *_, neighbour = baselines(moons, moons.test, seed=1)
        assert (neighbour.fitted_on, neighbour.accuracy.trials) == (500, 100)
        assert neighbour.accuracy.value > 0.95


def test_a_class_that_was_not_fitted_on_makes_no_sentence_of_nan(identity):
    """All samples of the third class are taken for the first, but no distance is."""
    both = classes_at([[9, 0, 0, 0], [0, 9, 0, 0]])
    three = classes_at([[9, 0, 0, 0], [0, 9, 0, 0], [9, 0, 0, 0]])
    study = lw.inspect(identity(4), three, fit_on=both)
    assert study.confusion[2, 0] == 60
    assert np.isnan(study.layers[-1].separation[2, 0])
    assert not any("nan" in f.text for f in study.findings)
