"""How a module's layers fare in a pass: figures of what was watched, unit by unit."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from layerwise.modules.watching._reduction import units_axis
from layerwise.modules.watching._tracking import Key, Watched
from layerwise.statistics import statistics_of_outputs, statistics_of_slopes


def layer_statistics(
    seen: Watched,
    chosen: Mapping[str, nn.Module],
    share: Tensor,
    summed: Callable[[Tensor], Tensor],
) -> Tensor:
    """Return how every layer's outputs and slopes are spread, and what is silent.

    Parameters
    ----------
    seen : Watched
        A pass with slopes, and its gradients.
    chosen : mapping of str to nn.Module
        The layers, the output last.
    share : tensor, shape (batch,)
        How much each sample of this process counts; together 1, over all processes.
    summed : callable
        Adds tensors over the processes.

    Returns
    -------
    tensor, shape (layers, measures)
        Of `statistics_of_outputs`, then of `statistics_of_slopes`; NaN for a layer
        that was left out of the pass, or gave no tensor: nothing is known of it.
    """
    rows: list[Tensor] = []
    last = _last_uses(seen)
    for at, (name, part) in enumerate(chosen.items(), 1):
        key = last.get(name, Key(name, 0))
        axis = seen.axes.get(key)
        unknown = share.new_full((len(share), 1), torch.nan)
        values = seen.values.get(key, unknown).detach()
        slopes = torch.ones_like(values)  # of the output, which nothing follows
        if key in seen.slopes:
            slopes = seen.slopes[key]
        elif key in seen.gradients and at < len(chosen):
            # Of an activation that is not known: whatever comes back was let pass.
            slopes = (seen.gradients[key] != 0).to(values.dtype)
        outputs, counted = _by_units(values, units_axis(part, values, axis), share)
        passed, passing = _by_units(slopes, units_axis(part, slopes, axis), share)
        measures = [
            statistics_of_outputs(outputs[None], counted, summed)[:, 0],
            statistics_of_slopes(passed[None], passing, summed)[:, 0],
        ]
        rows.append(torch.cat(measures).to(share.dtype))
    return torch.stack(rows)


def greatest_slopes(
    seen: Watched, chosen: Mapping[str, nn.Module], counted: Tensor
) -> list[Tensor]:
    """Return each layer's greatest slope for every unit, over samples that count.

    Parameters
    ----------
    seen : Watched
        A pass with slopes.
    chosen : mapping of str to nn.Module
    counted : bool tensor, shape (batch,)

    Returns
    -------
    list of tensors, shape (units,)
        Empty for a layer without an activation that is known.
    """
    found: list[Tensor] = []
    last = _last_uses(seen)
    for name, part in chosen.items():
        slopes = seen.slopes.get(last[name]) if name in last else None
        if slopes is None:
            found.append(torch.zeros(0, device=counted.device))
            continue
        axis = units_axis(part, slopes, seen.axes.get(last[name]))
        rows, own = _by_units(slopes.abs(), axis, counted.to(slopes.dtype))
        found.append((rows * (own > 0)[:, None]).amax(dim=0))
    return found


def _last_uses(seen: Watched) -> dict[str, Key]:
    """Return the last use of every module that gave something."""
    uses = sorted({*seen.values, *seen.slopes}, key=lambda key: key.use)
    return {key.module: key for key in uses}


def _by_units(array: Tensor, axis: int | None, share: Tensor) -> tuple[Tensor, Tensor]:
    """Return an array as (samples · positions, units), and the share of each row.

    Where nothing tells the axis of units it is taken to be the last.
    """
    if axis is not None and array.ndim > 2:
        array = array.movedim(axis, -1)
    units = array.shape[-1] if array.ndim > 1 else 1
    rows = array.reshape(-1, units)
    if array.ndim > 1 and array.shape[0] == len(share):
        positions = rows.shape[0] // len(share)
        return rows, share.repeat_interleave(positions) / positions
    # Samples do not come first: all positions count alike.
    return rows, share.sum() * torch.ones_like(rows[:, 0]) / len(rows)
