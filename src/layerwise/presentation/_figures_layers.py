"""Figures of the layers: every layer's plane, and how well its classes come apart."""

from typing import TYPE_CHECKING

import numpy as np

from layerwise.inspection import LayerStudy, Study
from layerwise.presentation._captions import plane_caption
from layerwise.presentation._points import draw_plane
from layerwise.presentation._style import INK, MUTED, new_axes, new_figure, styled
from layerwise.presentation._text import short, typeset

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

__all__ = ["layer_plane", "layer_projections", "probe_by_layer"]


@styled
def layer_projections(
    study: Study, plane: str = "components"
) -> "matplotlib.figure.Figure":
    """Draw the input's and every layer's plane side by side, figures above each.

    Parameters
    ----------
    study : Study
    plane : str
        ``components``, ``discriminants``, or the name of a transformer that was given.
    """
    layers = list(study)
    columns = 2 if len(layers) == 4 else min(len(layers), 3)
    rows = -(-len(layers) // columns)
    sheet = new_figure(3.4 * columns, 3.5 * rows)
    grid = sheet.subplots(rows, columns, squeeze=False).ravel()
    for ax in grid:
        ax.set_axis_off()
    targets = study.targets[study.shown]
    for ax, layer in zip(grid, layers, strict=False):
        ax.set_axis_on()
        draw_plane(ax, layer, targets, study.class_names, plane)
        ax.set_title(short(layer.name, 30), fontweight="bold", pad=30)
        caption = typeset("\n".join(plane_caption(layer, plane)))
        ax.text(0, 1.02, caption, transform=ax.transAxes, color=MUTED, fontsize=8)
    return sheet


@styled
def layer_plane(layer: LayerStudy, study: Study) -> "matplotlib.axes.Axes":
    """Draw one layer of a study as a small picture, to stand beside the others'."""
    ax = new_axes(3.2, 3.0)
    draw_plane(ax, layer, study.targets[study.shown], study.class_names)
    return ax


@styled
def probe_by_layer(
    study: Study, ax: "matplotlib.axes.Axes | None" = None
) -> "matplotlib.axes.Axes":
    """Draw what share of each class a linear probe reads from each layer.

    A row for all classes, then one for each; a column for each layer, the raw input
    first; the numbers are percent of the scored samples.
    """
    layers = list(study)
    names = ["all classes", *(short(name) for name in study.class_names)]
    shares = np.array(
        [[layer.probe_accuracy.value, *layer.probe_recall] for layer in layers]
    ).T
    ax = ax or new_axes(min(1.8 + 0.85 * len(layers), 10), 1.0 + 0.27 * len(names))
    lowest = float(np.nanmin(shares))
    # The numbers stand on pale cells: the darkest colours of the map are not used.
    ax.imshow(shares, cmap="Blues", vmin=lowest, vmax=2 - lowest, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        written = "–" if np.isnan(share) else f"{100 * share:.1f}"
        weight = "bold" if row == 0 else "normal"
        text = ax.text(column, row, written, ha="center", va="center")
        text.set(fontweight=weight, clip_on=True)
    ax.axhline(0.5, color="white", linewidth=4)
    ax.set_xticks(range(len(layers)), [short(layer.name, 12) for layer in layers])
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="layer", ylabel="class")
    ax.set_title("read right by a linear probe / %")
    ax.tick_params(length=0, labelcolor=INK)
    ax.spines[:].set_visible(False)
    return ax
