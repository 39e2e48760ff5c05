"""Points and lines, and the names that stand beside them."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Integer

from layerwise.presentation._colours import class_colours
from layerwise.presentation.figures._style import INK, badge, inches_of
from layerwise.study import LayerStudy, Study
from layerwise.wording import MANY, layer_labels, number, percent, short, typeset

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

EACH = 120
"""A name has so many squares of the height of a line about it, or is left out."""

GOLDEN = (5**0.5 - 1) / 2

LETTER, MARGIN = 0.7, 0.5
"""How wide a bold letter is, and what a plate has about its text, in lines of text."""

DOT = 0.3
"""A large dot, in heights of a plate."""

STEPS = np.array([(x, y) for y in (0, -1, 1, -2, 2) for x in (0, -0.5, 0.5, -1, 1)])
"""Places tried for a plate, in its own widths and heights from its class's median."""

WEIGHED = 400
"""Points that are asked whether a plate hides them, at most."""

HIDDEN = 2.0
"""How far a plate goes so as not to hide all points, in sides of the room: far enough
to spare one dot of twenty, not to leave a crowd of which it hides as little."""


def draw_points(
    ax: "Axes",
    points: Float[np.ndarray, "samples 2"],
    targets: Integer[np.ndarray, " samples"],
    class_names: tuple[str, ...],
    room: Float[np.ndarray, "2 2"] | None = None,
) -> None:
    """Draw every sample in its class's colour, and the classes' names beside them.

    They have the axes for themselves, or of axes whose unit is an inch the room
    between a least and a greatest corner.
    """
    inches = inches_of(ax) if room is None else np.ptp(room, axis=0)
    colours = colours_of(targets, len(class_names))
    ax.scatter(*points.T, c=colours, **as_dots(len(points), float(np.prod(inches))))
    if room is None:
        room = np.array([ax.get_xlim(), ax.get_ylim()]).T
    draw_names(ax, points, targets, class_names, room, inches)


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
    ax: "Axes",
    points: Float[np.ndarray, "samples 2"],
    targets: Integer[np.ndarray, " samples"],
    class_names: tuple[str, ...],
    room: Float[np.ndarray, "2 2"],
    inches: Float[np.ndarray, " 2"],
) -> None:
    """Write the classes' names on plates of their colours, near the classes' medians.

    Of many classes those that fit are named. No plate is on another, within the room
    between two corners, which takes so many inches on paper, and where points are few
    beside them.
    """
    fontsize = float(np.clip(2.6 * np.sqrt(inches.prod()), 8, 11))
    line = fontsize / 72 * float((np.ptp(room, axis=0) / inches).max())
    present, counts = np.unique(targets, return_counts=True)
    # The most frequent ones; more would hide what they name.
    fit = max(MANY, int(np.prod(np.ptp(room, axis=0)) / EACH / line**2))
    present = np.sort(present[np.argsort(-counts, kind="stable")[:fit]])
    names = [short(class_names[index], 14) for index in present]
    wide_high = [(LETTER * len(name) + MARGIN, 1 + MARGIN) for name in names]
    sizes = line * np.reshape(wide_high, (-1, 2))
    medians = [np.median(points[targets == index], axis=0) for index in present]
    places = _free_places(points, np.reshape(medians, (-1, 2)), sizes, room)
    x, y = places.T
    beside = np.abs(x[:, None] - x) < (sizes[:, :1] + sizes[:, 0]) / 2
    heights = spread(y, line * (1 + MARGIN), beside)
    colours = class_colours(len(class_names))
    for index, name, across, height in zip(present, names, x, heights, strict=True):
        text = ax.text(across, height, name, ha="center", va="center", clip_on=True)
        text.set(fontsize=fontsize, **badge(colours[index]))


def _free_places(
    points: Float[np.ndarray, "samples 2"],
    medians: Float[np.ndarray, "names 2"],
    sizes: Float[np.ndarray, "names 2"],
    room: Float[np.ndarray, "2 2"],
) -> Float[np.ndarray, "names 2"]:
    """Return where plates of these sizes hide little, each near its median.

    One after the other takes the place where the share of the points hidden, the plates
    hidden and the way from the median come to least.
    """
    points = points[:: -(-len(points) // WEIGHED) or 1]
    middle, side = room.mean(axis=0), np.ptp(room, axis=0).max()
    places = np.empty_like(medians)
    for at, (median, size) in enumerate(zip(medians, sizes, strict=True)):
        within = np.maximum((np.ptp(room, axis=0) - size) / 2, 0)
        tried = np.clip(median + size * STEPS, middle - within, middle + within)
        near = np.abs(tried[:, None] - points) < (size + size[1] * DOT) / 2
        on_plates = np.abs(tried[:, None] - places[:at]) < (size + sizes[:at]) / 2
        cost = (
            HIDDEN * near.all(axis=2).mean(axis=1)
            + on_plates.all(axis=2).sum(axis=1)
            + np.linalg.norm(tried - median, axis=1) / side
        )
        places[at] = tried[cost.argmin()]
    return places


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
        # The mean of what its neighbours ask for: a sum of many would overshoot.
        asking = np.maximum((overlap > 0).sum(axis=1), 2)
        heights = heights + (order * overlap).sum(axis=1) / (2 * asking)
    return heights


def plane_points(layer: LayerStudy, plane: str) -> Float[np.ndarray, "shown 2"]:
    """Return where the samples shown stand in a plane.

    On a line they would hide each other: they stand at evenly spread heights.
    """
    points = layer.planes[plane]
    if not is_line(layer, plane):
        return points
    height = 0.6 * float(np.ptp(points[:, 0])) or 1.0
    turns = np.arange(len(points)) * GOLDEN % 1
    return np.stack([points[:, 0], height * (turns - 0.5)], axis=1)


def axis_names(layer: LayerStudy, plane: str) -> tuple[str, str]:
    """Return what a plane's two axes are, with how much each shows."""
    jitter = is_line(layer, plane)
    second = "no meaning (jitter)" if jitter else _along(layer, plane, 1)
    return typeset(_along(layer, plane, 0)), typeset(second)


def is_line(layer: LayerStudy, plane: str) -> bool:
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
        return "no discriminant: the class means are equal"
    return f"discriminant {place + 1} (between/within {number(ratios[place])})"


def draw_rings(ax: "Axes", points: Float[np.ndarray, "samples 2"]) -> None:
    """Ring points that are to be seen among the others."""
    ax.scatter(
        *points.T, s=22, facecolors="none", edgecolors=INK, linewidths=0.7, zorder=3
    )


LAYERS = 10
"""More layers than this are not all named."""

LINE = 11
"""Points from one line of text to the next."""


def name_layers(ax: "Axes", study: Study) -> None:
    """Write the layers' names below the places 0, 1, …, the input's first."""
    names = layer_labels((layer.name for layer in study), 12)
    step = -(-len(names) // LAYERS)
    shown = names[::step]
    width = 72 * inches_of(ax)[0]
    crowded = 5.2 * max(map(len, shown)) * len(shown) > width
    ax.set_xticks(range(0, len(names), step), shown, rotation=90 if crowded else 0)
    ax.set_xlim(-0.3, len(names) - 0.7)


def label_ends(ax: "Axes", colour: str | None = None) -> None:
    """Write each labelled line's name right of its last point, and lead from it there.

    In this colour, or each in its line's own, all beside the axes: below are the names
    of the layers. Limits and scale must be set before.
    """
    from matplotlib.collections import LineCollection

    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    ends = np.reshape([_end(line) for line in lines], (-1, 2))
    ends = (ax.transScale + ax.transLimits).transform(ends)
    gap = LINE / (72 * inches_of(ax)[1])
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


def _end(line: "Line2D") -> tuple[float, float]:
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
