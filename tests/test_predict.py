"""`layerwise predict`, and a network's predictions for frames and rows by name."""

import csv
import gzip
import json
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from scipy.io import savemat

import layerwise as lw
from layerwise.cli import main
from layerwise.model import load_network


def frame(rows: int = 600, seed: int = 0) -> pd.DataFrame:
    """Customers, whose town and age tell whether they stay."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, rows).round(1)
    town = rng.choice(["York", "Leeds", "Hull"], rows)
    months = pd.to_datetime(rng.integers(1_300, 1_700, rows) * 10**6, unit="s")
    found = pd.DataFrame(
        {
            "customer": [f"u{n}" for n in range(rows)],
            "town": town,
            "age": np.where(rng.random(rows) < 0.05, np.nan, age),
            "member": rng.choice(["yes", "no"], rows),
            "joined": months.strftime("%Y-%m-%d"),
        }
    )
    found["answer"] = np.where((age > 42) | (town == "Hull"), "stays", "<b>leaves</b>")
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder with a table and a run on it."""
    folder = tmp_path_factory.mktemp("predict")
    frame().to_csv(folder / "table.csv", index=False)
    data, out = str(folder / "table.csv"), str(folder / "run")
    options = ["--target", "answer", "--hidden", "12", "--epochs", "40"]
    assert main(["train", data, *options, "--out", out]) == 0
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("digits") / "run"
    assert (
        main(["train", "digits", "--hidden", "16", "--epochs", "4", "--out", str(out)])
        == 0
    )
    return out


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def predict(trained: Path, data: str | Path, *options: str) -> int:
    return main(["predict", str(trained / "run"), str(data), *options])


def written(path: str | Path = "predictions.csv") -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def scored(run: Path) -> tuple[np.ndarray, np.ndarray, lw.Dataset]:
    """The run's own probabilities of its test samples, and where these stand."""
    data = lw.load(str(run.parent / "table.csv"), target="answer")
    network = load_network(run)
    return (
        network.predict_proba(data.test.inputs),
        np.asarray(data.test.where.rows),
        data,
    )


def test_a_table_gets_what_the_run_itself_gave(trained, folder, capsys):
    assert (
        main(
            [
                "predict",
                str(trained / "run"),
                str(trained / "table.csv"),
                "--probabilities",
            ]
        )
        == 0
    )
    rows = written()
    assert [int(row["row"]) for row in rows] == list(range(600))
    expected, places, data = scored(trained / "run")
    names = data.class_names
    for probabilities, place in zip(expected, places, strict=True):
        row = rows[place]
        assert [np.float32(row[f"p({name})"]) for name in names] == list(probabilities)
        assert row["prediction"] == names[probabilities.argmax()]
        assert np.float32(row["probability"]) == probabilities.max()
    answers = frame()["answer"]
    assert [row["label"] for row in rows] == list(answers)
    right = np.mean([row["prediction"] == row["label"] for row in rows])
    assert {row["right"] for row in rows} == {"true", "false"}
    assert (
        f"accuracy {100 * right:.1f} % on 600 labelled rows" in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    "form", ["shuffled", "gz", "semicolons", "parquet", "unlabelled", "late"]
)
def test_every_form_of_a_table_gets_the_same(trained, folder, capsys, form):
    table = frame()
    predict(trained, trained / "table.csv")
    expected = [(row["prediction"], row["probability"]) for row in written()]
    data = folder / "new.csv"
    if form == "shuffled":
        table["colour"] = "red"
        table[["colour", *reversed(frame().columns)]].to_csv(data, index=False)
    elif form == "gz":
        data = folder / "new.csv.gz"
        data.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    elif form == "semicolons":
        table.to_csv(data, index=False, sep=";", decimal=",")
    elif form == "parquet":
        data = folder / "new.parquet"
        pq.write_table(
            pa.Table.from_pandas(table, preserve_index=False), data, row_group_size=100
        )
    elif form == "unlabelled":
        table.drop(columns=["answer", "customer"]).to_csv(data, index=False)
    else:
        # Whole numbers first, and nothing of a column that is missing here.
        order = np.argsort(table["age"] % 1, kind="stable").to_numpy()
        table.iloc[order].to_csv(data, index=False)
        expected = [expected[place] for place in order]
    capsys.readouterr()
    assert predict(trained, data, "--out", "other.csv") == 0
    found = [(row["prediction"], row["probability"]) for row in written("other.csv")]
    assert found == expected
    said = capsys.readouterr().out
    assert ("Not used, since not there in training: 'colour'." in said) == (
        form == "shuffled"
    )
    assert ("accuracy" in said) == (form != "unlabelled")


def test_what_is_accepted_follows_the_validation_set(trained, folder, capsys):
    options = ["--required-accuracy", "0.9", "--out", "kept.parquet"]
    assert predict(trained, trained / "table.csv", *options) == 0
    found = pq.read_table("kept.parquet")
    _, _, data = scored(trained / "run")
    study = lw.inspect(load_network(trained / "run"), data, required_accuracy=0.9)
    kept = np.asarray(found["accepted"])
    threshold = study.keepable.threshold
    np.testing.assert_array_equal(kept, np.asarray(found["probability"]) >= threshold)
    said = " ".join(capsys.readouterr().out.split())
    assert f"{kept.sum()} of 600 rows" in said


def test_nothing_is_accepted_where_nothing_can_be_promised(trained, folder, capsys):
    options = ["--required-accuracy", "0.9999"]
    assert predict(trained, trained / "table.csv", *options) == 0
    assert {row["accepted"] for row in written()} == {"false"}
    said = " ".join(capsys.readouterr().out.split())
    assert "no confidence threshold promises 99.99 % accuracy" in said


def test_json_is_printed_and_nothing_else(trained, folder, capsys):
    assert predict(trained, trained / "table.csv", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 600
    assert rows[3]["row"] == 3
    assert not list(folder.iterdir())


FORMS = {
    "some.npz": lambda path, X, y: np.savez(path, X=X, y=y),
    "pair.npz": lambda path, X, y: np.savez(path, seen=X, digit=y),
    "one.npz": lambda path, X, _: np.savez(path, pictures=X),
    "some.npy": lambda path, X, _: np.save(path, X),
    "flat.npy": lambda path, X, _: np.save(path, X.reshape(-1, 64)),
    "some-images-idx3-ubyte": lambda path, X, _: Path(path).write_bytes(
        np.array([0x803, *X.shape], ">u4").tobytes() + X.tobytes()
    ),
}


@pytest.mark.parametrize("data", ["digits", *FORMS])
def test_arrays(digits, folder, data, capsys):
    test = lw.load("digits").test
    expected = load_network(digits).predict_proba(test.inputs)
    labelled = data in ("digits", "some.npz", "pair.npz")
    if data in FORMS:
        FORMS[data](data, test.inputs, test.targets)
    assert main(["predict", str(digits), data]) == 0
    assert "predictions.csv; rows are counted from 0" in capsys.readouterr().out
    rows = written()
    assert rows[0]["row"] == "0"
    found = [np.float32(row["probability"]) for row in rows]
    np.testing.assert_array_equal(found, expected.max(axis=1))
    assert [int(row["prediction"]) for row in rows] == list(expected.argmax(axis=1))
    assert ("label" in rows[0]) == labelled
    if labelled:
        assert [int(row["label"]) for row in rows] == list(test.targets)


IN_MATLAB = {
    "rows first": lambda X: X,
    "rows last": lambda X: np.moveaxis(X, 0, -1),
    "columns": lambda X: X.reshape(-1, 64).T,
    "one picture": lambda X: X[0],
}


@pytest.mark.parametrize(
    ("form", "labelled"),
    [*product([*IN_MATLAB][:-1], [True, False]), ("one picture", False)],
)
def test_matlab(digits, folder, form, labelled):
    test = lw.load("digits").test
    held = IN_MATLAB[form](test.inputs)
    expected = load_network(digits).predict(test.inputs[: held.size // 64])
    labels = {"digit": test.targets * 1.0} if labelled else {}
    savemat("some.mat", {"seen": held, **labels})
    assert main(["predict", str(digits), "some.mat"]) == 0
    rows = written()
    assert [int(row["prediction"]) for row in rows] == list(expected)
    if labelled:
        assert [int(row["label"]) for row in rows] == list(test.targets)


@pytest.fixture(scope="module")
def shades(tmp_path_factory) -> Path:
    """A run on a folder of pictures, and that folder."""
    folder = tmp_path_factory.mktemp("shades")
    rng = np.random.default_rng(0)
    for name, grey in (("dark", 60), ("light", 190)):
        (folder / "all" / name).mkdir(parents=True)
        for place in range(40):
            picture = rng.normal(grey, 10, (6, 8)).clip(0, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / "all" / name / f"{place:02}.png")
    run = str(folder / "run")
    assert main(["train", str(folder / "all"), "--epochs", "5", "--out", run]) == 0
    return folder


@pytest.mark.parametrize("form", ["all", "one class", "unsorted", "one", "sets"])
def test_pictures(shades, folder, form):
    dark, light = shades / "all" / "dark", shades / "all" / "light"
    data = shades / "all"
    paths = [*sorted(dark.iterdir()), *sorted(light.iterdir())]
    names = ["dark"] * 40 + ["light"] * 40
    if form != "all":
        paths, names = paths[40:], names[40:]
    if form == "one class":
        data = folder / "new"
        shutil.copytree(light, data / "light")
    elif form == "unsorted":
        data = light
    elif form == "one":
        data, paths = paths[3], paths[3:4]
    elif form == "sets":
        data = folder / "new"
        shutil.copytree(shades / "all", data / "train")
        shutil.copytree(light, data / "test" / "light")
    pictures = np.stack([np.asarray(Image.open(path)) for path in paths])
    expected = load_network(shades / "run").predict_proba(pictures)
    assert main(["predict", str(shades / "run"), str(data)]) == 0
    rows = written()
    found = [np.float32(row["probability"]) for row in rows]
    np.testing.assert_array_equal(found, expected.max(axis=1))
    assert [Path(row["file"]).name for row in rows] == [path.name for path in paths]
    assert Path(rows[0]["file"]).is_file()
    labels = [row.get("label") for row in rows]
    assert labels == (
        names if form in ("all", "one class", "sets") else [None] * len(rows)
    )


def test_a_picture_beside_arrays_is_no_data(digits, folder):
    test = lw.load("digits").test
    np.save("X.npy", test.inputs)
    Image.fromarray(test.inputs[0]).save("plot.png")
    assert main(["predict", str(digits), "."]) == 0
    assert len(written()) == len(test)


def test_lists_in_parquet(folder):
    data = lw.load("iris")
    table = {"sepals": list(data.train.inputs), "label": data.train.targets}
    pq.write_table(pa.table(table), "iris.parquet")
    assert main(["train", "iris.parquet", "--epochs", "5", "--out", "run"]) == 0
    expected = load_network("run").predict_proba(data.train.inputs)
    pq.write_table(pa.table({"sepals": table["sepals"]}), "new.parquet")
    for name in ("iris.parquet", "new.parquet"):
        assert main(["predict", "run", name]) == 0
        found = written()
        assert [int(row["prediction"]) for row in found] == list(
            expected.argmax(axis=1)
        )
        assert ("label" in found[0]) == (name == "iris.parquet")


def test_rows_in_other_units_are_noticed(digits, folder, capsys):
    np.save("some.npy", lw.load("digits").test.inputs / 16)
    assert main(["predict", str(digits), "some.npy"]) == 0
    scaling = load_network(digits).scaling
    said = " ".join(capsys.readouterr().out.split())
    assert str(scaling.out_of_range(np.load("some.npy"))) in said


def test_frames_and_rows_by_name(trained):
    network = load_network(trained / "run")
    table = frame()
    expected = network.predict_proba(table)
    with pytest.warns(UserWarning, match="not there in training: 'colour'"):
        found = network.predict_proba(pl.from_pandas(table.assign(colour="red")))
    np.testing.assert_array_equal(found, expected)
    arrow = pa.Table.from_pandas(table[table.columns[::-1]], preserve_index=False)
    np.testing.assert_array_equal(network.predict_proba(arrow), expected)
    one = dict(table.iloc[5])
    np.testing.assert_array_equal(network.predict_proba(one), expected[5:6])
    rows = [dict(table.iloc[place]) for place in range(20)]
    np.testing.assert_array_equal(network.predict_proba(rows), expected[:20])
    names = network.predict(table, names=True)
    assert list(names) == [network.class_names[i] for i in network.predict(table)]
    strange = network.predict_proba({**one, "town": "Atlantis"})
    assert np.isfinite(strange).all()
    del one["age"]
    with pytest.raises(lw.InputError, match="has no column 'age'"):
        network.predict(one)


def broken(text: str):
    return lambda: Path("bad.csv").write_text(text)


HEAD = "town,age,member,joined\n"

WRONG = {
    "no file": (lambda: None, "bad.csv: no such file"),
    "lacks a column": (
        broken("town,age,member\nYork,3,yes\n"),
        "has no column 'joined', which the network was trained with",
    ),
    "a word for a number": (
        broken(HEAD + "York,3,yes,2020-01-01\nYork,old,yes,2020-01-01\n"),
        r"bad.csv: row 1, column 'age' \(counted from 0\) is 'old', not a number",
    ),
    "a word far behind": (
        broken(HEAD + "York,3,yes,2020-01-01\n" * 70_000 + "York,,yes,\nHull,x,no,\n"),
        r"row 70001, column 'age' \(counted from 0\) is 'x'",
    ),
    "no date": (broken(HEAD + "York,3,yes,soon\n"), "row 0, column 'joined'.*'soon'"),
    "dates written in two ways": (
        broken(HEAD + "York,3,yes,2020-01-01\n" * 3 + "York,3,yes,01.02.2020\n"),
        "row 3, column 'joined'.*'01.02.2020', not a date",
    ),
    "two columns of a name": (
        broken("town,age,age,member,joined\nYork,3,4,yes,2020-01-01\n"),
        "two columns are called 'age'",
    ),
    "a byte 0 far behind": (
        broken(HEAD + "York,3,yes,\n" * 9000 + "Yo\0rk,3,yes,\n"),
        "row 9000, column 'town' .* holds a byte 0",
    ),
    "neither yes nor no": (
        broken(HEAD + "York,3,perhaps,2020-01-01\n"),
        "row 0, column 'member'.*'perhaps'",
    ),
    "fields too many": (
        broken(HEAD + "York,3,yes,2020-01-01,5\n"),
        "line 2 has 5 fields where there are 4",
    ),
    "no rows": (broken(HEAD), "there are no rows"),
    "empty": (broken(""), "is empty"),
    "bytes": (lambda: Path("bad.csv").write_bytes(b"a,b\0\n"), "no text"),
}


def test_inspect_of_a_table_s_network_refuses_other_data(trained, folder, capsys):
    assert main(["inspect", str(trained / "run"), "digits"]) == 2
    assert "takes inputs of shape" in capsys.readouterr().err


@pytest.mark.parametrize("case", WRONG)
def test_wrong_tables_are_refused_in_one_line(trained, folder, capsys, case):
    make, expected = WRONG[case]
    make()
    before = sorted(folder.iterdir())
    assert predict(trained, "bad.csv") == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert re.search(expected, said)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere", "digits"], "nowhere: no such run: give its folder"),
        (["{run}", "some.npy"], "some.npy: rows have shape 5 where the network takes"),
        (["{run}", "number.npz"], "number.npz: rows have one number where the network"),
        (
            ["{run}", "iris"],
            "iris: rows have shape 4 where the network takes shape 8x8",
        ),
        (["some.npy", "digits"], "some.npy: not a safetensors file"),
        (["nothing", "digits"], "nothing: is no run, it lacks model.safetensors"),
        (["{run}", "digits", "--out", "nothing"], "give a .csv or a .parquet file"),
        (["{run}", "digits", "--out", "folder.csv"], "folder.csv: is a folder: name a"),
        (["{run}", "digits", "--out", "no/p.csv"], "no/p.csv: there is no folder no:"),
        (["{run}", "digits", "--out", "some.npy/p.csv"], "there is no folder some.npy"),
        (["{run}", "digits", "--out", "some.txt"], "give a .csv or a .parquet file"),
        (["{run}", "some.npy", "--out", "some.npy"], "is the data"),
        (["{run}", "digits", "--required-accuracy", "1"], "between 0 and 1"),
        (["{run}", "several.npz"], "call the array of the rows to predict X"),
        (
            ["{trained}", "digits"],
            "digits: the network was trained on a table with the",
        ),
        (["{trained}", "header.parquet"], "header.parquet: there are no rows: give"),
        (["{run}", "table.csv"], "is a table, and the network was trained on arrays"),
        (["{run}", "nothing"], "no data in this folder"),
    ],
)
def test_what_else_is_refused(digits, trained, folder, capsys, arguments, expected):
    frame(0).to_parquet("header.parquet")
    np.save("some.npy", np.zeros((3, 5)))
    np.savez("number.npz", X=3.0)
    np.savez("several.npz", a=np.zeros(3), b=np.zeros(3))
    Path("table.csv").write_text("a,b\n1,2\n")
    Path("nothing").mkdir()
    Path("folder.csv").mkdir()
    given = [one.format(run=digits, trained=trained / "run") for one in arguments]
    assert main(["predict", *given]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert expected in said


@pytest.mark.slow("large data")
def test_memory_does_not_grow_with_the_rows(trained, folder):
    """Of so many rows the text alone is 27 MB, and their inputs 43."""
    peaks = []
    for rows in (150_000, 600_000):
        frame(rows).to_csv("many.csv", index=False)
        code = (
            "import re, pathlib\n"
            "from layerwise.cli import main\n"
            f"main(['predict', {str(trained / 'run')!r}, 'many.csv'])\n"
            "status = pathlib.Path('/proc/self/status').read_text()\n"
            "print(re.search(r'VmHWM:\\s*(\\d+)', status)[1])\n"
        )
        said = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout
        assert f"{rows:,} rows predicted" in said
        peaks.append(int(said.split()[-1]) / 1024)
    assert peaks[1] - peaks[0] < 25, peaks
