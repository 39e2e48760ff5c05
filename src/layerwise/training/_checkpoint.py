"""Checkpoints on disk: where a training stood, to the byte.

A checkpoint is one safetensors file, named by the global step: parameters, the
optimiser's moments, the snapshots on the way, every step's records, and the epochs'
figures as JSON.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.arrays import leaves, named_leaves, tree_like
from layerwise.data import Dataset
from layerwise.errors import InputError
from layerwise.files import make_folder, read_tensors, write_tensors
from layerwise.model import Architecture
from layerwise.training._history import Epoch, History
from layerwise.training._loop import Checkpoint, initial_state
from layerwise.training._recipe import Recipe
from layerwise.training.engines import State, on_host

__all__ = ["latest_checkpoint", "load_checkpoint", "save_checkpoint"]

FORMAT = "checkpoint-4"


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write a checkpoint into ``folder`` and return its path.

    Raises
    ------
    MachineError
        If it cannot be written.
    """
    state = on_host(checkpoint.state)
    trees = {
        "parameters": state.parameters,
        "moments": state.moments,
        "snapshots": checkpoint.snapshots,
    }
    if checkpoint.best:
        trees["best"] = checkpoint.best[1]
    tensors = dict(named_leaves(trees))
    tensors["losses"] = checkpoint.history.losses
    tensors["accuracies"] = checkpoint.history.accuracies
    tensors["health"] = checkpoint.history.health
    records: dict[str, Any] = {
        "format": FORMAT,
        "step": state.step,
        "epochs": [asdict(epoch) for epoch in checkpoint.history.epochs],
        "best": asdict(checkpoint.best[0]) if checkpoint.best else None,
        "snapshots": list(checkpoint.snapshots),
    }
    path = make_folder(folder) / f"step-{state.step:09d}.safetensors"
    write_tensors(path, tensors, records)
    return path


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint of the most steps in ``folder``, or None."""
    return max(folder.glob("step-*.safetensors"), default=None)


def load_checkpoint(
    path: Path, architecture: Architecture, data: Dataset, recipe: Recipe
) -> Checkpoint:
    """Read a checkpoint of a training of this architecture, data and recipe.

    Raises
    ------
    InputError
        If the file is damaged, or belongs to another training.
    """
    tensors, records = read_tensors(path, FORMAT)
    like = initial_state(architecture, data, recipe)
    try:
        return _checkpoint(like, tensors, records)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not a checkpoint of this training: {error}"
        ) from error


def _checkpoint(
    like: State, tensors: Mapping[str, np.ndarray], records: dict[str, Any]
) -> Checkpoint:
    trees = {
        "parameters": like.parameters,
        "moments": like.moments,
        "snapshots": dict.fromkeys(records["snapshots"], like.parameters),
    }
    if records["best"]:
        trees["best"] = like.parameters
    filled = tree_like(trees, tensors)
    pairs = zip(leaves(filled), leaves(trees), strict=True)
    if any(found.dtype != expected.dtype for found, expected in pairs):
        raise ValueError("its numbers have another precision")
    step, losses, accuracies = records["step"], tensors["losses"], tensors["accuracies"]
    if not 0 <= step <= len(losses) == len(accuracies):
        raise ValueError(f"{len(losses)} losses after {step} steps")
    epochs = tuple(_epoch(epoch) for epoch in records["epochs"])
    if not set(filled["snapshots"]) <= {epoch.epoch for epoch in epochs}:
        raise ValueError("it has a snapshot of an epoch that was not reached")
    best = (_epoch(records["best"]), filled["best"]) if records["best"] else None
    state = State(filled["parameters"], filled["moments"], step)
    history = History(losses, accuracies, epochs, tensors["health"])
    return Checkpoint(state, history, best, filled["snapshots"])


def _epoch(fields: dict[str, Any]) -> Epoch:
    figures = dict(fields)
    return Epoch(dead=tuple(figures.pop("dead")), **figures)
