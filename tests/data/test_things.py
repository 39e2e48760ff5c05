"""What other libraries call a data set: Hugging Face's, torch's, frames, pairs."""

import numpy as np
import pandas as pd
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
    ],
)
def test_what_makes_no_data_set_is_told(thing, line):
    with pytest.raises(InputError, match=line):
        Dataset.of(thing)
