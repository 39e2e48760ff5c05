"""What anybody's torch module is: unwrapped, fed, watched, read, converted.

What loads torch is looked up when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from layerwise.modules._file import load_network, save_network
from layerwise.modules._network import (
    TorchModule,
    TorchNetwork,
    scaling_module,
    to_torch,
    torch_network,
)

if TYPE_CHECKING:
    from layerwise.modules._batches import (
        ArraySource,
        Batch,
        Entry,
        Reader,
        Source,
        StreamSource,
        entry_of,
    )
    from layerwise.modules._capture import Capture, Layer, capture_of
    from layerwise.modules._choice import Layers, bare
    from layerwise.modules._convert import (
        CHANNELS_FIRST,
        Slot,
        as_inputs,
        logits_of,
        slots,
    )
    from layerwise.modules._outputs import Predict
    from layerwise.modules._read import activation_of, from_torch
    from layerwise.modules._reduction import Layout, Reduce, reduced
    from layerwise.modules._weights import load_weights

__all__ = [
    "CHANNELS_FIRST",
    "ArraySource",
    "Batch",
    "Capture",
    "Entry",
    "Layer",
    "Layers",
    "Layout",
    "Predict",
    "Reader",
    "Reduce",
    "Slot",
    "Source",
    "StreamSource",
    "TorchModule",
    "TorchNetwork",
    "activation_of",
    "as_inputs",
    "bare",
    "capture_of",
    "entry_of",
    "from_torch",
    "load_network",
    "load_weights",
    "logits_of",
    "reduced",
    "save_network",
    "scaling_module",
    "slots",
    "to_torch",
    "torch_network",
]

_WITH_TORCH = {
    "ArraySource": "_batches",
    "Batch": "_batches",
    "Entry": "_batches",
    "Reader": "_batches",
    "Source": "_batches",
    "StreamSource": "_batches",
    "entry_of": "_batches",
    "Capture": "_capture",
    "Layer": "_capture",
    "capture_of": "_capture",
    "Layers": "_choice",
    "bare": "_choice",
    "CHANNELS_FIRST": "_convert",
    "Slot": "_convert",
    "as_inputs": "_convert",
    "logits_of": "_convert",
    "slots": "_convert",
    "Predict": "_outputs",
    "activation_of": "_read",
    "from_torch": "_read",
    "Layout": "_reduction",
    "Reduce": "_reduction",
    "reduced": "_reduction",
    "load_weights": "_weights",
}


def __getattr__(name: str) -> Any:
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WITH_TORCH[name]}"), name)
