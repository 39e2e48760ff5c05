"""Samples as points in a plane, coloured and named by class."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Integer

from layerwise.inspection import LayerStudy
from layerwise.presentation._style import INK, class_colours, halo
from layerwise.presentation._text import short, typeset
from layerwise.wording import percent

if TYPE_CHECKING:
    import matplotlib.axes

__all__ = ["draw_points", "draw_projection", "draw_rings"]


def draw_points(
    ax: "matplotlib.axes.Axes",
    points: Float[np.ndarray, "samples 2"],
    targets: Integer[np.ndarray, " samples"],
    class_names: tuple[str, ...],
) -> None:
    """Draw every sample in its class's colour, and the classes' names on medians."""
    colours = np.array(class_colours(len(class_names)))
    crowd = max(len(points), 1)
    square_inches = ax.bbox.width * ax.bbox.height / ax.figure.dpi**2
    ax.scatter(
        points[:, 0],
        points[:, 1],
        c=colours[targets],
        s=np.clip(2000 * square_inches / crowd, 2, 14),
        alpha=np.clip(0.9 - 0.15 * np.log10(crowd / 100), 0.3, 0.9),
        linewidths=0,
        rasterized=True,
    )
    present = np.unique(targets)
    names = [short(class_names[index], 14) for index in present]
    medians = [np.median(points[targets == index], axis=0) for index in present]
    span = max(float(np.ptp(points, axis=0).max(initial=0)), np.finfo(float).tiny)
    places = span * _spread(np.array(medians) / span, np.array([*map(len, names)]))
    for name, (x, y) in zip(names, places, strict=True):
        ax.text(
            x,
            y,
            name,
            ha="center",
            va="center",
            fontsize=np.clip(2.6 * np.sqrt(square_inches), 8.5, 11),
            fontweight="bold",
            path_effects=halo(),
            clip_on=True,
        )


def _spread(
    places: Float[np.ndarray, "names 2"], lengths: Integer[np.ndarray, " names"]
) -> Float[np.ndarray, "names 2"]:
    """Move names that lie on each other apart, upward and downward.

    In units of the plot's side, of which a letter takes about a fortieth and a line
    twice that.
    """
    x, y = places.T.copy()
    width = (lengths[:, None] + lengths) / 2 / 40
    beside = np.abs(x[:, None] - x) < width
    np.fill_diagonal(beside, val=False)
    order = np.sign(np.argsort(np.argsort(y))[:, None] - np.argsort(np.argsort(y)))
    for _ in range(50):
        overlap = np.maximum(1 / 20 - order * (y[:, None] - y), 0) * beside
        y += (order * overlap).sum(axis=1) / 4
    return np.stack([x, y], axis=1)


def draw_projection(
    ax: "matplotlib.axes.Axes",
    layer: LayerStudy,
    targets: Integer[np.ndarray, " samples"],
    class_names: tuple[str, ...],
) -> None:
    """Draw a layer's samples on its first two components, axes labelled."""
    from matplotlib.ticker import MaxNLocator

    draw_points(ax, layer.projection, targets, class_names)
    for number, axis in enumerate((ax.xaxis, ax.yaxis)):
        share = percent(layer.variance_shown[number])
        axis.set_label_text(typeset(f"component {number + 1} ({share} of variance)"))
        axis.set_major_locator(MaxNLocator(4))
    # One scale for both axes: distances in the plane are the samples' own.
    ax.set_aspect("equal", adjustable="datalim")


def draw_rings(
    ax: "matplotlib.axes.Axes", points: Float[np.ndarray, "samples 2"]
) -> None:
    """Ring points that are to be seen among the others."""
    ax.scatter(
        *points.T, s=22, facecolors="none", edgecolors=INK, linewidths=0.7, zorder=3
    )
