"""Small data sets and trainings whose truth is planted, against all that is said.

A row names what must be said and what must not, by kind: a cause as it is, a finding
with "finding:", a finding of the inputs with "data:", else by words of a sentence.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import layerwise as lw
from layerwise.baselines import Baselines
from layerwise.study import inspect_inputs

pytestmark = pytest.mark.slow("planted truths")


def gaussians(
    counts: tuple[int, ...] = (150, 150),
    *,
    apart: float = 3.0,
    features: int = 6,
    wrong: float = 0.0,
    seed: int = 0,
    test: Callable[[np.ndarray], np.ndarray] | None = None,
    **given: Any,
) -> lw.Dataset:
    """Return normal classes, each shifted along an axis of its own."""
    rng = np.random.default_rng(seed)
    targets = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    inputs = rng.normal(size=(len(targets), features))
    inputs[np.arange(len(targets)), targets % features] += apart
    flip = rng.random(len(targets)) < wrong
    targets = np.where(flip, rng.integers(0, len(counts), len(targets)), targets)
    return lw.Dataset.from_arrays(inputs, targets, **given)


def shifted(total: int, share: float, by: tuple[float, ...], features: int = 12):
    """Return a rare class whose first features are shifted."""
    rng = np.random.default_rng(0)
    targets = (rng.random(total) < share).astype(int)
    inputs = rng.normal(size=(total, features))
    inputs[:, : len(by)] += targets[:, None] * np.array(by)
    return lw.Dataset.from_arrays(inputs, targets)


def noise(shares: tuple[float, ...], total: int = 600, seed: int = 0):
    """Return labels that have nothing to do with the inputs."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(len(shares), total, p=shares)
    return lw.Dataset.from_arrays(rng.normal(size=(total, 8)), targets)


def other_test(change: Callable[[np.ndarray], np.ndarray], feature: int = 0):
    """Return bytes in training whose test inputs were changed."""
    rng = np.random.default_rng(feature)
    targets = rng.integers(0, 2, 800)
    inputs = np.clip(
        60 + 90 * targets[:, None] + 30 * rng.normal(size=(800, 16)), 0, 255
    )
    inputs = inputs.astype(np.uint8).reshape(-1, 4, 4)
    test = change(inputs[600:]), targets[600:]
    return lw.Dataset.from_arrays(inputs[:600], targets[:600], test=test)


def leak():
    """Return a feature that is the label in training and validation but not in test."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 800)
    inputs = rng.normal(size=(800, 6))
    inputs[:600, 2] = 3 * targets[:600] + 0.1 * inputs[:600, 2]
    inputs[600:, 2] = 3 * rng.integers(0, 2, 200)
    test = inputs[600:], targets[600:]
    return lw.Dataset.from_arrays(inputs[:600], targets[:600], test=test)


WEAK = functools.partial(shifted, 2500, 0.116, (0.6, 0.6, -0.4))
UNLIKE = "finding: test set unlike training"
NOISE, RARE = "labels without information", "class imbalance"
VERDICTS = {NOISE, RARE, "overfitting", "underfitting", "constant prediction"}


@dataclass(frozen=True)
class Row:
    """What is planted, and what has to be said of it."""

    name: str
    make: Callable[[], lw.Dataset]
    required: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    hidden: tuple[int, ...] = (16,)
    settings: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)


ROWS = [
    Row("separable", gaussians, forbidden=VERDICTS),
    Row("rare, weak", WEAK, {RARE, "never predicts class 1: 0 of", "--class-weight"},
        {NOISE, "0 in the raw input", "finding: suspect labels"},
        hidden=(8, 8, 8), settings={"epochs": 5}),
    Row("rare, weighted", WEAK, set(), {NOISE, RARE},
        hidden=(8, 8, 8), settings={"epochs": 10, "class_weight": "balanced"}),
    Row("rare, solved", lambda: shifted(2000, 0.02, (5, 5, 5, 5)), forbidden=VERDICTS),
    Row("rare, solved, 300", lambda: shifted(300, 0.03, (5, 5, 5, 5)),
        forbidden=VERDICTS),
    Row("inverted test", lambda: other_test(lambda x: 255 - x),
        {UNLIKE, "in training, and mean"}, {"finding: gap", "finding: suspect labels"}),
    Row("test from 0 to 1", lambda: other_test(lambda x: (x > 128).astype(np.uint8)),
        {UNLIKE, "range 0 to 1 in test"}, {"finding: gap", "finding: suspect labels"}),
    Row("same test", lambda: other_test(lambda x: x), forbidden={UNLIKE}),
    Row("leak", leak, {UNLIKE, "Feature 2 tells the label in training but not in test"},
        {"finding: gap", "finding: suspect labels"}),
    Row("dropout 0.95", lambda: gaussians((100,) * 3),
        {"dropout too high", "--dropout 0.3"}, {"left in evaluation mode", NOISE},
        hidden=(40, 40, 40, 40), settings={"epochs": 10}, model={"dropout": 0.95}),
    Row("deep tanh", lambda: gaussians((100,) * 3), forbidden={"ReLU "},
        hidden=(12,) * 14, settings={"epochs": 2}, model={"activation": "tanh"}),
    Row("separable, 5 classes", lambda: gaussians((60,) * 5, apart=5.0),
        forbidden=VERDICTS | {UNLIKE}),
    Row("weighted, too short", gaussians, {"underfitting"}, {NOISE, RARE},
        settings={"epochs": 1, "batch_size": 200, "class_weight": "balanced"}),
    Row("one feature", lambda: gaussians((200, 200), features=1, apart=0.0),
        {NOISE}, {RARE}),
    Row("steps too short", gaussians, {"learning rate too low"}, {NOISE, RARE},
        settings={"epochs": 3, "optimizer": "sgd", "learning_rate": 1e-7}),
    Row("noise, even", lambda: noise((0.5, 0.5)), {NOISE}, {RARE}),
    Row("noise 90/7/3", lambda: noise((0.9, 0.07, 0.03)), {NOISE}, {RARE}),
    Row("noise 98/2", lambda: noise((0.98, 0.02), 1000), {NOISE}, {RARE}),
    Row("noise, 30 classes", lambda: noise((1 / 30,) * 30, 900), {NOISE}, {RARE}),
]  # fmt: skip


@functools.cache
def said(name: str) -> tuple[frozenset[str], str]:
    """Return all kinds that were said of a row, and all sentences together."""
    row = next(row for row in ROWS if row.name == name)
    data = row.make()
    settings = {"epochs": 60, "batch_size": 16, "engine": "eager"} | row.settings
    result = lw.fit(lw.MLP(row.hidden, **row.model), data, **settings)
    simple = Baselines(data)
    diagnosis = lw.diagnose(result, simple)
    kinds = {cause.kind for cause in diagnosis.causes}
    texts = [str(diagnosis)]
    study = None
    if result.status != "diverged":
        study = lw.inspect(result.network, data, snapshots=result.snapshots)
        kinds |= {f"finding: {one.kind}" for one in study.findings}
        texts += [one.text for one in study.findings]
    inputs = inspect_inputs(
        data, data.test, study=study, simple=simple.beside(data.test)
    )
    kinds |= {f"data: {one.kind}" for one in inputs.findings}
    return frozenset(kinds), "\n".join([*texts, *(f.text for f in inputs.findings)])


EMPTY = re.compile(r"\b0 of 0\b|\bnan\b|\binf\b|learning_rate None")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_planted_is_said_and_nothing_else(row: Row):
    kinds, text = said(row.name)
    flat = " ".join(text.split())
    missing = {one for one in row.required if one not in kinds and one not in flat}
    wrong = {
        one for one in row.forbidden if one in kinds or (" " in one and one in flat)
    }
    assert not missing, text
    assert not wrong, text
    assert not EMPTY.search(text)
