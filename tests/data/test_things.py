"""What other libraries call a data set: Hugging Face's, torch's, frames, pairs."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image

import layerwise as lw
from layerwise.data import Dataset
from layerwise.errors import InputError

datasets = pytest.importorskip("datasets")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)), np.arange(60) % 3


def hugging_face(columns, **kinds):
    made = datasets.Dataset.from_dict(columns)
    for name, kind in kinds.items():
        made = made.cast_column(name, kind)
    return made


TABLE = {"size": X[:, 0].tolist(), "town": ["a", "b"] * 30, "label": Y.tolist()}
NAMED = datasets.ClassLabel(names=["low", "mid", "high"])


def test_columns_of_hugging_face():
    data = Dataset.of(hugging_face(TABLE, label=NAMED))
    assert data.class_names == ("low", "mid", "high")
    assert data.feature_names == ("size", "town = a", "town = b")
    assert np.array_equal(data.test.targets, Y[data.test.rows])
    assert np.array_equal(data.test.inputs[:, 0], X[data.test.rows, 0].astype("f4"))


def test_sets_of_hugging_face():
    split = hugging_face(TABLE, label=NAMED).train_test_split(18, seed=0)
    split["dev"] = split["test"]
    data = Dataset.of(split)
    assert [len(p) for p in (data.train, data.validation, data.test)] == [42, 18, 18]
    assert np.array_equal(data.test.targets, split["test"]["label"])


def test_pictures_of_hugging_face(tmp_path):
    pictures = [Image.fromarray(np.full((6, 5), 4 * n, np.uint8)) for n in range(60)]
    held = hugging_face({"image": pictures, "label": Y.tolist()}, label=NAMED)
    held.to_parquet(tmp_path / "p.parquet")
    for data in (Dataset.of(held), lw.load(tmp_path / "p.parquet")):
        assert (data.shape, data.class_names[0]) == ((6, 5), "low")
        assert np.array_equal(data.test.inputs[:, 0, 0], 4 * data.test.rows)


def test_a_data_set_of_torch():
    tensors = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    data = Dataset.of(tensors)
    expected = Dataset.from_arrays(X, Y)
    assert np.array_equal(data.test.inputs, expected.test.inputs)
    assert np.array_equal(data.test.targets, expected.test.targets)
    result = lw.fit(lw.MLP([4]), tensors, epochs=1, seed=0, engine="eager")
    assert result.network.shape == (4,)


def test_training_studies_and_predictions_take_them_all():
    frame = pd.DataFrame(TABLE)
    things = [frame, pl.from_pandas(frame), hugging_face(TABLE, label=NAMED)]
    network = lw.fit(lw.MLP([4]), things[0], epochs=1, seed=0, engine="eager").network
    expected = network.predict_proba(frame)
    for thing in things:
        assert np.array_equal(network.predict_proba(thing), expected)
        data = Dataset.of(thing, columns=network.columns)
        assert lw.inspect(network, thing).accuracy == lw.inspect(network, data).accuracy
    assert np.array_equal(network.predict_proba(frame.iloc[3]), expected[3:4])
    assert network.predict_proba(frame[:0]).shape == (0, 3)
    tensors = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    network = lw.fit(lw.MLP([4]), tensors, epochs=1, seed=0, engine="eager").network
    assert np.array_equal(network.predict_proba(tensors), network.predict_proba(X))
    module = torch.nn.Linear(4, 3, dtype=torch.float64)
    expected = lw.inspect(module, (X, Y)).accuracy
    assert lw.inspect(module, tensors).accuracy == expected


@pytest.mark.usefixtures("unchecked")
def test_what_cannot_be_predicted_is_told():
    network = lw.fit(
        lw.MLP([4]), pd.DataFrame(TABLE), epochs=1, seed=0, engine="eager"
    ).network
    for rows, line in [
        ([[1.0, "a"]], "give numbers, or rows by column names"),
        ([{"size": 1.0, "town": "a"}, {"size": 1.0}], "row 1 .* has no 'town', which"),
        (None, "NoneType makes no data set"),
        ("new.csv", "new.csv: files and folders are for layerwise.load"),
    ]:
        with pytest.raises(InputError, match=line):
            network.predict(rows)
    with pytest.raises(InputError, match="target is no name of a column: give one"):
        Dataset.from_frame(pd.DataFrame(TABLE), pd.Series(Y))


def test_frames_pairs_and_our_own():
    data = Dataset.of((X, Y))
    assert Dataset.of(data) is data
    frame = pd.DataFrame(TABLE)
    assert Dataset.of(frame).columns == Dataset.from_frame(frame).columns


@pytest.mark.parametrize(
    ("thing", "line"),
    [
        (iter([]), "makes no data set"),
        (torch.utils.data.TensorDataset(torch.tensor(X)), "item 0 is a tuple: give"),
        ([("text", 1)], "the input of item 0 has shape"),
        ([(np.ones(2), 1), (np.ones(3), 1)], "the input of item 1 has shape"),
        ([], "there are no rows"),
        ({"test": hugging_face(TABLE)}, "give a mapping with train"),
        (hugging_face(TABLE).to_iterable_dataset(), "is a stream without an end"),
        ({"X": X}, "has X: give a mapping with train"),
        ("churn.csv", "churn.csv: files and folders are for layerwise.load"),
    ],
)
def test_what_makes_no_data_set_is_told(thing, line):
    with pytest.raises(InputError, match=line):
        Dataset.of(thing)
