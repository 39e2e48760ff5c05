"""The figure of a sweep: where training works, stalls and diverges."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from layerwise.presentation._sweep import averaged_over, axis_value
from layerwise.presentation.figures._style import INK, halo, new_axes, styled
from layerwise.sweeps import Axis, Phase, PhaseDiagram, Setting, Sweep
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


@styled
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
    columns, rows = len(diagram.columns.values), len(diagram.cells)
    width = min(CELL, WIDEST / columns)
    ax = ax or new_axes(max(3.8, 1.3 + width * columns), 1.35 + 0.42 * rows)
    for row, phases in enumerate(diagram.cells):
        for column, phase in enumerate(phases):
            _draw_cell(ax, phase, (column, row), width)
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    _name_values(ax, diagram)
    averaged = averaged_over(diagram)
    ax.set_title(f"validation accuracy (%){averaged and ', '}{averaged}", pad=24)
    _draw_legend(ax)
    ax.tick_params(length=0, labelcolor=INK)
    ax.spines[:].set_visible(False)
    return ax


def _draw_cell(ax: "Axes", phase: Phase, place: tuple[int, int], width: float) -> None:
    """Draw a cell's strips, and its number where there is room for it."""
    from matplotlib.patches import Rectangle

    column, row = place
    total = sum(phase.counts.values())
    left = column - 0.47
    for outcome, trainings in phase.counts.items():
        if not trainings:
            continue
        share = 0.94 * trainings / total
        hatch = HATCHES.get(outcome)
        ax.add_patch(
            Rectangle(
                (left, row - 0.46),
                share,
                0.92,
                facecolor=COLOURS[outcome],
                edgecolor="white",
                hatch=hatch,
                linewidth=0,
            )
        )
        left += share
    if math.isnan(phase.validation_accuracy):
        return
    written = percent(phase.validation_accuracy).removesuffix(" %")
    size = min(8.0, 0.94 * 72 * width / (LETTER * len(written)))
    if size >= 4:
        text = ax.text(column, row, written, ha="center", va="center", color=INK)
        text.set(fontsize=size, clip_on=True, path_effects=halo())


def _name_values(ax: "Axes", diagram: PhaseDiagram) -> None:
    names = _shown(diagram.columns)
    ax.set_xticks(list(names), list(names.values()))
    ax.set_xlabel(diagram.columns.name)
    if diagram.rows is None:
        ax.set_yticks([])
        return
    ax.set_yticks(range(len(diagram.rows.values)), _written(diagram.rows.values))
    ax.set_ylabel(diagram.rows.name)


def _shown(axis: Axis) -> dict[int, str]:
    """Return the values to name by their place: few enough not to touch."""
    written = _written(axis.values)
    width = min(CELL, WIDEST / len(written))
    step = max(1, math.ceil((max(map(len, written)) + 1) * 0.075 / width))
    return dict(list(enumerate(written))[::step])


def _written(values: Sequence[Setting]) -> list[str]:
    return [axis_value(value) for value in values]


def _draw_legend(ax: "Axes") -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(
            facecolor=colour,
            edgecolor="white",
            hatch=HATCHES.get(outcome),
            label=outcome,
            linewidth=0,
        )
        for outcome, colour in COLOURS.items()
    ]
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=3,
        borderaxespad=0.3,
        borderpad=0,
        handlelength=1.6,
    )
