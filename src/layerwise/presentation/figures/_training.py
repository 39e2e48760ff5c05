"""During training: losses, health of layers, and the samples at some epochs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from layerwise.errors import InputError
from layerwise.presentation._report import loss_unit
from layerwise.presentation.figures._points import as_dots, colours_of, draw_names
from layerwise.presentation.figures._style import (
    INK,
    MUTED,
    PALE,
    fitted,
    log_ticks,
    new_figure,
    spread_out,
    styled,
)
from layerwise.presentation.payload import stretches
from layerwise.study import SnapshotStudy, Study
from layerwise.training import History, Result
from layerwise.wording import count, layer_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase
    from matplotlib.lines import Line2D

LEAST = 1e-12
"""What is drawn for zero on a logarithmic scale."""

LAYERS = 10
"""Of more layers than this the key does not name all."""

COLOURS = {"train": "#3f90da", "validation": "#bd1f01"}


@styled()
def training_curves(result: Result, figure: "FigureBase | None" = None) -> "FigureBase":
    """Draw loss (log scale) and accuracy against the step, side by side.

    The batches' figures are a line of means over stretches of steps, in a band from the
    least to the greatest; training and validation set have a dot for each epoch. A loss
    that is not finite ends the curves: its step is marked.

    Parameters
    ----------
    result : Result
    figure : Figure or SubFigure, optional
        Where to make the panels; by default a new figure.
    """
    history, unit = result.history, loss_unit(result.network)
    figure = figure or new_figure(7.0, 3.0)
    left, right = figure.subplots(1, 2)
    _draw_batches(left, np.maximum(history.losses, np.finfo(np.float32).tiny))
    _draw_batches(right, history.accuracies)
    for ax, quantity in ((left, "loss"), (right, "accuracy")):
        _draw_epochs(ax, history, quantity)
        _count_steps(ax, 5)
    log_ticks(left)
    left.set(ylabel=f"mean loss ({unit})" if unit else "mean loss")
    right.set(ylabel="accuracy (%)")
    right.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.4g}")
    right.set_ylim(top=1.005)
    if right.lines:
        handles, names = right.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper right", ncols=3)
    return figure


def _count_steps(ax: "Axes", most: int) -> None:
    """Make the axis to the right one of steps, with so many ticks at most."""
    from matplotlib.ticker import MaxNLocator

    ax.set_xlabel("step")
    ax.xaxis.set_major_locator(MaxNLocator(most, integer=True, min_n_ticks=1))
    ax.xaxis.set_major_formatter(lambda step, _: count(int(step)))


def _draw_batches(ax: "Axes", values: Float[np.ndarray, " steps"]) -> None:
    finite = np.isfinite(values)
    diverged = np.flatnonzero(~finite)
    steps, values = np.flatnonzero(finite) + 1, values[finite].astype(float)
    if len(values):
        starts, middles, means = stretches(values, steps)
        least, most = (f.reduceat(values, starts) for f in (np.minimum, np.maximum))
        ax.fill_between(middles, least, most, color=MUTED, alpha=0.2, linewidth=0)
        ax.plot(middles, means, color=MUTED, label="batches", linewidth=1.1)
        if len(values) == 1:
            ax.plot(middles, means, "o", color=MUTED, markersize=3)
    for step in (int(index) + 1 for index in diverged):
        ax.axvline(step, color=INK, linestyle=":", linewidth=1)
        ax.annotate(
            f"not finite at step {count(step)}",
            (step, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-4, -4),
            textcoords="offset points",
            ha="right",
            va="top",
            rotation=90,
        )


def _draw_epochs(ax: "Axes", history: History, quantity: str) -> None:
    if not history.epochs:
        return
    steps = [epoch.step for epoch in history.epochs]
    for name, colour in COLOURS.items():
        figures = [getattr(epoch, f"{name}_{quantity}") for epoch in history.epochs]
        ax.plot(steps, figures, "o-", markersize=2.5, color=colour, label=f"{name} set")


@styled()
def health_over_time(
    result: Result, figure: "FigureBase | None" = None
) -> "FigureBase":
    """Draw gradient norm, spread of the outputs, and dead units, layer by layer.

    The first two at every record, the last after each epoch; the layers go from dark,
    near the input, to light, and the key names them: of more than ten every second, or
    third, …, and the last.

    Parameters
    ----------
    result : Result
    figure : Figure or SubFigure, optional
        Where to make the panels; by default a new figure.
    """
    from matplotlib import colormaps

    history, names = result.history, result.network.layer_names
    figure = figure or new_figure(7.0, 3.0)
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
        (middle, "std of outputs"),
        (right, "dead units (%)"),
    ):
        ax.set_ylabel(title)
        _count_steps(ax, 4)
    for ax in (left, middle):
        log_ticks(ax)
    right.set_ylim(-0.02, 1.02)
    right.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.4g}")
    # From the first step on, a margin beyond the last: one record alone is no axis.
    left.set_xlim(0, 1.03 * max(len(history.losses), *ends, 1))
    if not ends:
        words = "no epoch finished"
        right.text(0.5, 0.5, words, color=MUTED, ha="center", transform=right.transAxes)
    _name_shades(figure, left.get_lines(), names)
    return figure


def _name_shades(
    figure: "FigureBase", lines: Sequence["Line2D"], names: Sequence[str]
) -> None:
    """Say above the panels which shade is which layer, of many layers of some."""
    shown = sorted({*range(0, len(names), -(-len(names) // LAYERS)), len(names) - 1})
    figure.legend(
        [lines[at] for at in shown],
        layer_labels((names[at] for at in shown), 12),
        loc="outside upper left",
        ncols=6,
        fontsize=7,
        handlelength=1.2,
    )


def _positive(value: float) -> float:
    return max(value, LEAST) if np.isfinite(value) else np.nan


MOST = 6
"""Epochs and layers shown, at most."""

SIDE = 1.55
"""Inches of a cell."""

FILLED = 0.9
"""How much of its cell a layer's widest plane takes."""


@styled()
def epoch_planes(study: Study, ax: "Axes | None" = None) -> "Axes":
    """Draw every layer's first two components as they were at the epochs kept.

    A row for each epoch, a column for each layer, of more than six the first, the last
    and some evenly between. The stated sample, its frames turned so that points move
    because the network moved; a column has one scale for all its epochs.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If the study knows no network on the way: give `inspect` ``snapshots=``.
    """
    if not study.snapshots:
        raise InputError(
            f"{study.name}: no snapshots to draw: lw.inspect(…, snapshots=…)"
        )
    rows = [study.snapshots[at] for at in spread_out(len(study.snapshots), MOST)]
    layers = spread_out(len(study.layers), MOST)
    targets = study.targets[study.sampled]
    sampled = np.searchsorted(study.shown, study.sampled)
    cells = np.stack([_column(rows, layer, sampled) for layer in layers])
    cells[..., 0] += np.arange(len(layers))[:, None, None]
    colours = colours_of(targets, len(study.class_names))
    repeated = np.tile(colours, (len(layers) * len(rows), 1))
    places, dots = cells.reshape(-1, 2).T, as_dots(len(targets), SIDE**2)
    sides = np.array([SIDE, SIDE])
    with fitted(ax, 1.2 + SIDE * len(layers), 0.3 + SIDE * len(rows)) as ax:
        ax.scatter(*places, c=repeated, **dots)
        for column, last in enumerate(cells[:, -1]):
            room = np.array([[column, 0.0], [column + 1, 1.0]])
            draw_names(ax, last, targets, study.class_names, room, sides)
    _rule(ax, len(layers), len(rows))
    shown = layer_labels((study.layers[layer].name for layer in layers), 14)
    ax.set_xticks(np.arange(len(layers)) + 0.5, shown)
    ax.set_yticks(len(rows) - np.arange(len(rows)) - 0.5, [*map(_epoch, rows)])
    return ax


def _column(
    rows: list[SnapshotStudy], layer: int, sampled: Int[np.ndarray, " sampled"]
) -> Float[np.ndarray, "rows sampled 2"]:
    """Return a layer's frames in cells of side 1, the first row's at the top."""
    own = (row.layers[layer].frames["components"][sampled] for row in rows)
    frames = np.stack([*own])
    least, greatest = frames.min(axis=1), frames.max(axis=1)
    widest = float((greatest - least).max()) or 1.0
    frames = (frames - (least + greatest)[:, None] / 2) * (FILLED / widest) + 0.5
    frames[..., 1] += np.arange(len(rows))[::-1, None]
    return frames


def _rule(ax: "Axes", columns: int, rows: int) -> None:
    ax.vlines(range(1, columns), 0, rows, color=PALE, linewidth=0.5)
    ax.hlines(range(1, rows), 0, columns, color=PALE, linewidth=0.5)
    ax.set(xlim=(0, columns), ylim=(0, rows), aspect="equal")
    ax.tick_params(length=0, labeltop=True, labelbottom=False, labelcolor=MUTED)
    ax.spines[:].set_visible(False)


def _epoch(snapshot: SnapshotStudy) -> str:
    if snapshot.epoch is None:
        return "this\nnetwork"
    untrained = "\nuntrained" if snapshot.epoch == 0 else ""
    return f"epoch {snapshot.epoch}{untrained}"
