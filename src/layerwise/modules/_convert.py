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

__all__ = [
    "CHANNELS_FIRST",
    "Scale",
    "Skip",
    "Slot",
    "as_inputs",
    "logits_of",
    "network_module",
    "slots",
    "unwrapped",
]


CHANNELS_FIRST = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.GroupNorm,
)
"""Layers whose units lie in the second axis; in all others they lie in the last."""


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


def unwrapped(module: nn.Module) -> nn.Module:
    """Return the module inside wrappers for several devices, and of a compiled one."""
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return unwrapped(module.module)
    compiled = getattr(module, "_orig_mod", None)
    return unwrapped(compiled) if isinstance(compiled, nn.Module) else module


def as_inputs(
    rows: np.ndarray | Tensor, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return inputs as a module takes them: whole numbers that may be indices stay.

    Bytes and floats become ``dtype``; nothing is scaled.
    """
    tensor = torch.as_tensor(rows).to(device)
    if tensor.is_floating_point() or tensor.dtype in (torch.uint8, torch.bool):
        return tensor.to(dtype)
    return tensor.long()


def logits_of(outputs: Any, classes: int) -> Tensor:
    """Return a module's outputs as one row of logits for each sample.

    Read from ``.logits`` or ``["logits"]`` where there is such, or the first of a
    tuple; one logit z for each sample means two classes, of logits 0 and z.

    Returns
    -------
    tensor, shape (samples, classes)

    Raises
    ------
    InputError
        If there is no such row for each sample.
    """
    found = getattr(outputs, "logits", outputs)
    if isinstance(found, dict):
        found = found.get("logits")
    if isinstance(found, tuple | list) and found:
        found = found[0]
    if not isinstance(found, Tensor):
        raise InputError(
            f"the module gives {type(outputs).__name__}, in which no logits are found:"
            " let its forward return them"
        )
    if classes == 2 and (found.ndim == 1 or found.shape[1:] == (1,)):
        z = found.reshape(-1)
        found = torch.stack([torch.zeros_like(z), z], dim=1)
    if found.ndim != 2 or found.shape[1] != classes:
        raise InputError(
            f"the module gives outputs of shape {tuple(found.shape)}: give (samples, "
            f"{classes}), one logit for each class"
        )
    return found
