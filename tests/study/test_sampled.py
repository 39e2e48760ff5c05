"""Measures on a stated sample, against brute force, scikit-learn and known cases."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings, strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import binom
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_samples
from sklearn.neighbors import NearestNeighbors

from layerwise.errors import InputError
from layerwise.study.measures import _sampled
from layerwise.study.measures._sampled import (
    Neighbourhood,
    bootstrap_interval,
    shuffled,
)


def by_position(distances, k):
    """Each row's k nearest others, the first of equally near ones first."""
    others = distances + np.diag(np.full(len(distances), np.inf))
    return np.argsort(others, axis=1, kind="stable")[:, :k]


class TestDistances:
    @pytest.mark.parametrize(("samples", "units"), [(300, 5), (40, 200), (131, 1)])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_against_differences(self, blobs, samples, units, dtype):
        rows = blobs(samples, units)[0].astype(dtype)
        found = Neighbourhood.of(rows).distances
        expected = cdist(rows.astype(float), rows.astype(float))
        # What is rounded is the squares, to their resolution beside the largest.
        bound = 2 * (units + 2) * np.finfo(float).eps * expected.max() ** 2
        assert found**2 == pytest.approx(expected**2, rel=0, abs=bound)
        assert np.array_equal(found, found.T)
        assert not found.diagonal().any()

    def test_an_offset_does_not_cancel(self, blobs):
        rows, _ = blobs(100, 7)
        far = Neighbourhood.of(rows + 1e6)
        # A number near 1e6 is itself rounded by 6e-11.
        expected = Neighbourhood.of(rows)
        assert far.distances == pytest.approx(expected.distances, abs=1e-9)
        assert np.array_equal(far.nearest, expected.nearest)

    @pytest.mark.parametrize("units", [1, 3, 100, 784])
    def test_duplicates_are_at_distance_zero(self, blobs, units):
        rows, _ = blobs(150, units)
        rows = np.concatenate([rows, rows[::-1], rows])
        near = Neighbourhood.of(rows)
        same = np.concatenate([np.arange(150), np.arange(150)[::-1], np.arange(150)])
        assert np.array_equal(near.distances == 0, same[:, None] == same)
        expected = [
            np.flatnonzero((same == s) & (np.arange(450) != i))
            for i, s in enumerate(same)
        ]
        assert np.array_equal(near.nearest[:, :2], expected)

    def test_one_row_far_away_does_not_blur_the_others(self, blobs):
        rows = np.array(blobs(50, 4)[0])
        rows[2] = rows[3] + 1e-3
        rows[7] = 1e5
        found = Neighbourhood.of(rows).distances
        assert found == pytest.approx(cdist(rows, rows), rel=5e-3)

    def test_what_cannot_be_measured_is_named(self):
        rows = np.zeros((5, 2))
        with pytest.raises(InputError, match=r"^there are no rows"):
            Neighbourhood.of(rows[:0])
        for value in (np.nan, -np.inf, 1e200):
            rows[3, 1] = value
            with pytest.raises(InputError, match=r"^row 3 holds numbers"):
                Neighbourhood.of(rows)


class TestNearest:
    def test_against_scikit_learn(self, blobs):
        rows, _ = blobs(400, 6)
        expected = NearestNeighbors(n_neighbors=10).fit(rows).kneighbors()[1]
        assert np.array_equal(Neighbourhood.of(rows).nearest, expected)

    @settings(max_examples=60, deadline=None)
    @given(st.integers(2, 150), st.integers(1, 4), st.integers(0, 10**6))
    def test_ties_go_to_the_first(self, half, side, seed):
        """Points of a grid and their negatives: the mean is 0, all products exact."""
        rng = np.random.default_rng(seed)
        rows = rng.integers(-side, side + 1, size=(half, 2)).astype(float)
        rows = rng.permutation(np.concatenate([rows, -rows]))
        near = Neighbourhood.of(rows)
        expected = by_position(cdist(rows, rows), min(10, len(rows) - 1))
        assert np.array_equal(near.nearest, expected)

    def test_sorted_by_class(self):
        """The nearest all lie side by side."""
        rows = np.repeat(np.arange(20.0), 30)[:, None] * 100
        rows = rows + np.random.default_rng(0).normal(size=(600, 3))
        near = Neighbourhood.of(rows)
        assert np.array_equal(near.nearest, by_position(cdist(rows, rows), 10))
        assert (near.nearest // 30 == np.arange(600)[:, None] // 30).all()

    @pytest.mark.parametrize("samples", [1, 2, 3, 10, 11, 12, 63, 64, 65, 127, 128])
    def test_few_samples(self, blobs, samples):
        rows, _ = blobs(samples, 3)
        k = min(10, samples - 1)
        near = Neighbourhood.of(rows).nearest
        assert np.array_equal(near, by_position(cdist(rows, rows), k))
        assert near.shape == (samples, k)

    @pytest.mark.parametrize("samples", [2, 11, 200])
    def test_constant_rows(self, samples):
        near = Neighbourhood.of(np.full((samples, 3), 0.1))
        assert not near.distances.any()
        zeros = np.zeros((samples, samples))
        assert np.array_equal(near.nearest, by_position(zeros, min(10, samples - 1)))


class TestPurity:
    @pytest.mark.parametrize("k", [1, 4, 10])
    def test_against_counting(self, blobs, k):
        rows, labels = blobs(120, 5)
        near = by_position(cdist(rows, rows), k)
        expected = [
            sum(labels[other] == label for other in others) / k
            for label, others in zip(labels, near, strict=True)
        ]
        assert np.array_equal(Neighbourhood.of(rows).purity(labels, k), expected)

    def test_ten_by_default(self, blobs):
        rows, labels = blobs(120, 5)
        near = Neighbourhood.of(rows)
        assert np.array_equal(near.purity(labels), near.purity(labels, 10))
        assert not np.array_equal(near.purity(labels), near.purity(labels, 9))

    def test_its_own_label_has_no_vote(self, blobs):
        rows, _ = blobs(30, 2)
        near = Neighbourhood.of(rows)
        assert not near.purity(np.arange(30)).any()
        assert (near.purity(np.zeros(30, int)) == 1).all()

    def test_fewer_others_than_asked_for(self):
        labels = np.array([0, 0, 1, 0])
        found = Neighbourhood.of(np.array([[0.0], [1], [3], [7]])).purity(labels)
        assert np.array_equal(found, [2 / 3, 2 / 3, 0, 2 / 3])
        two = Neighbourhood.of(np.array([[0.0], [1]]))
        assert np.array_equal(two.purity(np.array([0, 0])), [1, 1])
        assert np.array_equal(two.purity(np.array([0, 1])), [0, 0])

    def test_a_sample_alone(self):
        alone = Neighbourhood.of(np.ones((1, 3)))
        assert np.isnan(alone.purity(np.array([0]))).tolist() == [True]


class TestSilhouette:
    @pytest.mark.parametrize("units", [1, 5, 300])
    def test_against_scikit_learn(self, blobs, units):
        rows, labels = blobs(150, units)
        found = Neighbourhood.of(rows).silhouette(labels)
        expected = silhouette_samples(rows, labels)
        assert found == pytest.approx(expected, rel=0, abs=1e-12)
        assert found.dtype == np.float64

    def test_by_hand(self):
        rows = np.array([[0.0], [1], [4], [6]])
        found = Neighbourhood.of(rows).silhouette(np.array([5, 5, 2, 2]))
        expected = [1 - 1 / 5, 1 - 1 / 4, 1 - 2 / 3.5, 1 - 2 / 5.5]
        assert found == pytest.approx(expected, rel=1e-13)

    def test_a_class_of_one_has_zero(self, blobs):
        rows, _ = blobs(20, 3)
        labels = np.array([0] * 10 + [1] * 9 + [2])
        found = Neighbourhood.of(rows).silhouette(labels)
        assert found[-1] == 0
        assert found[:-1].all()

    def test_classes_that_cannot_be_compared(self, blobs):
        near = Neighbourhood.of(blobs(20, 3)[0])
        assert np.isnan(near.silhouette(np.full(20, 3))).all()
        assert np.array_equal(near.silhouette(np.arange(20)), np.zeros(20))
        two = Neighbourhood.of(np.array([[0.0], [1]]))
        assert np.array_equal(two.silhouette(np.array([0, 1])), [0, 0])
        assert np.isnan(two.silhouette(np.array([1, 1]))).all()
        assert np.isnan(Neighbourhood.of(np.ones((1, 2))).silhouette(np.array([0])))

    def test_constant_rows_are_neither_in_nor_out(self):
        near = Neighbourhood.of(np.full((12, 3), 7.0))
        assert np.array_equal(near.silhouette(np.arange(12) % 3), np.zeros(12))

    def test_equal_classes(self, blobs):
        """The same points in both classes: farther from the rest than from the other's,
        because every point's twin is the other's."""
        rows, _ = blobs(25, 3)
        labels = np.repeat([0, 1], 25)
        found = Neighbourhood.of(np.concatenate([rows, rows])).silhouette(labels)
        assert found == pytest.approx(np.full(50, 24 / 25 - 1), rel=1e-12)


class TestTrust:
    @pytest.mark.parametrize(("samples", "units"), [(150, 5), (60, 100), (500, 3)])
    @pytest.mark.parametrize("neighbours", [1, 5, 10])
    def test_against_scikit_learn(self, blobs, samples, units, neighbours):
        rows, _ = blobs(samples, units)
        near = Neighbourhood.of(rows)
        random = np.random.default_rng(1).normal(size=(samples, 2))
        for plane in (rows[:, :2], random, random.astype(np.float32)):
            exact = plane.astype(float)
            expected = [
                trustworthiness(a, b, n_neighbors=neighbours)
                for a, b in ((rows, exact), (exact, rows))
            ]
            found = near.trust(plane, neighbours)
            assert found == pytest.approx(expected, rel=0, abs=1e-12)

    def test_the_same_neighbours_are_worth_one(self, blobs):
        rows, _ = blobs(90, 2)
        near = Neighbourhood.of(rows)
        assert near.trust(rows) == (1, 1)
        assert near.trust(rows @ np.array([[0, -3.0], [3, 0]]) + 5) == (1, 1)

    def test_each_measure_sees_its_own_fault(self):
        """Flattened, far points become neighbours; torn, neighbours become far."""
        rng = np.random.default_rng(0)
        rows = np.stack([rng.uniform(0, 1, 300), np.arange(300) % 3 * 9.0], axis=1)
        flat = rows * [1, 0]
        trust, continuity = Neighbourhood.of(rows).trust(flat)
        assert trust < 0.85
        assert continuity > 0.95
        torn = Neighbourhood.of(flat).trust(rows)
        assert torn == (continuity, trust)

    def test_many_samples_are_a_draw_ranked_among_all(self, blobs, monkeypatch):
        rows, _ = blobs(800, 6)
        near = Neighbourhood.of(rows)
        found = near.trust(rows[:, :2])
        assert found == near.trust(rows[:, :2])
        monkeypatch.setattr(_sampled, "TRUST_SAMPLES", 800)
        every = near.trust(rows[:, :2])
        expected = trustworthiness(rows, rows[:, :2], n_neighbors=10)
        assert every[0] == pytest.approx(expected, rel=0, abs=1e-12)
        assert found == pytest.approx(every, abs=0.01)
        assert found != every

    @pytest.mark.parametrize(("samples", "k"), [(3, 1), (4, 1), (5, 2), (20, 9)])
    def test_fewer_neighbours_than_half_of_the_samples(self, blobs, samples, k):
        rows, _ = blobs(samples, 4)
        found = Neighbourhood.of(rows).trust(rows[:, 2:])
        expected = [
            trustworthiness(a, b, n_neighbors=k)
            for a, b in ((rows, rows[:, 2:]), (rows[:, 2:], rows))
        ]
        assert found == pytest.approx(expected, rel=0, abs=1e-12)

    @pytest.mark.parametrize("samples", [1, 2])
    def test_too_few_samples(self, samples):
        near = Neighbourhood.of(np.eye(2)[:samples])
        assert np.isnan(near.trust(np.eye(2)[:samples])).tolist() == [True, True]

    def test_rows_that_coincide(self):
        """They are all nearest to each other: no picture invents a neighbour, and one
        that tears them apart is not continuous."""
        near = Neighbourhood.of(np.ones((40, 3)))
        plane = np.random.default_rng(0).normal(size=(40, 2))
        trust, continuity = near.trust(plane)
        assert trust == 1
        assert continuity < 0.7
        assert near.trust(np.zeros((40, 2))) == (1, 1)
        apart = Neighbourhood.of(plane)
        trust, continuity = apart.trust(np.zeros((40, 2)))
        assert trust < 0.7
        assert continuity == 1


class TestBootstrap:
    @pytest.mark.parametrize("confidence", [0.5, 0.95])
    @pytest.mark.parametrize("hits", [20, 150, 396])
    def test_shares_against_the_binomial(self, hits, confidence):
        """The mean of n draws from hits and misses is binomial."""
        values = (np.arange(400) < hits).astype(float)
        found = bootstrap_interval(values, 0, confidence, draws=20_000)
        ends = [(1 - confidence) / 2, (1 + confidence) / 2]
        expected = binom.ppf(ends, 400, hits / 400) / 400
        # One success to either side: 20,000 draws leave the quantile that uncertain.
        assert found == pytest.approx(expected, abs=1.01 / 400)

    @pytest.mark.parametrize("count", [2, 7, 300])
    def test_against_scipys_of_the_same_draws(self, count):
        values = np.random.default_rng(5).normal(size=count)
        expected = scipy.stats.bootstrap(
            (values,),
            np.mean,
            n_resamples=1000,
            method="percentile",
            rng=np.random.default_rng(3),
        ).confidence_interval
        assert bootstrap_interval(values, 3) == pytest.approx(expected, rel=1e-13)

    def test_the_seed_decides(self):
        values = np.random.default_rng(0).normal(size=50)
        assert bootstrap_interval(values, 1) == bootstrap_interval(values, 1)
        assert bootstrap_interval(values, 1) != bootstrap_interval(values, 2)

    def test_nan_are_left_out(self):
        values = np.random.default_rng(0).normal(size=50)
        gaps = np.insert(values, [0, 7, 7, 50], np.nan)
        assert bootstrap_interval(gaps, 0) == bootstrap_interval(values, 0)

    def test_too_few_values(self):
        for values in ([], [np.nan, np.nan], [3.0], [np.nan, 3.0]):
            found = bootstrap_interval(np.array(values, float), 0)
            assert np.isnan(found).tolist() == [True, True]
        assert bootstrap_interval(np.array([0.0, 1.0]), 0) == (0, 1)

    def test_equal_values(self):
        assert bootstrap_interval(np.full(30, 0.25), 0) == (0.25, 0.25)


def test_shuffled_labels_are_the_same_ones():
    labels = np.repeat(np.array([0, 1, 5], np.int32), [3, 4, 93])
    labels.flags.writeable = False
    found = shuffled(labels, 0)
    assert np.array_equal(np.sort(found), labels)
    assert not np.array_equal(found, labels)
    assert np.array_equal(found, shuffled(labels, 0))
    assert not np.array_equal(found, shuffled(labels, 1))
