"""The study under torchrun: real processes, and the figures of one of them."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import layerwise as lw

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone"]


def launched(processes, arguments, cwd=None, timeout=150):
    """Run layerwise in so many processes; return how it ended."""
    command = [*LAUNCH, f"--nproc-per-node={processes}", "-m", "layerwise", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=timeout, cwd=cwd
    )


def alone(arguments):
    command = [sys.executable, "-m", "layerwise", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def same(found, expected, path=""):
    """Refuse figures that differ by more than 1e-9, wherever they stand."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), path
        for name in expected:
            same(found[name], expected[name], f"{path}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), path
        for place, pair in enumerate(zip(found, expected, strict=True)):
            same(*pair, f"{path}[{place}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), path
    else:
        assert found == expected, path


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Activations of 2,500 rows: neither 2 nor 3 ranks divide what is fitted on."""
    folder = tmp_path_factory.mktemp("stored")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 2500)
    rows = rng.normal(size=(2500, 5)) + 1e4
    rows[:, :3] += 2 * np.eye(3)[labels]
    np.save(folder / "fc1.npy", rows[:, :4].astype(np.float32))
    np.save(folder / "fc2.npy", rows)
    (folder / "labels").mkdir()
    np.save(folder / "labels" / "y.npy", labels)
    names = ["--activations", str(folder / "*.npy")]
    return [*names, "--labels", str(folder / "labels" / "y.npy"), "--json"]


@pytest.fixture(scope="module")
def network(tmp_path_factory, digits):
    path = tmp_path_factory.mktemp("network") / "model.safetensors"
    lw.save_network(lw.fit(lw.MLP([12]), digits, epochs=2, seed=0).network, path)
    return ["inspect", str(path), "digits", "--json"]


@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.slow("several processes")
def test_stored_activations_give_the_same_study(stored, processes):
    expected = json.loads(alone(["inspect", *stored]).stdout)
    done = launched(processes, ["inspect", *stored])
    assert done.returncode == 0, done.stderr
    same(json.loads(done.stdout), expected)


@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.slow("several processes")
def test_a_network_gives_the_same_study(network, processes):
    expected = json.loads(alone(network).stdout)
    done = launched(processes, network)
    assert done.returncode == 0, done.stderr
    # One document, of rank 0; 1,258 training samples are no multiple of anything here.
    same(json.loads(done.stdout), expected)


MODULE = """
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import layerwise as lw


def build():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Unflatten(1, (1, 8)), nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(144, 12), nn.ReLU(), nn.Linear(12, 10),
    )


def batches():
    digits = lw.load("digits")
    sets = [
        TensorDataset(
            torch.from_numpy(samples.inputs.reshape(-1, 8, 8).astype(np.float32)),
            torch.from_numpy(samples.targets.astype(np.int64)),
        )
        for samples in (digits.test, digits.train)
    ]
    scored, fitted = (DataLoader(one, batch_size=50) for one in sets)
    return {"data": scored, "fit_on": fitted}
"""


@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.slow("several processes")
def test_a_module_gives_the_same_study(tmp_path, processes):
    (tmp_path / "cnn.py").write_text(MODULE)
    command = ["inspect", "cnn.py:build", "--data", "cnn.py:batches", "--json"]
    launch = [sys.executable, "-m", "layerwise", *command, "--out", "one"]
    one = subprocess.run(
        launch, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    done = launched(processes, [*command, "--out", "several"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    same(json.loads(done.stdout), json.loads(one.stdout))
    pages = [tmp_path / name / "report.html" for name in ("one", "several")]
    assert pages[0].stat().st_size == pytest.approx(pages[1].stat().st_size, rel=0.01)


PROGRAM = """
import sys
import numpy as np
import layerwise as lw
from layerwise import ranks
from layerwise.study.subjects import _network as room

ranks.join()
network = lw.load_network(sys.argv[1])
data = lw.load("digits")
seen = []
passed = room._blocks

def counted(network, samples, part):
    for block in passed(network, samples, part):
        seen.append((len(samples), block.positions))
        yield block

room._blocks = counted
study = lw.inspect(network, data.train)
own = [positions for size, positions in seen if size == 1258]
times = np.bincount(np.concatenate([*own, []]).astype(int), minlength=1258)
total = ranks.all_summed(times)
shares = ranks.gathered(np.count_nonzero(times))
if ranks.is_first():
    assert set(total) == {2}, set(total)  # once to fit, once to score
    assert sorted(shares) == [0, 234, 1024], shares
    assert study.layers[0].moments.count == 629
    print("each sample once")
"""


@pytest.mark.slow("several processes")
def test_each_sample_is_counted_once(network, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    command = [*LAUNCH, "--nproc-per-node=3", str(program), network[1]]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=150
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "each sample once\n"


@pytest.mark.slow("several processes")
def test_wrong_input_is_an_error_of_one_line_for_each_rank(stored):
    done = launched(2, ["inspect", "--activations", "nothing/*.npy", *stored[2:]])
    assert done.returncode != 0
    lines = done.stderr.splitlines()
    said = [line for line in lines if line.startswith(("layerwise:", "layerwise,"))]
    # A rank that ends first has torchrun end the other, before it has said anything.
    assert 1 <= len(said) <= 2
    assert all("--activations nothing/*.npy: no such files" in line for line in said)


SLOW_RANK = """
import os, sys, time
from layerwise import ranks
from layerwise.cli import main
import layerwise.study._activations as room

counted = room.count_activations

def slowly(*arguments, **named):
    if ranks.rank() == 1:
        print(os.getpid(), file=sys.__stdout__, flush=True)
        time.sleep(300)
    return counted(*arguments, **named)

room.count_activations = slowly
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow("several processes")
def test_a_killed_rank_ends_the_job_within_a_minute(stored, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(SLOW_RANK))
    command = [*LAUNCH, "--nproc-per-node=2", str(program), "inspect", *stored]
    job = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert job.stdout is not None
    pid = int(job.stdout.readline())
    os.kill(pid, signal.SIGKILL)
    _, errors = job.communicate(timeout=60)
    assert job.returncode != 0
    assert "Signal 9" in errors or "is lost" in errors
