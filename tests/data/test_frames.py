"""Data frames as users have them: bool, nullable, dates, text."""

import datetime as dt

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import layerwise as lw
from layerwise.data import Dataset, numbers_of
from layerwise.errors import InputError
from layerwise.model import initial_network

Y = np.arange(40) % 2
SIZES = np.linspace(1, 5, 40)


def test_dummies_beside_numbers():
    towns = pd.DataFrame({"size": SIZES, "town": ["a", "b"] * 20})
    data = Dataset.from_arrays(pd.get_dummies(towns), Y)
    assert data.feature_names == ("size", "town_a", "town_b")
    assert data.train.inputs.dtype == np.float64
    np.testing.assert_array_equal(data.train.inputs[:, 0], SIZES[data.train.rows])


@pytest.mark.parametrize("kind", ["Int64", "boolean", "Float32", "UInt8", "object"])
def test_nullable_columns(kind):
    values = pd.Series(Y.astype(bool) if kind == "boolean" else Y).astype(kind)
    frame = pd.DataFrame({"size": SIZES, "n": values})
    data = Dataset.from_arrays(frame, Y)
    np.testing.assert_array_equal(data.train.inputs[:, 1], Y[data.train.rows])


DAY = dt.date(2026, 1, 5)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["a", "b"] * 20, ("odd = a", "odd = b")),
        (pd.Categorical(["a", "b"] * 20), ("odd = a", "odd = b")),
        (pd.date_range("2026", periods=40), ("odd year", "odd month", "odd weekday")),
        ([DAY] * 40, ("odd year", "odd month", "odd weekday")),
        (pd.array([1, None] * 20, dtype="Int64"), ("odd", "odd (missing)")),
        ([[1, 2]] * 40, ()),
    ],
)
def test_columns_of_other_kinds_become_inputs(values, names):
    frame = pd.DataFrame({"size": SIZES, "flag": Y == 1, "odd": values})
    data = Dataset.from_arrays(frame, Y)
    assert data.feature_names == ("size", "flag", *names)
    told = "Column 'odd' is left out: it holds lists, and numpy.stack makes rows"
    assert bool(names) != (told in str(data.notes))


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (["a", "b"] * 20, r"column 'odd' holds text: encode it as numbers"),
        (pd.date_range("2026", periods=40), "column 'odd' holds dates"),
        ([DAY] * 40, "column 'odd' holds dates"),
        ([[1, 2]] * 40, "column 'odd' holds lists: give the array of"),
        ([np.ones(2)] * 40, "column 'odd' holds lists: give the array of"),
        (pd.Categorical(["a", "b"] * 20), "column 'odd' holds text"),
    ],
)
def test_where_numbers_are_wanted_a_column_without_is_named(values, line):
    frame = pd.DataFrame({"size": SIZES, "flag": Y == 1, "odd": values})
    with pytest.raises(InputError, match=line):
        numbers_of(frame, "inputs")


def test_true_false_and_nothing_are_numbers_where_they_are_wanted():
    odd = pd.Series([True, False, None, 2] * 10, dtype=object)
    found = numbers_of(pd.DataFrame({"size": SIZES, "odd": odd}), "inputs")
    np.testing.assert_array_equal(found[:4, 1], [1, 0, np.nan, 2])


def test_polars_too():
    frame = pl.DataFrame({"size": SIZES, "flag": Y == 1})
    assert Dataset.from_arrays(frame, Y).feature_names == ("size", "flag")
    with pytest.raises(InputError, match="column 'town' holds text"):
        numbers_of(frame.with_columns(town=pl.lit("a")), "inputs")


EMBEDDED = {"vector": [[1.0, 2.0, 3.0]] * 40, "y": [0, 1] * 20}


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame(EMBEDDED),
        pd.DataFrame({**EMBEDDED, "vector": [np.ones(3)] * 40}),
        pl.DataFrame(EMBEDDED),
        pl.DataFrame({**EMBEDDED, "vector": np.ones((40, 3))}),
        pa.table(EMBEDDED),
        datasets.Dataset.from_dict(EMBEDDED),
    ],
    ids=["pandas", "arrays", "polars", "polars arrays", "arrow", "hugging face"],
)
def test_lists_alone_are_no_inputs_of_a_frame_and_that_says_what_to_do(given):
    line = r"no column is left .*'vector': .* numpy.stack makes rows .*from_arrays\)$"
    for make in (Dataset.of, Dataset.from_frame):
        with pytest.raises(InputError, match=line):
            make(given, target="y")
    rows = np.stack([np.asarray(one) for one in EMBEDDED["vector"]])
    assert Dataset.from_arrays(rows, Y).shape == (3,)


def test_a_network_of_arrays_names_the_column_of_lists():
    data = Dataset.from_arrays(np.ones((40, 3)) * Y[:, None], Y)
    network = initial_network(lw.MLP([4]), data)
    with pytest.raises(InputError, match=r"^inputs: column 'vector' holds lists: give"):
        network.predict(pd.DataFrame(EMBEDDED))


def test_a_dataset_of_another_library_is_named_in_full(unchecked):
    other = type("Dataset", (), {"__module__": "datasets.arrow_dataset"})()
    line = r"layerwise.Dataset, not on a datasets.Dataset: .*from_arrays"
    with pytest.raises(InputError, match=line):
        lw.fit(lw.MLP([4]), other)
