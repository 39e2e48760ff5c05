"""Our layers as torch's, and back: what corresponds to what.

The one module of this room that imports torch; it is loaded when it is first needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from layerwise.arrays import Tree, to_numpy, tree_map
from layerwise.data import Scaling
from layerwise.errors import InputError
from layerwise.model import (
    GELU,
    Dropout,
    Identity,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)

__all__ = [
    "CHANNELS_FIRST",
    "Converted",
    "Scale",
    "Skip",
    "Slot",
    "activation_of",
    "as_inputs",
    "logits_of",
    "network_module",
    "parts_of",
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

COUNTERPARTS: dict[type[Layer], type[nn.Module]] = {
    ReLU: nn.ReLU,
    LeakyReLU: nn.LeakyReLU,
    Tanh: nn.Tanh,
    Sigmoid: nn.Sigmoid,
    GELU: nn.GELU,
    Identity: nn.Identity,
    Dropout: nn.Dropout,
    Softmax: nn.Softmax,
}
"""Layers without parameters, and torch's."""


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


def network_module(
    layer: Sequential,
    names: tuple[str, ...],
    parameters: Tree,
    scaling: Scaling,
    shape: tuple[int, ...],
) -> nn.Sequential:
    """Return a network as a torch module of raw inputs, its blocks under their names.

    Raises
    ------
    InputError
        If a layer has no counterpart in torch.
    """
    blocks = zip(names, layer.layers, parameters, strict=True)
    found = {name: _module(one, own, name) for name, one, own in blocks}
    dtypes = {p.dtype for module in found.values() for p in module.parameters()}
    scale = Scale(scaling, shape, next(iter(dtypes), torch.float32))
    module = nn.Sequential()
    module.add_module("scaling", scale)
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
    settings: dict[str, Any] = {}
    match layer:
        case LeakyReLU(slope):
            settings = {"negative_slope": slope}
        case GELU():
            settings = {"approximate": "tanh"}
        case Dropout(rate):
            settings = {"p": rate}
        case Softmax():
            settings = {"dim": -1}
        case _:
            pass
    if type(layer) not in COUNTERPARTS:
        raise InputError(
            f"{name}: {type(layer).__name__} has no counterpart among torch's layers"
        )
    return COUNTERPARTS[type(layer)](**settings)


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


@dataclass(frozen=True, eq=False)
class Converted:
    """A torch module read as layers of ours.

    Parameters
    ----------
    layer : Sequential
        Its blocks, the output last.
    parameters : tree of NumPy arrays
    inputs : int
        How many features the first affine map takes.
    scaling : Scaling or None
        What it does to raw inputs first, where it begins with a ``Scale``.
    shape : tuple of int or None
        Of one raw input, where it begins with a ``Scale``.
    """

    layer: Sequential
    parameters: Tree
    inputs: int
    scaling: Scaling | None
    shape: tuple[int, ...] | None


def parts_of(module: nn.Module) -> Converted:
    """Read a module of known layers, one after another.

    Raises
    ------
    InputError
        If a part of it has no counterpart here; it is named.
    """
    module = unwrapped(module)
    found = list(_items(module, ""))
    scaling, shape = None, None
    if found and isinstance(found[0][1], Scale):
        scale = found.pop(0)[1]
        scaling, shape = scale.scaling(), scale.shape
    if found and isinstance(found[0][1], nn.Flatten) and found[0][1].start_dim == 1:
        found.pop(0)
    first = next((part for part in module.modules() if type(part) is nn.Linear), None)
    items = [_layer(part, name) for name, part in found]
    if first is None:
        raise InputError(f"{type(module).__name__}: there is no Linear in it")
    blocks, parameters = zip(*map(_block, _grouped(items)), strict=True)
    return Converted(Sequential(blocks), parameters, first.in_features, scaling, shape)


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
    layer = _weighted(module, name) or activation_of(module)
    if kind is nn.Dropout:
        layer = Dropout(module.p)
    elif kind is nn.Softmax and module.dim in (1, -1):
        layer = Softmax()
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


def activation_of(module: nn.Module) -> Layer | None:
    """Return the activation that does what a module does, or None."""
    match module:
        case nn.LeakyReLU():
            return LeakyReLU(module.negative_slope)
        case nn.GELU():
            return GELU() if module.approximate == "tanh" else None
        case nn.ReLU() | nn.Tanh() | nn.Sigmoid() | nn.Identity():
            return _PLAIN.get(type(module))
        case _:
            return None


_PLAIN: dict[type[nn.Module], Layer] = {
    nn.ReLU: ReLU(),
    nn.Tanh: Tanh(),
    nn.Sigmoid: Sigmoid(),
    nn.Identity: Identity(),
}


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
