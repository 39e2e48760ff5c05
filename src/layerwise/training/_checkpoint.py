"""Checkpoints on disk: where a training stood, to the byte.

A checkpoint is one safetensors file, named by the global step: parameters, the
optimiser's slots, the snapshots on the way, every step's records, and the epochs'
figures as JSON. Which training it belongs to is told by a fingerprint.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.arrays import leaves, named_leaves, tree_like
from layerwise.data import Dataset
from layerwise.errors import InputError
from layerwise.files import make_folder, read_tensors, write_tensors
from layerwise.model import Architecture
from layerwise.training._history import Epoch, History
from layerwise.training._loop import Checkpoint, Trainable, initial_state
from layerwise.training._recipe import Recipe
from layerwise.training.engines import State, on_host

FORMAT = "checkpoint-6"


def fingerprint(architecture: Trainable, data: Dataset, recipe: Recipe) -> str:
    """Return a digest of all that decides what a training comes to: settings and data.

    Two trainings may have arrays of the same shapes; only one of them goes on from a
    checkpoint to the bytes it would have come to. A module of torch is known by its
    structure; what it computes with its parameters is for its owner to keep.
    """
    settings = {
        "architecture": _described(architecture),
        "recipe": asdict(recipe.resolved(len(data.train))),
        "scaling": data.scaling,
        "classes": data.class_names,
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for samples in (data.train, data.validation, data.test):
        for array in (samples.inputs, samples.targets):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _described(architecture: Any) -> list[Any]:
    if isinstance(architecture, Architecture):
        chosen = asdict(architecture) if is_dataclass(architecture) else {}  # pyright: ignore[reportArgumentType]
        return [type(architecture).__qualname__, chosen]
    from layerwise.modules import TorchModule

    if not isinstance(architecture, TorchModule):
        architecture = TorchModule(architecture)
    parameters = [
        [name, list(p.shape), p.requires_grad]
        for name, p in architecture.module.named_parameters()
    ]
    scaled = [] if architecture.scaling == "none" else [architecture.scaling]
    return [repr(architecture.module), architecture.loss, parameters, *scaled]


def save_checkpoint(checkpoint: Checkpoint, folder: Path, training: str) -> Path:
    """Write a checkpoint into ``folder`` and return its path.

    Parameters
    ----------
    checkpoint : Checkpoint
    folder : Path
    training : str
        The `fingerprint` of the training.

    Raises
    ------
    InputError
        If ``folder`` is a file.
    MachineError
        If it cannot be written.
    """
    state = on_host(checkpoint.state)
    trees = {
        "parameters": state.parameters,
        "slots": state.slots,
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
        "training": training,
        "step": state.step,
        "epochs": [asdict(epoch) for epoch in checkpoint.history.epochs],
        "best": asdict(checkpoint.best[0]) if checkpoint.best else None,
        "snapshots": list(checkpoint.snapshots),
        "seconds": checkpoint.seconds,
    }
    path = make_folder(folder) / f"step-{state.step:09d}.safetensors"
    write_tensors(path, tensors, records)
    return path


def checkpoints_in(folder: Path) -> list[Path]:
    """Return the checkpoints in ``folder``, that of the most steps first."""
    return sorted(folder.glob("step-*.safetensors"), reverse=True)


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint of the most steps in ``folder``, or None."""
    return next(iter(checkpoints_in(folder)), None)


def prune_checkpoints(newest: Path, keep: int) -> None:
    """Keep ``newest`` and the ``keep - 1`` before it, of those in its folder.

    Those of more steps go too: a training that stands at ``newest`` has not come to
    them, or could not read them and went back.
    """
    before = [path for path in checkpoints_in(newest.parent) if path <= newest]
    for path in set(checkpoints_in(newest.parent)) - set(before[:keep]):
        path.unlink(missing_ok=True)


def load_checkpoint(
    path: Path,
    architecture: Trainable,
    data: Dataset,
    recipe: Recipe,
    training: str | None = None,
) -> Checkpoint:
    """Read a checkpoint of a training of this architecture, data and recipe.

    Parameters
    ----------
    path : Path
    architecture, data, recipe
        As for `layerwise.fit`.
    training : str, optional
        Their `fingerprint`, where it is known: it reads all of the data.

    Raises
    ------
    DamagedError
        If the file is not what was written.
    InputError
        If it belongs to another training.
    """
    tensors, records = read_tensors(path, FORMAT)
    if records.get("training") != (training or fingerprint(architecture, data, recipe)):
        raise InputError(
            f"{path}: not a checkpoint of this training: its settings or its data "
            "were others"
        )
    like = initial_state(architecture, data, recipe)
    samples = len(data.train)
    order = recipe.resolved(samples).order(samples)
    try:
        return _checkpoint(like, order.steps_per_epoch, tensors, records)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not a checkpoint of this training: {error}"
        ) from error


def _checkpoint(
    like: State,
    steps_per_epoch: int,
    tensors: Mapping[str, np.ndarray],
    records: dict[str, Any],
) -> Checkpoint:
    trees = {
        "parameters": like.parameters,
        "slots": like.slots,
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
    reached = range(step // steps_per_epoch + 1)
    if not set(filled["snapshots"]) <= set(reached):
        raise ValueError("it has a snapshot of an epoch that was not reached")
    best = (_epoch(records["best"]), filled["best"]) if records["best"] else None
    state = State(filled["parameters"], filled["slots"], step)
    history = History(losses, accuracies, epochs, tensors["health"])
    seconds = float(records["seconds"])
    return Checkpoint(state, history, best, filled["snapshots"], seconds)


def _epoch(fields: dict[str, Any]) -> Epoch:
    figures = dict(fields)
    return Epoch(dead=tuple(figures.pop("dead")), **figures)
