"""Figures of health: how every layer fares over a training, and before it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from layerwise.presentation._text import short
from layerwise.presentation.figures._style import (
    ACCENT,
    INK,
    MUTED,
    log_ticks,
    new_figure,
    styled,
)
from layerwise.training import Health, History
from layerwise.wording import count

if TYPE_CHECKING:
    import matplotlib.figure
    import matplotlib.lines

__all__ = ["health_over_time", "spread_by_layer"]

LEAST = 1e-12
"""What is drawn for zero on a logarithmic scale."""

LAYERS = 10
"""Of more layers than this the key does not name all."""

CONTRAST = ("#bd1f01", ACCENT, INK)


@styled
def health_over_time(
    history: History, names: Sequence[str]
) -> "matplotlib.figure.Figure":
    """Draw gradient norm, spread of the outputs, and dead units, layer by layer.

    The first two at every record, the last after each epoch; the layers go from dark,
    near the input, to light, and the key names them: of more than ten every second, or
    third, …, and the last.
    """
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(7.0, 3.0)
    left, middle, right = figure.subplots(1, 3, sharex=True)
    steps = [record.step + 1 for record in history.records]
    ends = [epoch.step for epoch in history.epochs]
    shades = colormaps["viridis"](np.linspace(0, 0.9, len(names)))
    for at, shade in enumerate(shades):
        layers = [record.layers[at] for record in history.records]
        style = {"color": shade, "linewidth": 1.0, "marker": "o", "markersize": 1.5}
        left.plot(steps, [_positive(one.gradient_norm) for one in layers], **style)
        middle.plot(steps, [_positive(one.spread) for one in layers], **style)
        right.plot(ends, [epoch.dead[at] for epoch in history.epochs], **style)
    for ax, title in (
        (left, "gradient norm"),
        (middle, "spread of outputs"),
        (right, "dead units / %"),
    ):
        ax.set(xlabel="step", ylabel=title)
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
        ax.xaxis.set_major_formatter(lambda step, _: count(int(step)))
    for ax in (left, middle):
        log_ticks(ax)
    right.set_ylim(-0.02, 1.02)
    right.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.4g}")
    # From the first step on, a margin beyond the last: one record alone is no axis.
    left.set_xlim(0, 1.03 * max(len(history.losses), *ends, 1))
    if not ends:
        words = "no epoch was finished"
        right.text(0.5, 0.5, words, color=MUTED, ha="center", transform=right.transAxes)
    _name_shades(figure, left.get_lines(), names)
    return figure


def _name_shades(
    figure: "matplotlib.figure.Figure",
    lines: Sequence["matplotlib.lines.Line2D"],
    names: Sequence[str],
) -> None:
    """Say above the panels which shade is which layer, of many layers of some."""
    shown = sorted({*range(0, len(names), -(-len(names) // LAYERS)), len(names) - 1})
    figure.legend(
        [lines[at] for at in shown],
        [short(names[at], 12) for at in shown],
        loc="outside upper left",
        ncols=6,
        fontsize=7,
        handlelength=1.2,
    )


@styled
def spread_by_layer(
    records: Mapping[str, Health], names: Sequence[str]
) -> "matplotlib.figure.Figure":
    """Draw the size of every layer's outputs before the first step, on a log scale.

    Parameters
    ----------
    records : mapping of str to Health
        What to compare, by what to call it, of networks with layers of these names.
    names : sequence of str
    """
    figure = new_figure(5.6, 2.9)
    ax = figure.subplots()
    places = np.arange(len(names))
    for (label, record), colour in zip(records.items(), CONTRAST, strict=False):
        sizes = [_positive(layer.root_mean_square) for layer in record.layers]
        ax.plot(places, sizes, "o-", color=colour, markersize=4, label=label)
    ax.set_xticks(places, names, rotation=30, ha="right")
    ax.set_ylabel("size of outputs (root mean square)")
    log_ticks(ax)
    ax.legend(loc="upper left")
    return figure


def _positive(value: float) -> float:
    return max(value, LEAST) if np.isfinite(value) else np.nan
