"""Data sets whose truth is planted, and torch modules with a planted fault."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

import layerwise as lw
from layerwise.data import Samples

Inputs = Callable[[np.ndarray], np.ndarray]


def same(inputs: np.ndarray) -> np.ndarray:
    """Change nothing."""
    return inputs


def arrays(
    counts: tuple[int, ...] = (150, 150),
    *,
    apart: float = 3.0,
    features: int = 6,
    wrong: float = 0.0,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return normal classes, each shifted along an axis, and some wrong labels."""
    rng = np.random.default_rng(seed)
    targets = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    inputs = rng.normal(size=(len(targets), features))
    inputs[np.arange(len(targets)), targets % features] += apart
    flip = rng.random(len(targets)) < wrong
    others = (targets + rng.integers(1, len(counts), len(targets))) % len(counts)
    return inputs, np.where(flip, others, targets)


def gaussians(
    counts: tuple[int, ...] = (150, 150),
    *,
    inputs: Inputs = same,
    labels: Inputs = same,
    scaling: Any = "standard",
    **planted: Any,
) -> lw.Dataset:
    """Return such classes as a data set, with inputs and labels changed."""
    x, y = arrays(counts, **planted)
    return replace(lw.Dataset.from_arrays(inputs(x), labels(y)), scaling=scaling)


def rare(total: int, share: float, by: tuple[float, ...]) -> lw.Dataset:
    """Return a rare class whose first features are shifted."""
    rng = np.random.default_rng(0)
    targets = (rng.random(total) < share).astype(int)
    inputs = rng.normal(size=(total, 12))
    inputs[:, : len(by)] += targets[:, None] * np.array(by)
    return lw.Dataset.from_arrays(inputs, targets)


def noise(shares: tuple[float, ...], total: int = 600, features: int = 8) -> lw.Dataset:
    """Return labels that have nothing to do with the inputs."""
    rng = np.random.default_rng(0)
    targets = rng.choice(len(shares), total, p=shares)
    return lw.Dataset.from_arrays(rng.normal(size=(total, features)), targets)


def with_test(change: Inputs = same, labels: Inputs = same) -> lw.Dataset:
    """Return pictures in bytes, whose test inputs or labels are changed."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 800)
    bright = 60 + 90 * targets[:, None] + 30 * rng.normal(size=(800, 16))
    inputs = np.clip(bright, 0, 255).astype(np.uint8).reshape(-1, 4, 4)
    test = change(inputs[600:]), labels(targets[600:])
    return lw.Dataset.from_arrays(inputs[:600], targets[:600], test=test)


def table_with_test(change: Inputs = same, keep: Inputs | None = None) -> lw.Dataset:
    """Return a table whose test rows are changed, or chosen by their labels."""
    inputs, targets = arrays((400, 400))
    test = inputs[600:], targets[600:]
    if keep is not None:
        chosen = keep(test[1])
        test = test[0][chosen], test[1][chosen]
    test = change(test[0].copy()), test[1]
    return lw.Dataset.from_arrays(inputs[:600], targets[:600], test=test)


def leak() -> lw.Dataset:
    """Return a feature that is the label in training and validation but not in test."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 800)
    inputs = rng.normal(size=(800, 6))
    inputs[:600, 2] = 3 * targets[:600] + 0.1 * inputs[:600, 2]
    inputs[600:, 2] = 3 * rng.integers(0, 2, 200)
    test = inputs[600:], targets[600:]
    return lw.Dataset.from_arrays(inputs[:600], targets[:600], test=test)


def copied_test() -> lw.Dataset:
    """Return a test set that was copied from the training set."""
    inputs, targets = arrays()
    return lw.Dataset.from_arrays(inputs, targets, test=(inputs[:80], targets[:80]))


def of_rows(make: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]):
    """Return a data set of changed rows of two classes."""
    return lw.Dataset.from_arrays(*make(*arrays()))


def few_trained(wrong: float = 0.3) -> lw.Dataset:
    """Return 40 training samples with wrong labels, and enough to validate on."""
    data = gaussians((120, 120), wrong=wrong)
    rest = data.train.at(np.arange(40, len(data.train)))
    both = [rest, data.validation]
    validation = Samples(
        np.concatenate([np.asarray(one.inputs) for one in both]),
        np.concatenate([one.targets for one in both]),
    )
    return replace(data, train=data.train.at(np.arange(40)), validation=validation)


def coded(value: float, share: float, features: tuple[int, ...]) -> Inputs:
    """Return a change that puts a code for missing values into some features."""

    def change(inputs: np.ndarray) -> np.ndarray:
        missing = np.random.default_rng(1).random(inputs.shape) < share
        chosen = np.isin(np.arange(inputs.shape[1]), features)
        return np.where(missing & chosen, value, inputs)

    return change


def xor(total: int = 600) -> lw.Dataset:
    """Return classes that no line tells apart."""
    inputs = np.random.default_rng(0).normal(size=(total, 2))
    targets = ((inputs[:, 0] > 0) ^ (inputs[:, 1] > 0)).astype(int)
    return lw.Dataset.from_arrays(inputs, targets)


def table(
    *, tells: bool = True, flipped: str = "", total: int = 1200, wrong: float = 0.05
) -> lw.Dataset:
    """Return a table of which one column tells the label, but in one town by half."""
    rng = np.random.default_rng(0)
    member = rng.choice(["yes", "no"], total)
    town = rng.choice(["Ulm", "Bonn", "Rust", "Kiel"], total)
    label = member == "yes" if tells else rng.random(total) < 0.5
    label ^= rng.random(total) < np.where(town == flipped, 0.5, wrong)
    frame = pd.DataFrame(
        {
            "member": member,
            "town": town,
            "age": rng.integers(18, 90, total),
            "rooms": rng.integers(1, 6, total),
            "churn": np.where(label, "goes", "stays"),
        }
    )
    return lw.Dataset.from_frame(frame, "churn")


def one_hot(values: int = 8, total: int = 400) -> lw.Dataset:
    """Return a table of one category in columns of 0 and 1."""
    inputs = np.eye(values)[np.random.default_rng(0).integers(0, values, total)]
    targets = (inputs[:, : values // 2].sum(axis=1) > 0).astype(int)
    return lw.Dataset.from_arrays(inputs, targets)


def module(kind: str, classes: int = 5) -> Any:
    """Return a torch module with a planted fault."""
    import torch
    from torch import nn

    class Passed(nn.Module):
        """What is passed on is changed by a function."""

        def __init__(self, change: Callable[[Any], Any]) -> None:
            super().__init__()
            self.change = change

        def forward(self, x: Any) -> Any:
            return self.change(x)

    torch.manual_seed(0)
    units = 2 if kind in ("frozen", "detached") else 16
    first, last = nn.Linear(6, units), nn.Linear(units, classes)
    middle: list[nn.Module] = [nn.ReLU()]
    if kind == "stale":
        middle = [nn.BatchNorm1d(units, momentum=1e-3), nn.ReLU()]
    if kind == "detached":
        middle += [Passed(torch.detach)]
    if kind.startswith("frozen"):
        first.requires_grad_(False)
    end = [Passed(loud)] if kind == "loud" else []
    return nn.Sequential(first, *middle, last, *end)


def loud(logits: Any) -> Any:
    """Return logits so large that probabilities are 0 and 1."""
    return 30_000 * logits
