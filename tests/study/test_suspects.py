"""Labels that were made wrong are found, and by nobody who was told them."""

import csv
import io
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score

import layerwise as lw
from layerwise.data import Samples
from layerwise.errors import InputError
from layerwise.study import Counting
from layerwise.study.labels import _out_of_fold
from layerwise.study.labels._out_of_fold import (
    LabelEvidence,
    cross_fit,
    doubtful,
    neighbours,
    votes_of,
)
from layerwise.study.labels._suspects import (
    out_of_fold_evidence,
    ranked,
    suspects,
    suspects_csv,
    unseen_evidence,
)
from layerwise.study.records._found import Suspect

QUICK = lw.Recipe(epochs=5, batch_size=128, learning_rate=0.03)
NETWORK = lw.MLP([32])


def relabelled(samples: Samples, share: float, seed: int = 0):
    """The samples with some labels replaced by another class, and which those are."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(samples), round(share * len(samples)), replace=False)
    targets, classes = samples.targets.copy(), samples.targets.max() + 1
    targets[rows] = (targets[rows] + rng.integers(1, classes, len(rows))) % classes
    return Samples(samples.inputs, targets), targets != samples.targets


@pytest.fixture(scope="module")
def planted(digits):
    """Digits of which 3 % of the training labels are wrong, and which those are."""
    train, wrong = relabelled(digits.train, 0.03)
    return replace(digits, train=train), wrong


@pytest.fixture(scope="module")
def evidence(planted):
    return out_of_fold_evidence(NETWORK, planted[0], QUICK)


@pytest.fixture(scope="module")
def both_planted(planted):
    """The same with 5 % of the test labels wrong too, and which those are."""
    data = planted[0]
    test, wrong = relabelled(data.test, 0.05)
    return replace(data, test=test), wrong


@pytest.fixture(scope="module")
def network(planted):
    return lw.fit(NETWORK, planted[0], QUICK).network


def evidence_of(**fields) -> LabelEvidence:
    """Evidence on two samples of three classes, labelled 0 and 1."""
    defaults = {
        "part": "training",
        "targets": np.array([0, 1], np.int32),
        "probabilities": np.array([[0.2, 0.7, 0.1], [0.1, 0.8, 0.1]]),
        "votes": np.array([[1, 9, 0], [0, 4, 6]]),
        "layer_names": ("input", "hidden1", "output"),
        "probe_predictions": np.array([[1, 1], [0, 1], [1, 1]]),
        "judged": np.array([True, True]),
    }
    return LabelEvidence(**(defaults | fields))


class TestScores:
    def test_is_the_suggestions_share_of_probability_times_votes(self):
        evidence = evidence_of()
        assert evidence.suggestions.tolist() == [1, 2]
        first = 0.7 * 9.5 / (0.7 * 9.5 + 0.2 * 1.5)
        second = 0.1 * 6.5 / (0.1 * 6.5 + 0.8 * 4.5)
        assert evidence.scores == pytest.approx([first, second], rel=1e-14)

    def test_certainty_has_an_end(self):
        certain = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
        odds = np.log([1e7 * 9.5 / 1.5, 1e7 * 0.5 / 4.5])
        scores = evidence_of(probabilities=certain).scores
        assert scores == pytest.approx(expit(odds), rel=1e-14)

    def test_what_cannot_be_judged_is_not_suspect(self):
        evidence = evidence_of(judged=np.array([False, True]))
        assert evidence.scores[0] == 0
        assert ranked(evidence) == ()

    def test_every_fact_of_a_suspect(self):
        score = float(evidence_of().scores[0])
        expected = Suspect("training", 0, 1, 1, score, 0.2, 0.7, 9, 10, "output")
        assert ranked(evidence_of()) == (replace(expected, label=0),)

    def test_the_most_suspect_first(self, evidence):
        found = ranked(evidence)
        assert sorted(found, key=lambda one: -one.score) == list(found)
        assert len(found) == np.count_nonzero(evidence.scores > 0.5)
        assert ranked(evidence, most=3) == found[:3]
        assert all(one.label != one.suggestion for one in found)


class TestSince:
    @pytest.mark.parametrize(
        ("said", "since"),
        [
            ([1, 1, 1], "input"),
            ([0, 1, 1], "hidden1"),
            ([1, 0, 1], "output"),
            ([1, 1, 0], None),
            ([2, 2, 2], None),
        ],
    )
    def test_the_first_layer_from_which_on_all_probes_agree(self, said, since):
        predictions = np.array([said, [0, 0, 0]]).T
        assert ranked(evidence_of(probe_predictions=predictions))[0].since == since


class TestNeighbours:
    def test_are_the_nearest_others(self):
        rng = np.random.default_rng(0)
        rows, labels = rng.normal(size=(60, 3)), rng.integers(0, 4, 60)
        distances = np.linalg.norm(rows[:, None] - rows, axis=2)
        np.fill_diagonal(distances, np.inf)
        nearest = np.argsort(distances, axis=1)[:, :10]
        expected = [np.bincount(labels[near], minlength=4) for near in nearest]
        assert np.array_equal(votes_of(labels[neighbours(rows)], 4), expected)

    def test_of_others_are_the_nearest_of_those_fitted(self):
        rng = np.random.default_rng(0)
        rows, asked = rng.normal(size=(60, 3)), rng.normal(size=(5, 3))
        labels = rng.integers(0, 4, 60)
        nearest = np.argsort(np.linalg.norm(asked[:, None] - rows, axis=2))[:, :10]
        expected = [np.bincount(labels[near], minlength=4) for near in nearest]
        assert np.array_equal(votes_of(labels[neighbours(rows, asked)], 4), expected)

    @pytest.mark.parametrize("copies", [1, 30], ids=["apart", "all the same"])
    def test_a_label_never_votes_for_itself(self, copies):
        rows = np.repeat(np.arange(30 // copies, dtype=float), copies)[:, None]
        labels = np.zeros(30, int)
        for row in (0, 17, 29):
            marked = labels.copy()
            marked[row] = 1
            votes = votes_of(marked[neighbours(rows)], 2)
            assert votes[row].tolist() == [10, 0]
            assert votes.sum(axis=1).tolist() == [10] * 30

    def test_are_all_others_where_there_are_few(self):
        votes = votes_of(np.array([0, 0, 1, 1])[neighbours(np.eye(4))], 2)
        assert votes.tolist() == [[1, 2], [1, 2], [2, 1], [2, 1]]


@pytest.mark.usefixtures("unchecked")
class TestOutOfFold:
    def test_finds_what_was_made_wrong(self, evidence, planted, digits):
        wrong = planted[1]
        # Chance would have 0.03; 0.97 and 0.95 were measured.
        assert average_precision_score(wrong, evidence.scores) > 0.95
        worst = np.argsort(-evidence.scores)[: wrong.sum()]
        assert wrong[worst].mean() > 0.89
        named = evidence.suggestions[wrong] == digits.train.targets[wrong]
        assert named.mean() > 0.9

    @pytest.mark.slow("long trainings")
    def test_a_wrong_label_learnt_by_heart_is_not_excused(self, evidence, planted):
        data, wrong = planted
        labels = data.train.targets[wrong]
        overfit = lw.fit(lw.MLP([128]), data, epochs=60, learning_rate=0.01).network
        rows = np.arange(wrong.sum())
        believed = overfit.predict_proba(data.train.inputs[wrong])[rows, labels]
        assert (believed > 0.5).all()
        held_out = evidence.probabilities[wrong][rows, labels]
        assert np.median(held_out) < 1e-3
        assert np.mean(evidence.scores[wrong] > 0.5) > 0.9

    def test_the_same_seed_gives_the_same_evidence(self, iris):
        brief = lw.Recipe(epochs=2)
        one, again, other = (
            out_of_fold_evidence(lw.MLP([4]), iris, brief, seed=seed)
            for seed in (3, 3, 4)
        )
        for name, value in asdict(replace(one, origins=None)).items():
            assert np.array_equal(getattr(replace(again, origins=None), name), value)
        assert not np.array_equal(other.scores, one.scores)

    def test_no_network_is_taught_what_it_judges(self, planted, monkeypatch):
        data, wrong = planted[0], planted[1][:500]
        # Every sample is numbered, in a pixel that is otherwise never inked.
        inputs = data.train.inputs[:500].reshape(500, -1).astype(np.float32)
        inputs[:, 0] = np.arange(500)
        train = Samples(inputs, data.train.targets[:500])
        seen = []
        fit = _out_of_fold.fit

        def spy(architecture, fold, recipe):
            parts = fold.train, fold.validation, fold.test
            seen.append([part.inputs[:, 0].astype(int) for part in parts])
            return fit(architecture, fold, recipe)

        monkeypatch.setattr(_out_of_fold, "fit", spy)
        numbered = replace(data, train=train, validation=train, test=train)
        out_of_fold_evidence(NETWORK, numbered, QUICK)
        rounds = seen[:5], seen[5:10], seen[10:]
        assert [len(networks) for networks in rounds] == [5, 5, 5]
        for taught, *judged in seen:
            assert not set(taught) & set(np.concatenate(judged))
        for networks in rounds:
            judged = np.concatenate([held for _, _, held in networks])
            assert sorted(judged) == list(range(len(wrong)))
        first, second, third = (
            np.unique(np.concatenate([taught for taught, _, _ in networks]))
            for networks in rounds
        )
        assert np.array_equal(second, third)
        assert len(first) == len(wrong)
        spared = np.setdiff1d(first, second)
        assert wrong[spared].mean() > 0.8
        assert len(spared) > 0.7 * wrong.sum()

    def test_probes_are_fitted_on_the_other_folds(self, planted, ridge_regression):
        data, wrong = planted
        brief = replace(QUICK, epochs=1)
        crossed = cross_fit(NETWORK, data, brief, ~wrong, lambda: None)
        inputs, targets = data.train.inputs, data.train.targets
        expected = np.full((3, len(wrong)), -1)
        for network, held in zip(crossed.networks, crossed.folds, strict=True):
            fitted = np.setdiff1d(np.flatnonzero(~wrong), held)
            layers = zip(
                next(network.activations(inputs[fitted])),
                next(network.activations(inputs[held])),
                strict=True,
            )
            for layer, (rows, asked) in enumerate(layers):
                said = ridge_regression(rows, targets[fitted], asked, 10)
                expected[layer, held] = said
        assert np.array_equal(crossed.probe_predictions(), expected)

    def test_probes_of_wide_inputs_are_those_of_a_projection(self, iris, monkeypatch):
        few = partial(Counting, max_units=3)
        monkeypatch.setattr("layerwise.study.passes._fit_and_score.Counting", few)
        widths, fitted = [], _out_of_fold.least_squares_probe

        def probe(moments):
            widths.append(len(moments.scatter))
            return fitted(moments)

        monkeypatch.setattr(_out_of_fold, "least_squares_probe", probe)
        recipe = lw.Recipe(epochs=1)
        crossed = cross_fit(
            lw.MLP([5]), iris, recipe, np.ones(len(iris.train), bool), lambda: None
        )
        assert crossed.probe_predictions().shape == (3, len(iris.train))
        assert widths == 5 * [3, 3, 3]

    def test_all_rounds_count_the_later_without_what_the_first_doubts(self, iris):
        train, _ = relabelled(iris.train, 0.1)
        data, architecture = replace(iris, train=train), lw.MLP([8])
        recipe = lw.Recipe(epochs=10, learning_rate=0.03)
        evidence = out_of_fold_evidence(architecture, data, recipe, seed=5)

        def round_of(seed, epochs, kept):
            own = replace(recipe, seed=seed, epochs=epochs)
            return cross_fit(architecture, data, own, kept, lambda: None)

        first = round_of(5, 5, np.ones(len(train), bool)).probabilities()
        doubted = doubtful(first, evidence.votes, train.targets)
        assert doubted.any()
        second, third = (round_of(seed, 10, ~doubted) for seed in (6, 7))
        mean = np.cbrt(first * second.probabilities() * third.probabilities())
        expected = mean / mean.sum(axis=1, keepdims=True)
        assert evidence.probabilities == pytest.approx(expected, rel=1e-9, abs=1e-6)
        said = second.probe_predictions()
        assert np.array_equal(evidence.probe_predictions, said)

    def test_a_class_doubted_for_the_most_part_is_kept(self):
        targets = np.array([0, 0, 0, 1, 1, 1], np.int32)
        probabilities = np.full((6, 2), 0.5)
        votes = np.array([[0, 10], [0, 10], [5, 5], [10, 0], [5, 5], [5, 5]])
        # 10 votes against none are odds of 21 to 1.
        assert doubtful(probabilities, votes, targets).tolist() == [
            *[False] * 3,
            *[True, False, False],
        ]

    def test_folds_and_classes_are_dealt_evenly(self, iris):
        targets = np.repeat([0, 1, 2, 3], [2, 3, 4, 18]).astype(np.int32)
        data = replace(
            iris,
            train=Samples(np.arange(27.0)[:, None], targets),
            class_names=tuple("abcd"),
        )
        crossed = cross_fit(
            lw.MLP([]), data, lw.Recipe(epochs=1), np.ones(27, bool), lambda: None
        )
        assert sorted(np.concatenate(crossed.folds)) == list(range(27))
        assert {len(fold) for fold in crossed.folds} == {5, 6}
        shares = [np.bincount(targets[fold], minlength=4) for fold in crossed.folds]
        assert np.ptp(shares, axis=0).tolist() == [1, 1, 1, 1]

    def test_the_watcher_is_told_of_every_part(self, iris):
        told = []
        quick = lw.Recipe(epochs=1)
        out_of_fold_evidence(
            lw.MLP([]), iris, quick, watch=lambda *progress: told.append(progress)
        )
        assert told == [(done, 16) for done in range(1, 17)]

    def test_the_first_round_takes_half_the_epochs(self, iris, monkeypatch):
        recipes = []
        fit = _out_of_fold.fit

        def spy(architecture, fold, recipe):
            recipes.append(recipe)
            return fit(architecture, fold, replace(recipe, epochs=1))

        monkeypatch.setattr(_out_of_fold, "fit", spy)
        out_of_fold_evidence(lw.MLP([]), iris)
        out_of_fold_evidence(lw.MLP([]), iris, lw.Recipe(epochs=3, patience=1), seed=7)
        epochs = [recipe.epochs for recipe in recipes]
        assert epochs == [20] * 5 + [40] * 10 + [1] * 5 + [3] * 10
        seeds = [recipe.seed for recipe in recipes[15:]]
        assert seeds == [7] * 5 + [8] * 5 + [9] * 5
        assert {recipe.patience for recipe in recipes} == {None}

    def test_ctrl_c_passes_through(self, iris, monkeypatch):
        def interrupted(*arguments):
            return replace(fit(*arguments), status="interrupted")

        fit = _out_of_fold.fit
        monkeypatch.setattr(_out_of_fold, "fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            out_of_fold_evidence(lw.MLP([]), iris, lw.Recipe(epochs=1))

    def test_a_training_that_diverges_is_named(self, iris):
        wild = lw.Recipe(epochs=2, optimizer="sgd", learning_rate=1e30)
        with pytest.raises(InputError, match=r"^iris: .* diverged: .* below 1e\+30$"):
            out_of_fold_evidence(lw.MLP([4]), iris, wild)


class TestFewSamples:
    def test_the_only_sample_of_a_class_is_not_judged(self, iris):
        rows = np.flatnonzero(iris.train.targets)
        alone = np.flatnonzero(iris.train.targets == 0)[:1]
        few = replace(iris, train=iris.train.at(np.concatenate([alone, rows])))
        evidence = out_of_fold_evidence(lw.MLP([]), few, lw.Recipe(epochs=2))
        assert evidence.scores[0] == 0
        assert (evidence.scores[1:] > 0).all()

    def test_fewer_samples_than_folds(self, iris):
        four = replace(iris, train=iris.train.at(np.array([0, 1, 40, 80])))
        with pytest.raises(InputError, match=r"^iris: 4 training samples are too few"):
            out_of_fold_evidence(lw.MLP([]), four)

    def test_fewer_samples_than_neighbours(self, iris):
        eight = replace(iris, train=iris.train.at(np.arange(0, 104, 13)))
        evidence = out_of_fold_evidence(lw.MLP([]), eight, lw.Recipe(epochs=1))
        assert evidence.votes.sum(axis=1).tolist() == [7] * 8

    def test_a_test_set_without_samples(self, iris):
        empty = replace(iris, test=iris.test.at(np.arange(0)))
        network = lw.fit(lw.MLP([]), iris, epochs=1).network
        with pytest.raises(InputError, match=r"^iris: the test set is empty"):
            unseen_evidence(network, empty)


class TestUnseen:
    def test_what_the_network_its_probes_and_neighbours_say(
        self, both_planted, network
    ):
        data = both_planted[0]
        evidence = unseen_evidence(network, data)
        study = lw.inspect(network, data)
        for said, layer in zip(evidence.probe_predictions, study, strict=True):
            assert np.array_equal(said, layer.probe_predictions)
        proba = network.predict_proba(data.test.inputs)
        assert np.array_equal(evidence.probabilities, proba)
        inputs, asked = (
            part.inputs.reshape(len(part), -1).astype(float)
            for part in (data.train, data.test)
        )
        near = neighbours(inputs, asked)
        assert np.array_equal(evidence.nearest, near)
        votes = votes_of(data.train.targets[near], 10)
        assert np.array_equal(evidence.votes, votes)

    def test_finds_what_was_made_wrong(self, both_planted, network):
        data, wrong = both_planted
        scores = unseen_evidence(network, data).scores
        assert average_precision_score(wrong, scores) > 0.95

    def test_a_class_that_was_not_taught_is_not_judged(self, iris):
        taught = replace(iris, train=iris.train.at(np.flatnonzero(iris.train.targets)))
        network = lw.fit(lw.MLP([]), taught, epochs=1).network
        scores = unseen_evidence(network, taught).scores
        assert np.array_equal(scores == 0, iris.test.targets == 0)

    def test_both_sets_are_ranked_together(self, iris):
        brief = lw.Recipe(epochs=2)
        network = lw.fit(lw.MLP([]), iris, brief).network
        held_out = ranked(out_of_fold_evidence(lw.MLP([]), iris, brief, seed=1))
        unseen = ranked(unseen_evidence(network, iris))
        found = suspects(network, iris, brief, seed=1)
        assert {"training", "test"} == {one.part for one in found}
        assert len(found) == len(set(found)) == len(held_out) + len(unseen)
        parts = {"training": iris.train, "test": iris.test}
        for one in found:
            assert one.row == parts[one.part].rows[one.position]
            assert one.name == f"{one.part} row {one.row}"
        assert set(found) == {*held_out, *unseen}
        assert sorted(found, key=lambda one: -one.score) == list(found)
        assert suspects(network, iris, brief, most=4, seed=1) == found[:4]


class TestSupport:
    """A mistake of the studied network alone makes no label suspect."""

    def test_a_suspect_needs_most_neighbours_or_networks_out_of_fold(self):
        evidence = LabelEvidence(
            part="test",
            targets=np.zeros(2, np.int64),
            probabilities=np.array([[0.001, 0.999], [0.001, 0.999]]),
            votes=np.array([[5, 5], [4, 6]]),
            layer_names=("input", "output"),
            probe_predictions=np.ones((2, 2), np.int64),
            judged=np.ones(2, bool),
        )
        assert (evidence.scores > 0.9).all()
        assert [suspect.position for suspect in ranked(evidence)] == [1]
        assert len(ranked(replace(evidence, out_of_fold=True))) == 2

    def test_most_suspects_of_a_weak_network_are_wrong_labels(self, digits):
        """The case that the page states: two of three, and nearly all that are wrong.

        Of a network with a third of its answers wrong; all its mistakes were suspect.
        """
        test, wrong = relabelled(digits.test, 0.05)
        data = replace(digits, test=test)
        weak = replace(QUICK, epochs=2)
        network = lw.fit(lw.MLP([16]), data, weak).network
        study = lw.inspect(network, data)
        found = [suspect.position for suspect in study.suspects]
        assert len(study.mistakes) > 3 * len(found)
        assert wrong[found].mean() > 0.5
        assert wrong[found].sum() >= 0.9 * wrong.sum()
        assert {suspect.among for suspect in study.suspects} == {len(digits.train)}


class TestCSV:
    NAMES = ("=1+1", 'a "b", c', "plain")

    def rows(self, *found: Suspect) -> list[list[str]]:
        return list(
            csv.reader(io.StringIO(suspects_csv(found, self.NAMES), newline=""))
        )

    def test_a_line_for_each_with_class_names(self):
        found = Suspect(
            "test", 7, 2, 1, 0.75, 0.125, 0.5, 9, 10, "hidden1", 1234, "X.npy", "row 8"
        )
        found = replace(found, among=500)
        header, row = self.rows(found)
        assert ",".join(header) == (
            "part,row,file,position,label,suggestion,score,probability_of_label,"
            "probability_of_suggestion,neighbours_agreeing,neighbours,since,among"
        )
        assert row[:6] == ["test", "1234", "X.npy", "7", "plain", 'a "b", c']
        assert row[6:] == ["0.75", "0.125", "0.5", "9", "10", "hidden1", "500"]

    def test_no_layer_is_an_empty_cell(self):
        found = Suspect("test", 7, 2, 1, 0.5, 0.0, 0.0, 9, 10, None)
        assert self.rows(found)[1][-2:] == ["", ""]

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
    def test_a_formula_is_disarmed(self, start):
        found = Suspect("test", 7, 0, 1, 0.5, 0.0, 0.0, 9, 10, None)
        text = suspects_csv([found], [f"{start}cmd", "b-c=d"])
        row = list(csv.reader(io.StringIO(text, newline="")))[1]
        assert row[4:6] == [f"'{start}cmd", "b-c=d"]


@pytest.mark.slow("long trainings")
def test_mnist_with_3_percent_of_wrong_labels(mnist):
    drawn = mnist.train.at(np.random.default_rng(0).permutation(54_000)[:20_000])
    train, wrong = relabelled(drawn, 0.03)
    scores = out_of_fold_evidence(lw.MLP(), replace(mnist, train=train)).scores
    assert average_precision_score(wrong, scores) >= 0.96
    assert wrong[np.argsort(-scores)[: wrong.sum()]].mean() >= 0.92
