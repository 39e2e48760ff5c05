"""What a module's layers give in a pass: chosen, tracked, reduced to rows."""

from layerwise.modules.watching._capture import Capture, CapturedLayer, capture_of
from layerwise.modules.watching._choice import Layers
from layerwise.modules.watching._health import greatest_slopes, layer_statistics
from layerwise.modules.watching._reduction import Layout, Reduce, Units, reduced
from layerwise.modules.watching._tracking import Watched, watched

__all__ = [
    "Capture",
    "CapturedLayer",
    "Layers",
    "Layout",
    "Reduce",
    "Units",
    "Watched",
    "capture_of",
    "greatest_slopes",
    "layer_statistics",
    "reduced",
    "watched",
]
