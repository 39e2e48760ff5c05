"""Health: how every layer fares in a step, as a few numbers taken inside the engines.

Written over the array-API standard like the mathematics that it watches: the same lines
run in NumPy and inside the compiled program.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from layerwise.arrays import Array, Tree, leaves, namespace
from layerwise.model import Batch, LossAndGradients, Sequential, slopes

__all__ = [
    "HEALTH_EVERY",
    "SILENT",
    "Health",
    "LayerHealth",
    "greatest_slopes",
    "health_of_step",
    "health_records",
    "silent_shares",
]

HEALTH_EVERY = 40
"""Global steps from one record to the next: in every step it would cost up to half."""

SATURATED = 0.05
"""An entry whose slope is below this passes less than a twentieth of its gradient:
tanh beyond 2.2, the logistic function beyond 2.9, a ReLU that is off."""

SILENT = 1e-3
"""A unit whose slope stays below this for all samples cannot learn from any of them."""


class LayerHealth(NamedTuple):
    """How one layer fares in one step.

    Parameters
    ----------
    gradient_norm, weight_norm : float
        Of all its parameters together, before the step's update.
    update_ratio : float
        The norm of the update by that of the weights.
    mean, spread : float
        Mean and standard deviation of its outputs, over samples and units.
    variation : float
        The root mean square, over the units, of a unit's standard deviation over the
        samples: what is left of the differences between samples.
    saturated : float
        Share of its activation's entries, 0 to 1, that pass less than a twentieth of
        the gradient.
    silent : float
        Share of its units, 0 to 1, that pass none for any sample of the batch.
    """

    gradient_norm: float
    weight_norm: float
    update_ratio: float
    mean: float
    spread: float
    variation: float
    saturated: float
    silent: float

    @property
    def root_mean_square(self) -> float:
        """The size of its outputs, √(mean² + spread²)."""
        return float(np.hypot(self.mean, self.spread))


@dataclass(frozen=True)
class Health:
    """How every layer fares in one step.

    Parameters
    ----------
    step : int
        Updates done before it.
    layers : tuple of LayerHealth
        In forward order, the output last.
    """

    step: int
    layers: tuple[LayerHealth, ...]


def health_records(
    array: Float[np.ndarray, "records layers measures"], every: int = HEALTH_EVERY
) -> tuple[Health, ...]:
    """Return the records of the steps 0, ``every``, 2 ``every``, … that an array is."""
    return tuple(
        Health(
            number * every, tuple(LayerHealth(*map(float, layer)) for layer in layers)
        )
        for number, layers in enumerate(array)
    )


def health_of_step(
    layer: Sequential, batch: Batch, found: LossAndGradients, before: Tree, after: Tree
) -> Float[Array, "layers measures"]:
    """Return the health of every layer in a step.

    Parameters
    ----------
    layer : Sequential
        The network.
    batch : Batch
        What the step saw; samples without weight do not count.
    found : LossAndGradients
        What backpropagation gave for it.
    before, after : tree of arrays
        The parameters before and after the update.
    """
    xp = namespace(found.loss)
    share = batch.weights / xp.sum(batch.weights)
    rows = zip(
        layer.layers,
        found.traces,
        found.activations,
        found.gradients,
        before,
        after,
        strict=True,
    )
    return xp.stack(
        [
            xp.stack(
                [
                    *_of_parameters(gradients, old, new, found.loss),
                    *_of_outputs(outputs, share),
                    *_of_slopes(tuple(slopes(block, trace)), share, found.loss),
                ]
            )
            for block, trace, outputs, gradients, old, new in rows
        ]
    )


def _of_parameters(
    gradients: Tree, old: Tree, new: Tree, like: Array
) -> tuple[Array, ...]:
    xp = namespace(like)
    pairs = zip(leaves(new), leaves(old), strict=True)
    weight = _norm(leaves(old), like)
    update = _norm([b - a for b, a in pairs], like)
    safe = xp.where(weight > 0, weight, xp.ones_like(weight))
    return _norm(leaves(gradients), like), weight, update / safe


def _of_outputs(
    outputs: Float[Array, "batch units"], share: Float[Array, " batch"]
) -> tuple[Array, ...]:
    xp = namespace(outputs)
    flat = xp.reshape(outputs, (outputs.shape[0], -1))
    of_units = share @ flat
    mean = xp.mean(of_units)
    spread = xp.sqrt(xp.mean(share @ (flat - mean) ** 2))
    return mean, spread, xp.sqrt(xp.mean(share @ (flat - of_units) ** 2))


def _of_slopes(
    found: Sequence[Array], share: Float[Array, " batch"], like: Array
) -> tuple[Array, ...]:
    """Return what share is saturated, what share silent; 0 without an activation."""
    xp = namespace(like)
    if not found:
        return xp.zeros_like(like), xp.zeros_like(like)
    sizes = [xp.abs(xp.reshape(s, (s.shape[0], -1))) for s in found]
    saturated = [xp.mean(share @ xp.astype(s < SATURATED, s.dtype)) for s in sizes]
    counted = share[:, None] > 0
    greatest = [xp.max(xp.where(counted, s, xp.zeros_like(s)), axis=0) for s in sizes]
    return sum(saturated) / len(found), sum(map(_silent, greatest)) / len(found)


def _silent(greatest: Array) -> Array:
    xp = namespace(greatest)
    return xp.mean(xp.astype(greatest < SILENT, greatest.dtype))


def _norm(arrays: Sequence[Array], like: Array) -> Array:
    xp = namespace(like)
    total = sum((xp.sum(a * a) for a in arrays), xp.zeros_like(like))
    return xp.sqrt(total)


def greatest_slopes(
    layer: Sequential, traces: Tree, counted: Array
) -> tuple[Array, ...]:
    """Return each activation's greatest slope for every unit, over samples that count.

    In forward order; a block without an activation has none, and adds an empty array.
    """
    xp = namespace(counted)
    found: list[Array] = []
    for block, trace in zip(layer.layers, traces, strict=True):
        own = [xp.reshape(xp.abs(s), (s.shape[0], -1)) for s in slopes(block, trace)]
        kept = [xp.where(counted[:, None], s, xp.zeros_like(s)) for s in own]
        units = [xp.max(s, axis=0) for s in kept]
        found.append(xp.concat(units) if units else xp.zeros(0))
    return tuple(found)


def silent_shares(greatest: Sequence[np.ndarray]) -> tuple[float, ...]:
    """Return the share of each layer's units whose greatest slope is near 0."""
    return tuple(float(np.mean(s < SILENT)) if s.size else 0.0 for s in greatest)
