"""Damaged files of every kind: an error that says so, never a traceback or an abort."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("mutations.py")

COUNTS = {
    "parquet": 600,
    "csv": 400,
    "npz": 300,
    "npy": 300,
    "idx": 300,
    "activations": 400,
    "network": 400,
    "checkpoint": 300,
    "part": 400,
    "summary": 400,
    "history": 200,
    "sweep": 300,
}
"""Of each kind so many: those that are read by C++ and those that are rich in ways."""


@pytest.mark.slow("files changed in hundreds of ways")
@pytest.mark.parametrize("kind", COUNTS)
def test_a_changed_file_is_read_or_refused(kind, tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), kind, str(tmp_path), str(COUNTS[kind])],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert done.returncode == 0, (lines[-1:], done.stderr[-2000:])
    assert len(lines) == COUNTS[kind]
    refused = [line for line in lines if line.endswith(" refused")]
    assert [n for n in lines if n not in refused and not n.endswith(" read")] == []
    assert COUNTS[kind] / 4 < len(refused) < COUNTS[kind]
