"""Our layers as torch's: what corresponds to what."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from layerwise.arrays import Tree, to_numpy, tree_map
from layerwise.data import Scaling
from layerwise.errors import InputError
from layerwise.model import (
    Counterpart,
    Layer,
    LayerNorm,
    Linear,
    Network,
    Residual,
    Sequential,
)


class Scale(nn.Module):
    """The map of raw inputs to what a network sees, ``(x − offset) / divisor``.

    Parameters
    ----------
    scaling : Scaling
    shape : tuple of int
        Of one raw input.
    dtype : torch.dtype
        What inputs are turned into first: in bytes the difference would wrap round.
    """

    offset: Tensor
    divisor: Tensor

    def __init__(
        self, scaling: Scaling, shape: tuple[int, ...], dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.kind = scaling.kind
        self.shape = shape
        self.register_buffer("offset", torch.tensor(scaling.offset, dtype=dtype))
        self.register_buffer("divisor", torch.tensor(scaling.divisor, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Return the inputs, scaled; shape (samples, *shape)."""
        x = x.to(self.offset.dtype)
        return x if self.kind == "none" else (x - self.offset) / self.divisor

    def extra_repr(self) -> str:
        """Return the kind, for the module's repr."""
        return self.kind

    def scaling(self) -> Scaling:
        """Return the record of the same map."""
        arrays = {"offset": to_numpy(self.offset), "divisor": to_numpy(self.divisor)}
        return Scaling.from_arrays(self.kind, arrays)


class Skip(nn.Module):
    """A module around which its inputs are led: y = x + f(x).

    Parameters
    ----------
    layer : Module
        f, whose outputs have the shape of its inputs.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return x + f(x)."""
        return x + self.layer(x)


def network_module(network: Network) -> nn.Sequential:
    """Return a network as a torch module of raw inputs, its blocks under their names.

    Raises
    ------
    InputError
        If a layer has no counterpart in torch.
    """
    blocks = zip(
        network.layer_names, network.layer.layers, network.parameters, strict=True
    )
    found = {name: _module(one, own, name) for name, one, own in blocks}
    dtypes = {p.dtype for module in found.values() for p in module.parameters()}
    dtype = next(iter(dtypes), torch.float32)
    module = nn.Sequential()
    module.add_module("scaling", Scale(network.scaling, network.shape, dtype))
    module.add_module("flatten", nn.Flatten())
    for name, block in found.items():
        module.add_module(name, block)
    return module.eval()


def _module(layer: Layer, parameters: Tree, name: str) -> nn.Module:
    """Return the module that computes what a layer does, with its parameters."""
    match layer:
        case Sequential(layers):
            parts = enumerate(zip(layers, parameters, strict=True))
            found = [_module(one, own, f"{name}.{at}") for at, (one, own) in parts]
            module = nn.Sequential(*found)
        case Residual(inner):
            module = Skip(_module(inner, parameters, f"{name}.layer"))
        case Linear(units):
            module = nn.Linear(parameters["W"].shape[0], units)
            _fill(module, layer, parameters)
        case LayerNorm(epsilon):
            module = nn.LayerNorm(parameters["gamma"].shape, epsilon)
            _fill(module, layer, parameters)
        case _:
            module = _plain(layer, name)
    return module


def _plain(layer: Layer, name: str) -> nn.Module:
    """Return the module of a layer without parameters."""
    # Its own: a class made from one of ours need not do what that does.
    twin: Counterpart | None = vars(type(layer)).get("counterpart")
    if twin is None:
        raise InputError(
            f"{name}: {type(layer).__name__} has no counterpart among torch's layers"
        )
    settings = {key: getattr(layer, field) for key, field in twin.settings.items()}
    settings |= {key: values[0] for key, values in twin.fixed.items()}
    return getattr(nn, twin.name)(**settings)


def _fill(module: nn.Module, layer: Layer, parameters: Tree) -> None:
    """Set the module's parameters, in the dtype of the layer's."""

    def fill(slot: Slot, values: np.ndarray) -> None:
        slot.tensor.data = slot.turned(torch.tensor(np.asarray(values))).contiguous()

    tree_map(fill, slots(layer, module), parameters)


@dataclass(frozen=True, eq=False)
class Slot:
    """Where a parameter of a layer lies in a module.

    Parameters
    ----------
    tensor : Parameter
    transposed : bool
        Torch keeps the weights of an affine map as (units, inputs).
    """

    tensor: nn.Parameter
    transposed: bool = False

    def turned(self, array: Tensor) -> Tensor:
        """Return a layer's array as torch has it, or torch's as the layer has it."""
        return array.T if self.transposed else array


def slots(layer: Layer, module: Any) -> Tree:
    """Return a tree like a layer's parameters that says where each is in its module."""
    match layer:
        case Sequential(layers):
            return tuple(map(slots, layers, module))
        case Residual(inner):
            return slots(inner, module.layer)
        case Linear():
            return {"W": Slot(module.weight, True), "b": Slot(module.bias)}
        case LayerNorm():
            return {"gamma": Slot(module.weight), "beta": Slot(module.bias)}
        case _:
            return {}
