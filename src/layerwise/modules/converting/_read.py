"""Torch's layers as ours: a module of known layers as a network by hand."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from layerwise.arrays import Tree, to_numpy, tree_map
from layerwise.data import Scaling
from layerwise.errors import InputError
from layerwise.model import (
    ACTIVATIONS,
    MLP,
    Counterpart,
    Dropout,
    Layer,
    LayerNorm,
    Linear,
    Network,
    Residual,
    Sequential,
    Softmax,
    layers_within,
)
from layerwise.modules._calling import unwrapped
from layerwise.modules.converting._convert import Scale, Skip, slots
from layerwise.wording import type_in_words


def from_torch(
    module: nn.Module,
    *,
    loss: str | None = None,
    shape: tuple[int, ...] | None = None,
    class_names: Sequence[str] | None = None,
) -> Network:
    """Return a torch module as a network by hand: equal outputs and gradients.

    Parameters
    ----------
    module : torch.nn.Module
        What `to_torch` gave, trained further or not; or Sequentials, nested or not, of
        Linear, LayerNorm, Dropout and an activation of ``ACTIVATIONS``, in blocks of
        equal make as an MLP has them.
    loss : str, optional
        A key of ``LOSSES``; by default the cross-entropy, on the probabilities where
        the module ends with a Softmax.
    shape : tuple of int, optional
        Of one raw input; by default what `to_torch` noted, or a row of features.
    class_names : sequence of str, optional
        By default the numbers of the outputs.

    Raises
    ------
    InputError
        If a part of the module has no counterpart, which is named, or its blocks are
        not of equal make.

    Examples
    --------
    >>> from torch import nn
    >>> import layerwise as lw
    >>> module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    >>> network = lw.from_torch(module)
    >>> network.architecture.hidden, network.architecture.activation
    ((8,), 'tanh')
    """
    if not isinstance(module, nn.Module):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"{type_in_words(module)} is no torch module: give one")
    module = unwrapped(module)
    found = list(_items(module, ""))
    scaling = Scaling("none", np.zeros(()), np.ones(()))
    if found and isinstance(found[0][1], Scale):
        scale = found.pop(0)[1]
        scaling, shape = scale.scaling(), shape or scale.shape
    if found and isinstance(found[0][1], nn.Flatten) and found[0][1].start_dim == 1:
        found.pop(0)
    first = next((part for part in module.modules() if type(part) is nn.Linear), None)
    items = [_layer(part, name) for name, part in found]
    if first is None:
        raise InputError(f"{type(module).__name__}: there is no Linear in it")
    blocks, parameters = zip(*map(_block, _grouped(items)), strict=True)
    layer = Sequential(blocks)
    mlp = _mlp_of(layer, first.in_features, loss)
    if mlp is None:
        raise InputError(
            f"{type(module).__name__}: its blocks are not all of one make, as an "
            "MLP's are; lw.fit(module, data) trains it as it is"
        )
    outputs = _affine(layer)[-1].units
    names = tuple(class_names or map(str, range(outputs)))
    if len(names) != outputs:
        raise InputError(f"{len(names)} class names for {outputs} outputs")
    return Network(
        architecture=mlp,
        parameters=parameters,
        shape=shape or (first.in_features,),
        class_names=names,
        scaling=scaling,
    )


def _mlp_of(layer: Sequential, inputs: int, loss: str | None) -> MLP | None:
    """Return the settings that give these layers, or None where none do."""
    within = list(layers_within(layer))
    kinds = {type(one) for one in within}
    named: dict[Layer, str] = {one: name for name, one in ACTIVATIONS.items()}
    activations = [named[one] for one in within if one in named]
    rates = [one.rate for one in within if isinstance(one, Dropout)]
    widths = [one.units for one in _affine(layer)]
    if loss is None:
        ends = Softmax in kinds
        loss = "cross-entropy-on-probabilities" if ends else "cross-entropy"
    mlp = MLP(
        widths[:-1],
        activation=activations[0] if activations else "relu",
        loss=loss,
        normalise=LayerNorm in kinds,
        dropout=rates[0] if rates else 0.0,
        residual=Residual in kinds,
    )
    return mlp if mlp.build(inputs, widths[-1]) == layer else None


def _affine(layer: Layer) -> list[Linear]:
    return [one for one in layers_within(layer) if isinstance(one, Linear)]


_Item = tuple[Any, Tree]
"""A layer and its parameters."""


def _items(module: nn.Module, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the parts of nested Sequentials with their names, in forward order."""
    if not isinstance(module, nn.Sequential):
        yield name or type(module).__name__, module
        return
    for inner, part in module.named_children():
        yield from _items(part, f"{name}.{inner}" if name else inner)


def _grouped(items: list[_Item]) -> list[list[_Item]]:
    """Return the blocks: each begins with an affine map or a skip connection."""
    blocks: list[list[_Item]] = [[]]
    for item in items:
        begun = any(isinstance(layer, Linear | Residual) for layer, _ in blocks[-1])
        if begun and isinstance(item[0], Linear | Residual):
            blocks.append([])
        blocks[-1].append(item)
    return blocks


def _block(items: list[_Item]) -> _Item:
    if len(items) == 1 and isinstance(items[0][0], Residual):
        return items[0]
    layers, parameters = zip(*items, strict=True)
    return Sequential(layers), parameters


def _layer(module: Any, name: str) -> _Item:
    """Return the layer that does what a module does, and its parameters."""
    kind = type(module)
    if kind is Skip:
        inner = [_layer(part, f"{name}.{at}") for at, part in _items(module.layer, "")]
        layers, parameters = zip(*inner, strict=True)
        return Residual(Sequential(layers)), parameters
    layer = _weighted(module, name) or _plain(module)
    if layer is None:
        raise InputError(
            f"{name}: {kind.__name__}({module.extra_repr()}) has no counterpart by "
            "hand; lw.fit(module, data) trains any module as it is"
        )
    return layer, tree_map(
        lambda slot: to_numpy(slot.turned(slot.tensor)).copy(), slots(layer, module)
    )


def _weighted(module: Any, name: str) -> Layer | None:
    """Return the layer of an affine map or a normalisation."""
    kind = type(module)
    if kind not in (nn.Linear, nn.LayerNorm):
        return None
    if module.weight is None or module.bias is None:
        raise InputError(
            f"{name}: {kind.__name__} without weight or bias has no counterpart by hand"
        )
    if module.weight.dtype not in (torch.float32, torch.float64):
        raise InputError(
            f"{name}: parameters of {module.weight.dtype}: give float32 or float64"
        )
    if kind is nn.Linear:
        return Linear(module.out_features)
    return LayerNorm(module.eps) if len(module.normalized_shape) == 1 else None


def _plain(module: nn.Module) -> Layer | None:
    """Return the layer without parameters that does what a module does, or None."""
    if type(module) not in _PLAIN:
        return None
    kind, twin = _PLAIN[type(module)]
    if any(getattr(module, key) not in known for key, known in twin.fixed.items()):
        return None
    settings = twin.settings.items()
    return kind(**{field: getattr(module, key) for key, field in settings})


_PLAIN: dict[type[nn.Module], tuple[Any, Counterpart]] = {
    getattr(nn, kind.counterpart.name): (kind, kind.counterpart)
    for kind in (*map(type, ACTIVATIONS.values()), Dropout, Softmax)
    if kind.counterpart
}
