"""Nearest rows, against scikit-learn's."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from layerwise.statistics import nearest_rows


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
    assert np.array_equal(nearest_rows(asked, rows, 1), exact)
