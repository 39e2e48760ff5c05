"""A run's folder: opened for a new run, or for one that goes on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layerwise.arrays import device_named
from layerwise.data import Dataset
from layerwise.errors import InputError
from layerwise.experiment._plan import Plan, load_data
from layerwise.experiment._summary import write_summary
from layerwise.files import make_folder
from layerwise.training import Checkpoint, latest_checkpoint, load_checkpoint

__all__ = ["Run", "open_run", "plain", "read_summary", "reopen_run"]


@dataclass(frozen=True, eq=False)
class Run:
    """A run's folder, what was asked of it, and the training it holds.

    Parameters
    ----------
    folder : Path
        Where everything is written.
    plan : Plan
        What was asked.
    data : Dataset
        Loaded.
    checkpoint : Checkpoint, optional
        Where an earlier training of this run stood.
    """

    folder: Path
    plan: Plan
    data: Dataset
    checkpoint: Checkpoint | None = None


def open_run(plan: Plan, out: str | None = None) -> Run:
    """Load the data and make the run's folder; by default ``runs/NAME-NUMBER``.

    Raises
    ------
    InputError
        If the data is wrong, or ``out`` holds something already.
    MachineError
        If the folder cannot be made.
    """
    if plan.recipe.device:
        device_named(plan.recipe.device)
    data = load_data(plan)
    folder = _new_folder(data.name) if out is None else Path(out)
    if out is not None and folder.exists() and not _is_empty(folder):
        raise InputError(
            f"--out {out} is not empty: name a new folder, or go on with --resume {out}"
        )
    make_folder(folder)
    run = Run(folder, plan, data)
    write_summary(folder, plan, data, {"training": {"status": "running"}})
    return run


def reopen_run(folder: str) -> Run:
    """Return a run that was interrupted, with its latest checkpoint.

    Raises
    ------
    InputError
        If the folder is no run, or its training has ended already.
    """
    path = Path(folder)
    summary = read_summary(path)
    status = summary["training"]["status"]
    if status not in ("running", "interrupted"):
        raise InputError(f"{folder}: nothing to resume, its training has {status}")
    plan = Plan.from_json(summary["plan"])
    data = load_data(plan)
    found = latest_checkpoint(path / "checkpoints")
    checkpoint = None
    if found:
        checkpoint = load_checkpoint(found, plan.architecture, data, plan.recipe)
    return Run(path, plan, data, checkpoint)


def read_summary(folder: Path) -> dict[str, Any]:
    """Return a run's ``summary.json``.

    Raises
    ------
    InputError
        If there is none, or it is not one of ours.
    """
    path = folder / "summary.json"
    try:
        summary = json.loads(path.read_text("utf-8"))
        Plan.from_json(summary["plan"])
        str(summary["training"]["status"])
    except OSError as error:
        raise InputError(f"{folder}: not a run, it has no summary.json") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a run's summary: {error}") from error
    return summary


def _new_folder(name: str) -> Path:
    number = 1
    while (folder := Path("runs") / f"{plain(name)}-{number}").exists():
        number += 1
    return folder


def plain(name: str) -> str:
    """Return the name as a folder may be called anywhere."""
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)
    return kept.strip("-") or "data"


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
