"""The figure of a sweep: where training works, stalls and diverges."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from layerwise.presentation._sweep import averaged_over, axis_value
from layerwise.presentation.figures._style import INK, halo, new_axes, styled
from layerwise.sweeps import OUTCOMES, Phase, PhaseDiagram, Sweep
from layerwise.wording import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Mapping[str, str] = MappingProxyType(
    {"works": "#a9cbff", "stalls": "#ffd27a", "diverges": "#d98b7c"}
)
"""Pale enough for numbers to stand on; what diverges is hatched besides."""

CELL = 0.56
"""Inches from one column to the next, where there is room."""

HATCHES = MappingProxyType({"diverges": "////"})

WIDEST = 11.0
LETTER = 0.62
"""Width of a digit, in font sizes."""


@styled()
def phase_diagram(sweep: Sweep, ax: "Axes | None" = None) -> "Axes":
    """Draw what became of the trainings over the first two settings that were varied.

    A cell is divided in the shares of its trainings that work, stall and diverge; in it
    stands their mean validation accuracy in percent, those that diverged left out.

    Parameters
    ----------
    sweep : Sweep
    ax : Axes, optional
        By default those of a new figure.
    """
    diagram = sweep.phases()
    columns = len(diagram.columns.values)
    rows = len(diagram.rows.values) if diagram.rows else 1
    width = min(CELL, WIDEST / columns)
    ax = ax or new_axes(max(3.8, 1.3 + width * columns), 1.35 + 0.42 * rows)
    _draw_strips(ax, diagram)
    for (row, column), phase in diagram.cells.items():
        _write_accuracy(ax, phase, (column, row), width)
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    _name_values(ax, diagram)
    averaged = averaged_over(diagram)
    ax.set_title(f"validation accuracy (%){averaged and ', '}{averaged}", pad=24)
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=3,
        borderaxespad=0.3,
        borderpad=0,
        handlelength=1.6,
    )
    ax.tick_params(length=0, labelcolor=INK)
    ax.spines[:].set_visible(False)
    return ax


def _draw_strips(ax: "Axes", diagram: PhaseDiagram) -> None:
    """Divide each cell in the shares of its trainings by their outcomes."""
    rows, columns = np.transpose([*diagram.cells])
    counts = [[*phase.counts.values()] for phase in diagram.cells.values()]
    widths = 0.94 * np.transpose(counts) / np.maximum(np.sum(counts, axis=1), 1)
    left = columns - 0.47
    for outcome, width in zip(OUTCOMES, widths, strict=True):
        ax.barh(
            rows,
            width,
            height=0.92,
            left=left,
            color=COLOURS[outcome],
            edgecolor="white",
            hatch=HATCHES.get(outcome),
            label=outcome,
            linewidth=0,
        )
        left = left + width


def _write_accuracy(
    ax: "Axes", phase: Phase, place: tuple[int, int], width: float
) -> None:
    """Write a cell's number where there is one, and room for it."""
    if math.isnan(phase.validation_accuracy):
        return
    written = percent(phase.validation_accuracy).removesuffix(" %")
    size = min(8.0, 0.94 * 72 * width / (LETTER * len(written)))
    if size >= 4:
        text = ax.text(*place, written, ha="center", va="center", color=INK)
        text.set(fontsize=size, clip_on=True, path_effects=halo())


def _name_values(ax: "Axes", diagram: PhaseDiagram) -> None:
    """Name the settings' values, of the columns so few that they do not touch."""
    names = [axis_value(value) for value in diagram.columns.values]
    width = min(CELL, WIDEST / len(names))
    step = max(1, math.ceil((max(map(len, names)) + 1) * 0.075 / width))
    ax.set_xticks(range(0, len(names), step), names[::step])
    ax.set_xlabel(diagram.columns.name)
    if diagram.rows is None:
        ax.set_yticks([])
        return
    rows = [axis_value(value) for value in diagram.rows.values]
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylabel(diagram.rows.name)
