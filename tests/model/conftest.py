"""Random points to look at layers from."""

from collections.abc import Callable

import numpy as np
import pytest

from layerwise.arrays import Tree, tree_map
from layerwise.model import Draw


def point(layer, shape, batch=4, seed=0) -> tuple[Tree, np.ndarray, Tree]:
    """Parameters, none of them zero, inputs, and the noise that the layer asks for."""
    rng = np.random.default_rng(seed)
    params = tree_map(
        lambda leaf: leaf + 0.1 * rng.normal(size=leaf.shape), layer.init(rng, shape)
    )
    x = rng.normal(size=(batch, *shape))
    noise = tree_map(
        lambda d: rng.uniform(size=(batch, *d.shape)) if isinstance(d, Draw) else None,
        layer.noise(params, shape),
    )
    return params, x, noise


@pytest.fixture
def point_of() -> Callable[..., tuple[Tree, np.ndarray, Tree]]:
    return point
