"""Findings: what was planted is named, and every number in a sentence is evidence."""

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.model import MLP, initial_network
from layerwise.statistics import Share
from layerwise.statistics._predictions import share
from layerwise.study import Suspect, ValidationView, inspect_inputs
from layerwise.study.findings._rules import study_findings
from layerwise.wording import chosen, count, number, percent

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
    if value is None or not np.isfinite(value):
        return set()
    shares = {percent(value), percent(value, 0), chosen(value), f"{100 * value:.1f}"}
    return shares | {number(value), number(value, 2), f"{value:.1f}", str(value)}


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


@pytest.fixture(scope="module")
def eventful(study, with_values):
    """The study with whatever it has no finding of, but for dead units."""
    suspect = Suspect(
        part="test",
        position=2454,
        label=9,
        suggestion=7,
        score=0.99,
        probability_of_label=0.001,
        probability_of_suggestion=0.985,
        neighbours_agreeing=8,
        neighbours=10,
        since="hidden1",
    )
    targets = np.tile(study.validation.targets, 2)
    said = targets.astype(np.int64)
    said[::10] = (said[::10] + 1) % 10  # as often right as on the test set, nearly
    view = ValidationView(
        targets=targets,
        predictions=said,
        confidence=np.ones(len(targets), np.float32),
        probe_predictions=np.tile(said, (4, 1)),
    )
    first, last, output = study.layers
    signs = ("within", "norms", "angles", "nearest_mean")
    collapsed = with_values(last, **{f"collapse_{sign}": 0.01 for sign in signs})
    return replace(
        study,
        layers=(first, collapsed, output),
        suspects=(suspect,),
        validation=view,
        similarity={name: np.full((4, 4), 0.987) for name in study.similarity},
        fitted_accuracy=Share(1258, 1258, 0.997, 1.0),
    )


def test_a_layer_that_is_called_by_a_number_is_called_a_layer(eventful, dead_study):
    """As those of a ``torch.nn.Sequential`` are."""
    told = 0
    for one in (eventful, dead_study):
        layers = tuple(
            replace(layer, name=str(7770 + at)) for at, layer in enumerate(one.layers)
        )
        for finding in study_findings(replace(one, layers=layers)):
            named = re.findall(r"(.{6})777\d", finding.text)
            assert set(named) <= {"layer "}, finding.text
            told += len(named)
    assert told > 10


def test_every_number_of_a_sentence_is_in_its_evidence(
    study, eventful, dead_study, inputs_study
):
    always = replace(study, predictions=np.full_like(study.predictions, 6))
    studies = (study, eventful, dead_study, always)
    found = [f for one in studies for f in study_findings(one)]
    assert {finding.kind for finding in found} == set(KINDS)
    for finding in [*found, *inputs_study.findings]:
        known = written(finding.evidence)
        unknown = set(NUMBER.findall(finding.text)) - known
        assert not unknown, finding.text
        assert not re.search(r"\bnan\b|None", finding.text)


KINDS = (
    "constant",
    "accuracy",
    "keepable",
    "calibration",
    "mixed pair",
    "suspect labels",
    "gap",
    "short of what is required",
    "depth",
    "width",
    "decided wrong",
    "apart",
    "training",
    "decided late",
    "alike",
    "spread",
    "collapse",
    "picture",
)


def test_the_kinds_and_their_order(study, eventful, dead_study):
    for one in (study, eventful, dead_study):
        kinds = list(dict.fromkeys(f.kind for f in study_findings(one)))
        assert kinds == [kind for kind in KINDS if kind in kinds]


def test_findings_are_the_study_s_own(study):
    assert study.findings == study_findings(study)


def test_findings_are_json(study, eventful, dead_study):
    for one in (study, eventful, dead_study):
        for finding in study_findings(one):
            record = json.loads(json.dumps(asdict(finding)))
            assert f"{record['headline']}. {record['detail']}".strip() == finding.text
            assert set(record["evidence"]) == set(finding.evidence)


def test_certainty_is_one_of_three(study, eventful, dead_study):
    for one in (study, eventful, dead_study):
        certainties = {finding.certainty for finding in study_findings(one)}
        assert certainties == {"counted", "measured", "rule of thumb"}


def test_headlines_are_short_and_details_are_sentences(
    study, eventful, dead_study, inputs_study
):
    found = [f for one in (study, eventful, dead_study) for f in study_findings(one)]
    for finding in [*found, *inputs_study.findings]:
        words = [w for w in finding.headline.split() if w != "%"]
        assert len(words) <= 13, finding.headline
        assert not finding.headline.endswith(".")
        assert finding.detail == "" or finding.detail.endswith((".", "!"))
        assert "  " not in finding.text


def test_no_two_sentences_begin_alike(study, eventful):
    for one in (study, eventful):
        beginnings = [f.headline.split()[:4] for f in study_findings(one)]
        assert len(set(map(tuple, beginnings))) == len(beginnings)


@pytest.fixture(scope="module")
def textbook(mnist):
    result = lw.fit(MLP([100] * 4), mnist, seed=0)
    return lw.inspect(result.network, mnist, snapshots=result.snapshots)


@pytest.mark.slow("long trainings")
class TestTextbook:
    """MNIST and four layers of 100."""

    def test_the_pairs_are_those_of_the_confusion_matrix(self, textbook):
        confused = {
            (i, j): int(np.sum((textbook.targets == i) & (textbook.predictions == j)))
            + int(np.sum((textbook.targets == j) & (textbook.predictions == i)))
            for i in range(10)
            for j in range(i + 1, 10)
        }
        worst = sorted(confused, key=confused.get, reverse=True)[:3]
        named = [f for f in textbook.findings if f.kind == "mixed pair"]
        assert [f.evidence["classes"] for f in named] == [[*map(str, p)] for p in worst]
        assert [f.evidence["mixed"] for f in named] == [confused[p] for p in worst]
        # That of the others may drown in the noise of such counts.
        assert " separates them" in named[0].text

    def test_it_says_of_every_digit_where_it_comes_apart(self, textbook):
        (found,) = [f for f in textbook.findings if f.kind == "apart"]
        since = found.evidence["from"]
        named = [digit for digits in since.values() for digit in digits]
        assert sorted(named) == list("0123456789")
        # Those of no layer are below the threshold in the last one, all others above.
        said = textbook.layers[-1].probe_predictions
        for digit in range(10):
            recall = np.mean(said[textbook.targets == digit] == digit)
            assert (recall < 0.95) == (str(digit) in since.get("", []))
        assert len(since.get("", [])) <= 1

    def test_there_are_about_a_dozen(self, textbook):
        assert 12 <= len(textbook.findings) <= 16
        for finding in textbook.findings:
            unknown = set(NUMBER.findall(finding.text)) - written(finding.evidence)
            assert not unknown, finding.text


def classes_at(centres, each=60, seed=0):
    """Samples of unit variance about each of the centres."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(len(centres)), each)
    centres = np.asarray(centres, float)
    return lw.Samples(centres[targets] + rng.normal(size=(len(targets), 4)), targets)


class TestInputs:
    def test_the_components_are_those_of_the_training_inputs(self, inputs_study, study):
        assert np.array_equal(
            inputs_study.layer.components.components, study.input.components.components
        )
        kinds = [f.kind for f in inputs_study.findings]
        assert kinds == [
            "difficulty",
            "components",
            "if it were easy",
            "parted by two components",
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
        assert "Here it is." in found["if it were easy"].text
        assert "The problem is easy" in found["difficulty"].text
        assert found["parted by two components"].evidence["parted"] == 3

    @pytest.mark.parametrize(
        ("right", "said"),
        [
            ((34, 36, 40), "Neither beats the guess by more than chance"),
            ((10, 60, 80), "The class boundaries are curved"),
            ((10, 60, 65), "A linear classifier does about as well"),
            ((10, 60, 20), "A linear classifier does about as well"),
            ((10, 99, 20), "The problem is easy for a linear classifier"),
            ((10, 97, 99), "The problem is easy for neighbours"),
        ],
    )
    def test_how_hard_it_is(self, inputs_study, digits, right, said):
        """Shares right of 100: the guess, the linear rule, the nearest neighbour."""
        simple = [
            replace(baseline, accuracy=share(np.arange(100) < each))
            for baseline, each in zip(inputs_study.baselines, right, strict=True)
        ]
        found = inspect_inputs(digits, digits.validation, simple=simple).findings
        (difficulty,) = [f for f in found if f.kind == "difficulty"]
        assert said in difficulty.text
        assert "On 100 validation samples: " in difficulty.text

    def test_one_feature(self):
        rows = np.arange(300.0)[:, None]
        data = lw.Dataset.from_arrays(rows, (rows[:, 0] > 150).astype(int))
        study = inspect_inputs(data, data.validation)
        (found,) = [f for f in study.findings if f.kind == "components"]
        assert found.text == "There is one feature, and so one principal component."
        assert "two components" not in " ".join(f.text for f in study.findings)

    def test_a_class_that_is_not_shown(self, iris):
        shown = np.flatnonzero(iris.train.targets != 2)  # of 15 nothing is said
        data = replace(iris, validation=iris.train.at(shown))
        study = inspect_inputs(data, data.validation)
        (parted,) = [f for f in study.findings if "parted" in f.kind]
        assert parted.evidence["pairs"] == 1
        assert "The two classes are separate" in parted.text

    def test_curved_borders_are_called_curved(self, moons):
        study = inspect_inputs(moons, moons.validation)
        (difficulty,) = [f for f in study.findings if f.kind == "difficulty"]
        assert "The class boundaries are curved" in difficulty.text
