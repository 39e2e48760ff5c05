"""A study needs no more memory for many samples than for some."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "study_memory.py"

SAMPLES = 200_000, 460_000
"""Both more than a study keeps the places of, so that this does not grow any more."""

SAID_OF_ONE = 280
"""Bytes of what is kept of a sample, at most: what each layer says of it, and not its
784 inputs, of a byte each."""

RUNS = 2
"""A peak varies by 50 megabytes, as threads meet: the least of two runs by less."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Some and many samples, in files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARK.parent)
        from study_memory import make
    found = []
    for samples in SAMPLES:
        found.append(tmp_path_factory.mktemp("samples"))
        make(found[-1], samples)
    return found


@pytest.mark.slow("benchmarks")
@pytest.mark.parametrize("what", ["activations", "network"])
def test_the_peak_stays_where_it_is(folders, what):
    if not Path("/proc/self/status").exists():
        pytest.skip("who says how much memory a process took at most?")
    peaks = [min(_peak(what, folder) for _ in range(RUNS)) for folder in folders]
    assert peaks[1] - peaks[0] < SAID_OF_ONE * (SAMPLES[1] - SAMPLES[0])
    assert peaks[1] < 1.5e9


def _peak(what, folder):
    command = [sys.executable, str(BENCHMARK), "--study", what, str(folder)]
    done = subprocess.run(command, capture_output=True, check=True)
    _, most, _, accuracy = json.loads(done.stdout)
    assert accuracy > 0.99
    return most
