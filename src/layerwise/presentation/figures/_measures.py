"""Figures of what was measured: by layer, of pairs by layer, and between layers."""

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from layerwise.presentation._text import short
from layerwise.presentation.figures._lines import label_ends, name_layers
from layerwise.presentation.figures._style import (
    ACCENT,
    INK,
    MUTED,
    PALE,
    class_colours,
    log_ticks,
    new_axes,
    new_figure,
    styled,
)
from layerwise.study import Study

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

__all__ = ["layer_similarity", "measures_by_layer", "mixed_pairs", "pairs_by_layer"]

PAIRS = 6
"""Pairs of classes drawn, at most."""

SHARES = MappingProxyType(
    {
        "probe_accuracy": "least-squares probe",
        "logistic_accuracy": "logistic probe",
        "nearest_mean_accuracy": "nearest class mean",
        "neighbour_purity": "10 neighbours alike",
    }
)
"""Measures that are shares, 0 to 1, by what stands above their panels."""

AMOUNTS = MappingProxyType(
    {
        "fisher_ratio": "Fisher ratio",
        "collapse_within": "collapse, NC1",
        "participation_ratio": "participation ratio",
        "effective_rank": "effective rank",
    }
)
"""The others that are drawn."""

LOGARITHMIC = frozenset({"fisher_ratio", "collapse_within"})

UNLABELLED = frozenset({"participation_ratio", "effective_rank"})
"""What does not look at the labels: shuffling them changes nothing."""

TICKS = (
    0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,
    0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999,
)  # fmt: skip
"""Shares that may be written beside the axis."""


@styled
def measures_by_layer(study: Study) -> "matplotlib.figure.Figure":
    """Draw the main measures by layer, a panel for each.

    The studied network is the coloured line, with 95 % intervals where there are any;
    the untrained network, and what shuffled labels give, are grey, both on the stated
    sample. The shares have one scale, log p/(1 - p), on which 98 and 99 % are about as
    far apart as 50 and 67: a share of 0 or 1 stands at its end, at half a sample.
    """
    figure = new_figure(10.0, 4.7)
    grid = figure.subplots(2, 4, sharex=True)
    half = 0.5 / max(len(study.targets), 1)
    for ax, (name, title) in zip(grid[0], SHARES.items(), strict=True):
        _draw_measure(ax, study, name, (half, 1 - half))
        ax.set_title(title)
    for ax, (name, title) in zip(grid[1], AMOUNTS.items(), strict=True):
        _draw_measure(ax, study, name, (-np.inf, np.inf))
        if name not in LOGARITHMIC:
            ax.set_ylim(0, 1.08 * max(_heights(ax), default=1) or 1)
        elif _heights(ax):
            log_ticks(ax)
        ax.set_title(title)
        name_layers(ax, study)
    _scale_shares(list(grid[0]), half)
    label_ends(grid[0, -1])
    return figure


def _draw_measure(
    ax: "matplotlib.axes.Axes", study: Study, name: str, ends: tuple[float, float]
) -> None:
    """Draw a measure by layer, nothing where it is not finite, or 0 on a log scale."""
    layers = list(study)
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
    if name in UNLABELLED:
        del lines["shuffled labels"]
    if not before:
        del lines["untrained"]
    for label, (colour, start, measured) in lines.items():
        values = np.array([measures.values[name] for measures in measured])
        drawn = np.isfinite(values) & ((values > 0) | (name not in LOGARITHMIC))
        heights = np.where(drawn, np.clip(values, *ends), np.nan)
        places = np.arange(start, start + len(heights))
        ax.plot(places, heights, "o-", color=colour, markersize=3, label=label)


def _heights(ax: "matplotlib.axes.Axes") -> list[float]:
    heights = np.concatenate([np.asarray(line.get_ydata(), float) for line in ax.lines])
    return heights[~np.isnan(heights)].tolist()


def _scale_shares(panels: list["matplotlib.axes.Axes"], half: float) -> None:
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
    panels[0].set_ylabel("share right / %")


def _wider(low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis a little beyond the least and the greatest share."""
    ends = np.log([low / (1 - low), high / (1 - high)])
    margin = 0.06 * float(np.ptp(ends)) or 0.5
    outer = 1 / (1 + np.exp(-ends + [margin, -margin]))
    return float(outer[0]), float(outer[1])


@styled
def pairs_by_layer(
    study: Study, ax: "matplotlib.axes.Axes | None" = None
) -> "matplotlib.axes.Axes":
    """Draw how the pairs that stay mixed longest come apart, layer by layer.

    A line for each of `mixed_pairs`, in the colours of both classes: the share of their
    samples that the least-squares probe takes for the other.
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
    ax.set(xlabel="layer", ylabel="taken for the other / %")
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


@styled
def layer_similarity(
    study: Study, ax: "matplotlib.axes.Axes | None" = None
) -> "matplotlib.axes.Axes":
    """Draw the debiased linear CKA of every two layers: 1 for the same picture."""
    matrix = study.similarity["debiased"]
    names = [short(layer.name, 12) for layer in study]
    side = float(np.clip(1.3 + 0.55 * len(names), 2.6, 8.0))
    ax = ax or new_axes(side + 0.6, side)
    # The numbers stand on pale cells: the darkest colours of the map are not used.
    ax.imshow(matrix, cmap="Blues", vmin=0, vmax=1.8)
    cell = 72 * (side - 1.1) / len(names)
    for (row, column), value in np.ndenumerate(matrix):
        written = "–" if np.isnan(value) else f"{value:.2f}".replace("-", "\u2212")
        text = ax.text(column, row, written, ha="center", va="center")
        text.set(fontsize=min(8.5, cell / 2.6), clip_on=True)
    crowded = max(map(len, names)) * 5.5 > cell
    ax.set_xticks(range(len(names)), names, rotation=90 if crowded else 0)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(length=0, labelcolor=INK)
    ax.spines[:].set_visible(False)
    return ax
