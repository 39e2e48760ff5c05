"""From what a module gives to one row of numbers for each sample, in a stated way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

import torch
from torch import Tensor, nn

from layerwise.errors import InputError
from layerwise.wording import count

__all__ = ["CHANNELS_FIRST", "Layout", "Reduce", "layout_of", "reduced"]

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

How: TypeAlias = str | int | Callable[[Tensor], Tensor]

Reduce: TypeAlias = How | Mapping[str, How]
"""``mean`` over positions, ``flatten``, a token's place (0, -1), or a function from a
tensor to rows; or these by a glob of layer names."""


@dataclass(frozen=True)
class Layout:
    """How a layer's tensors lie, and how they become rows.

    Parameters
    ----------
    samples : int
        The axis of samples, 0 or 1.
    channels : int
        The axis of units once samples are first: 1, or -1.
    how : str, int or callable
        As in `Reduce`.
    said : str
        The same in words.
    """

    samples: int
    channels: int
    how: How
    said: str


def layout_of(
    name: str, module: nn.Module, tensor: Tensor, samples: int, reduce: Reduce
) -> Layout | None:
    """Return how a module's tensors of so many samples lie; None: not one per sample.

    Of what a convolution or its normalisation gives the units come before the
    positions, and so where pictures pass a module without weights; else they come last.

    Raises
    ------
    InputError
        If ``reduce`` is none of the ways there are.
    """
    axis = _sample_axis(module, tensor, samples)
    if axis is None:
        return None
    how = _how(name, reduce)
    convolves = any(isinstance(child, CHANNELS_FIRST) for child in module.modules())
    passes_pictures = tensor.ndim == 4 and not any(True for _ in module.parameters())
    convolves = convolves or passes_pictures
    channels = 1 if convolves and tensor.ndim > 2 else -1
    if not (callable(how) or isinstance(how, int) or how in ("mean", "flatten")):
        raise InputError(
            f"reduce={how!r}: give 'mean', 'flatten', the place of a token, or a "
            "function from a tensor to rows"
        )
    positions = 0
    if tensor.ndim > 2:
        shape = tensor.movedim(axis, 0).movedim(channels, -1).shape
        positions = int(torch.Size(shape[1:-1]).numel())
    return Layout(axis, channels, how, _said(how, positions))


def _sample_axis(module: nn.Module, tensor: Tensor, samples: int) -> int | None:
    """Return the axis of samples: the first, or where it does not fit, the second."""
    if tensor.ndim < 2:
        return 0 if tensor.shape == (samples,) else None
    sequence = tensor.ndim == 3 and getattr(module, "batch_first", True) is False
    axes = [axis for axis in (0, 1) if tensor.shape[axis] == samples]
    if not axes:
        return None
    return axes[-1] if sequence else axes[0]


def _how(name: str, reduce: Reduce) -> How:
    if not isinstance(reduce, Mapping):
        return reduce
    return next(
        (how for glob, how in reduce.items() if fnmatchcase(name, glob)), "mean"
    )


def _said(how: How, positions: int) -> str:
    if callable(how):
        return "by the function given"
    if not positions:
        return "as it is"
    if how == "flatten":
        return f"all {count(positions)} positions"
    if how == "mean":
        return f"mean of {count(positions)} positions"
    return f"position {how} of {count(positions)}"


def reduced(tensor: Tensor, layout: Layout, mask: Tensor | None) -> Tensor:
    """Return one row for each sample, at least in single precision.

    Parameters
    ----------
    tensor : Tensor
    layout : Layout
    mask : Tensor or None, shape (samples, positions)
        True where a position counts; only layers of as many positions respect it.
    """
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
