"""How weights begin: the variance that keeps a signal's size from layer to layer.

For y = x W with independent entries, Var y = fan_in · Var w · E[x²]. A signal keeps
its size through many layers where each multiplies it by about one; which Var w does so
depends on the activation, and on whether the forward or the backward signal is meant.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from layerwise import names

__all__ = ["INITIALISERS", "Initialiser"]

Initialiser = Callable[[np.random.Generator, int, int], np.ndarray]
"""Draws a weight matrix of shape (fan_in, fan_out), float64."""


def he(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """N(0, 2 / fan_in): ReLU halves E[x²] (He et al. 2015, eq. 10)."""
    return rng.normal(0.0, np.sqrt(2.0 / fan_in), (fan_in, fan_out))


def glorot(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """N(0, 2 / (fan_in + fan_out)): forward and backward (Glorot & Bengio 2010)."""
    return rng.normal(0.0, np.sqrt(2.0 / (fan_in + fan_out)), (fan_in, fan_out))


def lecun(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """N(0, 1 / fan_in): activations that are linear near zero (LeCun et al. 1998)."""
    return rng.normal(0.0, np.sqrt(1.0 / fan_in), (fan_in, fan_out))


def normal(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """N(0, 1), whatever the width: each ReLU layer multiplies E[x²] by fan_in / 2."""
    return rng.normal(0.0, 1.0, (fan_in, fan_out))


def orthogonal(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """Orthonormal rows or columns, uniform over such matrices (Saxe et al. 2014).

    The QR factors of a Gaussian matrix, with R's diagonal made positive, without
    which the draw is not uniform (Mezzadri 2007).
    """
    wide = fan_in < fan_out
    gaussian = rng.normal(size=(max(fan_in, fan_out), min(fan_in, fan_out)))
    columns, triangle = np.linalg.qr(gaussian)
    columns *= np.where(np.diagonal(triangle) < 0, -1.0, 1.0)
    return np.ascontiguousarray(columns.T if wide else columns)


INITIALISERS: Mapping[str, Initialiser] = MappingProxyType(
    {name: globals()[name] for name in names.INITIALISERS}
)
"""Every initialiser by its name."""
