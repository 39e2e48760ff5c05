"""The command line as a user meets it: what it prints, leaves, and exits with."""

import csv
import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import layerwise as lw
from layerwise.arrays import leaves
from layerwise.baselines import Baselines
from layerwise.cli import main
from layerwise.cli._commands import COMMANDS
from layerwise.data import describe
from layerwise.errors import InputError
from layerwise.experiment import Plan, _path, looking_at_data, open_run, read_summary
from layerwise.experiment._workers import workers
from layerwise.model import own_targets
from layerwise.training import latest_checkpoint

QUICK = ["--hidden", "8", "--epochs", "2"]


@pytest.fixture(scope="module")
def ran(made):
    """A whole run, with its summary on standard output."""
    return made(f"run iris {' '.join(QUICK)} --json")


@pytest.fixture
def mine(ran, folder):
    """A copy of it in the current folder."""
    return shutil.copytree(ran.folder, folder / "mine")


def test_run_leaves_the_folder_that_the_design_names(ran):
    names = {path.name for path in ran.folder.iterdir()}
    assert names == {
        "summary.json",
        "health.csv",
        "history.csv",
        "model.safetensors",
        "study.safetensors",
        "checkpoints",
        "report.html",
        "suspects.csv",
    }
    summary = read_summary(ran.folder)
    assert summary["training"]["status"] == "finished"
    assert summary["training"]["steps"] == 8
    assert [layer["name"] for layer in summary["layers"]] == ["hidden1", "output"]
    assert summary["findings"]
    rows = (ran.folder / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + 8
    page = (ran.folder / "report.html").read_text()
    told = set(re.findall(r"<dt>(engine|device)</dt>\s*<dd>(.*?)</dd>", page))
    assert told == {("engine", summary["training"]["engine"]), ("device", "cpu")}


@pytest.mark.slow("whole runs")
def test_report_draws_figures_and_opens_the_page(mine, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert main(["report", "mine", "--open", "--figures", "svg,pdf"]) == 0
    names = {path.name for path in (mine / "figures").iterdir()}
    assert {"training.svg", "layers.pdf", "confusion.svg"} <= names
    assert not any(name.endswith(".png") for name in names)
    page = (mine / "report.html").as_uri()
    assert opened == [page]
    said = capsys.readouterr().out
    assert f"page: {page}" in said
    assert "figures in mine/figures" in said
    assert main(["report", "mine", "--figures", "gif"]) == 2


def test_json_is_alone_on_standard_output(ran):
    assert json.loads(ran.out) == json.loads((ran.folder / "summary.json").read_text())
    assert json.loads(ran.out)["data"]["name"] == "iris"
    assert f"page: {(ran.folder / 'report.html').as_uri()}" in ran.error


@pytest.mark.usefixtures("mine", "unchecked")
def test_suspect_labels_are_listed_and_written(folder, capsys):
    options = ["--suspects", "4", "--out", "corrections", "--json"]
    assert main(["inspect", "mine", "iris", *options]) == 0
    printed, screen = capsys.readouterr()
    found = json.loads(printed[printed.index("{") :])["suspects"]
    assert 1 <= len(found) <= 4
    with (folder / "corrections" / "suspects.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:3] == ["part", "row", "file"]
    assert [int(row["position"]) for row in rows] == [one["position"] for one in found]
    assert "looks like" in screen
    assert "labels to check" in screen


def test_a_second_run_does_not_touch_the_first(folder):
    main(["train", "iris", *QUICK])
    before = (folder / "runs" / "iris-1" / "summary.json").read_bytes()
    assert main(["train", "iris", *QUICK]) == 0
    assert (folder / "runs" / "iris-2" / "model.safetensors").is_file()
    assert (folder / "runs" / "iris-1" / "summary.json").read_bytes() == before


def test_a_run_whose_class_names_are_in_a_file_can_be_read_again(folder):
    rows = "".join(f"{n},{n % 7},{n % 2}\n" for n in range(60))
    (folder / "rows.csv").write_text(f"a,b,label\n{rows}")
    (folder / "names.txt").write_text("no\nyes\n")
    named = ["--class-names", "names.txt"]
    assert main(["train", "rows.csv", *QUICK, *named, "--out", "mine"]) == 0
    assert main(["report", "mine"]) == 0
    assert read_summary(folder / "mine")["data"]["classes"] == ["no", "yes"]


def test_a_path_is_printed_as_it_is(folder, capsys):
    named = f"[red]:car:{'x' * 80}"
    assert main(["train", "iris", *QUICK, "--out", named]) == 0
    assert f"network in {named}/model.safetensors\n" in capsys.readouterr().out


def test_a_name_is_shown_as_it_is_while_it_is_measured(folder, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    rows = "".join(f"{n},{n % 7},{n % 2}\n" for n in range(60))
    (folder / "[red].csv").write_text(f"a,b,label\n{rows}")
    assert main(["data", "[red].csv", "--out", "figures"]) == 0
    assert "measuring [red]" in capsys.readouterr().out


def test_saved_network_predicts_as_the_one_that_was_trained(folder):
    main(["train", "iris", *QUICK, "--out", "mine", "--seed", "3"])
    data = lw.load("iris", seed=3)
    trained = lw.fit(lw.MLP([8]), data, epochs=2, seed=3).network
    read = lw.load_network("mine")
    np.testing.assert_array_equal(
        read.logits(data.test.inputs), trained.logits(data.test.inputs)
    )
    assert read.class_names == data.class_names


@pytest.mark.usefixtures("unchecked")
def test_the_same_seed_is_the_same_run(folder, capsys):
    for out in ("one", "two"):
        main(["train", "iris", *QUICK, "--seed", "5", "--out", out])
    one, two = ((folder / o / "model.safetensors").read_bytes() for o in ("one", "two"))
    assert one == two
    main(["train", "iris", *QUICK, "--seed", "6", "--out", "three"])
    assert (folder / "three" / "model.safetensors").read_bytes() != one


def test_summary_repeats_its_command(folder):
    options = ["--hidden", "8x2", "--dropout", "0.1", "--epochs", "1", "--residual"]
    options += ["--snapshots", "1"]
    main(["train", "iris", *options, "--out", "mine"])
    plan = Plan.from_json(read_summary(folder / "mine")["plan"])
    words = plan.command().split()
    assert words[:3] == ["layerwise", "run", "iris"]
    assert main(["train", *words[2:], "--out", "again"]) == 0
    first, again = (
        (folder / o / "model.safetensors").read_bytes() for o in ("mine", "again")
    )
    assert first == again
    assert Plan.from_json(read_summary(folder / "again")["plan"]) == plan
    assert plan.recipe.snapshots == 1


def test_divergence_exits_with_3_and_keeps_the_last_finite_network(folder, capsys):
    options = [*QUICK, "--optimizer", "sgd", "--learning-rate", "1e30"]
    assert main(["run", "iris", *options, "--out", "boom"]) == 3
    assert "is not finite" in capsys.readouterr().out
    training = read_summary(folder / "boom")["training"]
    assert training["status"] == "diverged"
    assert training["steps"] <= 2
    assert (folder / "boom" / "report.html").stat().st_size > 10_000
    network = lw.load_network(folder / "boom")
    assert all(np.isfinite(leaf).all() for leaf in leaves(network.parameters))


@pytest.mark.usefixtures("unchecked")
def test_report_makes_the_page_again(mine, ran):
    names = ["report.html", "history.csv", "health.csv"]
    for name in names:
        (mine / name).unlink()
    assert main(["report", "mine"]) == 0
    for name in names:
        assert (mine / name).read_text() == (ran.folder / name).read_text()
    again, summary = read_summary(mine), read_summary(ran.folder)
    assert again["layers"] == summary["layers"]
    assert again["findings"] == summary["findings"]


def test_report_takes_the_study_that_was_written(mine, ran, monkeypatch):
    """And looks into the network again only where that is another, or damaged."""
    seen = []

    def looked(*_, **__):
        seen.append(1)
        raise InputError("looked into again")

    monkeypatch.setattr("layerwise.experiment._path.inspect", looked)
    study = mine / "study.safetensors"
    before = study.read_bytes()
    assert main(["report", "mine"]) == 0
    assert study.read_bytes() == before
    page = (mine / "report.html").read_text()
    assert page == (ran.folder / "report.html").read_text()
    assert main(["report", "mine", "--suspects", "3"]) == 2
    study.write_bytes(before[:-1])
    assert main(["report", "mine"]) == 2
    assert len(seen) == 2


@pytest.mark.usefixtures("mine")
def test_inspect_reads_a_saved_network(ran, capsys):
    assert main(["inspect", "mine", "iris", "--json"]) == 0
    study = json.loads(capsys.readouterr().out)
    assert study["layers"] == read_summary(ran.folder)["layers"]


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    "option", ["--layers=x", "--units=1", "--reduce=0", "--scaling=unit", "--list",
               "--weights=net.pt", "--data=x.py:y"],
)  # fmt: skip
def test_inspect_refuses_a_module_s_options_for_its_own_networks(refused, option):
    name = option.partition("=")[0]
    line = (
        f"layerwise: {name} is for torch modules, and mine is layerwise's own network"
    )
    assert refused("inspect", "mine", "iris", *option.split("=")) == line


@pytest.mark.usefixtures("unchecked")
def test_data_prints_statistics_and_draws(folder, capsys):
    assert main(["data", "digits", "--out", "look"]) == 0
    said = capsys.readouterr().out
    assert "min, max" in said
    assert "0, 16" in said
    assert "principal components carry" in said
    pictures = {path.name for path in (folder / "look").iterdir()}
    assert pictures == {"samples.png", "components.png", "input.png"}


def test_data_is_drawn_with_the_seed(folder, capsys):
    def of(seed):
        assert main(["data", "iris", "--seed", seed, "--json", "--out", seed]) == 0
        return json.loads(capsys.readouterr().out)["data"]

    assert of("0") != of("1")


def test_log_every_prints_a_line_for_each_multiple(folder, capsys):
    main(["train", "iris", "--epochs", "3", "--log-every", "5"])
    lines = capsys.readouterr().out.splitlines()
    logged = [line.split()[1] for line in lines if line.startswith("step ")]
    assert logged == ["5", "10"]


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["run", "iris", "--hiden", "3"], "--hidden"),
        (["run", "iris", "--epochs", "x"], ": --epochs x: give a whole number ("),
        (["run", "iris", "--seed", "1.5"], ": --seed 1.5: give a whole number ("),
        (["run", "iris", "--epochs", "it's"], ": --epochs it's: give a whole number ("),
        (["run", "iris", "--epochs"], ": --epochs: give a value ("),
        (["run", "--learning-rate", "x"], ": --learning-rate x: give a number ("),
        (["run", "--dropout", "x"], ": --dropout x: give a number ("),
        (["run", "--device", "cuda"], ": --device cuda: give one of cpu, gpu, tpu ("),
        (["run", "iris", "--epochs", "0"], "epochs must be at least 1"),
        (
            ["run", "--optimizer", "foo"],
            "foo: give one of adam, adamw, momentum, sgd (",
        ),
        (["run", "iris", "--hidden", "3y"], "--hidden"),
        (["run", "iris", "--hidden", "5,3x"], "'3x'"),
        (["run", "iris", "--hidden", "0"], "--hidden"),
        (["run", "iris", "--dropout", "1"], "dropout"),
        (["run", "iris", "--learning-rate", "nan"], "learning_rate"),
        (["run", "iris", "--seed", "-1"], "seed"),
        (["run", "iris", "--snapshots", "-1"], "snapshots"),
        (["run", "iris", "--checkpoint-every", "-1"], "checkpoint_every"),
        (["run", "iris", "--keep-checkpoints", "0"], "keep_checkpoints"),
        (["run", "iris", "--required-accuracy", "2"], "required"),
        (["run", "iris", "--device", "tpu"], "tpu"),
        (
            ["run", "iris", "--engine", "eager", "--device", "gpu"],
            "engine eager computes on cpu, not on gpu",
        ),
        (
            ["run", "iris", "--engine", "torch", "--device", "tpu"],
            "engine torch computes on cpu or gpu, not on tpu",
        ),
        (["run", "irsi"], "iris"),
        (["run", "no/such/file.npz"], "no/such/file.npz"),
        (["run", "iris", "--log-every", "0"], "--log-every 0: give a whole number"),
        (
            ["sweep", "iris", "--vary", "seed=0,1", "--workers", "0"],
            "--workers 0: give",
        ),
        (
            ["run", "iris", "--target", "x"],
            "iris comes with its labels and its sets: leave out target (--target)",
        ),
        (["predict"], "layerwise: give RUN and DATA (see: layerwise predict --help)"),
        (["predict", "run"], "layerwise: give DATA (see: layerwise predict --help)"),
        (["rn"], "did you mean run"),
        (["train", "--resume", "nowhere"], "nowhere"),
        (["report", "nowhere"], "nowhere: not a run"),
        (["diagnose", "nowhere"], "nowhere: not a run"),
        (["diagnose", "nowhere", "--fix"], "nowhere: not a run"),
        (["sweep", "--resume", "nowhere"], "nowhere: not a sweep"),
        (["inspect", "nowhere", "iris"], "nowhere"),
        (["inspect"], "NET"),
        (["gradcheck", "sheet.py:Linear"], "sheet.py"),
        (["gradcheck", "Linear"], "FILE.py:NAME"),
        (["gradcheck", "--shape", "a"], "--shape"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(folder, refused, argv, part):
    assert part in refused(*argv)
    assert not list(folder.iterdir())


def test_out_that_holds_something_is_refused(folder, refused):
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("years of work")
    said = refused("run", "iris", *QUICK, "--out", "mine")
    assert said == "layerwise: --out mine is not empty: name a new folder"
    assert [p.name for p in (folder / "mine").iterdir()] == ["thesis.txt"]


def test_out_that_holds_a_run_says_how_that_is_taken_up(folder, refused):
    with open_run(Plan(data="iris"), "begun"):
        pass
    main(["train", "iris", *QUICK, "--out", "ended"])
    hints = {
        "begun": "to continue: layerwise run --resume begun",
        "ended": "has finished; write its page with: layerwise report ended",
    }
    for name, hint in hints.items():
        said = refused("run", "iris", *QUICK, "--out", name)
        assert said.startswith(f"layerwise: --out {name} is not empty: ")
        assert said.endswith(f"{hint}; or name a new folder")


@pytest.mark.parametrize("command", ["run", "train", "data"])
def test_out_that_is_a_file_is_refused(folder, refused, command):
    (folder / "thesis.txt").write_text("years of work")
    said = refused(command, "iris", "--out", "thesis.txt")
    assert "thesis.txt is a file: " in said
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_a_folder_that_cannot_be_made_exits_with_4(folder, refused):
    (folder / "file").write_text("")
    assert "file" in refused("train", "iris", *QUICK, "--out", "file/run", status=4)


def test_mnist_offline_says_where_to_put_the_files(folder, refused, monkeypatch):
    monkeypatch.setenv("LAYERWISE_DATA", str(folder / "empty"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.setattr("socket.socket.connect", _unreachable)
    said = refused("run", "mnist")
    assert "train-images-idx3-ubyte.gz" in said
    assert "LAYERWISE_DATA" in said


def _unreachable(*_):
    raise OSError("the network is unreachable")


@pytest.mark.usefixtures("unchecked")
@pytest.mark.slow("gradient checks")
def test_gradcheck_of_ours_passes(capsys):
    assert main(["gradcheck"]) == 0
    said = capsys.readouterr().out
    head, first = said.splitlines()[:2]
    assert head.split() == ["relative", "error", "against", "differences", "automatic"]
    assert (len(head), first.split()[:2]) == (len(first), ["ok", "Linear"])
    count = len(own_targets())
    assert f"{count} of {count} passed" in said


SHEET = '''
from dataclasses import dataclass
import numpy as np

@dataclass(frozen=True)
class Scale:
    """y = a x, with its gradient by a {right}."""
    def init(self, rng, shape):
        return {{"a": rng.normal(size=shape)}}
    def forward(self, params, x, noise=None):
        return params["a"] * x, x
    def backward(self, params, trace, gradient):
        return {{"a": {gradient}}}, params["a"] * gradient
'''


@pytest.mark.parametrize(
    ("gradient", "status", "symptom"),
    [
        ("(gradient * trace).sum(axis=0)", 0, "1 of 1 passed"),
        ("(gradient * trace).mean(axis=0)", 1, "divided by the batch size"),
        ("-(gradient * trace).sum(axis=0)", 1, "the sign is reversed"),
        ("gradient * trace", 1, "has shape"),
    ],
)
def test_gradcheck_of_a_sheet(folder, capsys, gradient, status, symptom):
    sheet = SHEET.format(right="right" if status == 0 else "wrong", gradient=gradient)
    (folder / "sheet.py").write_text(sheet)
    assert main(["gradcheck", "sheet.py:Scale"]) == status
    assert symptom in capsys.readouterr().out


def start(*argv: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "layerwise", *argv],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.mark.slow("killed processes")
def test_ctrl_c_saves_and_resuming_gives_the_same_bytes(folder):
    settings = ["moons", "--hidden", "30x4", "--epochs", "50", "--seed", "1"]
    settings += ["--batch-size", "16"]
    with start("train", *settings, "--out", "whole", cwd=folder) as whole:
        whole.communicate(timeout=300)
    assert whole.returncode == 0
    # More lines than a pipe holds: it cannot end before the signal has been sent.
    logging = ["--log-every", "10"]
    with start("train", *settings, "--out", "cut", *logging, cwd=folder) as cut:
        assert cut.stdout is not None
        for line in cut.stdout:
            if line.startswith("step "):
                break
        cut.send_signal(signal.SIGINT)
        said, errors = cut.communicate(timeout=300)
    assert cut.returncode == 130, errors
    assert "--resume cut" in said
    summary = json.loads((folder / "cut" / "summary.json").read_text())
    assert summary["training"]["status"] == "interrupted"
    assert 0 < summary["training"]["steps"] < 50 * 500
    with start("train", "--resume", "cut", cwd=folder) as again:
        again.communicate(timeout=300)
    assert again.returncode == 0
    one, other = (
        (folder / o / "model.safetensors").read_bytes() for o in ("whole", "cut")
    )
    assert one == other
    # So are the slots, and the networks on the way.
    ends = [
        load_file(latest_checkpoint(folder / o / "checkpoints"))
        for o in ("whole", "cut")
    ]
    one, other = ({name: a.tobytes() for name, a in end.items()} for end in ends)
    assert one == other
    assert {
        f"snapshots.{epoch}.0.0.W" for epoch in (1, 2, 4, 7, 14, 26, 50)
    } < one.keys()
    # Every step and epoch is there once, the times apart.
    tables = [(folder / o / "history.csv").read_text() for o in ("whole", "cut")]
    without_seconds = [
        [row.split(",")[:4] for row in table.splitlines()] for table in tables
    ]
    assert without_seconds[0] == without_seconds[1]


RESUME_MINE = "to continue: layerwise {} --resume mine"


@pytest.mark.parametrize(
    ("command", "moment", "hint"),
    [
        ("run", "experiment._folder.load_data", None),
        ("train", "experiment.train", RESUME_MINE.format("train")),
        ("run", "experiment.train", RESUME_MINE.format("run")),
        ("run", "experiment._path.write_training", RESUME_MINE.format("run")),
        (
            "run",
            "experiment.finish",
            "its training has finished; write its page with: layerwise report mine",
        ),
    ],
)
def test_interrupted_at_any_moment_it_says_how_to_go_on(
    folder, capsys, monkeypatch, command, moment, hint
):
    monkeypatch.setattr(f"layerwise.{moment}", _interrupt)
    assert main([command, "iris", *QUICK, "--out", "mine"]) == 130
    said = "; ".join(["layerwise: interrupted", *([hint] if hint else [])])
    assert capsys.readouterr().err == f"{said}\n"
    assert (folder / "mine").exists() == (hint is not None)


def test_interrupted_while_it_is_reopened_it_says_how_to_go_on(
    folder, capsys, monkeypatch
):
    with open_run(Plan(data="iris"), "mine"):
        pass
    monkeypatch.setattr("layerwise.experiment._folder.load_data", _interrupt)
    assert main(["train", "--resume", "mine"]) == 130
    said = f"layerwise: interrupted; {RESUME_MINE.format('train')}\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("command", ["run", "train"])
def test_interrupted_in_training_it_names_the_command_that_was_given(
    folder, capsys, monkeypatch, command
):
    monkeypatch.setattr("layerwise.training._loop._Training.stretches", _interrupt)
    assert main([command, "iris", *QUICK, "--out", "mine"]) == 130
    hint = RESUME_MINE.format(command)
    assert f"interrupted; saved. T{hint[1:]}\n" in capsys.readouterr().out


def _interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("command", ["run", "train", "sweep"])
def test_defaults_are_those_of_the_library(command):
    """They are written twice: help is printed without loading an array library."""
    assert COMMANDS[command]().plan() == Plan()


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_is_quick_for_it_loads_no_library_of_arrays(arguments):
    probe = (
        "import sys\n"
        "from layerwise.cli import main\n"
        f"try:\n    main({arguments})\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'jax', 'torch', 'sklearn', 'matplotlib', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_80_columns(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    lines = map(str.rstrip, capsys.readouterr().out.splitlines())
    assert [x for x in lines if len(x) > 80 and not x.startswith("usage:")] == []


@pytest.mark.parametrize("command", ["run", "train", "sweep"])
def test_help_shows_options_in_groups_a_screen_each(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = capsys.readouterr().out
    _, *parts = re.split(r"^ (\w[\w ]*?) +\n -+ $", said, flags=re.MULTILINE)
    groups = dict(zip(parts[::2], parts[1::2], strict=True))
    of_one = [] if command == "sweep" else ["report options", "output options"]
    assert list(groups) == [
        "positional arguments",
        "options",
        "data options",
        "network options",
        "training options",
        *of_one,
    ]
    for group, option in [
        ("data", "target"),
        ("network", "hidden"),
        ("training", "epochs"),
    ]:
        assert f"  --{option} " in groups[f"{group} options"]
    assert max(lines.count("\n") for lines in groups.values()) < 40


@pytest.mark.parametrize("arguments", ["--version", "run --help", "data iris"])
def test_whoever_stops_reading_is_told_nothing(arguments, tmp_path):
    """As ``layerwise … | head`` does."""
    command = [sys.executable, "-m", "layerwise", *arguments.split()]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [["run", "iris", *QUICK], ["sweep", "iris", *QUICK, "--vary", "seed=0,1"]],
)
def test_a_script_that_asks_for_no_main_does_it_once(arguments, tmp_path):
    """A new process runs the script too, to know what it defines."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from layerwise.cli import main\n"
        f"main({arguments})\n"
        "for slow in ('sklearn', 'scipy.stats', 'pandas', 'pyarrow'):\n"
        "    assert slow not in sys.modules, f'{slow} takes long to load'\n"
    )
    said = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr) == (0, "")
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_what_is_found_out_beside_a_training_is_what_we_would(folder):
    plan = Plan(data="iris", architecture=lw.MLP([4]))
    with open_run(plan) as run, looking_at_data(run) as of_data:
        told = of_data()
    assert told == (run.baselines.beside(run.data.test), describe(run.data))


def test_a_training_alone_loads_nothing_of_a_study(tmp_path):
    code = (
        "import sys\n"
        "from layerwise.cli import main\n"
        f"main(['train', 'iris', *{QUICK}])\n"
        "heavy = {'jax', 'torch', 'sklearn', 'matplotlib', 'scipy', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stderr.strip() == "[]"


def test_a_diagnosis_finds_the_simple_methods_tried(folder, monkeypatch):
    threads, tried = [], threading.Event()
    try_all, train = Baselines._tried.func, _path.fit

    def noted(self):
        threads.append(threading.current_thread())
        tried.set()
        return try_all(self)

    def trained(*args, **settings):
        assert tried.wait(60)
        return train(*args, **settings)

    monkeypatch.setattr(Baselines._tried, "func", noted)
    monkeypatch.setattr(_path, "fit", trained)
    assert main(["train", "iris", *QUICK]) == 0
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_what_goes_wrong_beside_a_training_is_said_where_it_is_asked_for(
    folder, monkeypatch
):
    with open_run(Plan(data="iris", architecture=lw.MLP([4]))) as run:
        monkeypatch.setattr(_path, "describe", lambda _: 1 / 0)
        with looking_at_data(run) as of_data, pytest.raises(ZeroDivisionError):
            of_data()


def test_a_command_that_ends_does_not_wait_for_what_goes_on_beside_it(folder):
    script = (
        "import time, layerwise as lw\n"
        "from layerwise.experiment import Plan, _path, looking_at_data, open_run\n"
        "_path.describe = lambda data: time.sleep(600)\n"
        "plan = Plan(data='iris', architecture=lw.MLP([4]))\n"
        "with open_run(plan) as run, looking_at_data(run):\n"
        "    pass\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_workers_are_not_waited_for():
    with workers(2) as pool:
        pool.submit(int).result()
        pool.submit(time.sleep, 20)
        (worker, *_) = active_children()
    assert worker.exitcode == -signal.SIGTERM


def test_garbage_is_collected_less_often_in_a_command_alone(monkeypatch):
    seen = []

    def status(argv):
        with workers(1) as pool:
            seen.extend([gc.get_threshold(), pool.submit(gc.get_threshold).result()])
        raise KeyError(argv)

    monkeypatch.setattr("layerwise.cli._main._status", status)
    before = gc.get_threshold()
    with pytest.raises(KeyError):
        main(["data"])
    assert gc.get_threshold() == before
    assert seen == [(50_000, *before[1:])] * 2
    assert before[0] < 50_000
