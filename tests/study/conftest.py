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
def with_values() -> Callable[..., LayerStudy]:
    """Makes layers that were measured differently."""

    def make(layer: LayerStudy, **values: float) -> LayerStudy:
        measures = layer.measures
        changed = replace(measures, values={**measures.values, **values})
        return replace(layer, measures=changed)

    return make
