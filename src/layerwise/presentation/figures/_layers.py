"""Figures of the layers: every layer's plane, and how well its classes come apart."""

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Integer

from layerwise.presentation.figures._points import axis_names, draw_points, plane_points
from layerwise.presentation.figures._style import (
    MUTED,
    PALE,
    fitted,
    inches_of,
    name_cells,
    new_axes,
    new_figure,
    spread_out,
    styled,
)
from layerwise.study import LayerStudy, Study
from layerwise.wording import (
    count,
    known,
    layer_labels,
    number,
    percent,
    short,
    typeset,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 12
"""So many layers at most are drawn beside each other."""

NUMBERED = 16
"""Up to so many layers their similarities are written into the cells."""

TILE = (3.2, 3.0)
"""Inches of a plane with what is written along its axes."""

HEAD = 0.6
"""Inches above it, for the layer's name and figures."""

MARGIN = 0.3
"""Inches at the left of a plane and below it."""

FILLED = 0.92
"""How much of its tile a plane takes."""


@styled()
def layer_projections(
    study: Study, plane: str = "components", ax: "Axes | None" = None
) -> "Axes":
    """Draw the planes of the input and the layers side by side, figures above each.

    Of more than `MOST` layers the first, the last and some evenly between.

    All stand on one pair of axes, whose unit is an inch: a pair for each would take
    six times as long to draw. Every layer has a scale of its own, written in a corner.

    Parameters
    ----------
    study : Study
    plane : str
        ``components``, ``discriminants``, or the name of a transformer that was given.
    ax : Axes, optional
        Where to draw; by default on a new figure. All is made smaller with the axes.
    """
    drawn = drawn_layers(study)
    places = _tile_places(len(drawn))
    width, height = np.max(places, axis=0) + TILE
    if ax is None:
        ax = new_figure(width, height, layout=None).add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.set_axis_off()
    targets = study.targets[study.shown]
    with fitted(ax, width, height):
        for place, labelled in zip(places, drawn, strict=True):
            _draw_tile(ax, place, labelled, plane, targets, study.class_names)
    return ax


def drawn_layers(study: Study) -> list[tuple[str, LayerStudy]]:
    """Return the layers that figures draw, with their labels: of many, some of them."""
    layers = list(study)
    labels = layer_labels((layer.name for layer in layers), 30)
    return [(labels[at], layers[at]) for at in spread_out(len(layers), MOST)]


def _tile_places(tiles: int) -> Float[np.ndarray, "tiles 2"]:
    """Return where each plane's tile, `TILE` inches, has its left upper corner."""
    columns = 2 if tiles == 4 else min(tiles, 3)
    rows, across = np.divmod(np.arange(tiles), columns)
    return np.stack([across * TILE[0], HEAD + rows * (HEAD + TILE[1])], axis=1)


def _draw_tile(
    ax: "Axes",
    place: Float[np.ndarray, " 2"],
    labelled: tuple[str, LayerStudy],
    plane: str,
    targets: Integer[np.ndarray, " shown"],
    class_names: tuple[str, ...],
) -> None:
    label, layer = labelled
    corner = place + np.array([MARGIN, TILE[1] - MARGIN])
    left, bottom = corner
    side = np.subtract(TILE, (1.4 * MARGIN, 1.2 * MARGIN))
    points = plane_points(layer, plane)
    least, greatest = points.min(axis=0), points.max(axis=0)
    # One scale for both axes: distances in the plane are the samples' own.
    scale = FILLED * min(side / np.maximum(greatest - least, np.finfo(float).tiny))
    centred = scale * (points - (least + greatest) / 2)
    inches = corner + (0.5, -0.5) * side + (1, -1) * centred
    room = np.array([[left, bottom - side[1]], [left + side[0], bottom]])
    draw_points(ax, inches, targets, class_names, room)
    ends = ([left, left, left + side[0]], [bottom - side[1], bottom, bottom])
    ax.plot(*ends, color=PALE, linewidth=0.7)
    along, upward = axis_names(layer, plane)
    write = partial(ax.text, color=MUTED, ha="center", va="center", fontsize=8)
    write(left + side[0] / 2, bottom + 0.14, along)
    write(left - 0.12, bottom - side[1] / 2, upward, rotation=90)
    _draw_scale(ax, (left + side[0], bottom - 0.06), scale)
    ax.text(left, place[1] - 0.36, label, fontsize=9.5, fontweight="bold", va="bottom")
    caption = typeset(_plane_caption(layer, plane))
    ax.text(left, place[1] - 0.02, caption, color=MUTED, fontsize=8, va="bottom")


def _draw_scale(ax: "Axes", right_bottom: tuple[float, float], scale: float) -> None:
    """Draw how long a round length of the layer's own unit is, as on a map."""
    right, bottom = right_bottom
    length = _round_length(0.5 / scale)
    ax.plot([right - scale * length, right], [bottom] * 2, color=MUTED, linewidth=1.2)
    text = ax.text(right - scale * length / 2, bottom - 0.03, f"{length:g}")
    text.set(ha="center", va="bottom", color=MUTED, fontsize=7)


def _round_length(most: float) -> float:
    """Return the greatest of 1, 2 and 5 times a power of ten that is not more.

    >>> _round_length(0.3), _round_length(7.0), _round_length(40.0)
    (0.2, 5.0, 20.0)
    """
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1, 2, 5) if step * power <= most)


def _plane_caption(layer: LayerStudy, plane: str) -> str:
    """Return what a layer's plane shows, in two lines: of components, its figures."""
    if plane == "components":
        shown = percent(float(layer.variance_shown.sum()))
        constant = f", {count(layer.dead_units)} constant" if layer.dead_units else ""
        return (
            f"probe accuracy {percent(layer.probe_accuracy.value)}, {shown} of variance"
            f"\n{number(layer.participation_ratio)} of {count(layer.units)} dimensions"
            f"{constant}"
        )
    near = layer.measures.values["nearest_mean_accuracy"]
    trust, kept = layer.measures.trust(plane)
    return (
        f"nearest-class-mean accuracy {percent(near)}\n"
        f"trustworthiness {known(trust)}, continuity {known(kept)}"
    )


@styled()
def probe_by_layer(study: Study, ax: "Axes | None" = None) -> "Axes":
    """Draw what share of each class a linear probe reads from each layer.

    A row for all classes, then one for each; a column for each layer, the raw input
    first; the numbers are percent of the scored samples.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.
    """
    layers = drawn_layers(study)
    names = ["all classes", *(short(name) for name in study.class_names)]
    shares = np.array([[x.probe_accuracy.value, *x.probe_recall] for _, x in layers]).T
    ax = ax or new_axes(min(1.8 + 0.85 * len(layers), 10.0), 1.0 + 0.27 * len(names))
    lowest = float(np.nanmin(shares))
    # The numbers stand on pale cells: the darkest colours of the map are not used.
    ax.imshow(shares, cmap="Blues", vmin=lowest, vmax=2 - lowest, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        written = "–" if np.isnan(share) else f"{100 * share:.1f}"
        weight = "bold" if row == 0 else "normal"
        text = ax.text(column, row, written, ha="center", va="center")
        text.set(fontweight=weight, clip_on=True)
    ax.axhline(0.5, color="white", linewidth=4)
    ends = layer_labels((label for label, _ in layers), 12)
    rows, columns = dict(enumerate(names)), dict(enumerate(ends))
    name_cells(ax, rows, columns, inches_of(ax)[0])
    ax.set(xlabel="layer", ylabel="class")
    ax.set_title("linear-probe accuracy (%)")
    return ax


@styled()
def layer_similarity(study: Study, ax: "Axes | None" = None) -> "Axes":
    """Draw the debiased linear CKA of every two layers: 1 for identical ones.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.
    """
    matrix = study.similarity["debiased"]
    names = layer_labels((layer.name for layer in study), 12)
    side = float(np.clip(1.3 + 0.55 * len(names), 2.6, 8.0))
    room = side - 1.1 if ax is None else float(inches_of(ax).min())
    ax = ax or new_axes(side + 0.6, side)
    # The numbers stand on pale cells: the darkest colours of the map are not used.
    image = ax.imshow(matrix, cmap="Blues", vmin=0, vmax=1.8)
    named = {at: names[at] for at in spread_out(len(names), NUMBERED)}
    if len(named) < len(names):
        image.set_clim(0, 1)
        ax.figure.colorbar(image, ax=ax, shrink=0.8, label="debiased linear CKA")
    else:
        size = min(8.5, 72 * room / len(names) / 2.6)
        for (row, column), value in np.ndenumerate(matrix):
            written = "–" if np.isnan(value) else f"{value:.2f}".replace("-", "\u2212")
            text = ax.text(column, row, written, ha="center", va="center")
            text.set(fontsize=size, clip_on=True)
    name_cells(ax, named, named, room)
    return ax
