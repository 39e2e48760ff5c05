"""Training in several processes, as ``torchrun`` starts them: real ones, real kills."""

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import layerwise as lw
from layerwise.arrays import leaves
from layerwise.cli import main

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]

TRAIN = ["train", "iris", "--hidden", "8,8", "--epochs", "5", "--batch-size", "13"]
"""105 samples: every epoch's last batch has a single one, for however many ranks."""

CLOSE = 1e-5
"""Losses and parameters in single precision, of numbers of about one; the sums of three
ranks are rounded otherwise than those of one."""


def begun(processes: int, *command: str) -> "subprocess.Popen[str]":
    """Start a job of so many processes."""
    return subprocess.Popen(
        [*TORCHRUN, f"--nproc-per-node={processes}", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(processes: int, *command: str) -> "subprocess.CompletedProcess[str]":
    job = begun(processes, *command)
    said, complained = job.communicate(timeout=150)
    return subprocess.CompletedProcess(command, job.returncode, said, complained)


def layerwise(processes: int, *command: str) -> "subprocess.CompletedProcess[str]":
    return ended(processes, "-m", "layerwise", *command)


def rows(run: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(run, "history.csv").read_text().splitlines()))


def column(run: str, name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows(run) if row[name]])


def assert_same(run: str, other: str) -> None:
    for name in ("loss", "train_loss", "validation_loss"):
        difference = column(run, name) - column(other, name)
        assert np.abs(difference).max() < CLOSE, name
    for name in ("accuracy", "train_accuracy", "validation_accuracy"):
        assert np.allclose(column(run, name), column(other, name)), name
    one, two = (leaves(lw.load_network(r).parameters) for r in (run, other))
    difference = [np.abs(a - b).max() for a, b in zip(one, two, strict=True)]
    assert max(difference) < CLOSE


def health(run: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(run, "health.csv").read_text().splitlines()))


@pytest.mark.slow("several processes")
def test_one_two_and_three_ranks_train_the_same(folder):
    assert main([*TRAIN, "--out", "one", "--engine", "torch"]) == 0
    assert main([*TRAIN, "--out", "hand", "--engine", "eager"]) == 0
    for processes in (2, 3):
        done = layerwise(processes, *TRAIN, "--out", f"of-{processes}")
        assert done.returncode == 0, done.stderr
        # Rank 0 alone prints.
        assert done.stdout.count("training finished: 45 steps, batch size 13") == 1
        assert_same(f"of-{processes}", "one")
        for found, expected in zip(
            health(f"of-{processes}"), health("one"), strict=True
        ):
            for name in expected.keys() - {"layer"}:
                assert float(found[name]) == pytest.approx(
                    float(expected[name]), rel=1e-3, abs=1e-5
                ), name
        summary = json.loads(Path(f"of-{processes}/summary.json").read_text())
        assert summary["training"]["engine"] == "torch"
        assert summary["environment"]["processes"] == str(processes)
    assert_same("one", "hand")


@pytest.mark.slow("several processes")
def test_a_run_goes_on_to_its_page(folder):
    options = ["iris", "--hidden", "8", "--epochs", "2", "--out", "mine", "--json"]
    done = layerwise(2, "run", *options)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert [layer["name"] for layer in summary["layers"]] == ["hidden1", "output"]
    assert Path("mine/report.html").stat().st_size > 10_000


PROGRAM = """
    import numpy as np, torch
    import layerwise as lw
    from layerwise import ranks
    from layerwise.arrays import ravelled
    from torch import nn

    torch.set_default_dtype(torch.float64)
    data = lw.load("iris")
    ranks.join()
    torch.manual_seed(ranks.rank())  # other first parameters on every rank
    module = nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)
    )
    if {frozen}:
        module[1] = nn.Identity()
    saved = []
    result = lw.fit(
        module, data, epochs=3, batch_size=13, seed=1, save=saved.append,
        schedule="constant", learning_rate=0.01,
    )
    assert bool(saved) == ranks.is_first()
    found = ranks.gathered((result.history.losses, result.network.followed))
    kept = ranks.gathered(result.network.parameters["kept"])
    for losses, parameters in found:
        assert np.array_equal(losses, found[0][0])
        assert np.array_equal(ravelled(parameters), ravelled(found[0][1]))
    for tree in kept:
        assert all(np.array_equal(kept[0][name], tree[name]) for name in kept[0])
    if ranks.is_first():
        np.save("{out}.npy", result.history.losses)
"""


@pytest.mark.slow("several processes")
def test_a_module_in_double_precision(folder):
    """The same to rounding; with running means every rank has those of rank 0."""
    for processes in (1, 3):
        text = PROGRAM.format(out=f"of-{processes}", frozen=True)
        Path("program.py").write_text(textwrap.dedent(text))
        done = ended(processes, "program.py")
        assert done.returncode == 0, done.stderr
    one, three = np.load("of-1.npy"), np.load("of-3.npy")
    assert np.abs(one - three).max() < 1e-12
    text = PROGRAM.format(out="normed", frozen=False).replace(
        "batch_size=13", "batch_size=35"
    )
    Path("program.py").write_text(textwrap.dedent(text))
    done = ended(2, "program.py")
    assert done.returncode == 0, done.stderr


THREADS = """
import sys
from pathlib import Path

import layerwise as lw
from layerwise import ranks

def threads():
    return [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]

ranks.join()
before = threads()
lw.fit(lw.MLP([4, 8, 3]), lw.load("iris"), epochs=1, batch_size=50)
ranks.leave()
found = [sum("gloo" in name for name in names) for names in (before, threads())]
sys.stdout.write(f"{found[0] > 0} {found[1]}\\n")
"""


@pytest.mark.slow("several processes")
@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for the threads")
def test_the_threads_of_a_group_end_with_it(folder):
    """One that outlives the interpreter aborts it, now and then."""
    Path("program.py").write_text(THREADS)
    done = ended(2, "program.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True 0"] * 2


@pytest.mark.usefixtures("folder")
class TestWhatIsWrong:
    @pytest.mark.slow("several processes")
    def test_is_said_once(self):
        Path("mine").mkdir()
        Path("mine/notes.txt").write_text("keep")
        done = layerwise(2, *TRAIN, "--out", "mine")
        assert done.returncode != 0
        assert done.stderr.count("layerwise: --out mine is not empty") == 1
        assert "exitcode  : 2" in done.stderr

    @pytest.mark.slow("several processes")
    def test_data_that_is_not_there(self):
        done = layerwise(2, "train", "nothing.npz")
        assert done.stderr.count("layerwise: nothing.npz") == 1
        assert not Path("runs").exists()

    @pytest.mark.parametrize("command", ["sweep", "data", "report"])
    def test_what_is_for_one_process(self, monkeypatch, capsys, command):
        monkeypatch.setenv("MASTER_ADDR", "localhost")
        monkeypatch.setenv("WORLD_SIZE", "2")
        monkeypatch.setenv("RANK", "0")
        assert (
            main([command, "iris", *(["--vary", "seed=1..2"] * (command == "sweep"))])
            == 2
        )
        assert f"layerwise: {command} is for one process" in capsys.readouterr().err

    @pytest.mark.slow("several processes")
    def test_an_engine_by_hand(self):
        done = layerwise(2, *TRAIN, "--engine", "eager")
        assert "engine 'eager' cannot train a job of several processes" in done.stderr


LONG = ["train", "iris", "--hidden", "8", "--epochs", "500", "--out", "long"]
LONG += ["--checkpoint-every", "0.2", "--schedule", "constant", "--seed", "4"]
LONG += ["--evaluate-every", "100"]


def process_of(rank: int, job: "subprocess.Popen[str]") -> int:
    """The process id of one rank of a job."""
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(job.pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    for pid in map(int, children.stdout.split()):
        if (
            f"\0RANK={rank}\0".encode()
            in b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
        ):
            return pid
    raise AssertionError(f"no rank {rank}")


def until_saved(run: str, steps: int = 1) -> None:
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        found = sorted(Path(run, "checkpoints").glob("step-*.safetensors"))
        if found and int(found[-1].name[5:14]) > steps:
            return
        time.sleep(0.1)
    raise AssertionError("no checkpoint was saved")


needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks processes up in /proc"
)


@needs_proc
@pytest.mark.slow("several processes")
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_ends_the_job_which_others_resume(folder, rank):
    job = begun(3, "-m", "layerwise", *LONG)
    until_saved("long", 1)
    os.kill(process_of(rank, job), signal.SIGKILL)
    _, complained = job.communicate(timeout=60)
    assert job.returncode != 0
    assert "Signal 9 (SIGKILL)" in complained
    summary = json.loads(Path("long/summary.json").read_text())
    assert summary["training"]["status"] == "running"
    # With another number of ranks, here one.
    assert main(["train", "--resume", "long"]) == 0
    summary = json.loads(Path("long/summary.json").read_text())
    assert summary["training"]["status"] == "finished"
    assert len(column("long", "loss")) == 2_000


@pytest.mark.slow("several processes")
@pytest.mark.skipif(os.name == "nt", reason="Slurm is not on Windows")
def test_the_job_file_of_slurm_trains_and_goes_on(folder):
    """Slurm's commands are stood in for; torchrun and the training are real."""
    script = Path(__file__).parents[1] / "docs" / "slurm" / "train.sbatch"
    stand_ins = folder / "bin"
    stand_ins.mkdir()
    commands = {
        "srun": 'exec "$@"',
        "scontrol": '[ "$1" = show ] && echo localhost || echo "$@" >> requeued',
        "torchrun": f'exec {sys.executable} -m torch.distributed.run "$@"',
    }
    for name, body in commands.items():
        (stand_ins / name).write_text(f"#!/bin/bash\n{body}\n")
        (stand_ins / name).chmod(0o755)
    told = {
        "PATH": f"{stand_ins}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "77",
        "SLURM_NNODES": "1",
        "SLURM_JOB_NODELIST": "localhost",
        "SLURM_CPUS_PER_TASK": "2",
        "PROCESSES": "2",
        "PORT": "0",
    }
    command = ["bash", str(script), "iris", "--hidden", "8", "--epochs", "2"]
    done = subprocess.run(
        command, env=os.environ | told, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(Path("runs/job-77/summary.json").read_text())
    assert summary["training"]["status"] == "finished"
    assert summary["environment"]["processes"] == "2"
    assert not Path("requeued").exists()
    # Put back after its end there is nothing to go on with, and that is said.
    again = subprocess.run(
        command, env=os.environ | told, capture_output=True, text=True, check=False
    )
    assert "nothing to resume, its training has finished" in again.stderr
