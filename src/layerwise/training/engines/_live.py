"""A torch module in training: its parameters in one vector, read and set as trees.

Like the eager engine's: to update one large array takes less time than many small ones,
and the optimiser is the one of all engines. Parameters and their gradients are views of
two vectors, so that autograd and ``DistributedDataParallel`` write where it reads.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from layerwise.arrays import Array, Tree, leaves, tree_map
from layerwise.model import Network, TrainedNetwork
from layerwise.modules import (
    Key,
    Slot,
    Watched,
    answer_of,
    as_inputs,
    logits_of,
    slots,
    to_torch,
    units_axis,
    watched,
)
from layerwise.training._history import statistics_of_outputs, statistics_of_slopes


@dataclass(frozen=True)
class _Place:
    """Where a parameter lies in the vector, and how a tree's leaf shows it."""

    start: int
    stop: int
    shape: tuple[int, ...]
    transposed: bool

    def of(self, vector: Tensor) -> Tensor:
        """Return the part of a vector as a view, of the leaf's shape."""
        found = vector[self.start : self.stop].view(self.shape)
        return found.T if self.transposed else found


@dataclass(frozen=True, eq=False)
class Live:
    """A module of its own on the device, whose parameters are views of one vector.

    Parameters
    ----------
    vector, gradient : tensors, shape (parameters,)
        All that follows the gradient, and the gradient.
    places : tree of _Place
        Of the form of the state's parameters, those that are kept left out.
    kept : dict of str to tensor, or None
        What else a module holds; None where there can be none.
    observed : dict of str to Module
        The layers whose health is taken, in forward order.
    takes_raw : bool
        Whether the module scales by itself and takes inputs of every dtype.
    """

    module: nn.Module
    vector: Tensor
    gradient: Tensor
    places: Tree
    kept: dict[str, Tensor] | None
    observed: dict[str, nn.Module]
    takes_raw: bool
    classes: int

    def shown(self, vector: Tensor) -> Tree:
        """Return a vector's numbers as a tree of views."""
        return tree_map(lambda place: place.of(vector), self.places)

    def parameters(self) -> Tree:
        """Return a copy of the parameters as the state holds them."""
        tree = self.shown(self.vector.clone())
        if self.kept is None:
            return tree
        kept = {name: tensor.clone() for name, tensor in self.kept.items()}
        return {"trained": tree, "kept": kept}

    def load(self, parameters: Tree) -> None:
        """Set the parameters to those of a state."""
        if self.kept is not None:
            fill(self.kept, parameters["kept"])
            parameters = parameters["trained"]
        fill(self.shown(self.vector), parameters)

    def _spans(self, module: nn.Module) -> list[slice]:
        """Return where the parameters of a layer lie in the vector.

        Those of layers inside are these layers' own, but for blocks of networks by
        hand.
        """
        start = self.vector.data_ptr()
        size = self.vector.element_size()
        found: list[slice] = []
        for parameter in module.parameters(recurse=self.takes_raw):
            if parameter.requires_grad:
                at = (parameter.data_ptr() - start) // size
                found.append(slice(at, at + parameter.numel()))
        return found

    def inputs(self, rows: np.ndarray | Tensor) -> Tensor:
        """Return raw inputs as the module takes them, on its device."""
        if self.takes_raw:
            return torch.as_tensor(rows).to(self.vector.device)
        return as_inputs(rows, self.vector.dtype, self.vector.device)

    def logits(self, outputs: Any, samples: int) -> Tensor:
        """Return the logits in the module's outputs, shape (samples, classes)."""
        if self.takes_raw:
            return outputs  # of a regression there may be one, and it is no logit
        return logits_of(answer_of(outputs), samples, self.classes)

    def watched(self, forward: Callable[[Tensor], Any], inputs: Tensor) -> Watched:
        """Run the module by ``forward``, and return what its layers gave meanwhile."""
        return watched(
            self.module,
            self.observed,
            lambda: forward(inputs),
            slopes=True,
            # A block of a network by hand brings its activation.
            whole=self.takes_raw,
        )

    def health(
        self,
        seen: Watched,
        share: Tensor,
        before: Tensor,
        summed: Callable[[Tensor], Tensor],
    ) -> Tensor:
        """Return the health of every layer in a step, shape (layers, measures).

        It is asked for after the update, with the gradient still there. ``share`` is
        how much each sample of this process counts, together 1 over all processes;
        ``before`` is the vector before the update; ``summed`` adds over the processes.
        """
        vectors = self.gradient, before, self.vector - before
        norms = torch.stack(
            [
                torch.stack([_norm(vector, spans) for vector in vectors])
                for spans in map(self._spans, self.observed.values())
            ]
        )
        gradients, weights, updates = norms.T
        ratios = updates / torch.where(weights > 0, weights, 1)
        of_parameters = torch.stack([gradients, weights, ratios], dim=1)
        of_units = _layer_statistics(seen, self.observed, share, summed)
        return torch.cat([of_parameters, of_units], dim=1)


def _layer_statistics(
    seen: Watched,
    chosen: Mapping[str, nn.Module],
    share: Tensor,
    summed: Callable[[Tensor], Tensor],
) -> Tensor:
    """Return the statistics of every layer's outputs, then of its slopes.

    All but ``chosen``, the layers with the output last, are as in `Live.health`. A
    layer that was left out of the pass, or gave no tensor, has NaN: nothing is known.
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

    Those of a layer without an activation that is known are empty.
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


def _norm(vector: Tensor, spans: list[slice]) -> Tensor:
    squares = [torch.sum(vector[span] ** 2) for span in spans]
    return torch.sqrt(torch.stack(squares).sum()) if squares else vector.new_zeros(())


def fill(tree: Tree, values: Tree) -> None:
    """Copy the numbers of a tree, of any library, into tensors of the same form."""
    with torch.no_grad():
        tree_map(lambda tensor, value: tensor.copy_(_tensor(value)), tree, values)


def _tensor(value: Array) -> Tensor:
    if isinstance(value, Tensor):
        return value
    # A copy: arrays of NumPy may be read-only, of which torch would warn.
    return torch.tensor(np.asarray(value))


def live(network: TrainedNetwork, device: torch.device) -> Live:
    """Return a network's module on a device, its parameters in one vector."""
    module: Any = to_torch(network).to(device)
    kept: dict[str, Tensor] | None = None
    if isinstance(network, Network):
        blocks = list(module)[2:]
        tree = slots(network.layer, blocks)
        observed = dict(zip(network.layer_names, blocks, strict=True))
    else:
        named = dict(module.named_parameters())
        tree = {name: Slot(p) for name, p in named.items() if p.requires_grad}
        kept = {name: p.data for name, p in named.items() if not p.requires_grad}
        kept |= dict(module.named_buffers())
        parts = dict(module.named_modules())
        observed = {name: parts.get(name, module) for name in network.layer_names}
    vector, gradient, places = _laid_out(tree)
    return Live(
        module=module,
        vector=vector,
        gradient=gradient,
        places=places,
        kept=kept,
        observed=observed,
        takes_raw=isinstance(network, Network),
        classes=len(network.class_names),
    )


def _laid_out(tree: Tree) -> tuple[Tensor, Tensor, Tree]:
    """Put the parameters of a tree of slots into one vector, and their gradients."""
    tensors = [slot.tensor for slot in leaves(tree)]
    vector = torch.cat([tensor.data.reshape(-1) for tensor in tensors])
    gradient = torch.zeros_like(vector)
    end = 0

    def placed(slot: Slot) -> _Place:
        nonlocal end
        shape = tuple(slot.tensor.shape)
        end += slot.tensor.numel()
        place = _Place(end - slot.tensor.numel(), end, shape, transposed=False)
        slot.tensor.data = place.of(vector)
        slot.tensor.grad = place.of(gradient)
        return _Place(place.start, place.stop, shape, slot.transposed)

    return vector, gradient, tree_map(placed, tree)
