"""Real tables of different kinds, as their packages ship them."""

from importlib.resources import files

import numpy as np
import palmerpenguins
import pandas as pd
import pytest
from sklearn import datasets as sklearn_sets

import layerwise as lw

VEGA = files("vega_datasets") / "_data"
KINDS = files("sklearn.datasets") / "data"


def saved(frame, folder, name, **how):
    """The table in a file of that name."""
    path = folder / name
    if name.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, **how)
    return path


def made(name, folder):  # noqa: C901, PLR0911 - a list of tables
    """A table's file, and the column of its labels."""
    if name == "missing values and text":
        return saved(palmerpenguins.load_penguins(), folder, "p.csv"), "species"
    if name == "a date":
        return VEGA / "seattle-weather.csv", "weather"
    if name == "few rows, free text":
        return VEGA / "la-riots.csv", "gender"
    if name == "no line of names, gzip":
        return KINDS / "digits.csv.gz", "column 65"
    if name == "semicolons and decimal commas":
        frame = sklearn_sets.load_wine(as_frame=True).frame
        return saved(frame, folder, "w.csv", sep=";", decimal=","), "target"
    if name == "categories in Parquet":
        frame = pd.read_csv(VEGA / "stocks.csv").astype({"symbol": "category"})
        return saved(frame, folder, "s.parquet"), "symbol"
    rng = np.random.default_rng(0)
    if name == "100 classes":
        frame = pd.DataFrame(rng.normal(size=(2000, 5)), columns=list("abcde"))
        return saved(frame.assign(kind=np.arange(2000) % 100), folder, "h.csv"), "kind"
    if name == "three samples in a class":
        frame = sklearn_sets.load_breast_cancer(as_frame=True).frame
        frame = frame.assign(kind=np.where(frame.target == 0, "bad", "good"))
        frame.loc[:2, "kind"] = "rare"
        return saved(frame.drop(columns="target"), folder, "b.csv"), "kind"
    frame = pd.DataFrame(rng.normal(size=(60, 200)))
    return saved(frame.assign(label=np.arange(60) % 2), folder, "m.csv"), "label"


@pytest.mark.parametrize(
    ("name", "classes", "inputs"),
    [
        ("missing values and text", 3, 15),
        ("a date", 5, 7),
        ("few rows, free text", 2, 25),
        ("no line of names, gzip", 10, 64),
        ("semicolons and decimal commas", 3, 13),
        ("categories in Parquet", 5, 4),
        ("100 classes", 100, 5),
        ("three samples in a class", 3, 30),
        ("more columns than rows", 2, 200),
    ],
)
def test_a_real_table_is_read_with_its_target_alone(name, classes, inputs, tmp_path):
    path, target = made(name, tmp_path)
    data = lw.load(str(path), target=target)
    assert (data.classes, data.shape) == (classes, (inputs,))
    assert all(len(part) for part in (data.train, data.validation, data.test))
    network = lw.fit(lw.MLP([4]), data, epochs=1, seed=0, engine="eager").network
    assert network.columns == data.columns
