"""Anybody's torch module as a subject: chosen modules, hooks, batches, outputs."""

from layerwise.inspection.modules._capture import Capture
from layerwise.inspection.modules._case import Look, layers_of, module_case
from layerwise.inspection.modules._weights import load_weights

__all__ = [
    "Capture",
    "Look",
    "layers_of",
    "load_weights",
    "module_case",
]
