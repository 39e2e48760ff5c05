"""Figures of a training: its loss and accuracy, step by step."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from layerwise.presentation.figures._style import (
    INK,
    MUTED,
    log_ticks,
    new_figure,
    styled,
)
from layerwise.training import History
from layerwise.wording import count

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

__all__ = ["stretches", "training_curves"]

STRETCHES = 250
"""Points of a smoothed curve, at most: each the mean of as many steps."""

COLOURS = {"train": "#3f90da", "validation": "#bd1f01"}


@styled
def training_curves(
    history: History, loss_unit: str | None = "nats"
) -> "matplotlib.figure.Figure":
    """Draw loss (log scale) and accuracy against the step, side by side.

    The batches' figures are a line of means over stretches of steps, in a band from the
    least to the greatest; training and validation set have a dot for each epoch. A loss
    that is not finite ends the curves: its step is marked.
    """
    from matplotlib.ticker import MaxNLocator

    unit = f" / {loss_unit}" if loss_unit else ""
    figure = new_figure(7.0, 3.0)
    left, right = figure.subplots(1, 2)
    _draw_batches(left, np.maximum(history.losses, np.finfo(np.float32).tiny))
    _draw_batches(right, history.accuracies)
    for ax, quantity in ((left, "loss"), (right, "accuracy")):
        _draw_epochs(ax, history, quantity)
        ax.set_xlabel("step")
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        ax.xaxis.set_major_formatter(lambda step, _: count(int(step)))
    log_ticks(left)
    left.set(ylabel=f"mean loss{unit}")
    right.set(ylabel="accuracy / %")
    right.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.4g}")
    right.set_ylim(top=1.005)
    if right.lines:
        handles, names = right.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper right", ncols=3)
    return figure


def _draw_batches(
    ax: "matplotlib.axes.Axes", values: Float[np.ndarray, " steps"]
) -> None:
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


def stretches(
    values: Float[np.ndarray, " steps"], steps: Int[np.ndarray, " steps"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut values into stretches of about equal length.

    Parameters
    ----------
    values : array, shape (steps,)
        At least one.
    steps : int array, shape (steps,)
        Where each belongs.

    Returns
    -------
    starts : int array, shape (stretches,)
        The place in ``values`` where each begins.
    middles, means : arrays, shape (stretches,)
        The step in its middle, and the mean of its values.
    """
    starts = np.unique(np.linspace(0, len(values), STRETCHES + 1).astype(int)[:-1])
    lengths = np.diff(starts, append=len(values))
    middles = steps[starts] + (lengths - 1) / 2
    return starts, middles, np.add.reduceat(values, starts) / lengths


def _draw_epochs(ax: "matplotlib.axes.Axes", history: History, quantity: str) -> None:
    if not history.epochs:
        return
    steps = [epoch.step for epoch in history.epochs]
    for name, colour in COLOURS.items():
        figures = [getattr(epoch, f"{name}_{quantity}") for epoch in history.epochs]
        ax.plot(steps, figures, "o-", markersize=2.5, color=colour, label=f"{name} set")
