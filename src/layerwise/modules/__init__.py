"""What anybody's torch module is: unwrapped, fed, watched, read, converted.

This room loads torch: who has no module gets along without it.
"""

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
from layerwise.modules._network import (
    TorchModule,
    TorchNetwork,
    scaling_module,
    to_torch,
    torch_network,
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
    "load_weights",
    "logits_of",
    "reduced",
    "scaling_module",
    "slots",
    "to_torch",
    "torch_network",
]
