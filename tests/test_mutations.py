"""Damaged files of every kind: an error that says so, never a traceback or an abort."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("mutations.py")
COUNT = 400


@pytest.mark.slow("files changed in hundreds of ways")
@pytest.mark.parametrize("kind", ["parquet"])
def test_a_changed_file_is_read_or_refused(kind, tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), kind, str(tmp_path), str(COUNT)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (lines[-1:], done.stderr[-2000:])
    outcomes = [line.split(" ", 2)[2] for line in lines]
    assert len(outcomes) == COUNT
    wrong = [line for line in lines if not line.endswith((" read", " refused"))]
    assert not wrong
    assert outcomes.count("refused") > COUNT / 4
