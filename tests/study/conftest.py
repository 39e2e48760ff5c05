"""Trained networks and networks made to measure."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import layerwise as lw
from layerwise.data import Scaling
from layerwise.model import MLP
from layerwise.study import LayerStudy


@pytest.fixture(scope="session")
def trained(digits) -> lw.Network:
    """Good, not perfect: some pairs stay mixed up."""
    return lw.fit(MLP([24, 16], "tanh"), digits, epochs=6, learning_rate=2e-3).network


@pytest.fixture(scope="session")
def study(trained, digits) -> lw.Study:
    return lw.inspect(trained, digits)


@pytest.fixture(scope="session")
def identity() -> Callable[[int], lw.Network]:
    """Makes networks whose logits are their inputs."""

    def make(units: int, loss: str = "cross-entropy") -> lw.Network:
        parameters = (({"W": np.eye(units), "b": np.zeros(units)},),)
        names = tuple(f"c{i}" for i in range(units))
        scaling = Scaling("none", np.zeros(()), np.ones(()))
        return lw.Network(MLP([], loss=loss), parameters, (units,), names, scaling)

    return make


@pytest.fixture(scope="session")
def blobs() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Draws normal classes with some overlap, and their labels."""

    def draw(
        samples: int, units: int, seed: int = 0, classes: int = 3
    ) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        labels = rng.integers(classes, size=samples)
        means = rng.normal(size=(classes, units))
        rows = means[labels] + rng.normal(size=(samples, units))
        rows.flags.writeable = False
        return rows, labels

    return draw


@pytest.fixture(scope="session")
def ridge_regression() -> Callable[..., np.ndarray]:
    """Reads classes off rows by the ridge of the lowest GCV, from the rows themselves.

    The probe has it from moments; this has it from the singular vectors.
    """

    def read(rows, labels, asked, classes: int) -> np.ndarray:
        mean = rows.mean(axis=0, dtype=float)
        scale = np.linalg.norm(rows - mean, axis=0)
        varies = scale > 1e-6
        left, values, right = np.linalg.svd(
            ((rows - mean) / np.where(varies, scale, 1))[:, varies], full_matrices=False
        )
        of_rank = values > 1e-5 * values[0]
        left, values, right = left[:, of_rank], values[of_rank], right[of_rank]
        onehot = np.eye(classes)[labels]
        targets = onehot - onehot.mean(axis=0)

        def fitted(ridge):
            shrunk = values**2 / (values**2 + ridge * values[0] ** 2)
            return shrunk, left.T @ targets * shrunk[:, None]

        def error(ridge):
            shrunk, along = fitted(ridge)
            free = len(rows) - 1 - shrunk.sum()
            return ((targets - left @ along) ** 2).sum() / free**2

        _, along = fitted(min([0, *np.logspace(-8, 1, 46)], key=error))
        weights = right.T @ (along / values[:, None])
        scores = ((asked - mean) / np.where(varies, scale, 1))[:, varies] @ weights
        return (scores + onehot.mean(axis=0)).argmax(axis=1)

    return read


@pytest.fixture(scope="session")
def with_values() -> Callable[..., LayerStudy]:
    """Makes layers that were measured differently."""

    def make(layer: LayerStudy, **values: float) -> LayerStudy:
        measures = layer.measures
        changed = replace(measures, values={**measures.values, **values})
        return replace(layer, measures=changed)

    return make
