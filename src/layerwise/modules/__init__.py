"""What anybody's torch module is: unwrapped, fed, watched, read, converted.

This room loads torch: who has no module gets along without it.
"""

from layerwise.modules._calling import (
    MODULE_ROWS,
    Predict,
    answer_of,
    as_inputs,
    logits_of,
    unwrapped,
)
from layerwise.modules._reading import Batch, Entry, Reader, entry_of
from layerwise.modules._running import (
    batch_statistics,
    frozen_layers,
    running_and_batch_accuracy,
    running_normalisations,
)
from layerwise.modules._sources import ArraySource, Source, StreamSource
from layerwise.modules._weights import load_weights
from layerwise.modules.converting import (
    Scale,
    Slot,
    TorchModule,
    TorchNetwork,
    from_torch,
    onnx_of,
    plain_torch,
    run_onnx,
    run_plain,
    scaling_module,
    slots,
    to_torch,
    torch_network,
)
from layerwise.modules.watching import (
    Capture,
    Key,
    Layers,
    Layout,
    Reduce,
    Units,
    Watched,
    capture_of,
    reduced,
    units_axis,
    watched,
)

__all__ = [
    "MODULE_ROWS",
    "ArraySource",
    "Batch",
    "Capture",
    "Entry",
    "Key",
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
    "units_axis",
    "unwrapped",
    "watched",
]
