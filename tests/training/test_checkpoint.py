"""Checkpoints on disk: named by the global step, exact, and refused where damaged."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import layerwise as lw
from layerwise.arrays import named_leaves
from layerwise.errors import InputError, MachineError
from layerwise.files import read_tensors
from layerwise.model import MLP
from layerwise.training import (
    Checkpoint,
    Recipe,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)

ARCHITECTURE = MLP([8], dropout=0.3)
RECIPE = Recipe(epochs=4, batch_size=16, patience=4)


@pytest.fixture
def folder(small, tmp_path) -> Path:
    """Checkpoints of the first three of four epochs."""
    kept = tmp_path / "checkpoints"
    seen: list[Checkpoint] = []
    lw.fit(ARCHITECTURE, small, RECIPE, save=seen.append)
    for checkpoint in seen[:3]:
        save_checkpoint(checkpoint, kept)
    return kept


def all_bytes(checkpoint: Checkpoint) -> dict[str, bytes]:
    best = checkpoint.best[1] if checkpoint.best else {}
    history = (checkpoint.history.losses, checkpoint.history.accuracies)
    trees = (checkpoint.state[:2], best, history, checkpoint.snapshots)
    return {name: leaf.tobytes() for name, leaf in named_leaves(trees)}


def test_named_by_the_global_step(folder):
    """A name by the step within the epoch would let each overwrite the last."""
    assert sorted(path.name for path in folder.iterdir()) == [
        "step-000000004.safetensors",
        "step-000000008.safetensors",
        "step-000000012.safetensors",
    ]
    assert latest_checkpoint(folder).name == "step-000000012.safetensors"


def test_no_folder_has_no_latest(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    assert latest_checkpoint(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("sgd", 3.0), ("momentum", 0.3), ("adam", 0.3)]
)
@pytest.mark.parametrize("patience", [None, 3])
def test_a_round_trip_is_exact(small, tmp_path, optimizer, rate, patience):
    recipe = Recipe(
        epochs=12, optimizer=optimizer, learning_rate=rate, patience=patience
    )
    result = lw.fit(ARCHITECTURE, small, recipe)
    path = save_checkpoint(result.checkpoint, tmp_path)
    loaded = load_checkpoint(path, ARCHITECTURE, small, recipe)
    assert loaded.state.step == result.checkpoint.state.step
    assert loaded.history.epochs == result.history.epochs
    assert all_bytes(loaded) == all_bytes(result.checkpoint)
    done = len(loaded.history.epochs)
    assert list(loaded.snapshots) == [e for e in (1, 2, 3, 6, 12) if e <= done]
    if patience:
        assert loaded.best[0] == result.checkpoint.best[0]
        assert loaded.best[0].step < loaded.state.step
    else:
        assert loaded.best is None
    content = path.read_bytes()
    assert save_checkpoint(loaded, tmp_path).read_bytes() == content


@pytest.mark.parametrize("step", [4, 8, 12])
def test_a_training_that_goes_on_from_disk_ends_in_the_same_bytes(small, folder, step):
    whole = lw.fit(ARCHITECTURE, small, RECIPE)
    path = folder / f"step-{step:09d}.safetensors"
    checkpoint = load_checkpoint(path, ARCHITECTURE, small, RECIPE)
    resumed = lw.fit(ARCHITECTURE, small, RECIPE, resume=checkpoint)
    assert resumed.status == "finished"
    assert all_bytes(resumed.checkpoint) == all_bytes(whole.checkpoint)
    assert list(resumed.checkpoint.snapshots) == [1, 2, 3, 4]
    assert resumed.validation == whole.validation
    assert resumed.test == whole.test


def refused(path, small, architecture=ARCHITECTURE, recipe=RECIPE) -> str:
    with pytest.raises(InputError) as caught:
        load_checkpoint(path, architecture, small, recipe)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("length", [0, 7, 8, 200, -1])
def test_truncated(small, folder, length):
    path = latest_checkpoint(folder)
    path.write_bytes(path.read_bytes()[:length])
    refused(path, small)


def test_not_a_checkpoint(small, folder, tmp_path):
    path = tmp_path / "x.safetensors"
    refused(path, small)
    path.write_bytes(b"not safetensors")
    refused(path, small)
    save_file({"W": np.ones(2)}, path)
    refused(path, small)
    network = lw.fit(ARCHITECTURE, small, epochs=1).network
    lw.save_network(network, path)
    assert "not a checkpoint" in refused(path, small)


@pytest.mark.parametrize(
    ("records", "tensors"),
    [
        ({"step": -1}, {}),
        ({"step": 13}, {}),
        ({"step": None}, {}),
        ({"epochs": 3}, {}),
        ({"epochs": [{"epoch": 1}]}, {}),
        ({"best": {"loss": 1}}, {}),
        ({"snapshots": 3}, {}),
        ({"snapshots": [4]}, {}),
        ({"snapshots": ["2"]}, {}),
        ({}, {"losses": None}),
        ({}, {"losses": np.zeros(11, np.float32)}),
        ({}, {"parameters.0.0.W": None}),
        ({}, {"parameters.0.0.W": np.zeros((8, 4), np.float32)}),
        ({}, {"parameters.0.0.W": np.zeros((4, 8))}),
        ({}, {"moments.mean.0.0.W": None}),
        ({}, {"best.0.0.W": None}),
        ({}, {"snapshots.2.0.0.W": None}),
        ({}, {"snapshots.2.0.0.W": np.zeros((4, 8))}),
    ],
    ids=str,
)
def test_records_and_tensors_that_do_not_fit(small, folder, records, tensors):
    path = latest_checkpoint(folder)
    _, old = read_tensors(path, "checkpoint-4")
    arrays = {n: a for n, a in (load_file(path) | tensors).items() if a is not None}
    save_file(arrays, path, {"layerwise": json.dumps(old | records)})
    refused(path, small)


def test_of_a_format_without_snapshots(small, folder):
    path = latest_checkpoint(folder)
    tensors, records = read_tensors(path, "checkpoint-4")
    del records["snapshots"]
    arrays = {n: a for n, a in tensors.items() if not n.startswith("snapshots.")}
    old = json.dumps(records | {"format": "checkpoint-1"})
    save_file(arrays, path, {"layerwise": old})
    assert "not a checkpoint-4 written by layerwise" in refused(path, small)


def test_of_another_training(small, folder):
    path = latest_checkpoint(folder)
    refused(path, small, architecture=MLP([9]))
    refused(path, small, architecture=MLP([8, 8]))
    refused(path, replace(small, class_names=("a", "b", "c", "d")))


def test_a_folder_that_cannot_be_made(small, folder, tmp_path):
    checkpoint = load_checkpoint(latest_checkpoint(folder), ARCHITECTURE, small, RECIPE)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(MachineError, match="taken"):
        save_checkpoint(checkpoint, tmp_path / "taken")
