"""Figures of what was measured: by layer, and of pairs of classes by layer."""

from typing import TYPE_CHECKING

import numpy as np

from layerwise.presentation._colours import class_colours
from layerwise.presentation.figures._points import label_ends, name_layers
from layerwise.presentation.figures._style import (
    ACCENT,
    INK,
    MUTED,
    PALE,
    log_ticks,
    new_axes,
    new_figure,
    styled,
)
from layerwise.study import MEASURES, Study
from layerwise.wording import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

PAIRS = 6
"""Pairs of classes drawn, at most."""

SHARES = [n for n, m in MEASURES.items() if m.title and m.scale == "share"]
AMOUNTS = [
    *(n for n, m in MEASURES.items() if m.title and m.scale == "log"),
    *(n for n, m in MEASURES.items() if m.title and m.scale == "linear"),
]
"""The measures that are drawn: shares above, the others below."""

TICKS = (
    0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,
    0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999,
)  # fmt: skip
"""Shares that may be written beside the axis."""


@styled()
def measures_by_layer(study: Study, figure: "FigureBase | None" = None) -> "FigureBase":
    """Draw the main measures by layer, a panel for each.

    The studied network is the coloured line, with 95 % intervals where there are any;
    the untrained network, and what shuffled labels give, are grey, both on the stated
    sample. The shares have one scale, log p/(1 - p), on which 98 and 99 % are about as
    far apart as 50 and 67: a share of 0 or 1 stands at its end, at half a sample.

    Parameters
    ----------
    study : Study
    figure : Figure or SubFigure, optional
        Where to make the panels; by default a new figure.
    """
    columns = max(len(SHARES), len(AMOUNTS))
    figure = figure or new_figure(2.5 * columns, 4.7)
    above, below = figure.subplots(2, columns, sharex=True)
    half = 0.5 / max(len(study.targets), 1)
    for ax, name in zip(above, SHARES, strict=False):
        _draw_measure(ax, study, name, (half, 1 - half))
    for ax, name in zip(below, AMOUNTS, strict=False):
        _draw_measure(ax, study, name, (-np.inf, np.inf))
        if MEASURES[name].scale == "linear":
            ax.set_ylim(0, 1.08 * max(_heights(ax), default=1) or 1)
        elif _heights(ax):
            log_ticks(ax)
        name_layers(ax, study)
    for ax in (*above[len(SHARES) :], *below[len(AMOUNTS) :]):
        ax.remove()
    _scale_shares(list(above[: len(SHARES)]), half)
    label_ends(above[len(SHARES) - 1])
    return figure


def _draw_measure(
    ax: "Axes", study: Study, name: str, ends: tuple[float, float]
) -> None:
    """Draw a measure by layer, nothing where it is not finite, or 0 on a log scale."""
    layers, measure = list(study), MEASURES[name]
    for place, layer in enumerate(layers):
        if name in layer.measures.intervals:
            interval = np.clip(layer.measures.intervals[name], *ends)
            ax.plot([place] * 2, interval, color=ACCENT, linewidth=3, alpha=0.35)
    past = study.untrained
    before = [] if past is None else [layer.measures for layer in past.layers]
    lines = {
        "shuffled labels": (PALE, 0, [layer.shuffled for layer in layers]),
        "untrained": (MUTED, len(layers) - len(before), before),
        "this network": (ACCENT, 0, [layer.measures for layer in layers]),
    }
    if not measure.looks_at_labels:
        del lines["shuffled labels"]
    if not before:
        del lines["untrained"]
    for label, (colour, start, measured) in lines.items():
        values = np.array([measures.values[name] for measures in measured])
        drawn = np.isfinite(values) & ((values > 0) | (measure.scale != "log"))
        heights = np.where(drawn, np.clip(values, *ends), np.nan)
        places = np.arange(start, start + len(heights))
        ax.plot(places, heights, "o-", color=colour, markersize=3, label=label)
    ax.set_title(measure.title)


def _heights(ax: "Axes") -> list[float]:
    heights = np.concatenate([np.asarray(line.get_ydata(), float) for line in ax.lines])
    return heights[~np.isnan(heights)].tolist()


def _scale_shares(panels: list["Axes"], half: float) -> None:
    """Give panels of shares one scale, log p/(1 - p), wide enough for all of them."""
    from matplotlib.ticker import FixedLocator, NullLocator

    shares = [share for ax in panels for share in _heights(ax)]
    low, high = min(shares, default=0.5), max(shares, default=0.5)
    ends = {half: "0", 1 - half: "100"}
    ticks = [tick for tick in sorted({*TICKS, *ends}) if low <= tick <= high]
    for ax in panels:
        ax.set_yscale("logit")
        ax.set_ylim(*_wider(low, high))
        ax.yaxis.set_major_locator(FixedLocator(ticks))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(lambda p, _: ends.get(p, f"{100 * p:.3g}"))
        ax.tick_params(labelleft=ax is panels[0])
    panels[0].set_ylabel("accuracy (%)")


def _wider(low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis a little beyond the least and the greatest share."""
    ends = np.log([low / (1 - low), high / (1 - high)])
    margin = 0.06 * float(np.ptp(ends)) or 0.5
    outer = 1 / (1 + np.exp(-ends + [margin, -margin]))
    return float(outer[0]), float(outer[1])


@styled()
def pairs_by_layer(study: Study, ax: "Axes | None" = None) -> "Axes":
    """Draw how the pairs that stay mixed longest come apart, layer by layer.

    A line for each of `mixed_pairs`, in the colours of both classes: the share of their
    samples that the least-squares probe takes for the other.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.
    """
    ax = ax or new_axes(7.0, 3.4)
    colours = class_colours(len(study.class_names))
    names = [short(name, 12) for name in study.class_names]
    places = range(len(list(study)))
    for first, second in mixed_pairs(study):
        mixed = [layer.measures.by_pair["mixed"][first, second] for layer in study]
        shares = 100 * np.array(mixed)
        label = f"{names[first]} | {names[second]}"
        ax.plot(places, shares, color=colours[first], linewidth=2, label=label)
        ax.plot(places, shares, color=colours[second], linewidth=2, dashes=(3, 3))
    ax.set(xlabel="layer", ylabel="confused by a linear probe (%)")
    ax.set_ylim(bottom=0)
    name_layers(ax, study)
    ax.set_xlim(right=places[-1])
    label_ends(ax, INK)
    return ax


def mixed_pairs(study: Study) -> list[tuple[int, int]]:
    """Return the six pairs of classes most mixed at most, the most mixed first.

    What the network confuses of a pair's scored samples decides, and then what the
    probes of all layers do; pairs that none mixes are left out.
    """
    first, second = np.triu_indices(len(study.class_names), 1)
    by_network = np.zeros(len(first))
    if study.predictions is not None:
        wrong = study.confusion[first, second] + study.confusion[second, first]
        labelled = study.confusion.sum(axis=1)
        by_network = wrong / np.maximum(labelled[first] + labelled[second], 1)
    mixed = [layer.measures.by_pair["mixed"][first, second] for layer in study]
    by_probes = np.nansum(mixed, axis=0)
    order = np.lexsort((-by_probes, -by_network))
    worst = order[(by_network + by_probes)[order] > 0][:PAIRS]
    return [(int(first[place]), int(second[place])) for place in worst]
