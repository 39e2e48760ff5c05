"""What anybody's torch module is: unwrapped, fed, watched, read, converted.

This room loads torch: who has no module gets along without it.
"""

from layerwise.modules._calling import MODULE_ROWS, as_inputs, unwrapped
from layerwise.modules._capture import Capture, CapturedLayer, capture_of
from layerwise.modules._choice import Layers
from layerwise.modules._convert import Scale, Slot, slots
from layerwise.modules._export import onnx_of, plain_torch, run_onnx, run_plain
from layerwise.modules._health import greatest_slopes, layer_statistics
from layerwise.modules._network import (
    TorchModule,
    TorchNetwork,
    scaling_module,
    to_torch,
    torch_network,
)
from layerwise.modules._outputs import Predict, answer_of, logits_of
from layerwise.modules._read import from_torch
from layerwise.modules._reading import Batch, Entry, Reader, entry_of
from layerwise.modules._reduction import Layout, Reduce, Units, reduced
from layerwise.modules._running import (
    batch_statistics,
    frozen_layers,
    running_and_batch_accuracy,
    running_normalisations,
)
from layerwise.modules._sources import ArraySource, Source, StreamSource
from layerwise.modules._tracking import Watched, watched
from layerwise.modules._weights import load_weights

__all__ = [
    "MODULE_ROWS",
    "ArraySource",
    "Batch",
    "Capture",
    "CapturedLayer",
    "Entry",
    "Layers",
    "Layout",
    "Predict",
    "Reader",
    "Reduce",
    "Scale",
    "Slot",
    "Source",
    "StreamSource",
    "TorchModule",
    "TorchNetwork",
    "Units",
    "Watched",
    "answer_of",
    "as_inputs",
    "batch_statistics",
    "capture_of",
    "entry_of",
    "from_torch",
    "frozen_layers",
    "greatest_slopes",
    "layer_statistics",
    "load_weights",
    "logits_of",
    "onnx_of",
    "plain_torch",
    "reduced",
    "run_onnx",
    "run_plain",
    "running_and_batch_accuracy",
    "running_normalisations",
    "scaling_module",
    "slots",
    "to_torch",
    "torch_network",
    "unwrapped",
    "watched",
]
