"""Figures of runs beside each other: a colour for each run."""

from typing import TYPE_CHECKING

import numpy as np

from layerwise.presentation._colours import class_colours
from layerwise.presentation._comparison import Runs
from layerwise.presentation._text import short
from layerwise.presentation.figures._style import (
    Figure,
    log_ticks,
    new_axes,
    new_figure,
    styled,
)
from layerwise.presentation.payload import stretches
from layerwise.training import History
from layerwise.wording import count

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

PANELS = ("batch loss", "validation loss", "validation accuracy (%)")


@styled
def compared_curves(runs: Runs) -> "matplotlib.figure.Figure":
    """Draw the batches' loss, and the validation set's loss and accuracy, by step.

    Losses that span a factor of ten have a logarithmic scale; a cross stands where a
    training diverged.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(10.0, 3.2)
    panels = list(figure.subplots(1, 3))
    colours = class_colours(len(runs))
    for run, colour in zip(runs, colours, strict=True):
        name = short(run.name, 24)
        _draw_batches(panels[0], run.history, colour, name)
        for ax, quantity, scale in (
            (panels[1], "validation_loss", 1),
            (panels[2], "validation_accuracy", 100),
        ):
            steps = [epoch.step for epoch in run.history.epochs]
            values = [scale * getattr(e, quantity) for e in run.history.epochs]
            ax.plot(steps, values, "o-", markersize=2.5, color=colour, label=name)
    for ax, title in zip(panels, PANELS, strict=True):
        ax.set(xlabel="step", title=title)
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.xaxis.set_major_formatter(lambda step, _: count(int(step)))
    for ax in panels[:2]:
        if _spans_decades(ax):
            log_ticks(ax)
    handles, names = panels[1].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=4)
    return figure


@styled
def compared_probes(
    runs: Runs, ax: "matplotlib.axes.Axes | None" = None
) -> "matplotlib.axes.Axes":
    """Draw what a linear probe reads from every layer of every run.

    The input is layer 0; the last point of a line is the output.
    """
    from matplotlib.ticker import MaxNLocator

    ax = ax or new_axes(7.0, 3.2)
    colours = class_colours(len(runs))
    for run, colour in zip(runs, colours, strict=True):
        if not run.probes:
            continue
        shares = [100 * share for _, share in run.probes]
        name = short(run.name, 24)
        ax.plot(
            range(len(shares)), shares, "o-", color=colour, markersize=3, label=name
        )
    ax.set(xlabel="layer (0: input)", ylabel="linear-probe accuracy (%)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0)
    return ax


def _spans_decades(ax: "matplotlib.axes.Axes") -> bool:
    heights = [float(y) for line in ax.lines for y in np.asarray(line.get_ydata())]
    drawn = [height for height in heights if height > 0]
    return bool(drawn) and max(drawn) >= 10 * min(drawn)


def _draw_batches(
    ax: "matplotlib.axes.Axes", history: History, colour: str, name: str
) -> None:
    finite = np.isfinite(history.losses)
    steps, losses = np.flatnonzero(finite) + 1, history.losses[finite].astype(float)
    if not len(losses):
        return
    losses = np.maximum(losses, np.finfo(np.float32).tiny)
    _, middles, means = stretches(losses, steps)
    ax.plot(middles, means, color=colour, linewidth=1.1, label=name)
    if history.diverged:
        ax.plot(middles[-1:], means[-1:], "X", color=colour, markersize=7)


CURVES = Figure[Runs](name="curves", draw=compared_curves)

PROBES = Figure[Runs](
    name="probes",
    when=lambda runs: any(run.probes for run in runs),
    draw=compared_probes,
)
