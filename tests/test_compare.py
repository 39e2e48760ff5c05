"""Runs beside each other, from their folders to a page."""

import html
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from layerwise.cli import main
from layerwise.errors import InputError
from layerwise.experiment import Plan, compare, open_run, read_summary
from layerwise.files import read_tensors, write_tensors
from layerwise.presentation import comparison_payload, page
from layerwise.presentation._comparison import figure_table, probe_table, setting_table
from layerwise.study._file import FORMAT

pytestmark = pytest.mark.usefixtures("unpainted")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two whole runs, a training alone, and one that diverged."""
    place = tmp_path_factory.mktemp("runs")
    settings = {
        "wide": ["run", "--hidden", "16", "--epochs", "3"],
        "deep": ["run", "--hidden", "8x3", "--epochs", "4", "--dropout", "0.1"],
        "alone": ["train", "--hidden", "16", "--epochs", "3", "--seed", "1"],
        "boom": ["train", "--optimizer", "sgd", "--learning-rate", "1e30"],
    }
    for name, (command, *options) in settings.items():
        main([command, "iris", *options, "--out", str(place / name)])
    return place


@pytest.fixture(autouse=True)
def here(runs, monkeypatch):
    monkeypatch.chdir(runs)


@pytest.fixture
def comparison():
    return compare(["wide", "deep", "alone", "boom"])


class TestTables:
    def test_settings_that_differ(self):
        table = setting_table(compare(["wide", "deep"]))
        assert table.head == ("setting", "wide", "deep")
        assert table.body == [
            ("hidden", "16", "8x3"),
            ("dropout", "0.0", "0.1"),
            ("epochs", "3", "4"),
        ]

    def test_and_those_that_do_not(self):
        equal = {row[0]: row[1:] for row in setting_table(
            compare(["wide", "deep"]), differing=False
        ).body}  # fmt: skip
        assert equal["data"] == ("iris", "iris")
        assert equal["optimizer"] == ("adamw", "adamw")
        assert equal["patience"] == ("–", "–")
        assert "steps per second" not in equal
        assert "seconds" not in equal

    def test_final_figures(self, comparison):
        rows = {row[0]: row[1:] for row in figure_table(comparison).body}
        assert rows["status"] == ("finished", "finished", "finished", "diverged")
        assert rows["steps"] == ("12", "16", "12", "1")
        assert rows["train loss"][3] == "–"
        accuracy = read_summary(Path("deep"))["training"]["test_accuracy"]
        assert rows["test accuracy"][1] == f"{100 * accuracy:.0f} %"  # of 22

    def test_probes_of_runs_of_different_depth(self, comparison):
        body = probe_table(comparison).body
        assert [row[0] for row in body] == [
            "input",
            *(f"layer {n}" for n in (1, 2, 3, 4)),
        ]
        layers = read_summary(Path("wide"))["layers"]
        assert body[2][1] == f"{100 * layers[1]['probe_accuracy']:.1f} %"
        assert [bool(cell) for cell in body[3][1:]] == [False, True, False, False]


class TestPage:
    def test_what_it_leaves(self, runs, capsys):
        assert main(["compare", "wide", "deep", "--json", "--out", "both"]) == 0
        out, error = capsys.readouterr()
        assert {path.name for path in (runs / "both").iterdir()} == {
            "report.html", "summary.json",
        }  # fmt: skip
        summary = json.loads(out)
        assert summary == json.loads((runs / "both" / "summary.json").read_text())
        assert summary["runs"] == ["wide", "deep"]
        assert summary["differing"]["hidden"] == ["16", "8x3"]
        assert f"page: {(runs / 'both/report.html').as_uri()}" in error
        page = (runs / "both" / "report.html").read_text()
        assert "8x3" in page
        content = json.loads(re.findall(r'id="payload">(.*?)<', page)[0])
        assert [run["name"] for run in content["runs"]] == ["wide", "deep"]
        assert content["runs"][0]["href"] == "../wide/report.html"
        layers = [[layer["name"] for layer in run["layers"]] for run in content["runs"]]
        assert layers[0] == ["input", "hidden1", "output"]
        assert len(layers[1]) == 5

    def test_curves_of_each_run(self, comparison):
        found = comparison_payload(comparison).content["runs"]
        assert [run["name"] for run in found] == ["wide", "deep", "alone", "boom"]
        for run, known in zip(found[:3], comparison, strict=False):
            (chart,) = [chart for chart in run["charts"] if chart["id"] == "accuracy"]
            (line,) = [li for li in chart["lines"] if li["name"] == "validation set"]
            own = [epoch.validation_accuracy for epoch in known.history.epochs]
            assert line["y"] == pytest.approx(own, abs=1e-5)

    @pytest.mark.slow("whole runs")
    def test_a_study_that_cannot_be_read_is_said_and_can_be_written_anew(
        self, runs, capsys
    ):
        for name in ("old", "hurt"):
            shutil.copytree("wide", name)
        file = "study.safetensors"
        tensors, records = read_tensors(f"old/{file}", FORMAT)
        write_tensors(f"old/{file}", tensors, records | {"format": "study-1"})
        whole = Path("hurt", file).read_bytes()
        Path("hurt", file).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert main(["compare", "wide", "old", "hurt", "--out", "three"]) == 0
        printed = " ".join(capsys.readouterr().out.split())
        page = (runs / "three" / "report.html").read_text()
        content = json.loads(re.findall(r'id="payload">(.*?)<', page)[0])
        first, *others = content["runs"]
        assert first["layers"]
        assert "warning" not in first
        why = (f"not a {FORMAT} written by layerwise, but a study-1; ", "damaged, ")
        for run, reason in zip(others, why, strict=True):
            name = run["name"]
            assert run["layers"] == []
            said = run["warning"]
            assert said.startswith(f"no scatter plots: {name}/{file}: {reason}")
            assert said.endswith(f"; write it again with: layerwise report {name}")
            assert f"{name}: {said}" in printed
            assert main(["report", name]) == 0
        assert [run.warning for run in compare(["wide", "old", "hurt"])] == [""] * 3

    def test_names_are_text(self, comparison):
        hostile = "<script>alert(1)</script>"
        run = comparison[0]
        object.__setattr__(run, "name", hostile)
        shown = page(comparison_payload(comparison))
        assert hostile not in shown
        assert html.escape(hostile) in shown

    def test_runs_of_one_name_are_told_apart_by_their_paths(self, runs):
        (runs / "other").mkdir(exist_ok=True)
        for name in ("summary.json", "history.csv"):
            (runs / "other" / "wide").mkdir(exist_ok=True)
            content = (runs / "wide" / name).read_bytes()
            (runs / "other" / "wide" / name).write_bytes(content)
        found = compare(["wide", str(Path("other") / "wide")])
        assert [run.name for run in found] == ["wide", str(Path("other") / "wide")]
        assert setting_table(found).body == []


def shortened(run: Path, copy: Path, change: Callable[[str], str]) -> None:
    """Copy a run's summary, and its history changed."""
    copy.mkdir(exist_ok=True)
    (copy / "summary.json").write_bytes((run / "summary.json").read_bytes())
    text = change((run / "history.csv").read_text())
    (copy / "history.csv").write_text(text)


def first_lines(text: str, most: int) -> str:
    return "".join(text.splitlines(keepends=True)[:most])


class TestWrongInput:
    @pytest.mark.parametrize(
        ("folders", "part"),
        [
            (["wide"], "two or more"),
            (["wide", "wide"], "each once"),
            (["wide", "wide/"], "each once"),
            (["wide", "./wide"], "each once"),
            (["wide", "nowhere"], "nowhere"),
            (["wide", "begun"], "begun: the training has not ended"),
            (["wide", "torn"], "history.csv: not a history: line 3"),
            (["wide", "cut"], "history.csv: not a history: line 13 is cut off; write"),
            (["wide", "short"], "history.csv: not a history: 5 of 12 steps; write"),
            (["wide", "end"], "history.csv: not a history: 1 of 2 steps; write"),
        ],
    )
    def test_one_line(self, runs, folders, part, refused):
        if "begun" in folders and not (runs / "begun").exists():
            with open_run(Plan("iris"), "begun"):
                pass
        if "torn" in folders and not (runs / "torn").exists():
            (runs / "torn").mkdir()
            summary = (runs / "wide" / "summary.json").read_bytes()
            (runs / "torn" / "summary.json").write_bytes(summary)
            rows = (runs / "wide" / "history.csv").read_text().splitlines()
            (runs / "torn" / "history.csv").write_text("\n".join([*rows[:2], "2,x"]))
        shortened(runs / "wide", runs / "cut", lambda text: text[:-3])
        shortened(runs / "wide", runs / "short", lambda text: first_lines(text, 6))
        shortened(runs / "boom", runs / "end", lambda text: first_lines(text, 2))
        with pytest.raises(InputError, match=part):
            compare(folders)
        refused("compare", *folders, "--out", "wrong")
        assert not (runs / "wrong").exists()
