"""PCA as a scikit-learn estimator: agreement, likelihood, streaming, memory."""

import gzip
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn import decomposition
from sklearn.base import clone
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


def test_without_variance_there_is_no_likelihood():
    rows = np.column_stack([table(), np.ones(200)])
    with pytest.raises(ValueError, match="directions without variance"):
        PCA().fit(rows).score(rows)
    whitened = PCA(whiten=True).fit_transform(rows)
    assert np.isfinite(whitened).all()


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


def test_more_features_than_rows():
    pca = PCA().fit(table(4, 9))
    assert pca.components_.shape == (4, 9)
    assert pca.explained_variance_[3] < 1e-14 * pca.explained_variance_[0]


def test_one_row_has_no_variance():
    pca = PCA().fit(np.ones((1, 3)))
    assert pca.explained_variance_.tolist() == [0]
    assert pca.transform(np.ones((1, 3))).tolist() == [[0]]


@pytest.mark.parametrize("wrong", [0, 7, -1, 0.0, 1.0, 1.5, "mle"])
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
