"""Files of ours that are well formed and wrong: one line that names file and place.

Hundreds of others, by chance: `test_mutations.py`.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from layerwise.cli import main
from layerwise.errors import DamagedError
from layerwise.experiment import Plan, open_run, read_summary, train
from layerwise.files import as_record, read_tensors, write_tensors
from layerwise.model import MLP
from layerwise.study import Counting, count_activations, load_counted, save_counted
from layerwise.training import Recipe


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Two trained runs."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("one", "other"):
        recipe = Recipe(epochs=1, engine="eager")
        plan = Plan("iris", architecture=MLP([3]), recipe=recipe)
        with open_run(plan, str(folder / name)) as run:
            train(run)
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def summary(runs):
    """The summary of the first, which is put right again."""
    path = runs / "one" / "summary.json"
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


@pytest.mark.parametrize(
    ("part", "key", "value", "said"),
    [
        (
            "training",
            "status",
            "asleep",
            "training.status: Invalid enum value 'asleep'",
        ),
        ("training", "seconds", "long", "training.seconds: Expected float, got str"),
        (
            "training",
            "test_accuracy",
            17,
            "training.test_accuracy: Expected float <= 1",
        ),
        ("training", "engine", "steam", "training.engine: there is no 'steam'"),
        ("training", "steps", -1, "training.steps: Expected int >= 0"),
        ("data", "scaling", 3, "data.scaling: Expected str, got int"),
        ("plan", "suspects", "ten", "plan: suspects: Expected int, got str"),
        ("plan", "colour", "red", "plan: there is no 'colour'"),
        ("plan", "recipe", {"epochs": -1}, "plan: recipe: epochs must be at least 1"),
        ("plan", "recipe", {"speed": 1}, "plan: there is no 'speed'"),
        ("network", None, None, "Object missing required field network"),
    ],
)
def test_a_summary(summary, runs, part, key, value, said, capsys):
    content = json.loads(summary.read_text())
    if key is None:
        del content[part]
    else:
        content[part][key] = value
    summary.write_text(json.dumps(content))
    with pytest.raises(DamagedError, match="not a run's summary") as caught:
        read_summary(runs / "one")
    assert said in str(caught.value)
    for command in (
        ["report", "one"],
        ["compare", "one", "other"],
        ["train", "--resume"],
    ):
        places = [
            str(runs / word) if word in ("one", "other") else word for word in command
        ]
        places += [str(runs / "one")] if command[-1] == "--resume" else []
        assert main(places) == 2
        assert said in capsys.readouterr().err


def test_an_accuracy_that_has_no_meaning_is_null(summary, runs, capsys):
    content = json.loads(summary.read_text())
    content["training"]["train_accuracy"] = None
    summary.write_text(json.dumps(content))
    assert main(["compare", str(runs / "one"), str(runs / "other"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["figures"]["train accuracy"][0] is None


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"a":' * 100_000, "NaN", "\udcff"], ids=range(6)
)
def test_a_summary_that_is_no_json(summary, runs, text):
    summary.write_text(text, errors="surrogateescape")
    with pytest.raises(DamagedError, match=r"summary\.json: not a run"):
        read_summary(runs / "one")


@pytest.mark.parametrize("field", ["a" * 200_000, "9" * 5000, "", "\0"], ids=range(4))
def test_a_history_with_a_field_that_is_none(runs, field, capsys):
    path = runs / "one" / "history.csv"
    before = path.read_text()
    head, first, *rest = before.splitlines()
    step, _, *others = first.split(",")
    path.write_text("\n".join([head, ",".join([step, field, *others]), *rest, ""]))
    try:
        assert main(["compare", str(runs / "one"), str(runs / "other")]) == 2
    finally:
        path.write_text(before)
    assert "history.csv: not a history: line " in capsys.readouterr().err


@pytest.fixture
def part(tmp_path) -> Path:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    counted = count_activations({"a": rows}, {"y": np.arange(60) % 3}, Counting())
    save_counted(counted, tmp_path / "part.safetensors")
    return tmp_path / "part.safetensors"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("positions.scored", lambda a: a[:-1], "targets.scored is int32"),
        ("positions.scored", lambda a: np.append(a, 10**6), "targets.scored is int32"),
        ("positions.scored", lambda a: a + 10**6, "positions of rows scored"),
        ("positions.fitted", lambda a: a[::-1], "positions of rows fitted"),
        ("targets.fitted", lambda a: a + 9, "rows fitted of classes that do not exist"),
        ("targets.fitted", lambda a: a.astype("f4"), "targets.fitted is float32"),
        ("combinations", lambda a: a + 1, "combinations of classes that do not exist"),
        ("combinations", lambda a: a[:0], "of classes that do not exist"),
        ("0.fitted", lambda a: a[:, :-1], "layer a has rows of [2, 3] units"),
        ("0.scored", lambda a: a * np.nan, "layer a has entries that are not finite"),
        ("0.moments.counts", lambda a: a + 1, "layer a has 33 of 30 rows"),
        ("0.moments.scatter", lambda a: -a, "layer a has sums that no rows have"),
        ("0.moments.shift", lambda _: np.zeros(10**6), "sums is float64 of shape"),
    ],
)
def test_a_part_of_a_study(part, name, change, said, unchecked):
    tensors, records = read_tensors(part, "counted-1")
    tensors[name] = change(tensors[name])
    del records["sha256"]
    write_tensors(part, tensors, records)
    with pytest.raises(DamagedError) as caught:
        load_counted(part)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"spans": [[0, 61]]}, "rows 0 to 60 of 60"),
        ({"spans": [[0, 30], [20, 60]]}, "rows 20 to 59 of 60"),
        ({"columns": ["z"]}, "columns or layers are missing"),
        ({"layers": []}, "columns or layers are missing"),
        ({"layers": ["a", "b"]}, "saved moments lack"),
        ({"class_names": {"y": "abc"}}, "class_names[...]: Expected array, got str"),
        ({"rows": None}, "rows: Expected int, got null"),
    ],
)
def test_what_a_part_says(part, change, said):
    tensors, records = read_tensors(part, "counted-1")
    del records["sha256"]
    write_tensors(part, tensors, records | change)
    with pytest.raises(DamagedError) as caught:
        load_counted(part)
    assert said in str(caught.value)


def test_a_record_is_returned_with_its_own_types():
    assert as_record({"hidden": [3], "dropout": 0}, MLP, "wrong") == MLP((3,))
