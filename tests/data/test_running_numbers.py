"""What numbers the rows is no feature: Parquet's index, a column of row numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from layerwise.data import Dataset, load, open_rows

pytest.importorskip("pyarrow")

ROWS = 300
NOISE = pd.DataFrame(
    np.random.default_rng(0).normal(size=(ROWS, 3)).astype(np.float32),
    columns=list("abc"),
).assign(label=np.repeat([0, 1, 2], ROWS // 3))


@pytest.mark.parametrize("name", [None, "id"])
@pytest.mark.parametrize("folder", [False, True])
def test_the_index_of_parquet_is_left_out_and_said(name, folder, tmp_path: Path):
    shuffled = NOISE.rename_axis(name).sample(frac=1, random_state=0)
    shuffled.to_parquet(tmp_path / "f.parquet")
    data = load(tmp_path if folder else tmp_path / "f.parquet")
    assert data.feature_names == ("a", "b", "c")
    said, _ = data.remarks
    assert said.startswith(f"Column '{name or '__index_level_0__'}' is left out")


def test_an_index_of_floats_is_none_of_the_rows_either(tmp_path):
    frame = NOISE.set_index(np.linspace(0, 1, ROWS))
    frame.to_parquet(tmp_path / "f.parquet")
    assert open_rows(tmp_path / "f.parquet").columns == ("a", "b", "c")


def test_labels_in_the_index_stay_labels(tmp_path):
    NOISE.set_index("label").to_parquet(tmp_path / "f.parquet")
    data = load(tmp_path / "f.parquet")
    assert data.classes == 3
    assert data.remarks == ("Column 'label' is taken for the labels.",)


@pytest.mark.parametrize("said", [b"no json", b"[]", b'{"index_columns": [1, null]}'])
def test_hostile_metadata_are_passed_over(said, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(NOISE, preserve_index=False)
    pq.write_table(
        table.replace_schema_metadata({b"pandas": said}), tmp_path / "f.parquet"
    )
    assert load(tmp_path / "f.parquet").feature_names == ("a", "b", "c")


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
@pytest.mark.parametrize("first", [0, 1, 1000])
def test_a_running_number_that_gives_labels_away_is_said(dtype, first):
    frame = NOISE.assign(row=np.arange(first, first + ROWS).astype(dtype))
    frame = frame.sample(frac=1, random_state=0)
    data = Dataset.from_arrays(frame.drop(columns="label"), frame.label)
    (said,) = (one for one in data.remarks if "numbers the rows" in one)
    assert said.startswith("Column 'row' numbers the rows and gives the labels away")
    assert "the label changes 2 times" in said


def test_one_that_gives_nothing_away_is_not():
    labels = np.random.default_rng(0).permutation(NOISE.label)
    frame = NOISE.drop(columns="label").assign(row=np.arange(ROWS))
    assert Dataset.from_arrays(frame, labels).remarks == ()


def test_features_that_are_no_running_numbers_are_not():
    rng = np.random.default_rng(0)
    frame = NOISE.assign(
        income=np.sort(rng.integers(0, 90_000, ROWS)),
        age=np.sort(rng.integers(0, 90, ROWS)),
    )
    said = Dataset.from_arrays(frame.drop(columns="label"), NOISE.label).remarks
    assert not any("numbers the rows" in one for one in said)
