"""Nearest rows, against scikit-learn's."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from layerwise.errors import InputError
from layerwise.statistics import _neighbours, nearest_columns, nearest_rows


@pytest.mark.parametrize("queries", [1, 300])
@pytest.mark.parametrize("count", [1, 7])
def test_against_scikit_learn(queries, count):
    rng = np.random.default_rng(0)
    rows, asked = rng.normal(size=(500, 20)), rng.normal(size=(queries, 20))
    model = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(rows)
    expected = model.kneighbors(asked, return_distance=False)
    assert np.array_equal(nearest_rows(asked, rows, count), expected)


def test_all_rows_where_more_are_asked_for():
    rows = np.array([[0.0], [5], [1]])
    assert nearest_rows(np.array([[0.9], [4]]), rows, 9).tolist() == [
        [2, 0, 1],
        [1, 2, 0],
    ]


@pytest.mark.parametrize("offset", [0, 1000])
def test_in_single_precision(offset):
    rng = np.random.default_rng(1)
    rows, asked = (
        (rng.normal(size=(n, 10)) + offset).astype(np.float32) for n in (300, 200)
    )
    exact = nearest_rows(asked.astype(np.float64), rows.astype(np.float64), 1)
    assert np.array_equal(nearest_rows(asked, rows, 1, "fast"), exact)


@pytest.mark.parametrize("offset", [0, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tight_clusters_far_from_each_other(dtype, offset):
    """Within a ten-thousandth of the distance between them."""
    rng = np.random.default_rng(4)
    centres = np.repeat(1000 * rng.integers(-9, 9, size=(20, 8)), 15, axis=0)
    rows = (centres + rng.normal(size=centres.shape) + offset).astype(dtype)
    own = rows.astype(np.longdouble)
    squares = np.sum((own[:, None] - own) ** 2, axis=2)
    expected = np.argsort(squares, axis=1, kind="stable")[:, :11]
    assert np.array_equal(nearest_rows(rows, rows, 11), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16])
def test_of_any_dtype(dtype):
    rows = np.random.default_rng(5).integers(0, 200, size=(90, 4)).astype(dtype)
    expected = nearest_rows(rows.astype(float), rows.astype(float), 5)
    for precision in ("exact", "fast"):
        assert np.array_equal(nearest_rows(rows, rows, 5, precision), expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_what_is_not_finite_is_told(bad):
    rows = np.ones((5, 2))
    spoilt = rows.copy()
    spoilt[3, 1] = bad
    for queries, among in ((spoilt, rows), (rows, spoilt)):
        with pytest.raises(InputError, match=r"^rows hold numbers that are not finite"):
            nearest_rows(queries, among, 1)


@pytest.mark.parametrize(("rows", "queries"), [(7, 256), (1, 1), (100, 3)])
def test_blocks_change_nothing(monkeypatch, rows, queries):
    points = np.random.default_rng(0).integers(0, 3, size=(50, 2)).astype(float)
    whole = nearest_rows(points, points, 9)
    monkeypatch.setattr(_neighbours, "ROWS", rows)
    monkeypatch.setattr(_neighbours, "QUERIES", queries)
    assert np.array_equal(nearest_rows(points, points, 9), whole)


def test_of_equally_near_ones_the_first():
    points = np.zeros((40, 1))
    assert (nearest_rows(points, points, 5) == np.arange(5)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_equally_near_in_whole_numbers_stays_so(dtype):
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 17, size=(400, 20)) + 1000
    squares = np.sum((rows[:, None] - rows) ** 2, axis=2)
    assert len(np.unique(squares[0])) < 390
    expected = np.argsort(squares, axis=1, kind="stable")[:, :9]
    rows = rows.astype(dtype)
    assert np.array_equal(nearest_rows(rows, rows, 9), expected)


def test_nothing_asked():
    rows = np.ones((3, 2))
    assert nearest_rows(rows, rows[:0], 2).shape == (3, 0)
    assert nearest_rows(rows[:0], rows, 2).shape == (0, 2)
    assert nearest_rows(rows, rows, 0).shape == (3, 0)


@pytest.mark.parametrize("kinds", [1, 2, 20, 1000])
@pytest.mark.parametrize("columns", [1, 5, 64, 65, 200])
@pytest.mark.parametrize("count", [1, 5, 70, 300])
def test_columns_are_those_of_a_stable_sort(columns, count, kinds):
    distances = np.random.default_rng(2).integers(0, kinds, size=(30, columns)) / 4
    expected = np.argsort(distances, axis=1, kind="stable")[:, :count]
    assert np.array_equal(nearest_columns(distances, count), expected)
