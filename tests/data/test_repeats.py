"""Samples that are there more than once are counted, named and said first."""

import io

import numpy as np
import pytest
from rich.console import Console

from layerwise.cli import main
from layerwise.data import Dataset, Samples, load
from layerwise.data._remarks import repeats_of
from layerwise.presentation import print_data

X = np.random.default_rng(0).normal(size=(200, 4))
Y = np.arange(200) % 2
PIXELS = np.random.default_rng(1).integers(0, 255, (200, 9), dtype=np.uint8)


def test_a_set_without_repeats_has_no_remarks():
    assert Dataset.from_arrays(X, Y, test=0.2).remarks == ()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_copied_test_set_is_said(dtype):
    train = X.astype(np.float32)
    data = Dataset.from_arrays(train, Y, test=(train[:30].astype(dtype), Y[:30]))
    in_training = data.repeats.in_training
    both = len(in_training["test"]) + np.isin(np.arange(30), data.validation.rows).sum()
    assert both == 30
    said = data.remarks[0]
    assert said.startswith(
        f"{len(in_training['test'])} of 30 test samples are training samples too (row "
    )
    assert "Remove them" in said
    console = Console(file=io.StringIO(), width=200)
    print_data(console, data)
    assert said.split(":")[0] in console.file.getvalue()


@pytest.mark.parametrize(
    "test", [PIXELS / 255, PIXELS + 0.5, PIXELS.astype(np.int64) + 256]
)
def test_what_differs_in_kind_alone_is_compared_by_its_numbers(test):
    """Cut to whole numbers or wrapped, they would be the training samples."""
    data = Dataset.from_arrays(PIXELS, Y, test=(test, Y))
    assert not len(data.repeats.in_training["test"])
    assert not any("different label" in one for one in data.remarks)
    same = Dataset.from_arrays(PIXELS, Y, test=(PIXELS.astype(test.dtype), Y))
    drawn = len(same.repeats.in_training["test"])
    assert drawn == len(same.train)


def test_repeats_within_and_between_validation_and_training():
    data = Dataset.from_arrays(np.concatenate([X, X]), np.concatenate([Y, Y]))
    repeats = data.repeats
    assert len(repeats.in_training["validation"]) > 0
    assert repeats.within["train"] > 0
    said = " ".join(data.remarks)
    assert "validation samples are training samples too" in said
    assert f"{repeats.within['train']} of {len(data.train)} training samples" in said
    assert "different label" not in said


def test_equal_inputs_with_different_labels_are_named():
    inputs, labels = X.copy(), Y.copy()
    inputs[8], labels[8] = inputs[3], 1 - labels[3]
    data = Dataset.from_arrays(inputs, labels)
    total = sum(map(len, data.repeats.conflicting.values()))
    assert total == 2
    (said,) = [one for one in data.remarks if "different label" in one]
    assert said.startswith("2 samples have the same input as another")
    assert "row 3" in said
    assert "row 8" in said


def test_pictures_in_any_order_of_memory_are_compared():
    pictures = np.random.default_rng(0).integers(0, 255, (50, 5, 5), dtype=np.uint8)
    test = np.asfortranarray(pictures[:10])
    data = Dataset.from_arrays(pictures, np.arange(50) % 2, test=(test, Y[:10]))
    assert any("test samples are training samples too" in one for one in data.remarks)


def test_the_command_says_it_before_all_else(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    parts = {"x_train": X, "y_train": Y, "x_test": X[:40], "y_test": Y[:40]}
    np.savez("mine.npz", **parts)
    assert main(["data", "mine.npz"]) == 0
    assert "of 40 test samples are training samples too" in capsys.readouterr().out
    data = load("mine.npz")
    assert data.repeats is data.repeats


def test_samples_alone_are_compared():
    samples = Samples(np.ones((3, 2)), np.array([0, 1, 1]))
    none = samples.at(slice(0))
    repeats = repeats_of({"train": samples, "validation": none, "test": none})
    assert repeats.within["train"] == 2
    assert len(repeats.conflicting["train"]) == 3
