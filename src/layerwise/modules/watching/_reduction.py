"""From what a module gives to one row of numbers for each sample, in a stated way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from layerwise.errors import InputError
from layerwise.modules._calling import CHANNEL_NORMS
from layerwise.wording import count

CHANNELS_FIRST = (
    *CHANNEL_NORMS, nn.Conv1d, nn.Conv2d, nn.Conv3d,
    nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
)  # fmt: skip
"""Layers whose units lie in the second axis."""

LAST = (
    nn.Linear, nn.Bilinear, nn.Embedding, nn.RNNBase, nn.MultiheadAttention,
    nn.TransformerEncoderLayer, nn.TransformerDecoderLayer, nn.TransformerEncoder,
    nn.TransformerDecoder, nn.Transformer,
)  # fmt: skip
"""Layers whose units lie in the last axis."""

How: TypeAlias = str | int | Callable[[Tensor], Tensor]

Reduce: TypeAlias = How | Mapping[str, How]
"""``mean`` over positions, ``flatten``, a token's place (0, -1), or a function from a
tensor to rows; or these by a glob of layer names."""


Value = TypeVar("Value")
Other = TypeVar("Other")

Units: TypeAlias = int | Mapping[str, int]
"""The axis of units with samples first, or that by a glob of layer names."""


@dataclass(frozen=True)
class Layout:
    """How a layer's tensors lie, and how they become rows.

    Parameters
    ----------
    samples : int
        The axis of samples.
    channels : int
        The axis of units once samples are first.
    how : str, int or callable
        As in `Reduce`.
    said : str
        The same in words.
    whole : bool
        Whether a row holds all that is given for a sample.
    """

    samples: int
    channels: int
    how: How
    said: str
    whole: bool


def layout_of(  # noqa: PLR0913 - what is known of one layer
    name: str,
    module: nn.Module,
    tensor: Tensor,
    samples: int,
    known: int | None,
    reduce: Reduce,
    units: Units | None = None,
) -> Layout | None:
    """Return how a module's tensors lie; None where nothing tells the axis of units.

    ``samples`` is the axis of samples in what the module gave, ``known`` that of
    features, where the functions that wrote or read it tell.

    Raises
    ------
    InputError
        If ``reduce`` is none of the ways there are, or there is no axis ``units``.
    """
    how = _by_glob(name, reduce, "mean") if isinstance(reduce, Mapping) else reduce
    if not (callable(how) or isinstance(how, int) or how in ("mean", "flatten")):
        raise InputError(
            f"reduce={how!r}: give 'mean', 'flatten', the place of a token, or a "
            "function from a tensor to rows"
        )
    if tensor.ndim <= 2 or callable(how) or how == "flatten":
        whole = not callable(how)
        return Layout(samples, -1, how, _said(how, tensor, -1), whole)
    shape = tensor.movedim(samples, 0).shape
    axis = _asked(name, shape, units)
    if axis is None:
        known = units_axis(module, tensor, known)
        if known is None or known == samples:
            return None
        # Those before the axis of samples move back by one.
        axis = known + 1 if known < samples else known
    whole = shape[1:].numel() == shape[axis]
    said = _said(how, tensor.movedim(samples, 0), axis)
    return Layout(samples, axis, how, said, whole)


def _asked(name: str, shape: torch.Size, units: Units | None) -> int | None:
    if isinstance(units, Mapping):
        units = _by_glob(name, units, None)
    if units is None:
        return None
    axis = units + len(shape) if units < 0 else units
    if not 0 < axis < len(shape):
        raise InputError(
            f"units={units}: {name} has shape {tuple(shape)}, samples first: give an "
            f"axis from 1 to {len(shape) - 1}, or -1 for the last"
        )
    return axis


def units_axis(module: nn.Module, tensor: Tensor, known: int | None) -> int | None:
    """Return the axis of a module's units in what it gives.

    It is ``known`` where the functions around tell; else the module's type may.
    """
    if known is not None and known < tensor.ndim:
        return known
    if isinstance(module, CHANNELS_FIRST):
        return 1
    return tensor.ndim - 1 if isinstance(module, LAST) else None


def _by_glob(name: str, given: Mapping[str, Value], otherwise: Other) -> Value | Other:
    """Return the entry of the first glob that a layer's name matches."""
    return next((own for g, own in given.items() if fnmatchcase(name, g)), otherwise)


def _said(how: How, tensor: Tensor, axis: int) -> str:
    if callable(how):
        return "by the function given"
    if tensor.ndim <= 2:
        return "as it is"
    if how == "flatten":
        return f"all {count(tensor[0].numel())} values"
    positions = count(tensor[0].numel() // max(1, tensor.shape[axis]))
    units = f"units: axis {axis}"
    if how == "mean":
        return f"mean of {positions} positions, {units}"
    return f"position {how} of {positions}, {units}"


def reduced(tensor: Tensor, layout: Layout, mask: Tensor | None) -> Tensor:
    """Return one row for each sample, at least in single precision.

    The mask, shape (samples, positions), is True where a position counts; only layers
    of as many positions respect it.
    """
    tensor = tensor.dequantize() if tensor.is_quantized else tensor
    tensor = tensor.movedim(layout.samples, 0)
    how = layout.how
    if callable(how):
        rows = how(tensor)
    elif tensor.ndim <= 2 or how == "flatten":
        rows = tensor.reshape(len(tensor), -1)
    else:
        rows = _pooled(tensor.movedim(layout.channels, -1).flatten(1, -2), how, mask)
    wide = rows.dtype in (torch.float32, torch.float64)
    return rows if wide else rows.to(torch.float32)


def _pooled(tensor: Tensor, how: str | int, mask: Tensor | None) -> Tensor:
    """Return the mean over positions, or one of them: (samples, positions, units)."""
    samples, positions, _ = tensor.shape
    if tensor.dtype not in (torch.float32, torch.float64):
        tensor = tensor.to(torch.float32)
    masked = mask is not None and mask.shape == (samples, positions)
    if isinstance(how, int):
        return (
            _token(tensor, how, mask) if mask is not None and masked else tensor[:, how]
        )
    if mask is None or not masked:
        return tensor.mean(dim=1)
    # Positions that do not count may hold anything, NaN too.
    total = mask.sum(dim=1, keepdim=True).clamp_min(1)
    return torch.where(mask[:, :, None], tensor, 0).sum(dim=1) / total


def _token(tensor: Tensor, place: int, mask: Tensor) -> Tensor:
    """Return one position of each sample, counted among those that are not masked."""
    order = torch.argsort((~mask).to(torch.int8), dim=1, stable=True)
    counts = mask.sum(dim=1)
    places = torch.full_like(counts, place) if place >= 0 else counts + place
    chosen = order.gather(1, places.clamp(0, mask.shape[1] - 1)[:, None])
    return tensor.gather(1, chosen[:, :, None].expand(-1, 1, tensor.shape[2]))[:, 0]
