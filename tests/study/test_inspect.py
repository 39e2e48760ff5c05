"""The study's figures, each against another way to get it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.decomposition import PCA
from sklearn.metrics import confusion_matrix, recall_score

import layerwise as lw
from layerwise.errors import InputError
from layerwise.model import MLP, initial_network


def activations(network, inputs):
    """What every layer gives, the scaled inputs first, all rows together."""
    blocks = list(network.activations(inputs))
    return [np.concatenate(parts).astype(float) for parts in zip(*blocks, strict=True)]


@pytest.fixture(scope="module")
def on_train(trained, digits):
    return activations(trained, digits.train.inputs)


@pytest.fixture(scope="module")
def on_test(trained, digits):
    return activations(trained, digits.test.inputs)


ROUNDED = 1e-7
"""A product in single precision rounds differently for another number of rows."""

LAYERS = ["input", "hidden1", "hidden2", "output"]


def test_it_is_shown_in_a_line(study):
    assert repr(study) == (
        f"Study('digits', scored_on='270 test samples', layers={LAYERS[1:]}, "
        f"accuracy={study.accuracy.value}, findings={len(study.findings)})"
    )
    layer = study.layers[0]
    assert repr(layer) == (
        f"LayerStudy('hidden1', units={layer.units}, "
        f"probe_accuracy={layer.separability})"
    )


def test_a_scatter_is_decomposed_once(trained, digits, monkeypatch):
    """Of four layers: components, probe, and shuffled labels with the stated sample.

    The untrained network's three layers have components and probes of their own.
    """
    calls = {"eigh": 0, "eigvalsh": 0}
    for name in calls:
        solve = getattr(np.linalg, name)

        def counted(scatter, name=name, solve=solve):
            calls[name] += 1
            return solve(scatter)

        monkeypatch.setattr(np.linalg, name, counted)
    lw.inspect(trained, digits)
    assert calls == {"eigh": 3 * 4 + 2 * 3, "eigvalsh": 4}


class TestLayers:
    def test_names_and_units(self, study):
        assert [layer.name for layer in study] == LAYERS
        assert [layer.units for layer in study] == [64, 24, 16, 10]
        assert list(study) == [study.input, *study.layers]

    @pytest.mark.parametrize("place", range(4), ids=LAYERS)
    def test_the_probe_is_ridge_regression_on_training_activations(
        self, study, digits, on_train, on_test, place, ridge_regression
    ):
        expected = ridge_regression(
            on_train[place], digits.train.targets, on_test[place], 10
        )
        layer = list(study)[place]
        assert np.array_equal(layer.probe_predictions, expected)
        right = expected == digits.test.targets
        assert layer.probe_accuracy.successes == right.sum()
        assert layer.probe_accuracy.trials == len(right)
        recall = recall_score(digits.test.targets, expected, average=None)
        assert layer.probe_recall == pytest.approx(recall, rel=1e-12)

    @pytest.mark.parametrize("place", range(4), ids=LAYERS)
    def test_the_projection_is_fitted_on_training_and_shows_test(
        self, study, on_train, on_test, place
    ):
        layer = list(study)[place]
        theirs = PCA(10, svd_solver="full").fit(on_train[place])
        expected = theirs.transform(on_test[place])[:, :2]
        signs = np.sign((expected * layer.projection).sum(axis=0))
        error = np.abs(layer.projection - expected * signs).max()
        assert error < 1e-5 * np.abs(expected).max()
        ratio = theirs.explained_variance_ratio_
        assert layer.variance_shown == pytest.approx(ratio[:2], rel=ROUNDED)

    @pytest.mark.parametrize("place", range(4), ids=LAYERS)
    def test_participation_ratio(self, study, on_train, place):
        eigenvalues = np.linalg.eigvalsh(np.cov(on_train[place].T))
        expected = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
        found = list(study)[place].participation_ratio
        assert found == pytest.approx(expected, rel=ROUNDED)

    @pytest.mark.parametrize("place", range(1, 4), ids=LAYERS[1:])
    def test_spread_and_separation(self, study, digits, on_train, place):
        layer, rows = list(study)[place], on_train[place]
        classes = [rows[digits.train.targets == c] for c in range(10)]
        variances = np.array([c.var(axis=0, ddof=1).sum() for c in classes])
        assert layer.spread == pytest.approx(variances / variances.mean(), rel=ROUNDED)
        within = sum(np.cov(c.T) * (len(c) - 1) for c in classes) / (len(rows) - 10)
        units = len(within)
        shrunk = 0.99 * within + 0.01 * np.trace(within) / units * np.eye(units)
        inverse = np.linalg.inv(shrunk)
        means = [c.mean(axis=0) for c in classes]
        expected = [[mahalanobis(a, b, inverse) for a in means] for b in means]
        assert layer.separation == pytest.approx(np.array(expected), rel=ROUNDED)

    def test_dead_units_are_those_that_never_change(self, digits):
        network = initial_network(MLP([6]), digits, seed=0)
        hidden, output = network.parameters
        bias = np.array([0, -1e6, 0, -1e6, 0, 0], np.float32)
        dead = replace(
            network, parameters=(({**hidden[0], "b": bias}, hidden[1]), output)
        )
        layer = lw.inspect(dead, digits).layers[0]
        assert layer.dead.tolist() == [False, True, False, True, False, False]
        assert layer.dead_units == 2
        findings = {f.kind: f for f in lw.inspect(dead, digits).findings}
        assert findings["width"].evidence["dead"]["hidden1"] == 2


class TestNetwork:
    def test_predictions_and_confusion(self, study, trained, digits):
        predictions = trained.predict(digits.test.inputs)
        assert np.array_equal(study.predictions, predictions)
        expected = confusion_matrix(digits.test.targets, predictions)
        assert np.array_equal(study.confusion, expected)
        assert study.accuracy.value == (predictions == digits.test.targets).mean()
        p = trained.predict_proba(digits.test.inputs)
        assert study.confidence == pytest.approx(p.max(axis=1), rel=1e-6)
        assert study.confidence.dtype == np.float32  # as wide as it comes, for millions

    def test_mistakes_begin_with_the_most_confident(self, study):
        wrong = study.predictions != study.targets
        assert set(study.mistakes) == set(np.flatnonzero(wrong))
        confidence = study.confidence[study.mistakes]
        assert (np.diff(confidence) <= 0).all()

    def test_negative_scores_are_predicted_as_the_network_does(self, identity):
        network = identity(3, loss="squared-error")
        inputs = -np.random.default_rng(0).uniform(1, 2, (60, 3))
        samples = lw.Samples(inputs, np.arange(60) % 3)
        study = lw.inspect(network, samples, fit_on=samples)
        assert np.array_equal(study.predictions, network.predict(inputs))
        assert len(set(study.predictions.tolist())) == 3

    def test_what_was_fitted_and_scored_is_said(self, study, trained, digits):
        assert study.fitted_on == f"{len(digits.train):,} training samples"
        assert study.scored_on == f"{len(digits.test):,} test samples"
        crossed = lw.inspect(trained, digits.test)
        assert crossed.fitted_on == "the other half of the samples (cross-fitted)"
        other = lw.inspect(trained, digits.test, fit_on=digits.validation)
        assert other.fitted_on == f"{len(digits.validation):,} samples given to fit on"

    def test_given_samples_and_what_to_fit_on(self, study, trained, digits):
        """A data set's study is that of its test set fitted on its training set."""
        same = lw.inspect(trained, digits.test, fit_on=digits.train)
        for ours, theirs in zip(same, study, strict=True):
            assert np.array_equal(ours.projection, theirs.projection)
            assert np.array_equal(ours.probe_predictions, theirs.probe_predictions)
        assert same.keepable is None

    def test_the_summary_is_json(self, study):
        summary = json.loads(json.dumps(study.summary(), allow_nan=False))
        assert [layer["name"] for layer in summary["layers"]] == LAYERS[1:]
        assert summary["input"]["probe_accuracy"] == study.input.probe_accuracy.value
        assert len(summary["findings"]) == len(study.findings)

    def test_one_unit_has_a_flat_projection(self):
        data = lw.Dataset.from_arrays(np.arange(60.0)[:, None], np.arange(60) // 30)
        network = initial_network(MLP([1]), data)
        layer = lw.inspect(network, data).layers[0]
        assert layer.projection.shape == (len(data.test), 2)
        assert not layer.projection[:, 1].any()
        assert layer.variance_shown.tolist() == [1, 0]


class TestCrossFitting:
    def samples(self, order):
        """Labels without any relation to 300 units of noise."""
        rng = np.random.default_rng(0)
        labels = {
            "random": rng.permutation(np.arange(400) % 2),
            "by turns": np.arange(400) % 2,
            "sorted": np.arange(400) // 200,
        }[order]
        return lw.Samples(rng.normal(size=(400, 300)), labels)

    def network(self):
        samples = self.samples("random")
        data = lw.Dataset.from_arrays(samples.inputs, samples.targets)
        return initial_network(MLP([]), data)

    @pytest.mark.parametrize("order", ["random", "by turns", "sorted"])
    def test_no_sample_is_scored_by_a_probe_that_saw_it(self, order):
        samples = self.samples(order)
        seen = lw.inspect(self.network(), samples, fit_on=samples).input
        assert seen.probe_accuracy.value > 0.75
        crossed = lw.inspect(self.network(), samples).input
        # Chance is 0.5, with a standard error of 0.025.
        assert crossed.probe_accuracy.value == pytest.approx(0.5, abs=0.1)

    @pytest.mark.parametrize("order", ["by turns", "sorted"])
    def test_classes_that_are_apart_are_found_in_any_order(self, order):
        samples = self.samples(order)
        inputs = samples.inputs + 3 * samples.targets[:, None]
        apart = lw.Samples(inputs, samples.targets)
        assert lw.inspect(self.network(), apart).input.probe_accuracy.value == 1


class TestErrors:
    def test_other_shapes(self, trained, iris):
        with pytest.raises(InputError, match=r"takes inputs of shape \(8, 8\)"):
            lw.inspect(trained, iris)

    @pytest.mark.parametrize("pair", [False, True])
    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            (np.tile([[0, 1, 1.0], [1, 0, 1]], (40, 1)), r"\(multi-label\) are not"),
            (np.random.default_rng(0).normal(size=(80, 3)), "several columns"),
            (np.eye(3)[np.arange(80) % 3], r"give labels.argmax"),
        ],
    )
    def test_several_labels_for_a_sample(self, columns, said, pair):
        torch = pytest.importorskip("torch")
        x = np.random.default_rng(0).normal(size=(80, 6))
        if pair:
            network, data = torch.nn.Linear(6, 3), (x, columns)
        else:
            several = lw.MLPClassifier((4,), tol=9, n_iter_no_change=1)
            several.fit(x, x[:, :3] > 0)
            network, data = several.network_, lw.Samples(x, columns)
        with pytest.raises(InputError, match=said):
            lw.inspect(network, data)
        with pytest.raises(InputError, match=said):
            lw.inspect(network, lw.Samples(x, np.arange(80) % 3), fit_on=data)

    def test_outputs_that_are_not_finite(self, identity):
        inputs = np.full((10, 2), 1e200)
        network = identity(2)
        broken = replace(
            network, parameters=(({"W": 1e200 * np.eye(2), "b": np.zeros(2)},),)
        )
        samples = lw.Samples(inputs, np.arange(10) % 2)
        with np.errstate(over="ignore", invalid="ignore"), pytest.raises(InputError):
            lw.inspect(broken, samples, fit_on=samples)

    @pytest.mark.parametrize("count", [0, 1])
    def test_too_few_samples(self, trained, digits, count):
        few = lw.Samples(digits.test.inputs[:count], digits.test.targets[:count])
        with pytest.raises(InputError, match=r"^too few samples"):
            lw.inspect(trained, few)

    def test_nothing_to_fit_on_or_to_score(self, trained, digits):
        none = lw.Samples(digits.test.inputs[:0], digits.test.targets[:0])
        with pytest.raises(InputError, match=r"^too few samples"):
            lw.inspect(trained, none, fit_on=digits.train)
        with pytest.raises(InputError, match=r"^too few samples"):
            lw.inspect(trained, digits.test, fit_on=none)

    @pytest.mark.parametrize("required", [0.0, 1.0, -1.0, 99.0, float("nan")])
    def test_a_required_accuracy_that_is_none(self, trained, digits, required):
        with pytest.raises(InputError, match="between 0 and 1"):
            lw.inspect(trained, digits, required_accuracy=required)
