"""Figure of how a network came to be: its layers' planes, epoch by epoch."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from layerwise.presentation._text import short, stated_sample
from layerwise.presentation.figures._figure import Figure
from layerwise.presentation.figures._points import as_dots, colours_of, draw_names
from layerwise.presentation.figures._style import MUTED, PALE, new_axes, styled
from layerwise.study import SnapshotStudy, Study
from layerwise.wording import count, listed, percent

if TYPE_CHECKING:
    import matplotlib.axes

__all__ = ["EPOCHS", "epoch_planes"]

MOST = 6
"""Epochs and layers shown, at most."""

SIDE = 1.55
"""Inches of a cell."""

FILLED = 0.9
"""How much of its cell a layer's widest plane takes."""


@styled
def epoch_planes(
    study: Study, ax: "matplotlib.axes.Axes | None" = None
) -> "matplotlib.axes.Axes":
    """Draw every layer's first two components as they were at the epochs kept.

    A row for each epoch, a column for each layer, of more than six the first, the last
    and some evenly between. The stated sample, its frames turned so that points move
    because the network moved; a column has one scale for all its epochs.
    """
    rows = _shown(study)
    layers = _evenly(len(study.layers))
    ax = ax or new_axes(1.2 + SIDE * len(layers), 0.3 + SIDE * len(rows))
    targets = study.targets[study.sampled]
    cells = np.stack([_column(rows, layer) for layer in layers])
    cells[..., 0] += np.arange(len(layers))[:, None, None]
    colours = colours_of(targets, len(study.class_names))
    each = np.tile(colours, (len(layers) * len(rows), 1))
    ax.scatter(*cells.reshape(-1, 2).T, c=each, **as_dots(len(targets), SIDE**2))
    sides = np.array([SIDE, SIDE])
    for column, last in enumerate(cells[:, -1]):
        room = np.array([[column, 0.0], [column + 1, 1.0]])
        draw_names(ax, last, targets, study.class_names, room, sides)
    _rule(ax, len(layers), len(rows))
    shown = [short(study.layers[layer].name, 14) for layer in layers]
    ax.set_xticks(np.arange(len(layers)) + 0.5, shown)
    ax.set_yticks(len(rows) - np.arange(len(rows)) - 0.5, [*map(_epoch, rows)])
    return ax


def _shown(study: Study) -> list[SnapshotStudy]:
    """Return the snapshots that have a row: the first, the last, some between."""
    return [study.snapshots[place] for place in _evenly(len(study.snapshots))]


def _evenly(total: int) -> list[int]:
    """Return ``MOST`` positions at most of so many, the first and the last among them.

    >>> _evenly(3), _evenly(11)
    ([0, 1, 2], [0, 2, 4, 6, 8, 10])
    """
    return np.rint(np.linspace(0, total - 1, min(total, MOST))).astype(int).tolist()


def _column(
    rows: list[SnapshotStudy], layer: int
) -> Float[np.ndarray, "rows sampled 2"]:
    """Return a layer's frames in cells of side 1, the first row's at the top."""
    frames = np.stack([row.layers[layer].frames["components"] for row in rows])
    least, greatest = frames.min(axis=1), frames.max(axis=1)
    widest = float((greatest - least).max()) or 1.0
    frames = (frames - (least + greatest)[:, None] / 2) * (FILLED / widest) + 0.5
    frames[..., 1] += np.arange(len(rows))[::-1, None]
    return frames


def _rule(ax: "matplotlib.axes.Axes", columns: int, rows: int) -> None:
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


def _told(study: Study) -> str:
    shown = _shown(study)
    said = ["this network" if s.epoch is None else count(s.epoch) for s in shown]
    deep = [snapshot.layers[-2:][0] for snapshot in (shown[0], shown[-1])]
    first, last = (percent(one.measures.values["probe_accuracy"]) for one in deep)
    return (
        "Grid of scatters, a column for each layer, a row for each epoch: "
        f"{listed(said)}, 0 being the untrained network. From {short(deep[0].name, 40)}"
        f" a linear probe reads {first} in the first row and {last} in the last."
    )


EPOCHS = Figure[Study](
    name="epochs",
    when=lambda study: study.snapshots,
    draw=epoch_planes,
    alternative=_told,
    caption=lambda study: (
        "From the untrained network down, every layer on its first two components "
        f"after the epochs that were kept: {stated_sample(study)}. The pictures are "
        "turned to lie on each other as well as they can, so that points move because "
        "the network moved; a column has one scale."
    ),
    place="epochs",
)
