"""Health: how every layer fares in a step, as a few numbers taken inside the engines.

Written over the array-API standard like the mathematics that it watches: the same lines
run in NumPy and inside the compiled program.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from layerwise.arrays import Array, Tree, leaves, namespace
from layerwise.model import Batch, LossAndGradients, Sequential, slopes
from layerwise.statistics import statistics_of_outputs, statistics_of_slopes

__all__ = [
    "HEALTH_EVERY",
    "Health",
    "LayerHealth",
    "greatest_slopes",
    "health_of_step",
    "health_records",
    "no_health",
]

HEALTH_EVERY = 40
"""Global steps from one record to the next: in every step it would cost up to half."""


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


def no_health(
    records: int, layers: int, dtype: np.dtype
) -> Float[np.ndarray, "records layers measures"]:
    """Return so many records of zeros."""
    return np.zeros((records, layers, len(LayerHealth._fields)), dtype)


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
    pairs = zip(leaves(after), leaves(before), strict=True)
    weights = _norms(before, leaves(before), xp)
    updates = _norms(before, [new - old for new, old in pairs], xp)
    safe = xp.where(weights > 0, weights, xp.ones_like(weights))
    blocks = zip(layer.layers, found.traces, found.activations, strict=True)
    activations = [*found.activations]
    # A block without an activation passes everything: its slope is 1.
    passed = [next(slopes(b, trace), xp.ones_like(y)) for b, trace, y in blocks]
    gradients = _norms(before, leaves(found.gradients), xp)
    rows = [gradients, weights, updates / safe]
    of_outputs = _by_shape(activations, lambda y: statistics_of_outputs(y, share))
    of_slopes = _by_shape(passed, lambda s: statistics_of_slopes(s, share))
    return xp.concat([xp.stack(rows), of_outputs, of_slopes]).T


def _by_shape(
    arrays: Sequence[Array], function: Callable[[Array], Array]
) -> Float[Array, "measures arrays"]:
    """Apply ``function`` to arrays of equal shape together; it returns a column each.

    A hundred layers of one width then cost the compiler a handful of operations.
    """
    xp = namespace(*arrays)
    shapes = sorted({array.shape for array in arrays})
    places = [[i for i, a in enumerate(arrays) if a.shape == s] for s in shapes]
    found = [function(xp.stack([arrays[i] for i in group])) for group in places]
    back = np.argsort(np.concatenate(places))
    return xp.take(xp.concat(found, axis=1), xp.asarray(back), axis=1)


def _norms(tree: Tree, arrays: Sequence[Array], xp: Any) -> Float[Array, " layers"]:
    """Return the norm, over each layer of ``tree``, of the arrays like its leaves."""
    counts = [len(leaves(branch)) for branch in tree]
    flat = [xp.reshape(array, (-1,)) for array in arrays]
    squares = _by_shape(flat, lambda a: xp.sum(a * a, axis=1)[None])[0]
    padded = xp.concat([squares, xp.zeros_like(squares[:1])])
    of_layers = np.full((len(counts), max(counts)), len(arrays))
    ends = np.cumsum(counts)
    for row, (end, count) in enumerate(zip(ends, counts, strict=True)):
        of_layers[row, :count] = np.arange(end - count, end)
    taken = xp.take(padded, xp.asarray(of_layers.ravel()))
    return xp.sqrt(xp.sum(xp.reshape(taken, of_layers.shape), axis=1))


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
        kept = [s * xp.astype(counted[:, None], s.dtype) for s in own]
        units = [xp.max(s, axis=0) for s in kept]
        found.append(xp.concat(units) if units else xp.zeros(0))
    return tuple(found)
