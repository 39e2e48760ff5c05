"""What the commands print fits a small screen: 40 lines of 80 columns."""

import re
from pathlib import Path

import numpy as np
import pytest

from layerwise.cli import main

pytestmark = [pytest.mark.slow("whole runs"), pytest.mark.usefixtures("unchecked")]

LINES, COLUMNS = 40, 80

BROKEN = re.compile(r"\d\n\s*(?:%|ms\b|s\b|min\b(?!,)|h\b|±|points\b)")
"""A number at the end of a line and its unit in the next."""

QUICK = ["--epochs", "3", "--hidden", "16,16", "--snapshots", "2"]


@pytest.fixture
def small(tmp_path, monkeypatch, capsys):
    """Runs a command on a small screen, and returns what stands there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", str(COLUMNS))

    def screen(*arguments):
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert status == 0, said.err
        assert said.err == ""
        return said.out

    return screen


def fits(screen, lines=LINES):
    rows = screen.splitlines()
    assert len(rows) <= lines, screen
    # A link is as long as its path.
    assert max(len(row) for row in rows if "file://" not in row) <= COLUMNS, screen
    assert not BROKEN.search(screen), screen


def classes(counts, seed=0):
    """Save normal classes about centres of their own."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    centres = 2 * rng.normal(size=(len(counts), 12))
    names = np.array([f"a class of a rather long name {c}" for c in range(len(counts))])
    np.savez("own.npz", X=centres[labels] + rng.normal(size=(len(labels), 12)),
             y=names[labels])  # fmt: skip
    return "own.npz"


def test_digits(small):
    fits(small("run", "digits", *QUICK, "--hidden", "16x5"))
    fits(small("data", "digits"))
    fits(small("train", "digits", *QUICK))
    fits(small("inspect", "runs/digits-1", "digits"))
    fits(small("diagnose", "runs/digits-1", "--fix"))
    fits(small("compare", "runs/digits-1", "runs/digits-2"))


def test_a_rare_class(small):
    screen = small("run", classes((970, 30)), *QUICK)
    fits(screen)
    fits(small("data", "own.npz"))


def test_a_table_of_which_there_is_much_to_say(small):
    """Columns are left out, classes uneven, rows repeated, and it overfits."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(900, 12))
    labels = np.where(numbers[:, 0] + rng.normal(size=900) > 0.9, "leaves", "stays")
    lines = [
        ",".join(map(str, [*row, *[f"note {at} of {n}" for n in range(9)], label]))
        for at, (row, label) in enumerate(zip(numbers, labels, strict=True))
    ]
    names = [*"abcdefghijkl", *[f"a long name of notes {n}" for n in range(9)], "y"]
    Path("much.csv").write_text("\n".join([",".join(names), *lines]))
    screen = small("run", "much.csv", "--hidden", "64,64")
    assert "overfit" in screen
    fits(screen)
    assert "Accuracy" in screen


def test_thirty_classes(small):
    fits(small("run", classes((25,) * 30), *QUICK))
    fits(small("data", "own.npz"))


def test_deep(small):
    fits(small("run", "iris", *QUICK, "--hidden", "8x30"))


def test_a_training_that_diverges(small, capsys):
    capsys.readouterr()
    sgd = ["--optimizer", "sgd", "--learning-rate", "1e30"]
    assert main(["run", "iris", *QUICK, *sgd]) == 3
    fits(capsys.readouterr().out)


def test_a_module(small):
    pytest.importorskip("torch")
    Path("nets.py").write_text(
        "from torch import nn\n\n\ndef build():\n"
        "    parts = [nn.Sequential(nn.Linear(64, 64), nn.ReLU()) for _ in range(20)]\n"
        "    return nn.Sequential(nn.Flatten(), *parts, nn.Linear(64, 10))\n"
    )
    fits(small("run", "digits", "--module", "nets.py:build", "--epochs", "2"))
    fits(small("inspect", "nets.py:build", "digits"))


def test_a_sweep(small):
    grid = ["--vary", "depth=1..3", "--vary", "width=4,8", "--workers", "1"]
    fits(small("sweep", "iris", *grid, "--epochs", "2"))
