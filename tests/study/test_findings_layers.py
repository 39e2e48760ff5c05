"""Findings on the activations: collapses built, pictures counted again."""

from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.data import Scaling
from layerwise.model import MLP
from layerwise.study.findings._layers import alike, collapse, picture


def collapsed_study(width):
    """Of a network that passes on its inputs: four corners of a simplex, this wide."""
    unchanged = {"W": np.eye(4), "b": np.zeros(4)}
    scaling = Scaling("none", np.zeros(()), np.ones(()))
    names = tuple(f"c{i}" for i in range(4))
    parameters = ((unchanged, ()), (unchanged,))
    network = lw.Network(MLP([4]), parameters, (4,), names, scaling)
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(4), 100)
    corners = 5 + np.eye(4)
    inputs = corners[targets] + width * rng.normal(size=(400, 4))
    return lw.inspect(network, lw.Samples(inputs, targets))


class TestCollapse:
    def test_it_is_reached(self):
        (found,) = collapse(collapsed_study(0.05))
        evidence = found.evidence
        # Three directions of variance 0.05² within, 1/4 between, over four classes.
        expected = 3 * 0.05**2 / (1 / 4) / 4
        assert evidence["collapse_within"] == pytest.approx(expected, rel=0.1)
        assert evidence["collapse_nearest_mean"] == 0
        assert found.headline.startswith("Neural collapse is reached in hidden1 (NC1 ")

    def test_where_it_is_not_reached_nothing_is_said(self):
        study = collapsed_study(0.3)
        assert study.hidden[-1].measures.values["collapse_within"] > 0.1
        assert not list(collapse(study))

    @pytest.mark.parametrize(
        ("name", "highest"),
        [
            ("collapse_within", 0.1),
            ("collapse_norms", 0.1),
            ("collapse_angles", 0.1),
            ("collapse_nearest_mean", 0.01),
        ],
    )
    def test_every_sign_counts(self, with_values, name, highest):
        study = collapsed_study(0.05)
        hidden, output = study.layers
        for value, reached in ((highest, True), (highest + 1e-9, False)):
            layers = (with_values(hidden, **{name: value}), output)
            assert len(list(collapse(replace(study, layers=layers)))) == reached

    def test_what_is_not_known_is_not_judged(self, study, with_values):
        hidden1, hidden2, output = study.layers
        unknown = with_values(hidden2, collapse_nearest_mean=float("nan"))
        assert not list(collapse(replace(study, layers=(hidden1, unknown, output))))
        values = dict(hidden2.measures.values)
        del values["collapse_nearest_mean"]
        none = replace(hidden2, measures=replace(hidden2.measures, values=values))
        assert not list(collapse(replace(study, layers=(hidden1, none, output))))

    def test_without_a_hidden_layer(self, study):
        assert not list(collapse(replace(study, layers=study.layers[-1:])))


class TestAlike:
    def similar(self, study, value):
        matrix = np.full((4, 4), 0.99)
        matrix[1, 2] = matrix[2, 1] = value
        return replace(study, similarity={"debiased": matrix, "biased": matrix})

    def test_only_neighbouring_hidden_layers_count(self, study):
        assert not list(alike(self.similar(study, 0.97)))
        (found,) = alike(self.similar(study, 0.981))
        assert found.evidence["similarity"] == {"hidden1 and hidden2": 0.981}
        assert found.headline == "hidden1 and hidden2 are nearly identical (CKA 0.981)"

    def test_it_is_the_debiased_one(self, study):
        alone = self.similar(study, 0.97)
        biased = {**alone.similarity, "biased": np.ones((4, 4))}
        assert not list(alike(replace(alone, similarity=biased)))

    def test_of_many_the_most_alike_are_named(self, study):
        hidden, output = study.layers[0], study.layers[-1]
        layers = [replace(hidden, name=f"hidden{i}") for i in range(1, 11)]
        matrix = np.eye(12)
        for i, value in enumerate(
            [0.99, 0.985, 0.999, 0.98, 0.997, 0.995, 0.9, 0.991, 1]
        ):
            matrix[i + 1, i + 2] = value
        similarity = {"debiased": matrix, "biased": matrix}
        deep = replace(study, layers=(*layers, output), similarity=similarity)
        (found,) = alike(deep)
        assert found.text.startswith(
            "8 pairs of layers are nearly identical (CKA at least 0.98). "
            "hidden3 and hidden4 (0.999); hidden5 and hidden6 (0.997); "
            "hidden6 and hidden7 (0.995); hidden8 and hidden9 (0.991); "
            "hidden9 and hidden10 (1); 3 more. A linear CKA of 1 means equal"
        )
        assert len(found.evidence["similarity"]) == 8
        assert found.evidence["others"] == 3


class TestPicture:
    def test_neighbours_are_counted(self, study):
        """By scikit-learn's search, sample by sample."""
        from sklearn.neighbors import NearestNeighbors

        def nearest(rows):
            search = NearestNeighbors(n_neighbors=10).fit(rows)
            return search.kneighbors(return_distance=False)

        (found,) = picture(study)
        layer = study.layers[-2]
        place = {position: i for i, position in enumerate(study.shown)}
        drawn = [place[position] for position in study.sampled]
        inside = nearest(layer.sample)
        for name, kept in found.evidence["kept"].items():
            near = nearest(layer.planes[name][drawn])
            common = [len({*a} & {*b}) for a, b in zip(inside, near, strict=True)]
            assert kept == pytest.approx(np.mean(common), abs=1e-9)
        assert 2 < found.evidence["kept"]["components"] < 9

    def test_only_the_sampled_are_compared(self, study):
        """Every other sample is stated; what else is shown plays no part."""
        some = study.sampled[1::2]
        layers = tuple(replace(x, sample=x.sample[1::2]) for x in study.layers)
        (found,) = picture(replace(study, sampled=some, layers=layers))
        whole = next(picture(study)).evidence["kept"]
        assert found.evidence["samples"] == len(some)
        assert found.evidence["kept"]["components"] > whole["components"]

    def test_a_plane_of_its_own_keeps_all(self, study):
        layer = study.layers[-2]
        flat = layer.planes["components"][np.isin(study.shown, study.sampled)]
        padded = np.pad(flat, ((0, 0), (0, layer.units - 2)))
        layers = (study.layers[0], replace(layer, sample=padded), study.layers[-1])
        (found,) = picture(replace(study, layers=layers))
        assert found.evidence["kept"]["components"] == 10
        assert found.evidence["kept"]["discriminants"] < 10

    def test_what_loses_nothing_or_is_not_known(self, study, with_values):
        hidden1, hidden2, output = study.layers
        unknown = with_values(hidden2, trustworthiness=float("nan"))
        for layer in (replace(hidden2, units=2), unknown):
            assert not list(picture(replace(study, layers=(hidden1, layer, output))))
