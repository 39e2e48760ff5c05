"""A study's measures, each against another way to get it; and as a table."""

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

import layerwise as lw
from layerwise.errors import InputError
from layerwise.study import MEASURES, similarity_between
from layerwise.study.measures._measures import Measures


@pytest.fixture(scope="module")
def on_train(trained, digits):
    blocks = list(trained.activations(digits.train.inputs))
    return [np.concatenate(p).astype(float) for p in zip(*blocks, strict=True)]


@pytest.fixture(scope="module")
def on_test(trained, digits):
    blocks = list(trained.activations(digits.test.inputs))
    return [np.concatenate(p).astype(float) for p in zip(*blocks, strict=True)]


def every(study):
    for layer in study:
        yield layer.measures
        yield layer.shuffled
    for snapshot in study.snapshots:
        for layer in snapshot.layers:
            yield layer.measures


def class_means(rows, targets):
    return np.stack([rows[targets == c].mean(axis=0) for c in range(10)])


PLACES = pytest.mark.parametrize("place", range(4))


class TestValues:
    def test_every_name_is_explained(self, study):
        named = set()
        for measures in every(study):
            named |= {*measures.values, *measures.by_class, *measures.by_pair}
        assert named == set(MEASURES)

    @PLACES
    def test_nearest_mean(self, study, digits, on_train, on_test, place):
        means = class_means(on_train[place], digits.train.targets)
        right = cdist(on_test[place], means).argmin(axis=1) == digits.test.targets
        measures = list(study)[place].measures
        assert measures.values["nearest_mean_accuracy"] == right.mean()
        recall = [right[digits.test.targets == c].mean() for c in range(10)]
        assert measures.by_class["nearest_mean_recall"].tolist() == recall

    @PLACES
    def test_neighbours(self, study, digits, on_test, place):
        measures = list(study)[place].measures
        rows, targets = on_test[place], digits.test.targets
        near = NearestNeighbors(n_neighbors=11).fit(rows).kneighbors(rows)[1][:, 1:]
        purity = (targets[near] == targets[:, None]).mean()
        assert measures.values["neighbour_purity"] == pytest.approx(purity, abs=1e-3)
        expected = silhouette_score(rows, targets)
        assert measures.values["silhouette"] == pytest.approx(expected, rel=1e-6)
        low, high = measures.intervals["silhouette"]
        assert low < expected < high

    @PLACES
    def test_the_mixed_share_of_a_pair(self, study, digits, place):
        layer = list(study)[place]
        said, targets = layer.probe_predictions, digits.test.targets
        for a, b in ((4, 9), (1, 8), (0, 0)):
            crossed = np.sum((targets == a) & (said == b)) + np.sum(
                (targets == b) & (said == a)
            )
            share = crossed / np.sum((targets == a) | (targets == b)) if a != b else 0
            assert layer.measures.by_pair["mixed"][a, b] == share

    @PLACES
    def test_the_discriminants_plane(self, study, digits, on_train, on_test, place):
        layer = list(study)[place]
        rows, targets = on_train[place], digits.train.targets
        means = class_means(rows, targets)
        within = np.cov((rows - means[targets]).T, bias=True)
        between = np.cov(means[targets].T, bias=True)
        share, units = layer.discriminants.shrinkage, len(within)
        sphere = np.trace(within) / units * np.eye(units)
        _, vectors = eigh(between, (1 - share) * within + share * sphere)
        expected = on_test[place] @ vectors[:, -2:]
        for column in range(2):
            r = np.corrcoef(
                expected[:, 1 - column], layer.planes["discriminants"].T[column]
            )
            assert abs(r[0, 1]) == pytest.approx(1, abs=1e-9)

    def test_shuffled_labels_give_chance(self, study):
        for layer in study:
            chance = layer.shuffled.values
            assert chance["probe_accuracy"] < 0.25
            assert chance["neighbour_purity"] == pytest.approx(0.1, abs=0.05)
            assert chance["silhouette"] < 0
            assert chance["participation_ratio"] == pytest.approx(
                layer.participation_ratio, rel=1e-6
            )

    def test_the_last_hidden_layer_has_what_needs_the_output(
        self, study, trained, digits, on_train, on_test
    ):
        having = [x.name for x in study if "collapse_duality" in x.measures.values]
        assert having == ["hidden2"]
        layer = study.layers[1]
        means = class_means(on_train[2], digits.train.targets)
        nearest = cdist(on_test[2], means).argmin(axis=1)
        disagree = nearest != trained.predict(digits.test.inputs)
        assert layer.measures.values["collapse_nearest_mean"] == disagree.mean()
        means = means - on_train[2].mean(axis=0)
        weights = trained.parameters[-1][0]["W"].T.astype(float)
        gap = weights / np.linalg.norm(weights) - means / np.linalg.norm(means)
        found = layer.measures.values["collapse_duality"]
        assert found in (
            pytest.approx(np.linalg.norm(gap), rel=1e-2),
            pytest.approx(np.linalg.norm(gap) ** 2, rel=2e-2),
        )

    def test_fitted_accuracy_is_of_training_samples(self, study, trained, digits):
        assert study.fitted_accuracy.trials == min(3000, len(digits.train))
        right = trained.predict(digits.train.inputs) == digits.train.targets
        assert study.fitted_accuracy.value == right.mean()


class TestTable:
    def test_it_is_tidy(self, study):
        table = study.to_pandas()
        columns = ["layer", "class", "epoch", "labels", "measure", "value"]
        assert table.columns.tolist() == columns
        keys = ["layer", "class", "epoch", "labels", "measure"]
        assert not table.duplicated(keys).any()
        assert set(table["measure"]) == set(MEASURES)

    def test_it_holds_every_figure_once(self, study):
        table = study.to_pandas()
        own = table[table["epoch"].isna()].set_index(
            ["layer", "class", "labels", "measure"]
        )["value"]
        layer = study.layers[1]
        found = own["hidden2", "", "true", "fisher_ratio"]
        assert found == layer.measures.values["fisher_ratio"]
        found = own["hidden2", "8", "true", "probe_recall"]
        assert found == layer.probe_recall[8]
        found = own["hidden2", "4 | 9", "true", "separation"]
        assert found == layer.separation[4, 9]
        found = own["input", "", "shuffled", "probe_accuracy"]
        assert found == study.input.shuffled.values["probe_accuracy"]
        first = table[(table["epoch"] == 0) & (table["measure"] == "fisher_ratio")]
        assert first["layer"].tolist() == ["hidden1", "hidden2", "output"]

    def test_figures_without_meaning_are_nan(self):
        nothing = Measures({"silhouette": float("nan")}, {}, {}, {})
        assert np.isnan(nothing.summary()["values"]["silhouette"])


class TestSimilarity:
    def test_a_study_with_itself(self, study):
        between = similarity_between(study, study)
        for form, matrix in study.similarity.items():
            assert np.diagonal(matrix) == pytest.approx(1, abs=1e-12)
            assert matrix == pytest.approx(matrix.T, abs=1e-12)
            assert between[form] == pytest.approx(matrix, abs=1e-12)

    def test_biased_cka_by_gram_matrices(self, study, on_test):
        centre = np.eye(len(on_test[0])) - 1 / len(on_test[0])
        first, second = (centre @ on_test[i] for i in (1, 2))
        first, second = first @ first.T, second @ second.T
        expected = np.vdot(first, second) / (
            np.linalg.norm(first) * np.linalg.norm(second)
        )
        assert study.similarity["biased"][1, 2] == pytest.approx(expected, rel=1e-9)

    def test_networks_of_other_widths(self, study, digits):
        other = lw.fit(lw.MLP([9]), digits, epochs=2, engine="eager").network
        matrix = similarity_between(study, lw.inspect(other, digits))["debiased"]
        assert matrix.shape == (4, 3)
        assert matrix[0, 0] == pytest.approx(1, abs=1e-9)

    def test_other_samples_are_refused(self, study, trained, digits):
        other = lw.inspect(trained, digits.validation, fit_on=digits.train)
        with pytest.raises(InputError, match="made of different samples"):
            similarity_between(study, other)


class Halves(TransformerMixin, BaseEstimator):
    """The means of the first and of the second half of the units."""

    def fit(self, rows, labels):
        self.fitted_ = len(rows), len(labels)
        return self

    def transform(self, rows):
        half = rows.shape[1] // 2
        return np.stack([rows[:, :half].mean(1), rows[:, half:].mean(1)], axis=1)


class TestTransformer:
    def test_it_is_fitted_on_the_stated_sample_and_shows_the_others(
        self, trained, digits, on_test
    ):
        study = lw.inspect(trained, digits, transformer=Halves())
        for layer, rows in zip(study, on_test, strict=True):
            expected = Halves().transform(rows)
            assert np.abs(layer.planes["Halves"] - expected).max() < 1e-4
            assert 0 < layer.measures.values["Halves_trustworthiness"] <= 1

    @pytest.mark.slow("long trainings")
    def test_one_without_transform_is_fitted_on_what_it_shows(self, trained, digits):
        model = TSNE(perplexity=5, max_iter=250, random_state=0, init="random")
        study = lw.inspect(trained, digits, transformer=model)
        assert study.input.planes["TSNE"].shape == (len(digits.test), 2)

    def test_the_one_given_stays_unfitted(self, trained, digits):
        given = PCA(2)
        lw.inspect(trained, digits, transformer=given)
        assert not hasattr(given, "components_")


class TestDegenerate:
    """Where data leave a measure without meaning, the study still comes to an end."""

    @pytest.mark.parametrize(
        "case", ["one of a class", "constant", "more units", "equal classes", "two"]
    )
    def test_it_ends(self, case):
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(60, 5))
        targets = np.arange(60) % 3
        if case == "one of a class":
            targets = np.where(np.arange(60) == 7, 2, np.arange(60) % 2)
        elif case == "constant":
            inputs[:, 1:] = 1.0
        elif case == "more units":
            inputs = rng.normal(size=(60, 200))
        elif case == "equal classes":
            inputs = np.repeat(rng.normal(size=(20, 5)), 3, axis=0)
        elif case == "two":
            targets = np.arange(60) % 2
        samples = lw.Samples(inputs, targets)
        data = lw.Dataset.from_arrays(inputs, np.arange(60) % len(set(targets)))
        network = lw.model.initial_network(lw.MLP([4]), data)
        study = lw.inspect(network, samples, fit_on=samples)
        for layer in study:
            values = layer.measures.values
            assert 0 <= values["probe_accuracy"] <= 1
            assert 0 <= values["nearest_mean_accuracy"] <= 1
        assert len(study.to_pandas())
