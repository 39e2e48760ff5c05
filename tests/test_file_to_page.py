"""From files as people have them to a page, and from the same files to predictions.

The tables are those that packages ship.
"""

import csv
import json
import subprocess
import sys
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np
import palmerpenguins
import pandas as pd
import pytest
from PIL import Image
from scipy.io import savemat
from sklearn import datasets as sklearn_sets

import layerwise as lw
from layerwise.cli import main
from layerwise.study import load_study

VEGA = files("vega_datasets") / "_data"
KINDS = files("sklearn.datasets") / "data"
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


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


TABLES = {
    "missing values and text": (3, 15),
    "a date": (5, 7),
    "few rows, free text": (2, 25),
    "no line of names, gzip": (10, 64),
    "semicolons and decimal commas": (3, 13),
    "categories in Parquet": (5, 4),
    "100 classes": (100, 5),
    "three samples in a class": (3, 30),
    "more columns than rows": (2, 200),
}
"""How many classes each has, and how many inputs it makes."""


@pytest.mark.parametrize("name", TABLES)
def test_a_real_table_is_read_with_its_target_alone(name, tmp_path):
    path, target = made(name, tmp_path)
    data = lw.load(str(path), target=target)
    assert (data.classes, *data.shape) == TABLES[name]
    assert all(len(part) for part in (data.train, data.validation, data.test))
    network = lw.fit(lw.MLP([4]), data, epochs=1, seed=0, engine="eager").network
    assert network.columns == data.columns


CLASSES = ("<b>bold", "lily of the valley", "rosé")
"""Of pictures."""


def run(folder: Path, path: Path, *options: str) -> Path:
    """What `layerwise run` makes of a file."""
    out = folder / "run"
    quick = ["--epochs", "2", "--hidden", "8", "--snapshots", "0"]
    assert main(["run", str(path), *options, *quick, "--out", str(out)]) == 0
    return out


def predicted(run: Path, path: Path) -> list[dict[str, str]]:
    out = run / "predictions.csv"
    assert main(["predict", str(run), str(path), "--out", str(out)]) == 0
    with out.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def check_predictions(run: Path, found: list[dict[str, str]]) -> None:
    """Predictions of the test samples are what the run said of them, to the bit."""
    study, _ = load_study(run / "study.safetensors")
    assert len(found) == len(study.predictions)
    assert [row["prediction"] for row in found] == [
        study.class_names[place] for place in study.predictions
    ]
    confidence = np.array([row["probability"] for row in found], np.float32)
    np.testing.assert_array_equal(confidence, study.confidence)
    if "right" in found[0]:
        right = sum(row["right"] == "true" for row in found)
        summary = json.loads((run / "summary.json").read_text("utf-8"))
        assert right / len(found) == summary["accuracy"]


@pytest.mark.slow("whole runs")
@pytest.mark.parametrize("name", TABLES)
def test_a_real_table_goes_to_a_page_and_to_predictions(name, tmp_path):
    path, target = made(name, tmp_path)
    out = run(tmp_path, path, "--target", target)
    data = lw.load(path, target=target)
    # What was done to each column is on the page and in the summary.
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    page = (out / "report.html").read_text("utf-8").replace("\u202f", " ")
    listed = summary["data"]["columns"]["columns"]
    assert [one["name"] for one in listed] == [c.name for c in data.columns.columns]
    assert len(listed) >= 2
    for one, column in zip(listed, data.columns.columns, strict=True):
        assert (one["kind"], one["done"]) == (column.kind, column.done)
        assert f'<th scope="row">{escape(one["name"])}</th>' in page
        assert f"<td>{escape(column.done)}</td>" in page
    for name_of_class in data.class_names:
        assert escape(name_of_class) in page
    rows = predicted(out, path)
    study, _ = load_study(out / "study.safetensors")
    check_predictions(out, [rows[row] for row in study.origins.rows])


def save_pictures(folder: Path, kind: str, each: int = 14) -> None:
    rng = np.random.default_rng(len(str(folder)))
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for place in range(each):
            shape = (8, 10) if kind == "grey" else (6 + place % 4, 8 + place % 5, 3)
            picture = rng.normal(60 + 60 * number, 20, shape).clip(0, 255)
            ending = "png" if kind == "grey" else "jpg"
            path = folder / name / f"{place:02}.{ending}"
            Image.fromarray(picture.astype(np.uint8)).save(path)


@pytest.mark.slow("whole runs")
@pytest.mark.parametrize("kind", ["grey", "colour", "sets"])
def test_pictures_go_to_a_page_and_to_predictions(kind, tmp_path):
    pictures = tmp_path / "pictures"
    if kind == "sets":
        for part, each in (("train", 14), ("val", 6), ("test", 6)):
            save_pictures(pictures / part, "grey", each)
    else:
        save_pictures(pictures, kind)
    out = run(tmp_path, pictures)
    page = (out / "report.html").read_text("utf-8")
    assert "<b>bold" not in page
    assert all(escape(name) in page for name in CLASSES)
    rows = {row["file"]: row for row in predicted(out, pictures)}
    study, _ = load_study(out / "study.safetensors")
    origins = study.origins
    test = [pictures / origins.file(place) for place in range(len(origins))]
    check_predictions(out, [rows[str(path)] for path in test])


def arrays(form: str, folder: Path) -> tuple[Path, list[str]]:
    """Digits in a file of this form, and what is said of it."""
    digits = sklearn_sets.load_digits()
    X, y = digits.data[:400].astype(np.uint8), digits.target[:400]
    if form == "pixels":
        table = pd.DataFrame(X, columns=[f"pixel{place}" for place in range(64)])
        table.insert(0, "label", y)
        table.to_csv(folder / "train.csv", index=False)
        return folder / "train.csv", []
    if form == "npz":
        np.savez(folder / "a.npz", pictures=X, digit=y)
        return folder / "a.npz", []
    if form == "pair":
        np.save(folder / "inputs.npy", X)
        np.save(folder / "y.npy", y)
        said = ["--labels", str(folder / "y.npy"), "--shape", "8x8"]
        return folder / "inputs.npy", said
    savemat(folder / "a.mat", {"seen": X.reshape(-1, 8, 8), "digit": y[:, None]})
    return folder / "a.mat", []


@pytest.mark.slow("whole runs")
@pytest.mark.parametrize("form", ["pixels", "npz", "pair", "matlab"])
def test_arrays_go_to_a_page_and_to_predictions(form, tmp_path):
    path, said = arrays(form, tmp_path)
    out = run(tmp_path, path, *said)
    assert "pixels" in (out / "report.html").read_text("utf-8")
    rows = predicted(out, path)
    study, _ = load_study(out / "study.safetensors")
    check_predictions(out, [rows[row] for row in study.origins.rows])


@pytest.mark.slow("large data")
def test_a_million_rows_fit_into_memory(tmp_path):
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import tables
    finally:
        sys.path.pop(0)
    tables.write(tmp_path / "t.csv", 1_000_000)
    command = [sys.executable, tables.__file__, "prepare", str(tmp_path / "t.csv")]
    done = subprocess.run(command, check=True, capture_output=True)
    assert json.loads(done.stdout)["GiB"] < 1.5
