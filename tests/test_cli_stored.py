"""Stored activations on the command line: studied, forecast, in parts, and joined."""

import json

import numpy as np
import pytest

from layerwise.cli import main


@pytest.fixture
def folder(tmp_path):
    """Two layers, one of them in shards, and two columns of labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 900)
    rows = rng.normal(size=(900, 5)).astype(np.float32)
    rows[:, :3] += 3 * np.eye(3, dtype=np.float32)[labels]
    (tmp_path / "acts" / "fc2").mkdir(parents=True)
    np.save(tmp_path / "acts" / "fc1.npy", rows)
    for number, part in enumerate(np.array_split(rows[:, :4], 3)):
        np.save(tmp_path / "acts" / "fc2" / f"{number}.npy", part)
    np.save(tmp_path / "y.npy", labels)
    np.save(tmp_path / "even.npy", labels % 2)
    return tmp_path


def run(capsys, *arguments):
    status = main(["inspect", *map(str, arguments)])
    return status, capsys.readouterr()


def test_a_layer_is_a_file_or_the_files_of_a_folder(folder, capsys):
    given = ("--activations", folder / "acts/**/*.npy", "--labels", folder / "y.npy")
    status, said = run(capsys, *given, "--json")
    assert status == 0
    layers = json.loads(said.out)["layers"]
    assert [(layer["name"], layer["units"]) for layer in layers] == [
        ("fc1", 5),
        ("fc2", 4),
    ]
    assert all(layer["probe_accuracy"] > 0.8 for layer in layers)
    status, said = run(capsys, *given)
    assert "fitted on 450 rows, scored on 450 rows held out" in said.out
    assert "fc2" in said.out


def test_several_columns(folder, capsys):
    columns = f"digit={folder / 'y.npy'},{folder / 'even.npy'}"
    pattern = folder / "acts/fc1.npy"
    status, said = run(capsys, "--activations", pattern, "--labels", columns, "--json")
    assert status == 0
    found = json.loads(said.out)
    assert list(found) == ["digit", "even"]
    assert len(found["even"]["layers"][0]["probe_recall"]) == 2


def test_a_page_is_written_where_one_is_asked_for(folder, capsys):
    given = ("--activations", folder / "acts/fc1.npy", "--labels")
    status, said = run(capsys, *given, folder / "y.npy", "--out", folder / "one")
    assert status == 0
    assert "report.html" in said.out
    assert "fc1" in (folder / "one" / "report.html").read_text("utf-8")
    columns = f"digit={folder / 'y.npy'},even/odd={folder / 'even.npy'}"
    assert run(capsys, *given, columns, "--out", folder / "two")[0] == 0
    names = sorted(path.name for path in (folder / "two").iterdir())
    assert names == ["report-digit.html", "report-even-odd.html"]
    (folder / "file").write_text("")
    status, said = run(capsys, *given, folder / "y.npy", "--out", folder / "file")
    assert status == 2
    assert "file" in said.err


def test_precision_is_told(folder, capsys):
    given = ("--activations", folder / "acts/fc1.npy", "--labels", folder / "y.npy")
    status, said = run(capsys, *given, "--precision", "fast", "--max-units", 3)
    assert status == 0
    words = " ".join(said.out.split())
    assert "Scatter was summed in single precision: error at most" in words
    assert "fc1 was projected: 5 units to 3 dimensions" in words


def test_a_dry_run_says_what_it_costs(folder, capsys):
    given = ("--activations", folder / "acts/**/*.npy", "--labels", folder / "y.npy")
    status, said = run(capsys, *given, "--dry-run", "--part", "1/16")
    assert status == 0
    words = " ".join(said.out.split())
    assert "dimensions reads time memory" in words
    assert "among 16" in words
    assert "; reads " in words
    assert "probe" not in words


def test_parts_are_merged(folder, capsys, refused):
    given = ("--activations", folder / "acts/**/*.npy", "--labels", folder / "y.npy")
    _, said = run(capsys, *given, "--json")
    whole = json.loads(said.out)
    parts = [folder / f"{number}.part" for number in (1, 2, 3)]
    for number, path in enumerate(parts, 1):
        status, said = run(capsys, *given, "--part", f"{number}/3", "--out", path)
        assert status == 0
        assert f"part {number} of 3 in" in said.out
    both = folder / "both.part"
    assert main(["merge", str(parts[2]), str(parts[0]), "--out", str(both)]) == 0
    capsys.readouterr()
    assert main(["merge", str(both), str(parts[1]), "--json"]) == 0
    merged = json.loads(capsys.readouterr().out)
    for layer, due in zip(merged["layers"], whole["layers"], strict=True):
        assert layer["probe_accuracy"] == due["probe_accuracy"]
        assert layer["measures"]["values"] == pytest.approx(
            due["measures"]["values"], rel=1e-9
        )
    assert refused("merge", str(both)) == (
        "layerwise: rows 300 to 599 of 900 are in no part: give all parts"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--activations", "acts/fc1.npy"], "give both --activations GLOB"),
        (["--labels", "y.npy"], "give both --activations GLOB"),
        (["net", "--labels", "y.npy"], "give NET and DATA, or --activations"),
        ([], "give NET and DATA, or --activations"),
        (["net", "digits", "--dry-run"], "are for --activations"),
        (["--activations", "x/*.npy", "--labels", "y.npy"], "x/*.npy: no such files"),
        (["--activations", "acts/fc1.npy", "--labels", "z.npy"], "z.npy: no such file"),
        (
            ["--activations", "acts/fc2/1.npy", "--labels", "y.npy"],
            "layerwise: acts/fc2/1.npy: 300 rows where there are 900 labels: give the",
        ),
        (
            ["--activations", "acts/fc2/[01].npy", "--labels", "y.npy"],
            "acts/fc2/0.npy and 1 more: 600 rows where there are 900 labels",
        ),
        (
            [
                *("--activations", "acts/fc1.npy", "--labels", "y.npy"),
                *("--layers", "fc1"),
            ],
            "--layers is for torch modules, and these are stored activations",
        ),
        (
            ["--activations", "acts/fc1.npy", "--labels", "y.npy,y.npy"],
            "y is there twice",
        ),
        (
            ["--activations", "acts/fc1.npy", "--labels", "acts/fc1.npy"],
            "labels have shape (900, 5)",
        ),
        (
            ["--activations", "acts/fc1.npy", "--labels", "y.npy", "--part", "1/2"],
            "say where to write it",
        ),
        (
            ["--activations", "acts/fc1.npy", "--labels", "y.npy", "--part", "2"],
            "write I/N",
        ),
        (
            [
                *("--activations", "acts/fc1.npy", "--labels", "y.npy"),
                *("--part", "3/2", "--out", "p"),
            ],
            "part 3 of 2: count from 1 to 2",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    folder, refused, monkeypatch, arguments, said
):
    monkeypatch.chdir(folder)
    assert said in refused("inspect", *arguments)


def test_merging_what_is_no_part_is_an_error_of_one_line(folder, refused):
    for given in ([str(folder / "y.npy")], [str(folder / "nothing")]):
        refused("merge", *given)
