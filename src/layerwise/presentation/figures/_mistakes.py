"""Figures of a network's mistakes: which, how many, and how sure it was of them."""

from typing import TYPE_CHECKING, TypeGuard

import numpy as np
from jaxtyping import Float

from layerwise.data import Samples, are_pictures, sample_names
from layerwise.errors import InputError
from layerwise.model import TrainedNetwork
from layerwise.presentation.figures._pictures import kind_of, picture_sheet
from layerwise.presentation.figures._points import colours_of, draw_points, draw_rings
from layerwise.presentation.figures._style import (
    ACCENT,
    INK,
    MUTED,
    PALE,
    inches_of,
    log_ticks,
    name_cells,
    new_axes,
    new_figure,
    styled,
)
from layerwise.statistics import wilson_interval
from layerwise.study import Inputs, Study
from layerwise.wording import count, percent, short, typeset

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

WORST = 18
"""Mistakes shown as pictures, at most."""

WRITTEN = 40
"""Of so many classes numbers can be read in a matrix."""

GRID = 200
"""Points along each side at which decision regions are asked for."""


@styled()
def confusion_matrix(study: Study, ax: "Axes | None" = None) -> "Axes":
    """Draw how many samples of each class were said to be of which.

    Rows are labels, columns predictions. The diagonal, which is right, is grey: colour
    is left to the mistakes. Of more classes than `WRITTEN` the numbers are left out,
    and evenly spaced ones are named.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If the study has no predictions.
    """
    import matplotlib as mpl

    counts = study.confusion
    names = [short(name, 14) for name in study.class_names]
    side = float(np.clip(1.4 + 0.45 * len(names), 3.0, 8.5))
    room = side - 1.2 if ax is None else float(inches_of(ax).min())
    ax = ax or new_axes(side, side)
    right = np.eye(len(names), dtype=bool)
    mistakes = np.ma.masked_array(counts, right)
    ax.imshow(
        mistakes,
        cmap=mpl.colormaps["Oranges"].with_extremes(bad="#f0f0f0", under="white"),
        vmin=0.5,
        vmax=max(1.5 * counts[~right].max(initial=0), 1),
    )
    cell = 72 * room / len(names)
    fontsize = min(cell / (0.75 * len(count(int(counts.max())))), 8.5)
    written = counts if len(names) <= WRITTEN else counts[:0]
    for (row, column), number in np.ndenumerate(written):
        if number:
            colour = MUTED if row == column else INK
            text = ax.text(column, row, count(int(number)), ha="center", va="center")
            text.set(color=colour, fontsize=fontsize, clip_on=True)
    step = -(-len(names) // WRITTEN)
    named = dict([*enumerate(names)][::step])
    name_cells(ax, named, named, inches_of(ax)[0])
    ax.set(xlabel="predicted class", ylabel="labelled class")
    ax.tick_params(labelsize=min(8, cell * step / 1.6))
    return ax


@styled()
def worst_mistakes(study: Study, ax: "Axes | None" = None) -> "Axes":
    """Draw the mistakes that the network was surest of.

    Pictures stand with what they are, what was said, and how surely; inputs of two
    numbers stand in their plane, the mistakes ringed.

    Parameters
    ----------
    study : Study
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If the inputs are neither pictures nor two numbers.
    """
    inputs = study.inputs
    if inputs is not None and are_pictures(inputs):
        return _as_pictures(study, inputs, ax)
    if not are_points(inputs):
        raise InputError(
            "mistakes are drawn of pictures and of pairs of numbers; "
            f"{kind_of(inputs)} are neither"
        )
    points = inputs[study.shown].astype(float)
    ax = ax or _plane(points)
    draw_points(ax, points, study.targets[study.shown], study.class_names)
    draw_rings(ax, points[np.isin(study.shown, study.mistakes)])
    ax.set(xlabel="first input", ylabel="second input", aspect="equal")
    return ax


def are_points(inputs: Inputs | None) -> TypeGuard[np.ndarray]:
    """Return whether inputs are pairs of numbers, all of them at hand."""
    return isinstance(inputs, np.ndarray) and inputs.shape[1:] == (2,)


def _as_pictures(study: Study, inputs: Inputs, ax: "Axes | None") -> "Axes":
    worst = study.mistakes[:WORST]
    if not len(worst):
        ax = ax or new_axes(7.0, 1.4)
        ax.set_axis_off()
        ax.text(0.5, 0.5, "no errors", ha="center", transform=ax.transAxes)
        return ax
    said, sure = study.answers
    names = [short(name, 13) for name in study.class_names]
    captions = [
        f"label {names[study.targets[sample]]}\n"
        f"predicted {names[said[sample]]}\n"
        f"{typeset(percent(float(sure[sample])))}, {own}"
        for own, sample in zip(sample_names(study.origins, worst), worst, strict=True)
    ]
    return picture_sheet(inputs[worst], captions, ax)


@styled()
def reliability(study: Study, figure: "FigureBase | None" = None) -> "FigureBase":
    """Draw accuracy against confidence in 15 bins, and how many samples each has.

    A dot is a bin: its mean confidence, and its accuracy with the 95 % interval. A line
    ties it to the diagonal, on which a network is right as often as it says.

    Parameters
    ----------
    study : Study
    figure : Figure or SubFigure, optional
        Where to make the panels; by default a new figure.

    Raises
    ------
    InputError
        If the study has no predictions.
    """
    bins = study.calibration
    place = np.flatnonzero(bins.samples)
    samples, right = bins.samples[place], bins.right[place]
    confidence, accuracy = bins.confidence[place], right / samples
    tallies = zip(right, samples, strict=True)
    low, high = np.transpose([wilson_interval(*tally) for tally in tallies])
    figure = figure or new_figure(4.2, 4.6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    above.plot([0, 1], [0, 1], color=PALE, linewidth=1)
    above.vlines(confidence, low, high, color=ACCENT, linewidth=4, alpha=0.3)
    above.vlines(confidence, confidence, accuracy, color=MUTED, linewidth=1)
    above.plot(confidence, accuracy, "o", color=ACCENT, markersize=4)
    centres = (place + 0.5) / len(bins.samples)
    below.bar(
        centres, samples - 0.5, width=0.9 / len(bins.samples), bottom=0.5, color=PALE
    )
    below.set_ylim(0.5, 2 * samples.max())
    log_ticks(below)
    below.yaxis.set_major_formatter(lambda n, _: count(round(n)) if n >= 1 else "")
    for axis in (above.yaxis, below.xaxis):
        axis.set_major_formatter(lambda share, _: f"{100 * share:.0f}")
    above.set(ylabel="accuracy (%)", ylim=(-0.02, 1.02), xlim=(-0.02, 1.02))
    below.set(xlabel="confidence (%)", ylabel="samples")
    return figure


@styled()
def decision_regions(
    network: TrainedNetwork, samples: Samples, ax: "Axes | None" = None
) -> "Axes":
    """Draw what the network says everywhere in a plane of two inputs, and samples.

    The ground has the predicted class's colour, the paler the less sure.

    Parameters
    ----------
    network : TrainedNetwork
    samples : Samples
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If an input is not two numbers.
    """
    if network.shape != (2,):
        raise InputError(
            f"decision regions are drawn of inputs of two numbers, not of shape"
            f" {network.shape}"
        )
    points = samples.inputs.astype(float)
    least, greatest = points.min(axis=0), points.max(axis=0)
    margin = 0.08 * (greatest - least)
    sides = np.linspace(least - margin, greatest + margin, GRID)
    plane = np.stack(np.meshgrid(*sides.T), axis=-1).reshape(-1, 2)
    probabilities = network.predict_proba(plane)
    classes = len(network.class_names)
    certainty = (probabilities.max(axis=1) - 1 / classes) / (1 - 1 / classes)
    hues = colours_of(probabilities.argmax(axis=1), classes)[:, :3]
    ground = 1 - 0.45 * certainty[:, None] * (1 - hues)
    ax = ax or _plane(points)
    ax.imshow(
        np.clip(ground, 0, 1).reshape(GRID, GRID, 3),
        extent=(sides[0, 0], sides[-1, 0], sides[0, 1], sides[-1, 1]),
        origin="lower",
        interpolation="bilinear",
    )
    draw_points(ax, points, samples.targets, network.class_names)
    ax.set(xlabel="first input", ylabel="second input", aspect="equal")
    return ax


def _plane(points: Float[np.ndarray, "samples 2"]) -> "Axes":
    """Return axes of about the points' own proportions."""
    width, height = np.ptp(points, axis=0)
    return new_axes(5.6, 0.6 + 5.0 * float(np.clip(height / (width or 1), 0.4, 1)))
