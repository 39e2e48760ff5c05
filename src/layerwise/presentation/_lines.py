"""Lines from layer to layer: the layers' names below, the lines' own at their ends."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from layerwise.inspection import Study
from layerwise.presentation._points import spread
from layerwise.presentation._text import short

if TYPE_CHECKING:
    import matplotlib.axes

__all__ = ["label_ends", "name_layers"]

LAYERS = 10
"""More layers than this are not all named."""

LINE = 11
"""Points from one line of text to the next."""


def name_layers(ax: "matplotlib.axes.Axes", study: Study) -> None:
    """Write the layers' names below the places 0, 1, …, the input's first."""
    names = [short(layer.name, 12) for layer in study]
    step = -(-len(names) // LAYERS)
    shown = names[::step]
    width = 72 * ax.bbox.width / ax.figure.dpi
    crowded = 5.2 * max(map(len, shown)) * len(shown) > width
    ax.set_xticks(range(0, len(names), step), shown, rotation=90 if crowded else 0)
    ax.set_xlim(-0.3, len(names) - 0.7)


def label_ends(ax: "matplotlib.axes.Axes", colour: str | None = None) -> None:
    """Write each labelled line's name right of its last point.

    In this colour, or each in its line's own; limits and scale must be set before.
    """
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    ends = [_end(np.asarray(line.get_ydata(), float)) for line in lines]
    to_axes = ax.transScale + ax.transLimits
    heights = to_axes.transform([(0, end) for end in ends])[:, 1]
    gap = LINE / (72 * ax.bbox.height / ax.figure.dpi)
    for line, height in zip(lines, spread(heights, gap), strict=True):
        name = str(line.get_label())
        text = ax.text(1.02, height, name, transform=ax.transAxes, va="center")
        text.set_color(colour or line.get_color())


def _end(values: Float[np.ndarray, " layers"]) -> float:
    known = values[~np.isnan(values)]
    return float(known[-1]) if len(known) else 0.5
