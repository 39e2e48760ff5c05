"""Checkpoints on disk: where a training stood, to the byte.

A checkpoint is one safetensors file, named by the global step: parameters, the
optimiser's moments, every step's records, and the epochs' figures as JSON.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.arrays import named_leaves, tree_like
from layerwise.data import Dataset
from layerwise.errors import InputError
from layerwise.files import make_folder, write_atomically
from layerwise.model import Architecture
from layerwise.training._history import Epoch, History
from layerwise.training._loop import Checkpoint, initial_state
from layerwise.training._recipe import Recipe
from layerwise.training.engines import State, on_host

__all__ = ["latest_checkpoint", "load_checkpoint", "save_checkpoint"]

FORMAT = "layerwise-checkpoint-1"


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write a checkpoint into ``folder`` and return its path.

    Raises
    ------
    MachineError
        If it cannot be written.
    """
    from safetensors.numpy import save

    state = on_host(checkpoint.state)
    trees = {"parameters": state.parameters, "moments": state.moments}
    if checkpoint.best:
        trees["best"] = checkpoint.best[1]
    tensors = {n: np.ascontiguousarray(leaf) for n, leaf in named_leaves(trees)}
    tensors["losses"] = checkpoint.history.losses
    tensors["accuracies"] = checkpoint.history.accuracies
    records: dict[str, Any] = {
        "step": state.step,
        "epochs": [asdict(epoch) for epoch in checkpoint.history.epochs],
        "best": asdict(checkpoint.best[0]) if checkpoint.best else None,
    }
    path = make_folder(folder) / f"step-{state.step:09d}.safetensors"
    metadata = {"format": FORMAT, "records": json.dumps(records)}
    write_atomically(path, save(tensors, metadata))
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
    from safetensors import SafetensorError, safe_open

    like = initial_state(architecture, data, recipe)
    trees = {"parameters": like.parameters, "moments": like.moments}
    try:
        with safe_open(path, framework="numpy") as file:
            records = json.loads(file.metadata()["records"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        best = None
        if records["best"]:
            trees["best"] = like.parameters
        filled = tree_like(trees, tensors)
        if records["best"]:
            best = (Epoch(**records["best"]), filled["best"])
        epochs = tuple(Epoch(**epoch) for epoch in records["epochs"])
        history = History(tensors["losses"], tensors["accuracies"], epochs)
        state = State(filled["parameters"], filled["moments"], int(records["step"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not a checkpoint of this training: {error}"
        ) from error
    return Checkpoint(state, history, best)
