"""What a step's outputs and slopes say of a layer's health.

Written over the array-API standard: the same lines run in NumPy, inside a compiled
program, and on what was watched of a torch module.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from layerwise.arrays import Array, namespace

SATURATED = 0.05
"""An entry whose slope is below this passes less than a twentieth of its gradient:
tanh beyond 2.2, the logistic function beyond 2.9, a ReLU that is off."""

SILENT = 1e-3
"""A unit whose slope stays below this for all samples cannot learn from any of them."""


def statistics_of_outputs(
    outputs: Float[Array, "layers batch units"],
    share: Float[Array, " batch"],
    summed: Callable[[Array], Array] = lambda array: array,
) -> Float[Array, "measures layers"]:
    """Return mean, spread and variation of layers' outputs, as `LayerHealth` has them.

    Parameters
    ----------
    outputs : array, shape (layers, batch, units)
    share : array, shape (batch,)
        How much each sample counts; together 1, over all processes.
    summed : callable, optional
        Adds arrays over the processes that each have a part of the batch.
    """
    xp = namespace(outputs)
    of_units = summed(_over_batch(outputs, share))
    mean = xp.mean(of_units, axis=1)
    within = summed(_over_batch((outputs - of_units[:, None, :]) ** 2, share))
    variation = xp.mean(within, axis=1)
    # The law of total variance: within the units, and between their means.
    spread = variation + xp.mean((of_units - mean[:, None]) ** 2, axis=1)
    return xp.stack([mean, xp.sqrt(spread), xp.sqrt(variation)])


def statistics_of_slopes(
    found: Float[Array, "layers batch units"],
    share: Float[Array, " batch"],
    summed: Callable[[Array], Array] = lambda array: array,
) -> Float[Array, "measures layers"]:
    """Return which parts of layers are saturated and silent, as `LayerHealth` has them.

    Parameters are those of `statistics_of_outputs`, but for the slopes of activations.
    """
    xp = namespace(found)
    sizes = xp.abs(found)
    off = _over_batch(xp.astype(sizes < SATURATED, found.dtype), share)
    saturated = xp.mean(off, axis=1)
    passes = ~(sizes < SILENT) & (share[:, None] > 0)
    passing = summed(xp.sum(xp.astype(passes, found.dtype), axis=1))
    silent = xp.mean(xp.astype(passing == 0, found.dtype), axis=1)
    return xp.stack([summed(saturated), silent])


def _over_batch(
    values: Float[Array, "layers batch units"], share: Float[Array, " batch"]
) -> Float[Array, "layers units"]:
    """Return each unit's mean over the samples that count.

    As a matrix product it would take longer to compile than to compute.
    """
    xp = namespace(values)
    return xp.sum(values * share[:, None], axis=1)


def silent_shares(greatest: Sequence[np.ndarray]) -> tuple[float, ...]:
    """Return the share of each layer's units whose greatest slope is near 0."""
    return tuple(float(np.mean(s < SILENT)) if s.size else 0.0 for s in greatest)
