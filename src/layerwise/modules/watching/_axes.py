"""The axis of a tensor's features, followed through a forward pass.

Shapes alone do not tell it: (32, 8, 8, 48) may be 8 channels or 48. But a linear map
reads and writes the last axis, a convolution of pictures the last but two, and what
moves axes says where they go. What no such function says is not known.
"""

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from layerwise.modules.watching._functions import POOLS

LAST = frozenset([
    "linear", "bilinear", "embedding", "embedding_bag", "multi_head_attention_forward",
    "linear_relu", "linear_dynamic", "linear_relu_dynamic", "quantized_lstm",
    "quantized_gru",
])  # fmt: skip
"""Functions that write the last axis; the first two read it too."""

SPATIAL = {
    f"{kind}{axes}d": axes
    for kind in ("conv", "conv_transpose", "dropout", *POOLS)
    for axes in (1, 2, 3)
    if (kind, axes) != ("dropout", 1)
} | {f"conv{axes}d_relu": axes for axes in (1, 2, 3)}  # fmt: skip
"""Functions that read and write the axis before so many axes of positions."""

SECOND = frozenset(["batch_norm", "group_norm", "instance_norm", "pixel_shuffle"])

MOVES = frozenset([
    "permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t",
])  # fmt: skip

RESHAPES = frozenset([
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as",
    "reshape_as",
])  # fmt: skip

PRODUCTS = frozenset(["matmul", "__matmul__", "mm", "bmm", "addmm", "einsum"])

STAYS = frozenset([
    "add", "__add__", "__radd__", "__iadd__", "sub", "__sub__", "__rsub__", "mul",
    "__mul__", "__rmul__", "__imul__", "div", "__truediv__", "__getitem__", "cat",
    "concat", "concatenate", "chunk", "split", "tensor_split", "pad", "roll",
    "interpolate", "upsample", "narrow", "index_select", "glu", "repeat", "expand",
    "where",
])  # fmt: skip
"""Functions that may change sizes, and leave axes where they are."""

PRIMES = (2, 3, 5, 7, 11, 13)
"""Sizes by which axes are known again when they have moved."""


class Call(NamedTuple):
    """A function of torch that is called, and what it is given.

    ``name`` is the function's, without the underscore of those that work in place.
    """

    func: Callable[..., Any]
    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class Axes:
    """Which axis of the tensors of a pass holds the features."""

    def __init__(self) -> None:
        self._known: MutableMapping[Tensor, int] = WeakTensorKeyDictionary()

    def of(self, tensor: Tensor) -> int | None:
        """Return the axis, or None where nothing tells it."""
        return self._known.get(tensor)

    def say(self, output: Any, axis: int) -> None:
        """Note the axis of a tensor, or of the first of some."""
        if isinstance(output, tuple) and output:
            output = output[0]
        if isinstance(output, Tensor) and -output.ndim <= axis < output.ndim:
            self._known[output] = axis % output.ndim

    def follow(self, call: Call, result: Any) -> None:
        """Note the axes of what a function gave, as far as they follow."""
        if isinstance(result, tuple | list) and call.name in STAYS:
            parts: Iterable[Any] = result
        else:
            first = isinstance(result, tuple) and result and call.name in LAST
            parts = result[:1] if first else [result]
        for part in parts:
            if isinstance(part, Tensor):
                axis = self._written(call, part)
                if axis is not None:
                    self._known[part] = axis

    def _written(self, call: Call, result: Tensor) -> int | None:
        direct = axis_read(call, result)
        if direct is not None or call.name in LAST:
            return result.ndim - 1 if direct is None else direct
        if call.name in PRODUCTS:
            # ``x @ weight``: of two tensors of samples no axis holds features.
            others = call.args[:0:-1]
            weight = next((one.ndim for one in others if isinstance(one, Tensor)), 0)
            plain = call.name in ("matmul", "__matmul__", "mm", "addmm")
            return result.ndim - 1 if plain and weight == 2 else None
        source, axis = self._source(call.args)
        if source is None or axis is None:
            return None
        if call.name in MOVES:
            return _moved(call, source.ndim, axis)
        return _carried(call.name, source.shape, axis, result.shape)

    def _source(self, args: tuple[Any, ...]) -> tuple[Tensor | None, int | None]:
        """Return the first tensor among the arguments of which the axis is known."""
        for one in args:
            for tensor in one if isinstance(one, tuple | list) else (one,):
                if isinstance(tensor, Tensor):
                    axis = self.of(tensor)
                    if axis is not None:
                        return tensor, axis
        return None, None


def axis_read(call: Call, tensor: Tensor) -> int | None:
    """Return which axis of a tensor a function takes for the features, or gives."""
    axis = None
    if call.name in ("linear", "bilinear"):
        axis = tensor.ndim - 1
    elif call.name in SPATIAL:
        axis = tensor.ndim - 1 - SPATIAL[call.name]
    elif call.name in SECOND:
        axis = 1
    elif call.name in ("layer_norm", "rms_norm"):
        second = call.args[1] if len(call.args) > 1 else ()
        shape = call.kwargs.get("normalized_shape", second)
        axis = tensor.ndim - 1 if len(shape) == 1 else None
    return axis if axis is None or 0 <= axis < tensor.ndim else None


def _moved(call: Call, axes: int, axis: int) -> int | None:
    """Return where a function moves an axis, by moving one of a known size."""
    sizes = PRIMES[:axes]
    if len(sizes) < axes:
        return None
    marked = torch.empty(sizes, device="meta")
    moved = call.func(marked, *call.args[1:], **call.kwargs)
    return list(moved.shape).index(sizes[axis])


def _carried(
    called: str, before: torch.Size, axis: int, after: torch.Size
) -> int | None:
    """Return which axis is still the same one; of a reshape: with as much after it."""
    if called not in RESHAPES:
        stays = called in STAYS and len(after) == len(before)
        return axis if stays or after == before else None
    behind = before[axis + 1 :].numel()
    for place, size in enumerate(after):
        if size == before[axis] and after[place + 1 :].numel() == behind:
            return place
    return None
