"""Lines from layer to layer: the layers' names below, the lines' own at their ends."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from layerwise.presentation._text import short
from layerwise.presentation.figures._points import spread
from layerwise.study import Study

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.lines

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
    """Write each labelled line's name right of its last point, and lead from it there.

    In this colour, or each in its line's own, all beside the axes: below are the names
    of the layers. Limits and scale must be set before.
    """
    from matplotlib.collections import LineCollection

    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    ends = np.reshape([_end(line) for line in lines], (-1, 2))
    ends = (ax.transScale + ax.transLimits).transform(ends)
    gap = LINE / (72 * ax.bbox.height / ax.figure.dpi)
    heights = _beside(ends[:, 1], gap)
    drawn = [colour or line.get_color() for line in lines]
    for line, height, shade in zip(lines, heights, drawn, strict=True):
        text = ax.text(1.06, height, str(line.get_label()), transform=ax.transAxes)
        text.set(color=shade, va="center")
    names = np.stack([np.full(len(lines), 1.05), heights], axis=1)
    leaders = LineCollection(
        np.stack([ends + np.array([0.005, 0]), names], axis=1).tolist(),
        colors=drawn,
        linewidths=0.6,
        transform=ax.transAxes,
        clip_on=False,
    )
    leaders.set_in_layout(False)
    ax.add_collection(leaders, autolim=False)


def _end(line: "matplotlib.lines.Line2D") -> tuple[float, float]:
    """Return where a line's last point is."""
    x, y = (np.asarray(data, float) for data in (line.get_xdata(), line.get_ydata()))
    if not (known := np.flatnonzero(~np.isnan(y))).size:
        return float(x[-1]), 0.5
    return float(x[known[-1]]), float(y[known[-1]])


def _beside(
    heights: Float[np.ndarray, " names"], gap: float
) -> Float[np.ndarray, " names"]:
    """Return heights of names that stand a gap apart, none below the axes."""
    heights = spread(heights, gap)
    order, steps = np.argsort(heights), gap * np.arange(len(heights))
    # Each at least a gap above the one below it, the lowest half a gap above the axis.
    risen = np.maximum(heights[order], gap / 2) - steps
    heights[order] = np.maximum.accumulate(risen) + steps
    return heights
