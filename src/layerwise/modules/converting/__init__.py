"""A network by hand as a torch module and back, and either as an ONNX model."""

from layerwise.modules.converting._convert import Scale, Slot, slots
from layerwise.modules.converting._export import (
    onnx_of,
    plain_torch,
    run_onnx,
    run_plain,
)
from layerwise.modules.converting._network import (
    TorchModule,
    TorchNetwork,
    scaling_module,
    to_torch,
    torch_network,
)
from layerwise.modules.converting._read import from_torch

__all__ = [
    "Scale",
    "Slot",
    "TorchModule",
    "TorchNetwork",
    "from_torch",
    "onnx_of",
    "plain_torch",
    "run_onnx",
    "run_plain",
    "scaling_module",
    "slots",
    "to_torch",
    "torch_network",
]
