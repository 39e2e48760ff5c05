"""Samples and components as pictures; labels that look wrong; the input's plane."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int, Shaped

from layerwise.data import Dataset, Samples, are_pictures
from layerwise.errors import InputError
from layerwise.presentation.figures._points import (
    axis_names,
    draw_points,
    is_line,
    plane_points,
)
from layerwise.presentation.figures._style import fitted, new_axes, styled
from layerwise.presentation.payload import is_ink
from layerwise.study import Inputs, InputStudy, Study
from layerwise.wording import percent, short, typeset

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 6
"""Pictures in a row of a sheet."""


def draw_mosaic(
    ax: "Axes",
    rgb: Float[np.ndarray, "samples own_height own_width 3"],
    cells: Int[np.ndarray, "samples 2"],
    spacing: tuple[float, float],
) -> None:
    """Draw pictures in their cells, each a row and a column, their pixels square.

    The spacing is from one row, and one column, to the next, in heights and widths of a
    picture. The axes' unit is a cell, its upper left corner at x = column, y = row, y
    pointing down.
    """
    size = np.array(rgb.shape[1:3])
    steps = np.ceil(size * spacing).astype(int)
    height, width = (cells.max(axis=0, initial=0) + 1) * steps
    ground = np.ones((height, width, 3))
    for picture, (top, left) in zip(rgb, cells * steps, strict=True):
        ground[top : top + size[0], left : left + size[1]] = picture
    extent = (0.0, float(width / steps[1]), float(height / steps[0]), 0.0)
    ax.imshow(ground, extent=extent, interpolation="none", aspect=steps[0] / steps[1])
    ax.set_axis_off()


def as_rgb(
    pictures: Shaped[np.ndarray, "samples ..."],
) -> Float[np.ndarray, "samples height width 3"]:
    """Return pictures of one or three channels in colours from 0 to 1.

    Grey ones that are mostly dark, such as handwriting, become ink on paper.
    """
    values = pictures.astype(float)
    if values.ndim == 3:
        values = values[..., None]
    least, greatest = values.min(), values.max()
    values = (values - least) / (greatest - least or 1)
    if values.shape[-1] == 3:
        return values
    return np.repeat(1 - values if is_ink(values) else values, 3, axis=-1)


def kind_of(inputs: Inputs | None) -> str:
    """Say what inputs are that cannot be drawn."""
    if inputs is None:
        return "inputs that were not kept"
    return f"inputs of shape {inputs.shape[1:]} and dtype {inputs.dtype}"


def picture_sheet(
    pictures: Shaped[np.ndarray, "samples ..."],
    captions: Sequence[str],
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw pictures, one at least, each over its caption of three lines at most."""
    cells = np.stack(np.divmod(np.arange(len(pictures)), COLUMNS), axis=1)
    rows = -(-len(pictures) // COLUMNS)
    with fitted(ax, 7.0, 1.4 * rows) as ax:
        draw_mosaic(ax, as_rgb(pictures), cells, spacing=(1.7, 1.4))
        for (row, column), caption in zip(cells, captions, strict=True):
            middle = column + 0.5 / 1.4
            text = ax.text(middle, row + 0.62, caption, ha="center", va="top")
            text.set(clip_on=True, fontsize=7.5)
    ax.set(xlim=(-0.15, COLUMNS), ylim=(rows, 0))
    return ax


SHOWN = 60
"""Classes of which pictures are shown, at most: a sheet has an end."""

MOST = 18
"""Shown as pictures, at most."""


@styled()
def suspect_labels(
    study: Study, training: Samples | None = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw the samples whose label looks most wrong, and what they look like.

    Parameters
    ----------
    study : Study
    training : Samples, optional
        Needed where the study's suspects are of the training set too.
    ax : matplotlib axes, optional

    Raises
    ------
    InputError
        If the inputs are not pictures, no label is suspect, or one is of a training set
        that was not given.
    """
    seen = study.inputs
    if seen is None or not are_pictures(seen):
        raise InputError(
            f"suspect labels are drawn of pictures; {kind_of(seen)} are none"
        )
    if not study.suspects:
        raise InputError("no label is suspicious: there is nothing to draw")
    worst = study.suspects[:MOST]
    if training is None and any(suspect.part == "training" for suspect in worst):
        raise InputError(
            "some suspicious labels are of the training set, which is not in the "
            "study: give training=data.train"
        )
    names = [short(name, 10) for name in study.class_names]
    captions = [
        f"labelled {names[suspect.label]}\nlooks like {names[suspect.suggestion]}\n"
        f"{suspect.name}"
        for suspect in worst
    ]
    inputs = {"training": training.inputs} if training else {}
    pictures = [inputs.get(s.part, seen)[s.position] for s in worst]
    return picture_sheet(np.stack(pictures), captions, ax)


EACH = 5
"""Samples shown of every class."""

CELL = 0.5
"""Inches from one picture to the next."""

COMPONENT_CELL = 1.4
"""Inches from one component to the next."""


@styled()
def sample_sheet(data: Dataset, ax: "Axes | None" = None) -> "Axes":
    """Draw the first five training pictures of each class, of the first 60 classes.

    Parameters
    ----------
    data : Dataset
        Of pictures, shape (height, width[, channels]).
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If the inputs are not pictures.
    """
    samples = data.train
    if not data.is_image:
        raise InputError(
            f"a sample sheet shows pictures; {kind_of(samples.inputs)} are none"
        )
    names = [short(name) for name in data.class_names[:SHOWN]]
    room = math.ceil(0.3 + 0.15 * max(map(len, names)))
    blocks = min(1 + len(names) // 6, 3)
    rows = -(-len(names) // blocks)
    origins = [
        (index % rows, index // rows * (room + EACH) + room)
        for index in range(len(names))
    ]
    positions, cells = [], []
    for index, (row, column) in enumerate(origins):
        members = np.flatnonzero(samples.targets == index)[:EACH]
        positions.extend(members)
        cells.extend((row, column + rank) for rank in range(len(members)))
    pictures = as_rgb(samples.inputs[positions])
    with fitted(ax, CELL * blocks * (room + EACH), CELL * rows) as ax:
        draw_mosaic(ax, pictures, np.array(cells), spacing=(1.12, 1.12))
        for name, (row, left) in zip(names, origins, strict=True):
            ax.text(left - 0.2, row + 0.45, name, ha="right", va="center", clip_on=True)
    ax.set(xlim=(0, blocks * (room + EACH)), ylim=(rows, 0))
    return ax


@styled()
def component_images(study: InputStudy, ax: "Axes | None" = None) -> "Axes":
    """Draw the first ten principal components of pictures as pictures.

    Blue entries grow along the component, red ones shrink, white ones stay; each has
    its own scale, even about 0. Of three channels their mean is drawn.

    Parameters
    ----------
    study : InputStudy
    ax : Axes, optional
        By default those of a new figure.

    Raises
    ------
    InputError
        If the inputs are no pictures, or the components do not have their shape.
    """
    from matplotlib import colormaps

    shape, found = study.data.shape, study.layer.components
    components = found.components[:10]
    if not study.data.is_image or components.shape[1] != math.prod(shape):
        raise InputError(
            f"components of {components.shape[1]} units cannot be drawn as pictures of"
            f" shape {shape}"
        )
    images = components.reshape(-1, *shape)
    if len(shape) == 3:
        images = images.mean(axis=-1)
    largest = np.abs(images).max(axis=(1, 2), keepdims=True)
    coloured = colormaps["RdBu"](0.5 + images / (2 * largest))[..., :3]
    columns = min(len(images), 5)
    cells = np.stack(np.divmod(np.arange(len(images)), columns), axis=1)
    spacing = (1 + 0.25 * shape[1] / shape[0], 1.1)
    rows = 1 + cells[-1, 0]
    # As high as it makes the pictures' entries square, without the last one's gap.
    high = (rows * spacing[0] - spacing[0] + 1) * shape[0]
    wide = columns * spacing[1] * shape[1]
    side = COMPONENT_CELL * columns
    with fitted(ax, side, side * high / wide + 0.3) as ax:
        draw_mosaic(ax, coloured, cells, spacing)
        ratios = found.explained_variance_ratio[: len(cells)]
        for (row, column), ratio in zip(cells, ratios, strict=True):
            text = typeset(f"{1 + row * columns + column}: {percent(ratio)}")
            ax.text(column, row - 0.04, text, va="bottom")
    ax.set(xlim=(0, columns), ylim=(rows - 1 + 1 / spacing[0], 0))
    return ax


@styled()
def projection(study: InputStudy, ax: "Axes | None" = None) -> "Axes":
    """Draw samples of a data set on their first two principal components.

    Parameters
    ----------
    study : InputStudy
    ax : Axes, optional
        By default those of a new figure.
    """
    from matplotlib.ticker import MaxNLocator

    ax = ax or new_axes(5.6, 5.0)
    points = plane_points(study.layer, "components")
    draw_points(ax, points, study.targets, study.data.class_names)
    names = axis_names(study.layer, "components")
    for axis, name in zip((ax.xaxis, ax.yaxis), names, strict=True):
        axis.set_label_text(name)
        axis.set_major_locator(MaxNLocator(4))
    if is_line(study.layer, "components"):
        ax.set(yticks=[])
    # One scale for both axes: distances in the plane are the samples' own.
    ax.set_aspect("equal", adjustable="datalim")
    return ax
