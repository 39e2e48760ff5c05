"""A sweep as a user meets it: a grid of real trainings in real processes."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import layerwise as lw
from layerwise.cli import main
from layerwise.errors import InputError, MachineError
from layerwise.experiment import (
    Plan,
    _sweep,
    _sweep_end,
    axis,
    open_sweep,
    read_summary,
    reopen_sweep,
    run_sweep,
    train_point,
    varied,
)
from layerwise.model import MLP
from layerwise.training import Recipe

pytestmark = pytest.mark.usefixtures("folder")

PLAN = Plan("iris", architecture=MLP([8]), recipe=Recipe(epochs=2))


class TestAxes:
    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("depth=1..4", (1, 2, 3, 4)),
            ("depth=0,10..12", (0, 10, 11, 12)),
            ("learning-rate=1e-3,0.1", (0.001, 0.1)),
            ("--init=he,normal", ("he", "normal")),
            ("residual=true,false", (True, False)),
            ("patience=3", (3,)),
            ("seed=0..1", (0, 1)),
        ],
    )
    def test_values(self, text, values):
        found = axis(text)
        assert found.values == values
        assert [type(v) for v in found.values] == [type(v) for v in values]

    @pytest.mark.parametrize(
        "text",
        [
            "", "depth", "=3", "depth=", "depth=1..", "depth=3..1", "depth=a",
            "depth=1,1", "init=he..normal", "residual=maybe", "colour=red",
            "hidden=3", "depth=1.5",
            "seed=1..1000000000",
        ],
    )  # fmt: skip
    def test_what_is_none(self, text):
        with pytest.raises(InputError, match=r"^--vary ") as caught:
            axis(text)
        assert "\n" not in str(caught.value)

    def test_plans(self):
        plan = varied(PLAN, {"depth": 3, "learning-rate": 0.5, "init": "normal"})
        assert plan.architecture == MLP([8, 8, 8], init="normal")
        assert plan.recipe == Recipe(epochs=2, learning_rate=0.5)
        assert varied(PLAN, {"depth": 0}).architecture.hidden == ()
        assert varied(PLAN, {"width": 3}).architecture.hidden == (3,)
        two = replace(PLAN, architecture=MLP([8, 4]))
        assert varied(two, {"width": 3}).architecture.hidden == (3, 3)
        with pytest.raises(InputError, match="which width"):
            varied(two, {"depth": 3})

    @pytest.mark.parametrize(
        "options",
        [
            [],
            ["--vary", "depth=1", "--vary", "depth=2"],
            ["--vary", "width=0,1"],
            ["--vary", "init=he,him"],
            ["--vary", "dropout=0.5,1"],
            ["--hidden", "8,4", "--vary", "depth=1..3"],
            ["--device", "tpu", "--vary", "depth=1,2"],
        ],
    )
    def test_before_any_training(self, folder, refused, options):
        refused("sweep", "iris", *options)
        assert not list(folder.iterdir())


def test_a_point_is_the_training_of_its_own_options(folder, capsys):
    main(["train", "iris", "--hidden", "8x2", "--epochs", "2", "--seed", "3"])
    point = train_point(PLAN, {"depth": 2, "seed": 3})
    training = read_summary(Path("runs/iris-1"))["training"]
    for name in ("validation_accuracy", "validation_loss", "train_loss", "steps"):
        assert getattr(point, name) == training[name]
    assert point.chance == pytest.approx(1 / 3, abs=0.01)


def test_no_point_sees_the_test_set(monkeypatch):
    seen = []

    def fit(architecture, data, recipe):
        seen.append(data)
        return lw.fit(architecture, data, recipe)

    monkeypatch.setattr(_sweep, "fit", fit)
    train_point(PLAN, {"depth": 1})
    data = lw.load("iris")
    assert seen[0].test is seen[0].validation
    assert (seen[0].test.inputs == data.validation.inputs).all()


def test_on_an_accelerator_trainings_are_done_one_after_another(monkeypatch):
    workers = []

    def in_workers(work, settings, count):
        workers.append(count)
        return map(work, settings)

    monkeypatch.setattr(_sweep, "has_accelerator", lambda name: name is None)
    monkeypatch.setattr(_sweep, "in_workers", in_workers)
    with open_sweep(PLAN, [axis("depth=1,2")]) as run:
        run_sweep(run)
    assert workers == [1]


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> Path:
    """A sweep from the command line: eight trainings, of which some diverge."""
    folder = tmp_path_factory.mktemp("swept")
    options = ["--hidden", "8", "--epochs", "20", "--optimizer", "sgd"]
    options += ["--vary", "depth=1,2", "--vary", "learning-rate=0.1,1e30"]
    options += ["--vary", "seed=0,1", "--workers", "2", "--json"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "layerwise", "sweep", "iris", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder / "printed.json").write_text(done.stdout)
    (folder / "said.txt").write_text(done.stderr)
    return folder


class TestEndToEnd:
    def test_what_it_leaves(self, swept):
        run = swept / "runs" / "sweep-iris-1"
        names = {path.name for path in run.iterdir()}
        assert names == {"summary.json", "sweep.csv", "report.html", "best"}
        page = (run / "report.html").read_text()
        assert '"href":"best/report.html"' in page
        assert (run / "best" / "report.html").exists()
        summary = json.loads((run / "summary.json").read_text())
        assert summary == json.loads((swept / "printed.json").read_text())
        assert summary["sweep"]["status"] == "finished"
        assert summary["sweep"]["done"] == summary["sweep"]["trainings"] == 8
        outcomes = [
            (p["settings"]["learning-rate"], p["outcome"]) for p in summary["points"]
        ]
        assert set(outcomes) == {(0.1, "works"), (1e30, "diverges")}
        assert summary["points"][-1]["settings"] == {
            "depth": 2, "learning-rate": 1e30, "seed": 1,
        }  # fmt: skip

    def test_the_choice_is_a_run_of_its_own_and_alone_scored_on_test(self, swept):
        run = swept / "runs" / "sweep-iris-1"
        summary = json.loads((run / "summary.json").read_text())
        best = summary["best"]
        chosen = [p for p in summary["points"] if p["settings"] == best["settings"]]
        assert best["validation_loss"] == chosen[0]["validation_loss"]
        training = read_summary(run / "best")["training"]
        assert best["test_accuracy"] == training["test_accuracy"]
        assert not any("test" in name for point in summary["points"] for name in point)
        network = lw.load_network(run / "best")
        data = lw.load("iris", seed=best["settings"]["seed"])
        right = network.predict(data.test.inputs) == data.test.targets
        assert right.mean() == best["test_accuracy"]

    def test_the_table(self, swept):
        text = (swept / "runs" / "sweep-iris-1" / "sweep.csv").read_text()
        rows = list(csv.DictReader(text.splitlines()))
        assert len(rows) == 8
        assert rows[0]["depth"] == "1"
        assert float(rows[0]["validation_accuracy"]) > 0.5
        assert {r["train_loss"] for r in rows if r["outcome"] == "diverges"} == {""}

    def test_what_it_prints(self, swept):
        said = (swept / "said.txt").read_text()
        assert "depth, learning-rate" in said
        assert "2d" in said
        assert "8 trainings, " in " ".join(said.split())
        assert "4 work and 4 diverge" in " ".join(said.split())
        page = swept / "runs/sweep-iris-1/report.html"
        assert f"page: {page.as_uri()}" in said

    def test_its_command_does_it_again(self, swept, folder):
        page = (swept / "runs" / "sweep-iris-1" / "report.html").read_text()
        command = page.split("<dt>to reproduce</dt><dd>")[1].split("</dd>")[0].split()
        assert command[:3] == ["layerwise", "sweep", "iris"]
        assert main([*command[1:], "--workers", "2", "--out", "again"]) == 0
        first, again = (
            [
                {k: v for k, v in point.items() if k != "seconds"}
                for point in json.loads((run / "summary.json").read_text())["points"]
            ]
            for run in (swept / "runs" / "sweep-iris-1", folder / "again")
        )
        assert first == again

    @pytest.mark.slow("several processes")
    @pytest.mark.parametrize("resumed", [False, True])
    def test_each_cell_opens_its_best_run(self, monkeypatch, resumed):
        words = ["--keep-runs", "--workers", "2"]
        asked = ["sweep", "iris", "--hidden", "8", "--epochs", "1", "--out", "mine"]
        asked += ["--vary", "learning-rate=0.01,1e30", "--vary", "seed=0,1"]
        if resumed:
            # Killed when the network chosen had been trained, and one of the others.
            def killed(path, *_):
                raise MachineError(f"{path}: no space left")

            with monkeypatch.context() as patch:
                patch.setattr(_sweep_end, "write_atomically", killed)
                assert main([*asked, *words]) == 4
            asked = ["sweep", "--resume", "mine"]
        assert main([*asked, *words]) == 0
        summary = json.loads(Path("mine/summary.json").read_text())
        settings = {"learning-rate": 1e30, "seed": 0}
        assert summary["kept"] == [{"settings": settings, "folder": "runs/3"}]
        assert summary["points"][2]["settings"] == settings
        page = Path("mine/report.html").read_text()
        assert page.count('"href":') == 2
        assert '"href":"runs/3/report.html"' in page
        assert Path("mine/runs/3/report.html").exists()
        assert read_summary(Path("mine/runs/3"))["training"]["status"] == "diverged"


class TestGoingOn:
    AXES = (axis("depth=0..2"),)

    def test_after_an_interruption(self, refused):
        def watch(sweep):
            raise KeyboardInterrupt

        with open_sweep(PLAN, self.AXES, "mine") as run:
            sweep = run_sweep(run, 1, watch)
        assert len(sweep.points) == 1
        assert json.loads(Path("mine/summary.json").read_text())["sweep"] == {
            "data": "iris",
            "status": "interrupted",
            "axes": {"depth": [0, 1, 2]},
            "trainings": 3,
            "done": 1,
        }
        anew = ["sweep", "iris", "--vary", "depth=0,1", "--out", "mine"]
        hint = "to continue: layerwise sweep --resume mine; or name a new"
        assert hint in refused(*anew)
        assert main(["sweep", "--resume", "mine", "--workers", "1"]) == 0
        summary = json.loads(Path("mine/summary.json").read_text())
        assert [p["settings"]["depth"] for p in summary["points"]] == [0, 1, 2]
        assert summary["points"][0]["seconds"] == sweep.points[0].seconds
        assert "nothing to resume" in refused("sweep", "--resume", "mine")
        hint = "the sweep has finished, its page is mine/report.html; or name a"
        assert hint in refused(*anew)

    def test_with_other_data_it_does_not(self, monkeypatch):
        with open_sweep(PLAN, self.AXES, "mine"):
            pass
        load = _sweep.load_data
        monkeypatch.setattr(
            _sweep, "load_data", lambda plan: replace(load(plan), scaling="range")
        )
        with (
            pytest.raises(InputError, match="the data is not what it was"),
            reopen_sweep("mine"),
        ):
            pass

    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", '{"format": "sweep-1"}', '{"format": "other"}']
    )
    def test_what_is_no_sweep(self, folder, refused, text):
        (folder / "summary.json").write_text(text)
        assert "not a sweep" in refused("sweep", "--resume", ".")

    def test_a_run_is_no_sweep(self, refused):
        main(["train", "iris", "--hidden", "8", "--epochs", "1", "--out", "mine"])
        assert "not a sweep's summary" in refused("sweep", "--resume", "mine")

    def test_a_dead_worker_is_told(self, monkeypatch):
        monkeypatch.setattr(_sweep, "train_point", die)
        with (
            open_sweep(PLAN, self.AXES, "mine") as run,
            pytest.raises(
                MachineError, match=r"mine: a worker process died.*--resume mine"
            ),
        ):
            run_sweep(run, 1)

    def test_a_script_that_its_workers_run_again_is_told(self, tmp_path):
        script = tmp_path / "script.py"
        script.write_text(
            "from layerwise import MLP, Recipe\n"
            "from layerwise.experiment import Plan, open_sweep, run_sweep\n"
            "from layerwise.sweeps import Axis\n"
            "plan = Plan('iris', architecture=MLP([8]), recipe=Recipe(epochs=1))\n"
            "with open_sweep(plan, [Axis('seed', (0, 1))], 'mine') as run:\n"
            "    run_sweep(run, 2)\n"
        )
        done = subprocess.run(
            [sys.executable, script], capture_output=True, text=True, check=False
        )
        told = done.stderr.splitlines()[-1]
        assert "a worker process died" in told
        assert 'without `if __name__ == "__main__":`' in told

    @pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL, process groups")
    @pytest.mark.slow("killed processes")
    @pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
    def test_after_a_signal_no_worker_is_left(self, sent):
        options = ["--hidden", "8", "--epochs", "300", "--vary", "seed=0..11"]
        command = [sys.executable, "-m", "layerwise", "sweep", "iris", *options]
        command += ["--out", "mine", "--workers", "2"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        ) as process:  # fmt: skip
            summary = Path("mine/summary.json")
            wait_for(lambda: summary.exists() and done(summary) >= 2)
            if sent == signal.SIGINT:
                os.killpg(process.pid, sent)  # as a terminal does
            else:
                process.kill()
            out, error = process.communicate(timeout=60)
            wait_for(lambda: not members(process.pid))
        kept = done(summary)
        assert 2 <= kept < 12
        if sent == signal.SIGINT:
            assert process.returncode == 130
            assert "To continue: layerwise sweep --resume mine" in out
            assert error == ""
        assert main(["sweep", "--resume", "mine", "--workers", "2"]) == 0
        assert done(summary) == 12


def die(plan, settings):
    os.kill(os.getpid(), signal.SIGKILL)


def done(summary: Path) -> int:
    return len(json.loads(summary.read_text())["points"])


def members(group: int) -> list[int]:
    """The processes of a group that are left, but for those that nobody waits for."""
    listed = subprocess.run(
        ["ps", "-e", "-o", "pid=,pgid=,stat="],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [int(p) for p, g, stat in rows if int(g) == group and stat[0] != "Z"]


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
