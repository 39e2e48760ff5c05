"""The page on scale can be followed, and its Slurm file used as it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.mark.slow("documents")
def test_the_page_can_be_followed(follow):
    follow("scale.md")


@pytest.mark.slow("documents")
def test_the_slurm_array_counts_parts_and_joins_them(repository, tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 600)
    (tmp_path / "acts").mkdir()
    rows = rng.normal(size=(600, 3)) + 4 * labels[:, None]
    np.save(tmp_path / "acts" / "fc1.npy", rows)
    np.save(tmp_path / "y.npy", labels)
    script = repository / "docs" / "slurm" / "study.sbatch"
    bin_folder = str(Path(sys.executable).parent)
    for task in (2, 1, 3):
        assert not (tmp_path / "parts" / "study.json").exists()
        environment = {
            **os.environ,
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "ACTS": str(tmp_path / "acts" / "*.npy"),
            "LABELS": str(tmp_path / "y.npy"),
            "SLURM_ARRAY_TASK_ID": str(task),
            "SLURM_ARRAY_TASK_COUNT": "3",
        }
        subprocess.run(["bash", str(script)], check=True, cwd=tmp_path, env=environment)
    study = json.loads((tmp_path / "parts" / "study.json").read_text())
    assert study["layers"][0]["name"] == "fc1"
    assert study["layers"][0]["probe_accuracy"] > 0.95
