"""PCA as a scikit-learn estimator: agreement, likelihood, streaming, memory."""

import gzip
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn import decomposition
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from layerwise.estimators import PCA
from layerwise.statistics import Moments

FITTED = ["components_", "mean_", "explained_variance_", "explained_variance_ratio_"]


def table(count=200, units=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, units)) @ rng.normal(size=(units, units)) + 3


@pytest.mark.parametrize("n_components", [None, 1, 3, 6, 0.5, 0.9, 0.9999])
def test_agrees_with_scikit_learn(n_components):
    rows = table()
    ours, theirs = (
        PCA(n_components).fit(rows),
        decomposition.PCA(n_components).fit(rows),
    )
    for name in [*FITTED, "singular_values_"]:
        expected = getattr(theirs, name)
        error = np.abs(getattr(ours, name) - expected).max()
        assert error < 1e-12 * np.abs(expected).max(), name
    assert ours.n_components_ == theirs.n_components_
    assert ours.n_samples_ == theirs.n_samples_
    assert np.abs(ours.transform(rows) - theirs.transform(rows)).max() < 1e-11
    assert ours.noise_variance_ == pytest.approx(theirs.noise_variance_, rel=1e-11)
    for name in ("get_covariance", "get_precision"):
        expected = getattr(theirs, name)()
        error = np.abs(getattr(ours, name)() - expected).max()
        assert error < 1e-10 * np.abs(expected).max(), name
    expected = theirs.score_samples(rows)
    assert np.abs(ours.score_samples(rows) - expected).max() < 1e-9
    assert ours.score(rows) == pytest.approx(theirs.score(rows), rel=1e-11)


@pytest.mark.parametrize("n_components", [None, 2, 0.9])
def test_whitened_coordinates_have_variance_one(n_components):
    rows = table()
    ours = PCA(n_components, whiten=True).fit(rows)
    theirs = decomposition.PCA(n_components, whiten=True).fit(rows)
    whitened = ours.transform(rows)
    assert np.abs(whitened - theirs.transform(rows)).max() < 1e-10
    assert np.abs(np.cov(whitened.T) - np.eye(ours.n_components_)).max() < 1e-12
    back = ours.inverse_transform(whitened)
    assert np.abs(back - theirs.inverse_transform(whitened)).max() < 1e-11


def test_whitening_is_no_part_of_the_likelihood():
    rows = table()
    plain, whitened = PCA(2).fit(rows), PCA(2, whiten=True).fit(rows)
    assert np.array_equal(plain.score_samples(rows), whitened.score_samples(rows))
    assert np.array_equal(plain.get_covariance(), whitened.get_covariance())


def test_likelihood_is_that_of_the_normal_distribution():
    rows = table()
    normal = stats.multivariate_normal(rows.mean(axis=0), np.cov(rows.T))
    found = PCA().fit(rows).score_samples(rows)
    assert np.abs(found - normal.logpdf(rows)).max() < 1e-10


@pytest.mark.parametrize("n_components", [None, 3, 2])
def test_where_a_direction_has_no_variance_the_others_have_the_density(n_components):
    """As scipy's degenerate normal distribution; scikit-learn inverts what has none."""
    rows = np.column_stack([table(200, 3), np.ones(200), table(200, 3) @ [1, 2, 3]])
    pca = PCA(n_components).fit(rows)
    if n_components == 2:
        assert np.isfinite(pca.score(rows))  # the rest is noise
        return
    normal = stats.multivariate_normal(
        rows.mean(axis=0), np.cov(rows.T), allow_singular=True
    )
    assert np.abs(pca.score_samples(rows) - normal.logpdf(rows)).max() < 1e-9
    elsewhere = rows + np.array([0, 0, 0, 1, 0])
    assert pca.score_samples(elsewhere).tolist() == [-np.inf] * 200
    pipeline = make_pipeline(StandardScaler(), PCA(n_components)).fit(rows)
    assert np.isfinite(pipeline.score(rows))
    whitened = PCA(whiten=True).fit_transform(rows)
    assert np.isfinite(whitened).all()


def test_without_any_variance_rows_are_on_the_point_or_not():
    pca = PCA().fit(np.ones((5, 3)))
    assert pca.score_samples([[1, 1, 1], [1, 1, 2]]).tolist() == [0, -np.inf]


def test_wide_rows_that_were_fitted_have_a_likelihood():
    rows = table(20, 100)
    pca = PCA().fit(rows)
    assert np.isfinite(pca.score(rows))
    assert PCA(5).fit(rows).score(rows) == pytest.approx(
        decomposition.PCA(5, svd_solver="full").fit(rows).score(rows), rel=1e-9
    )


def test_equals_float64_svd():
    rows = table(50, 8)
    centred = rows - rows.mean(axis=0)
    U, S, Vt = np.linalg.svd(centred, full_matrices=False)
    pca = PCA().fit(rows)
    assert np.abs(pca.singular_values_**2 - S**2).max() < 1e-13 * S[0] ** 2
    signs = np.sign(Vt[np.arange(8), np.abs(Vt).argmax(axis=1)])
    assert np.abs(pca.components_ - signs[:, None] * Vt).max() < 1e-10
    assert np.abs(PCA().fit_transform(rows) - U * S * signs).max() < 1e-10


@pytest.mark.parametrize("dtype", [np.float64, np.uint8])
def test_batches_give_what_all_rows_give(dtype):
    rows = (table(300) * 5 + 100).clip(0, 255).astype(dtype)
    whole, streamed = PCA(3).fit(rows), PCA(3)
    for batch in np.split(rows, [1, 2, 40, 250]):
        streamed.partial_fit(batch)
    for name in FITTED:
        error = np.abs(getattr(whole, name) - getattr(streamed, name)).max()
        assert error < 1e-12 * np.abs(getattr(whole, name)).max(), name
    assert streamed.n_samples_ == 300


def test_fit_starts_anew():
    rows = table()
    again = PCA(2).partial_fit(rows + 100).fit(rows)
    assert again.n_samples_ == 200
    assert np.array_equal(again.mean_, PCA(2).fit(rows).mean_)


def test_all_components_bring_the_rows_back():
    rows = table()
    pca = PCA().fit(rows)
    back = pca.inverse_transform(pca.transform(rows))
    assert np.abs(back - rows).max() < 1e-12


def test_two_fits_merge():
    rows = table()
    left, right = PCA().fit(rows[:70]), PCA().fit(rows[70:])
    merged = left.moments_.merge(right.moments_)
    assert np.abs(merged.covariance - np.cov(rows.T)).max() < 1e-12


@pytest.mark.parametrize("n_components", [None, 0, 1, 5, 29, 30, 0.5, 0.99])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_more_features_than_rows(n_components, dtype):
    rows = (table(30, 90) * 5 + 100).clip(0, 255).astype(dtype)
    ours = PCA(n_components).fit(rows)
    theirs = decomposition.PCA(n_components, svd_solver="full")
    theirs.fit(rows.astype(np.float64))
    assert ours.n_components_ == theirs.n_components_
    real = slice(0, min(ours.n_components_, 29))
    for name in [*FITTED, "singular_values_"]:
        found, expected = (getattr(model, name)[real] for model in (ours, theirs))
        if name == "mean_":
            found, expected = ours.mean_, theirs.mean_
        assert found.shape == expected.shape
        error = np.abs(found - expected).max(initial=0)
        assert error <= 1e-10 * np.abs(expected).max(initial=0), name
    kept = ours.components_
    assert np.abs(kept @ kept.T - np.eye(len(kept))).max(initial=0) < 1e-12
    assert ours.noise_variance_ == pytest.approx(theirs.noise_variance_, rel=1e-10)


def test_wide_rows_take_no_square_of_the_features():
    rows = np.random.default_rng(0).normal(size=(20, 20_000))
    tracemalloc.start()
    try:
        pca = PCA(3).fit(rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * rows.nbytes  # 3.2 MB each; a square of features is 3.2 GB
    back = PCA().fit(rows)
    found = back.inverse_transform(back.transform(rows))
    assert np.abs(found - rows).max() < 1e-10
    assert pca.explained_variance_[0] == pytest.approx(back.explained_variance_[0])


def test_wide_rows_far_from_zero_lose_nothing():
    rows = table(10, 30)
    near, far = PCA(3).fit(rows), PCA(3).fit(rows + 2.0**26)
    assert np.abs(near.components_ - far.components_).max() < 1e-6


def test_a_wide_fit_goes_on_in_parts_and_merges():
    rows = table(50, 30)
    parts = PCA(3).fit(rows[:20]).partial_fit(rows[20:])
    whole = PCA(3).fit(rows)
    for name in FITTED:
        error = np.abs(getattr(parts, name) - getattr(whole, name)).max()
        assert error < 1e-11 * np.abs(getattr(whole, name)).max(), name
    left, right = PCA().fit(rows[:20]), PCA().fit(rows[20:])
    merged = left.moments_.merge(right.moments_)
    assert np.abs(merged.covariance - np.cov(rows.T)).max() < 1e-10


def test_wide_rows_whose_squares_overflow_are_refused_like_others():
    for shape in ((3, 9), (9, 3)):
        rows = np.random.default_rng(0).normal(size=shape) * 1e200
        with pytest.raises(ValueError, match="squares overflow"):
            PCA().fit(rows)


@pytest.mark.parametrize("n_components", [None, 2, 0.8])
@pytest.mark.parametrize("shape", [(200, 12), (12, 200)])
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix])
def test_sparse_rows_are_rows(n_components, shape, kind):
    rows = np.random.default_rng(0).poisson(0.3, shape).astype(float)
    ours = PCA(n_components).fit(kind(rows))
    same = PCA(n_components).fit(rows)
    for name in [*FITTED, "singular_values_"]:
        assert np.array_equal(getattr(ours, name), getattr(same, name)), name
    assert np.array_equal(ours.transform(kind(rows)), same.transform(rows))
    assert np.array_equal(ours.score_samples(kind(rows)), same.score_samples(rows))
    if n_components == 2:
        theirs = decomposition.PCA(2, svd_solver="arpack", random_state=0)
        expected = theirs.fit(sparse.csr_array(rows)).explained_variance_
        assert np.abs(ours.explained_variance_ / expected - 1).max() < 1e-9


def test_sparse_rows_are_filled_in_block_by_block(monkeypatch):
    monkeypatch.setattr("layerwise.estimators._sparse.BLOCK_NUMBERS", 70)
    rows = np.random.default_rng(0).poisson(0.3, (60, 7)).astype(float)
    parts = PCA(3).partial_fit(sparse.csr_array(rows[:30]))
    parts.partial_fit(sparse.csr_array(rows[30:]))
    whole = PCA(3).fit(rows)
    assert np.abs(parts.components_ - whole.components_).max() < 1e-12
    assert (
        np.abs(parts.transform(sparse.csr_array(rows)) - whole.transform(rows)).max()
        < 1e-12
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rank", [1, 3, 7])
def test_the_likeliest_number_is_that_of_scikit_learn(seed, rank):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(150, rank)) @ rng.normal(size=(rank, 8))
    rows += 0.1 * rng.normal(size=rows.shape)
    ours, theirs = PCA("mle").fit(rows), decomposition.PCA("mle").fit(rows)
    assert ours.n_components_ == theirs.n_components_ == rank
    assert ours.noise_variance_ == pytest.approx(theirs.noise_variance_)


def test_the_likeliest_number_of_other_tables():
    for data in (load_iris(), load_wine(), load_breast_cancer()):
        theirs = decomposition.PCA("mle", svd_solver="full").fit(data.data)
        assert PCA("mle").fit(data.data).n_components_ == theirs.n_components_
    with pytest.raises(ValueError, match="'mle': 4 rows are fewer than 9 features"):
        PCA("mle").fit(table(4, 9))


def test_no_components_are_noise_alone():
    rows = table()
    ours, theirs = PCA(0).fit(rows), decomposition.PCA(0, svd_solver="full").fit(rows)
    assert ours.transform(rows).shape == theirs.transform(rows).shape == (200, 0)
    assert ours.noise_variance_ == pytest.approx(theirs.noise_variance_)
    assert ours.score(rows) == pytest.approx(theirs.score(rows))
    assert np.abs(ours.inverse_transform(np.empty((2, 0))) - rows.mean(0)).max() < 1e-12


def test_a_share_that_is_just_reached_is_not_enough():
    """Variances 4, 2, 1, 1: exact, so that 0.5, 0.75 and 0.875 are cumulative."""
    rows = np.concatenate([np.diag([2.0, 2**0.5, 1, 1]), -np.diag([2.0, 2**0.5, 1, 1])])
    for wanted in (0.4, *PCA().fit(rows).explained_variance_ratio_.cumsum()[:3]):
        theirs = decomposition.PCA(wanted, svd_solver="covariance_eigh").fit(rows)
        ours = PCA(float(wanted)).fit(rows)
        assert ours.n_components_ == theirs.n_components_


@pytest.mark.parametrize("solver", ["auto", "full", "covariance_eigh", "randomized"])
def test_takes_the_arguments_of_scikit_learn(solver):
    arguments = {"svd_solver": solver, "random_state": 0, "copy": False}
    arguments |= {"tol": 0.0, "iterated_power": 7, "n_oversamples": 10}
    ours = PCA(2, **arguments).fit(table())
    theirs = decomposition.PCA(2, **arguments | {"copy": True}).fit(table())
    assert np.abs(ours.components_ - theirs.components_).max() < 1e-6
    assert set(decomposition.PCA().get_params()) == set(ours.get_params())
    with pytest.raises(ValueError, match="svd_solver is 'qr': give one of 'auto'"):
        PCA(svd_solver="qr").fit(table())


def test_one_row_has_no_variance():
    pca = PCA().fit(np.ones((1, 3)))
    assert pca.explained_variance_.tolist() == [0]
    assert pca.transform(np.ones((1, 3))).tolist() == [[0]]


@pytest.mark.parametrize("wrong", [7, -1, 0.0, 1.0, 1.5, "all"])
def test_n_components_out_of_range_is_named(wrong):
    with pytest.raises(ValueError, match=f"n_components is {wrong!r}: "):
        PCA(wrong).fit(table())


def test_names_its_outputs_and_works_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), clone(PCA(2))).fit(table())
    assert pipeline.get_feature_names_out().tolist() == ["pca0", "pca1"]
    framed = PCA(2).set_output(transform="pandas").fit_transform(table())
    assert framed.columns.tolist() == ["pca0", "pca1"]


def test_says_when_it_is_not_fitted():
    with pytest.raises(NotFittedError):
        PCA().transform(table())
    with pytest.raises(NotFittedError):
        PCA().inverse_transform(table())


def test_memory_does_not_grow_with_the_number_of_rows(tmp_path):
    rows = np.lib.format.open_memmap(
        tmp_path / "rows.npy", "w+", np.uint8, (400_000, 32)
    )
    rows[::2] = np.arange(32)
    tracemalloc.start()
    try:
        pca = PCA(2).fit(rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert pca.n_samples_ == 400_000
    assert peak < 2_000_000  # the rows are 12.8 MB, 102 MB as float64


@pytest.mark.slow("long trainings")
def test_mnist_equals_float64_svd():
    folder = os.environ.get("LAYERWISE_DATA")
    if not folder:
        pytest.skip("LAYERWISE_DATA does not name a folder with mnist in it")
    file = Path(folder) / "mnist" / "train-images-idx3-ubyte.gz"
    pixels = np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=16)
    images = pixels.reshape(60_000, 784)
    pca = PCA().fit(images)

    whole = images.astype(np.float64)
    about = whole - whole[0]
    # Whole numbers below 2**53: this product is exact too.
    assert np.array_equal(Moments.of(images).scatter, about.T @ about)
    singular = np.linalg.svd(whole - whole.mean(axis=0), compute_uv=False)
    expected = singular**2 / 59_999
    error = np.abs(pca.explained_variance_ - expected).max()
    assert error <= 1e-9 * expected[0]
