"""What the layers of a torch module give and pass on, seen by hooks.

An activation that is a module of its own belongs to the layer called before it, or
around it; its slope is known from its inputs. Where a function is called instead, a
layer passes what its gradient shows: an entry whose gradient is 0 passes nothing.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from layerwise.modules import CHANNELS_FIRST, activation_of
from layerwise.training._health import statistics_of_outputs, statistics_of_slopes
from layerwise.training.engines._live import Live

__all__ = ["Seen", "greatest_slopes", "layer_health", "watched"]


class Seen:
    """What one call of the module showed, by layer."""

    def __init__(self) -> None:
        self.outputs: dict[str, Tensor] = {}
        self.slopes: dict[str, Tensor] = {}
        self.gradients: dict[str, Tensor] = {}
        self.latest: str | None = None

    def began(self, name: str) -> None:
        """Note that a layer is being called."""
        self.latest = name
        self.slopes.pop(name, None)

    def gave(self, name: str, output: Any) -> None:
        """Note what a layer gave, and ask for the gradient by it."""
        tensor = output[0] if isinstance(output, tuple) else output
        if not isinstance(tensor, Tensor):
            return
        if tensor.requires_grad:
            tensor.register_hook(lambda g: self.gradients.__setitem__(name, g))
        self.outputs[name] = tensor.detach()

    def activated(self, layer: Any, inputs: Tensor) -> None:
        """Note an activation's slope, before it is called: it may work in place."""
        if self.latest is None:
            return
        with torch.no_grad():
            _, trace = layer.forward({}, inputs.detach())
            self.slopes[self.latest] = layer.derivative(trace).clone()


@contextmanager
def watched(live: Live) -> Generator[Seen]:
    """Watch the calls of a module in this block; its hooks are gone afterwards."""
    seen, hooks = Seen(), []
    for name, part in live.observed:
        hooks.append(part.register_forward_pre_hook(lambda *_, n=name: seen.began(n)))
        hooks.append(part.register_forward_hook(lambda *a, n=name: seen.gave(n, a[-1])))
    for part in live.module.modules():
        found = activation_of(part)
        if found is not None:
            hooks += _of_activation(part, found, seen)
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _of_activation(part: nn.Module, layer: Any, seen: Seen) -> list[Any]:
    def after(*called: Any) -> None:
        if seen.latest in seen.outputs:
            # In place or not: what the layer gives on is what its activation gave.
            seen.outputs[str(seen.latest)] = called[-1].detach()

    return [
        part.register_forward_pre_hook(lambda _, a: seen.activated(layer, a[0])),
        part.register_forward_hook(after),
    ]


def layer_health(
    live: Live,
    seen: Seen,
    share: Tensor,
    before: Tensor,
    summed: Callable[[Tensor], Tensor],
) -> Tensor:
    """Return the health of every layer in a step, shape (layers, measures).

    Parameters
    ----------
    live : Live
        After the update, with the gradient still there.
    seen : Seen
    share : tensor, shape (batch,)
        How much each sample of this process counts; together 1, over all processes.
    before : tensor, shape (parameters,)
        The vector before the update.
    summed : callable
        Adds tensors over the processes.
    """
    rows: list[Tensor] = []
    for at, (name, part) in enumerate(live.observed):
        spans = live.spans(part, direct=not live.takes_raw)
        norms = [
            _norm(vector, spans)
            for vector in (live.gradient, before, live.vector - before)
        ]
        gradient, weights, update = norms
        ratio = update / torch.where(weights > 0, weights, torch.ones_like(weights))
        is_last = at == len(live.observed) - 1
        # A layer may be left out of a step, or give no tensor: nothing is known of it.
        seen.outputs.setdefault(name, share.new_full((len(share), 1), torch.nan))
        outputs, counted = _by_units(seen.outputs[name], part, share)
        slopes = _slopes(seen, name, is_last)
        passed, _ = _by_units(slopes, part, share)
        measures = torch.cat(
            [
                statistics_of_outputs(outputs[None], counted, summed)[:, 0],
                statistics_of_slopes(passed[None], counted, summed)[:, 0],
            ]
        )
        rows.append(torch.cat([torch.stack([gradient, weights, ratio]), measures]))
    return torch.stack(rows)


def greatest_slopes(live: Live, seen: Seen, counted: Tensor) -> list[Tensor]:
    """Return each layer's greatest slope for every unit, over samples that count.

    A layer without a known activation has an empty array.
    """
    found: list[Tensor] = []
    for name, part in live.observed:
        slopes = seen.slopes.get(name)
        if slopes is None:
            found.append(live.vector[:0])
            continue
        share = counted.to(slopes.dtype)
        rows, own = _by_units(slopes.abs(), part, share)
        found.append((rows * (own > 0)[:, None]).amax(dim=0))
    return found


def _norm(vector: Tensor, spans: list[slice]) -> Tensor:
    squares = [torch.sum(vector[span] ** 2) for span in spans]
    return torch.sqrt(torch.stack(squares).sum()) if squares else vector[:1].sum() * 0


def _slopes(seen: Seen, name: str, is_last: bool) -> Tensor:
    """Return what the layer's activation lets pass; the outputs have none."""
    outputs = seen.outputs[name]
    if name in seen.slopes:
        return seen.slopes[name]
    if is_last or name not in seen.gradients:
        return torch.ones_like(outputs)
    return (seen.gradients[name] != 0).to(outputs.dtype)


def _by_units(array: Tensor, part: nn.Module, share: Tensor) -> tuple[Tensor, Tensor]:
    """Return an array as (samples · positions, units), and the share of each row."""
    if isinstance(part, CHANNELS_FIRST) and array.ndim > 2:
        array = array.movedim(1, -1)
    units = array.shape[-1] if array.ndim > 1 else 1
    rows = array.reshape(-1, units)
    if array.ndim > 1 and array.shape[0] == len(share):
        positions = rows.shape[0] // len(share)
        return rows, share.repeat_interleave(positions) / positions
    # Samples do not come first: all positions count alike.
    return rows, share.sum() * torch.ones_like(rows[:, 0]) / len(rows)
