"""Samples as points in a plane, coloured and named by class."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Integer

from layerwise.inspection import LayerStudy
from layerwise.presentation._style import INK, class_colours, halo
from layerwise.presentation._text import short, typeset
from layerwise.wording import number, percent

if TYPE_CHECKING:
    import matplotlib.axes

__all__ = [
    "as_dots",
    "axis_names",
    "colours_of",
    "draw_names",
    "draw_plane",
    "draw_points",
    "draw_rings",
    "plane_points",
    "spread",
]

GOLDEN = (5**0.5 - 1) / 2


def draw_points(
    ax: "matplotlib.axes.Axes",
    points: Float[np.ndarray, "samples 2"],
    targets: Integer[np.ndarray, " samples"],
    class_names: tuple[str, ...],
    square_inches: float | None = None,
) -> None:
    """Draw every sample in its class's colour, and the classes' names on medians.

    They have the axes for themselves, or so many square inches of them.
    """
    if square_inches is None:
        square_inches = ax.bbox.width * ax.bbox.height / ax.figure.dpi**2
    dots = as_dots(len(points), square_inches)
    colours = colours_of(targets, len(class_names))
    ax.scatter(points[:, 0], points[:, 1], c=colours, **dots)
    present = np.unique(targets)
    medians = [np.median(points[targets == index], axis=0) for index in present]
    draw_names(
        ax,
        [class_names[index] for index in present],
        np.reshape(medians, (-1, 2)),
        side=float(np.ptp(points, axis=0).max(initial=0)),
        fontsize=float(np.clip(2.6 * np.sqrt(square_inches), 8.5, 11)),
    )


def colours_of(
    targets: Integer[np.ndarray, " samples"], classes: int
) -> Float[np.ndarray, "samples 4"]:
    """Return the colour of every sample's class, in numbers.

    Given names matplotlib would read one for each point, which takes longer than to
    draw it.
    """
    from matplotlib.colors import to_rgba_array

    return to_rgba_array(class_colours(classes))[targets]


def as_dots(crowd: int, square_inches: float) -> dict[str, Any]:
    """Return what makes of ``scatter``'s points dots, the finer the more there are."""
    return {
        "s": np.clip(2000 * square_inches / max(crowd, 1), 2, 14),
        "alpha": np.clip(0.9 - 0.15 * np.log10(max(crowd, 1) / 100), 0.3, 0.9),
        "linewidths": 0,
        "rasterized": True,
    }


def draw_names(
    ax: "matplotlib.axes.Axes",
    names: list[str],
    places: Float[np.ndarray, "names 2"],
    *,
    side: float,
    fontsize: float,
    line: float = 1 / 20,
) -> None:
    """Write names at their places in a plot of this side, none on another.

    A line of text takes the share ``line`` of the side, and a letter half of that.
    """
    names = [short(name, 14) for name in names]
    side = max(side, np.finfo(float).tiny)
    x, y = places.T / side
    lengths = np.array([*map(len, names)])
    beside = np.abs(x[:, None] - x) < line * (lengths[:, None] + lengths) / 4
    for name, across, height in zip(names, x, spread(y, line, beside), strict=True):
        ax.text(
            side * across,
            side * height,
            name,
            ha="center",
            va="center",
            fontsize=fontsize,
            fontweight="bold",
            path_effects=halo(),
            clip_on=True,
        )


def spread(
    heights: Float[np.ndarray, " names"],
    gap: float,
    beside: Bool[np.ndarray, "names names"] | None = None,
) -> Float[np.ndarray, " names"]:
    """Move heights apart, upward and downward, until there is a gap between each two.

    ``beside`` says which two are in each other's way; by default all.
    """
    count = len(heights)
    near = ~np.eye(count, dtype=bool)
    if beside is not None:
        near &= beside
    rank = np.argsort(np.argsort(heights, kind="stable"))
    order = np.sign(rank[:, None] - rank)
    heights = heights.astype(float)
    for _ in range(50):
        overlap = np.maximum(gap - order * (heights[:, None] - heights), 0) * near
        heights = heights + (order * overlap).sum(axis=1) / 4
    return heights


def draw_plane(
    ax: "matplotlib.axes.Axes",
    layer: LayerStudy,
    targets: Integer[np.ndarray, " shown"],
    class_names: tuple[str, ...],
    plane: str = "components",
) -> Float[np.ndarray, "shown 2"]:
    """Draw the samples shown in one of a layer's planes, axes labelled.

    Returns
    -------
    array, shape (shown samples, 2)
        Where they stand: a plane of one direction is drawn as a band along it.
    """
    from matplotlib.ticker import MaxNLocator

    points = plane_points(layer, plane)
    draw_points(ax, points, targets, class_names)
    names = axis_names(layer, plane)
    for axis, name in zip((ax.xaxis, ax.yaxis), names, strict=True):
        axis.set_label_text(name)
        axis.set_major_locator(MaxNLocator(4))
    if _is_line(layer, plane):
        ax.set(yticks=[])
    # One scale for both axes: distances in the plane are the samples' own.
    ax.set_aspect("equal", adjustable="datalim")
    return points


def plane_points(layer: LayerStudy, plane: str) -> Float[np.ndarray, "shown 2"]:
    """Return where the samples shown stand in a plane.

    On a line they would hide each other: they stand at evenly spread heights.
    """
    points = layer.planes[plane]
    if not _is_line(layer, plane):
        return points
    height = 0.6 * float(np.ptp(points[:, 0])) or 1.0
    turns = np.arange(len(points)) * GOLDEN % 1
    return np.stack([points[:, 0], height * (turns - 0.5)], axis=1)


def axis_names(layer: LayerStudy, plane: str) -> tuple[str, str]:
    """Return what a plane's two axes are, with how much each shows."""
    second = "height: for sight only" if _is_line(layer, plane) else None
    return (
        typeset(_along(layer, plane, 0)),
        second or typeset(_along(layer, plane, 1)),
    )


def _is_line(layer: LayerStudy, plane: str) -> bool:
    return not layer.planes[plane][:, 1].any()


def _along(layer: LayerStudy, plane: str, place: int) -> str:
    """Return what an axis of a plane is, with how much it shows."""
    if plane == "components":
        share = percent(layer.variance_shown[place])
        return f"component {place + 1} ({share} of variance)"
    if plane != "discriminants":
        return f"{short(plane)} {place + 1}"
    ratios = layer.discriminants.ratios
    if place >= len(ratios):
        return "no discriminant: the classes' means are one"
    return f"discriminant {place + 1} (between/within {number(ratios[place])})"


def draw_rings(
    ax: "matplotlib.axes.Axes", points: Float[np.ndarray, "samples 2"]
) -> None:
    """Ring points that are to be seen among the others."""
    ax.scatter(
        *points.T, s=22, facecolors="none", edgecolors=INK, linewidths=0.7, zorder=3
    )
