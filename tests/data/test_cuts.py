"""Rows by the values and ranges of each column."""

import numpy as np
import pandas as pd
import pytest

from layerwise.data import Dataset, cuts

ROWS = 500


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, ROWS).astype(float),
            "rooms": rng.integers(1, 5, ROWS),
            "town": rng.choice(["Ulm", "Köln", "Bonn"], ROWS),
            "member": rng.choice(["yes", "no"], ROWS),
            "since": pd.date_range("2019-01-07", periods=ROWS),
            "y": np.arange(ROWS) % 2,
        }
    )
    frame.loc[::9, "age"] = np.nan
    frame.loc[::11, "town"] = None
    frame.loc[::13, "member"] = None
    frame.loc[:3, "town"] = "Rust"
    return frame


@pytest.fixture(scope="module")
def found(frame):
    data = Dataset.from_frame(frame, "y")
    own = [*cuts(data.columns, data.train.inputs, data.test.inputs)]
    return data, {cut.column: cut for cut in own}


def test_each_row_has_the_value_that_it_has_in_the_table(found, frame):
    data, by_name = found
    test = frame.iloc[data.test.rows]
    for name, column in (("rooms", test.rooms), ("member", test.member)):
        cut = by_name[name]
        said = [cut.values[code] for code in cut.codes]
        assert said == ["is missing" if pd.isna(v) else f"is {v}" for v in column]
    town = by_name["town"]
    assert town.values == (
        'is missing', 'is "Bonn"', 'is "Köln"', 'is "Ulm"',
        *(["is a rare value"] if data.columns.columns[2].others else []),
        "is none of the training values",
    )  # fmt: skip
    for code, value in zip(town.codes, test.town, strict=True):
        if value in ("Bonn", "Köln", "Ulm"):
            assert town.values[code] == f'is "{value}"'


def test_numbers_of_many_values_are_cut_at_the_quartiles_of_training(found, frame):
    data, by_name = found
    cut = by_name["age"]
    training = frame.age.iloc[data.train.rows].dropna()
    low, middle, high = np.quantile(training, [0.25, 0.5, 0.75], method="higher")
    assert cut.values == (
        f"below {low:g}", f"from {low:g} to below {middle:g}",
        f"from {middle:g} to below {high:g}", f"{high:g} or more", "is missing",
    )  # fmt: skip
    age = frame.age.iloc[data.test.rows].to_numpy()
    expected = np.select(
        [np.isnan(age), age < low, age < middle, age < high], [4, 0, 1, 2], 3
    )
    assert np.array_equal(cut.codes, expected)


def test_dates_are_cut_by_their_parts(found, frame):
    data, by_name = found
    since = frame.since.iloc[data.test.rows]
    for part in ("year", "month"):
        cut = by_name[f"since {part}"]
        said = [cut.values[code] for code in cut.codes]
        assert said == [f"is {value}" for value in getattr(since.dt, part)]


def test_what_was_not_there_in_training_is_told(found):
    data, _ = found
    rows = data.train.inputs[:2].copy()
    places = data.columns.places
    rows[0, places["town"]] = 0
    rows[1, places["rooms"]] = 77
    by_name = {c.column: c for c in cuts(data.columns, data.train.inputs, rows)}
    town = by_name["town"]
    assert town.values[town.codes[0]] == "is none of the training values"
    assert by_name["rooms"].codes[1] == -1


def test_a_column_is_not_missing_for_being_called_so():
    called = {"days (missing)": np.arange(ROWS) % 3, "y": np.arange(ROWS) % 2}
    data = Dataset.from_frame(pd.DataFrame(called), "y")
    (cut,) = cuts(data.columns, data.train.inputs, data.test.inputs)
    assert cut.values[:3] == ("is 0", "is 1", "is 2")
    assert np.array_equal(cut.codes, data.test.inputs[:, 0])
