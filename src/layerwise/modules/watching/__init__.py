"""What a module's layers give in a pass: chosen, tracked, reduced to rows."""

from layerwise.modules.watching._capture import Capture, capture_of
from layerwise.modules.watching._choice import Layers
from layerwise.modules.watching._reduction import (
    Layout,
    Reduce,
    Units,
    reduced,
    units_axis,
)
from layerwise.modules.watching._tracking import Key, Watched, watched

__all__ = [
    "Capture",
    "Key",
    "Layers",
    "Layout",
    "Reduce",
    "Units",
    "Watched",
    "capture_of",
    "reduced",
    "units_axis",
    "watched",
]
