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
from typing import Any, TypedDict

import numpy as np

from layerwise.arrays import leaves, named_leaves, tree_like
from layerwise.data import Dataset
from layerwise.errors import DamagedError, InputError
from layerwise.files import (
    Count,
    Seconds,
    as_record,
    make_folder,
    read_tensors,
    tensor,
    write_tensors,
)
from layerwise.model import Architecture
from layerwise.training._history import Epoch, History, LayerHealth
from layerwise.training._loop import Checkpoint, Trainable, problem_of
from layerwise.training._recipe import Recipe
from layerwise.training.engines import Problem, State, on_host

FORMAT = "checkpoint-6"


class _Records(TypedDict):
    """What a checkpoint says beside its tensors."""

    step: Count
    epochs: tuple[Epoch, ...]
    best: Epoch | None
    snapshots: tuple[Count, ...]
    seconds: Seconds


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

    ``training`` is the `fingerprint` of the training.

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

    ``training`` is their `fingerprint`, where it is known: it reads all of the data.

    Raises
    ------
    DamagedError
        If the file is not what was written, or no checkpoint of that training.
    InputError
        If it belongs to another training.
    """
    tensors, records = read_tensors(path, FORMAT)
    if records.get("training") != (training or fingerprint(architecture, data, recipe)):
        raise InputError(
            f"{path}: not a checkpoint of this training: its settings or its data "
            "were others"
        )
    problem = problem_of(architecture, data, recipe)
    wrong = f"{path}: not a checkpoint of this training"
    known = as_record(records, _Records, wrong)
    try:
        return _checkpoint(problem, tensors, known)
    except ValueError as error:
        raise DamagedError(f"{wrong}: {error}") from error


def _checkpoint(
    problem: Problem, tensors: Mapping[str, np.ndarray], records: _Records
) -> Checkpoint:
    like = problem.initial_state()
    trees: dict[str, Any] = {
        "parameters": like.parameters,
        "slots": like.slots,
        "snapshots": dict.fromkeys(records["snapshots"], like.parameters),
    }
    if records["best"] is not None:
        trees["best"] = like.parameters
    filled = tree_like(trees, tensors)
    pairs = zip(leaves(filled), leaves(trees), strict=True)
    if any(found.dtype != expected.dtype for found, expected in pairs):
        raise ValueError("its numbers have another precision")
    step, epochs, best = records["step"], records["epochs"], records["best"]
    losses = tensor(tensors, "losses", "f", None)
    accuracies = tensor(tensors, "accuracies", "f", len(losses))
    if step > len(losses):
        raise ValueError(f"{len(losses)} losses after {step} steps")
    epochs_done = step // problem.order.steps_per_epoch
    if not {*filled["snapshots"]} <= {*range(epochs_done + 1)}:
        raise ValueError("it has a snapshot of an epoch that was not reached")
    if best is not None and best not in epochs:
        raise ValueError("its best epoch is none of its epochs")
    layers = len(problem.network.layer_names)
    if any(len(epoch.dead) not in (0, layers) for epoch in epochs):
        raise ValueError(f"its epochs are not of {layers} layers")
    measures = len(LayerHealth._fields)
    health = tensor(tensors, "health", "f", None, layers if step else None, measures)
    return Checkpoint(
        State(filled["parameters"], filled["slots"], step),
        History(losses, accuracies, epochs, health),
        None if best is None else (best, filled["best"]),
        filled["snapshots"],
        records["seconds"],
    )
