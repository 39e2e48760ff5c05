"""How the pictures of ``docs/measures.md`` are drawn, and how numbers are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from made_samples import Case, Labelled

from layerwise.presentation import class_colours
from layerwise.presentation.figures._points import draw_rings
from layerwise.presentation.figures._style import ACCENT, INK, MUTED, new_figure, styled
from layerwise.study import Measures
from layerwise.wording import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Picture",
    "activations",
    "arrows",
    "dots",
    "layers_and_planes",
    "plain",
    "planes",
    "ringed",
    "spans",
    "tabled",
]

LENGTH = 3
"""Of an arrow, where the weight is 1: long enough to be seen among the samples."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure, and the numbers that belong to it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    columns : sequence of str
        The cases, as the figure names them.
    rows : mapping of str to sequence of str
        Every measure, as the table names it, and its value for each of them.
    """

    figure: "Figure"
    columns: Sequence[str]
    rows: Mapping[str, Sequence[str]]

    @property
    def table(self) -> str:
        """The numbers as a table in Markdown."""
        lines = [["", *self.columns], ["---"] * (len(self.columns) + 1)]
        lines += [[name, *values] for name, values in self.rows.items()]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def tabled(
    figure: "Figure",
    cases: Sequence[Case],
    names: Sequence[str],
    parts: Sequence[str] = (),
) -> Picture:
    """Return the figure with these measures of its cases, and those of their parts."""
    rows = {
        f"`{name}`": [whole(each.measures, name) for each in cases] for name in names
    }
    for name in parts:
        kind = "pair" if name in cases[0].measures.by_pair else "class"
        values = [of_parts(each.measures, name) for each in cases]
        rows[f"`{name}` by {kind}"] = values
    return Picture(figure, [each.title for each in cases], rows)


def whole(measures: Measures, name: str) -> str:
    """Return a measure's value, a dash where it was not taken."""
    return plain(measures.values[name]) if name in measures.values else "–"


def of_parts(measures: Measures, name: str) -> str:
    """Return a measure's values of all classes, or of all pairs in order."""
    if name in measures.by_class:
        values = measures.by_class[name]
    else:
        matrix = measures.by_pair[name]
        values = matrix[np.triu_indices(len(matrix), 1)]
    return " · ".join(plain(value) for value in values)


def plain(value: float) -> str:
    """Return a value's first three digits, and 0 for what is rounding."""
    return number(round(value, 9) + 0.0)


@styled()
def planes(
    cases: Sequence[Case], names: Sequence[str], points: Sequence[np.ndarray] = ()
) -> "Figure":
    """Draw the cases side by side, the values of ``names`` above each.

    ``points`` are by default the first two units of the samples that are scored.
    """
    points = points or [each.scored[0][:, :2] for each in cases]
    sheet = new_figure(2.1 * len(cases), 2.25 + 0.15 * len(names))
    axes = sheet.subplots(1, len(cases), squeeze=False)[0]
    for ax, each, where in zip(axes, cases, points, strict=True):
        scatter(ax, where, each.scored[1])
        titled(ax, each.title, *captions(each, names))
    return sheet


@styled()
def ringed(panels: Sequence[tuple[str, Labelled, np.ndarray]]) -> "Figure":
    """Draw samples in the colour of their label, rings round some of them."""
    sheet = new_figure(2.1 * len(panels), 2.25)
    axes = sheet.subplots(1, len(panels))
    for ax, (title, (rows, targets), rings) in zip(axes, panels, strict=True):
        scatter(ax, rows, targets)
        draw_rings(ax, rings)
        titled(ax, title)
    return sheet


@styled()
def activations(cases: Sequence[Case], names: Sequence[str]) -> "Figure":
    """Draw the cases' rows as they are: the darker, the larger."""
    sheet = new_figure(2.3 * len(cases), 2.6)
    for ax, each in zip(sheet.subplots(1, len(cases)), cases, strict=True):
        ax.imshow(each.fitting[0], cmap="Blues", aspect="auto", interpolation="none")
        ax.set(xlabel="unit", ylabel="sample")
        bare(ax)
        titled(ax, each.title, *captions(each, names))
    return sheet


@styled()
def arrows(cases: Sequence[Case], weights: Sequence[np.ndarray]) -> "Figure":
    """Draw the cases, and the weights of every class as an arrow."""
    names = ["collapse_duality", "collapse_nearest_mean"]
    sheet = planes(cases, names)
    for ax, each in zip(sheet.axes, weights, strict=True):
        for end, colour in zip(each.T, class_colours(each.shape[1]), strict=True):
            style = {"arrowstyle": "-|>", "color": colour, "linewidth": 2.5}
            ax.annotate("", LENGTH * end, (0, 0), arrowprops=style)
    return sheet


@styled()
def layers_and_planes(cases: Sequence[Case], shown: Sequence[np.ndarray]) -> "Figure":
    """Draw each layer from one side, and below it the plane that is shown of it."""
    sheet = new_figure(2.3 * len(cases), 5.0)
    axes = sheet.subplots(2, len(cases))
    for column, (each, plane) in enumerate(zip(cases, shown, strict=True)):
        rows, targets = each.scored
        scatter(axes[0, column], rows[:, [0, -1]], targets)
        titled(axes[0, column], each.title, "the layer, from one side")
        scatter(axes[1, column], plane, targets)
        names = ["trustworthiness", "continuity"]
        titled(axes[1, column], "its picture", *captions(each, names))
    return sheet


@styled()
def dots(names: Sequence[str], found: Mapping[str, Sequence[float]]) -> "Figure":
    """Draw two values for each name, the first as a dot, the second as a circle."""
    figure = new_figure(6.2, 1.9)
    ax = figure.add_subplot()
    heights = -np.arange(len(names))
    ends = np.array([*found.values()])
    ax.hlines(heights, ends.min(axis=0), ends.max(axis=0), ACCENT, linewidth=0.8)
    for (form, values), inside in zip(found.items(), (ACCENT, "none"), strict=True):
        ax.plot(values, heights, "o", color=ACCENT, markerfacecolor=inside, label=form)
    ax.set(xlim=(-0.08, 1.05), xlabel="linear CKA")
    named_rows(ax, heights, names)
    return figure


@styled()
def spans(
    names: Sequence[str], found: Mapping[str, Sequence[tuple[float, float]]]
) -> "Figure":
    """Draw for each name two intervals, one below the other."""
    figure = new_figure(6.2, 2.1)
    ax = figure.add_subplot()
    heights = -np.arange(len(names))
    drawn = zip(found.items(), (ACCENT, MUTED), (0.12, -0.12), strict=True)
    for (form, ends), colour, step in drawn:
        low, high = np.transpose(ends)
        ax.hlines(heights + step, low, high, colour, linewidth=2.5, label=form)
        ax.plot(low, heights + step, "|", high, heights + step, "|", color=colour)
    ax.set(xlim=(0.7, 1.005), xlabel="share, with its 95 % interval")
    named_rows(ax, heights, names)
    return figure


def named_rows(ax: "Axes", heights: np.ndarray, names: Sequence[str]) -> None:
    """Name what is drawn at these heights, and put the legend beside it."""
    ax.set_yticks(heights, names)
    ax.margins(y=0.15)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def scatter(ax: "Axes", points: np.ndarray, targets: np.ndarray) -> None:
    """Draw samples in their classes' colours, without axes."""
    colours = np.array(class_colours(1 + int(targets.max())))
    ax.scatter(*points.T, c=colours[targets], s=7, alpha=0.8, linewidths=0)
    ax.set_aspect("equal", adjustable="datalim")
    bare(ax)


def bare(ax: "Axes") -> None:
    """Take the ticks off, and leave a thin frame."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(True)


def captions(shown: Case, names: Sequence[str]) -> list[str]:
    """Return those of the measures that were taken, with their values."""
    found: list[str] = []
    for name in names:
        if name in shown.measures.values:
            found.append(f"{name} {whole(shown.measures, name)}")
        elif name in shown.measures.by_class:
            found.append(f"{name} {of_parts(shown.measures, name)}")
    return found


def titled(ax: "Axes", title: str, *captions: str) -> None:
    """Write a title over a panel, and what was measured below that."""
    ax.set_title(title, fontweight="bold", pad=5 + 11 * len(captions))
    ax.text(
        0, 1.02, "\n".join(captions), transform=ax.transAxes, color=MUTED, fontsize=8
    )
