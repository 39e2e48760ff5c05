"""Checkpoints on disk: named by the global step, exact, and refused where damaged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import layerwise as lw
from layerwise.arrays import named_leaves
from layerwise.errors import DamagedError, InputError
from layerwise.files import read_tensors, write_tensors
from layerwise.model import MLP
from layerwise.training import (
    Checkpoint,
    Recipe,
    checkpoints_in,
    fingerprint,
    latest_checkpoint,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from layerwise.training._checkpoint import FORMAT

ARCHITECTURE = MLP([8], dropout=0.3)
RECIPE = Recipe(epochs=4, batch_size=16, patience=4)


@pytest.fixture
def folder(small, tmp_path, ends) -> Path:
    """Checkpoints of the first three of four epochs."""
    kept = tmp_path / "checkpoints"
    seen: list[Checkpoint] = []
    lw.fit(ARCHITECTURE, small, RECIPE, save=seen.append)
    mark = fingerprint(ARCHITECTURE, small, RECIPE)
    for checkpoint in ends(seen)[:3]:
        save_checkpoint(checkpoint, kept, mark)
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
    mark = fingerprint(ARCHITECTURE, small, recipe)
    path = save_checkpoint(result.checkpoint, tmp_path, mark)
    loaded = load_checkpoint(path, ARCHITECTURE, small, recipe)
    assert loaded.state.step == result.checkpoint.state.step
    assert loaded.history.epochs == result.history.epochs
    assert all_bytes(loaded) == all_bytes(result.checkpoint)
    done = len(loaded.history.epochs)
    assert list(loaded.snapshots) == [e for e in (1, 2, 3, 4, 5, 8, 12) if e <= done]
    if patience:
        assert loaded.best[0] == result.checkpoint.best[0]
        assert loaded.best[0].step < loaded.state.step
    else:
        assert loaded.best is None
    content = path.read_bytes()
    assert save_checkpoint(loaded, tmp_path, mark).read_bytes() == content


@pytest.mark.parametrize(
    ("engine", "step"),
    [*(("eager", step) for step in (1, 3, 4, 6, 8, 15)), ("compiled", 6)],
)
def test_a_training_that_goes_on_from_disk_ends_in_the_same_bytes(
    small, tmp_path, monkeypatch, engine, step
):
    """Also from within an epoch of four steps."""
    monkeypatch.setattr("layerwise.training._loop.CHUNK_SECONDS", 0)
    recipe, seen = replace(RECIPE, engine=engine), []
    whole = lw.fit(ARCHITECTURE, small, recipe, save=seen.append)
    assert [c.state.step for c in seen] == list(range(1, 17))
    path = save_checkpoint(
        seen[step - 1], tmp_path, fingerprint(ARCHITECTURE, small, recipe)
    )
    checkpoint = load_checkpoint(path, ARCHITECTURE, small, recipe)
    resumed = lw.fit(ARCHITECTURE, small, recipe, resume=checkpoint)
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


def damaged(path, small) -> None:
    refused(path, small)
    with pytest.raises(DamagedError):
        load_checkpoint(path, ARCHITECTURE, small, RECIPE)


@pytest.mark.parametrize("length", [0, 7, 8, 200, -1])
def test_truncated(small, folder, length):
    path = latest_checkpoint(folder)
    path.write_bytes(path.read_bytes()[:length])
    damaged(path, small)


def test_a_flipped_byte(small, folder):
    """In the tensors; what the numbers mean is not asked."""
    path = latest_checkpoint(folder)
    content = bytearray(path.read_bytes())
    for place in (-1, -500, -1501):
        flipped = content.copy()
        flipped[place] ^= 1
        path.write_bytes(flipped)
        damaged(path, small)


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


@pytest.mark.parametrize("every", [0, 3])
def test_snapshots_of_epochs_that_were_not_evaluated(small, tmp_path, every):
    recipe, seen = replace(RECIPE, evaluate_every=every, patience=None), []
    whole = lw.fit(ARCHITECTURE, small, recipe, save=seen.append)
    half = next(c for c in seen if c.state.step == 8)
    assert list(half.snapshots) == [1, 2]
    assert half.history.epochs == ()
    path = save_checkpoint(half, tmp_path, fingerprint(ARCHITECTURE, small, recipe))
    checkpoint = load_checkpoint(path, ARCHITECTURE, small, recipe)
    resumed = lw.fit(ARCHITECTURE, small, recipe, resume=checkpoint)
    assert all_bytes(resumed.checkpoint) == all_bytes(whole.checkpoint)


def test_the_time_before_a_stop_counts(small, tmp_path):
    """Also of epochs that were not evaluated."""
    recipe, seen = replace(RECIPE, evaluate_every=0, patience=None), []
    lw.fit(ARCHITECTURE, small, recipe, save=seen.append)
    times = [checkpoint.seconds for checkpoint in seen]
    assert times[0] > 0
    assert times == sorted(times)
    long = replace(seen[-2], seconds=1000.0)
    path = save_checkpoint(long, tmp_path, fingerprint(ARCHITECTURE, small, recipe))
    checkpoint = load_checkpoint(path, ARCHITECTURE, small, recipe)
    resumed = lw.fit(ARCHITECTURE, small, recipe, resume=checkpoint)
    (last,) = resumed.history.epochs
    assert 1000 < last.seconds <= resumed.seconds < 1100


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
        ({}, {"slots.mean.0.0.W": None}),
        ({}, {"best.0.0.W": None}),
        ({}, {"snapshots.2.0.0.W": None}),
        ({}, {"snapshots.2.0.0.W": np.zeros((4, 8))}),
    ],
    ids=str,
)
def test_records_and_tensors_that_do_not_fit(small, folder, records, tensors):
    path = latest_checkpoint(folder)
    _, old = read_tensors(path, FORMAT)
    arrays = {n: a for n, a in (load_file(path) | tensors).items() if a is not None}
    write_tensors(path, arrays, old | records)
    assert "not a checkpoint of this training" in refused(path, small)


def test_of_another_format(small, folder):
    path = latest_checkpoint(folder)
    tensors, records = read_tensors(path, FORMAT)
    write_tensors(path, tensors, records | {"format": "checkpoint-2"})
    assert f"not a {FORMAT} written by layerwise" in refused(path, small)
    with pytest.raises(InputError) as caught:
        load_checkpoint(path, ARCHITECTURE, small, RECIPE)
    assert not isinstance(caught.value, DamagedError)


def moved(data):
    """The data with one number of the last test sample changed."""
    inputs = data.test.inputs.copy()
    inputs[-1, -1] += 1
    return replace(data, test=replace(data.test, inputs=inputs))


@pytest.mark.parametrize(
    "change",
    [
        lambda a, d, r: (replace(a, hidden=(9,)), d, r),
        lambda a, d, r: (replace(a, hidden=(8, 8)), d, r),
        lambda a, d, r: (replace(a, dropout=0.2), d, r),
        lambda a, d, r: (replace(a, activation="tanh"), d, r),
        lambda a, d, r: (a, replace(d, class_names=("a", "b", "c", "d")), r),
        lambda a, d, r: (a, replace(d, class_names=("a", "b", "c")), r),
        lambda a, d, r: (a, replace(d, scaling="range"), r),
        lambda a, d, r: (a, moved(d), r),
        lambda a, d, r: (a, d, replace(r, seed=1)),
        lambda a, d, r: (a, d, replace(r, epochs=5)),
        lambda a, d, r: (a, d, replace(r, schedule="cosine")),
        lambda a, d, r: (a, d, replace(r, engine="compiled")),
    ],
)
def test_of_another_training(small, folder, change):
    """Most of these have arrays of the same shapes."""
    path = latest_checkpoint(folder)
    architecture, data, recipe = change(ARCHITECTURE, small, RECIPE)
    assert "not a checkpoint of this training" in refused(
        path, data, architecture, recipe
    )


def test_of_the_same_training_said_otherwise(small, folder):
    path = latest_checkpoint(folder)
    said = replace(RECIPE, learning_rate=3e-3)
    assert load_checkpoint(path, ARCHITECTURE, small, said).state.step == 12


def test_the_last_are_kept(folder):
    def steps():
        return [int(path.stem.removeprefix("step-")) for path in checkpoints_in(folder)]

    assert steps() == [12, 8, 4]
    prune_checkpoints(folder / "step-000000012.safetensors", 2)
    assert steps() == [12, 8]
    # One that could not be read, so that the training went back behind it.
    prune_checkpoints(folder / "step-000000008.safetensors", 2)
    assert steps() == [8]


def test_a_folder_that_cannot_be_made(small, folder, tmp_path):
    checkpoint = load_checkpoint(latest_checkpoint(folder), ARCHITECTURE, small, RECIPE)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(InputError, match="taken is a file: give a folder"):
        save_checkpoint(checkpoint, tmp_path / "taken", "a fingerprint")
