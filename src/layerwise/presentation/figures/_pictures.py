"""Samples as pictures: sheets of them, and those whose label looks wrong."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int, Shaped

from layerwise.data import Samples
from layerwise.errors import InputError
from layerwise.presentation._text import short
from layerwise.presentation.figures._style import Figure, new_axes, styled
from layerwise.study import Inputs, Study

if TYPE_CHECKING:
    import matplotlib.axes

__all__ = [
    "SUSPECTS",
    "are_pictures",
    "laid_out",
    "mosaic",
    "picture_sheet",
    "suspect_labels",
]

COLUMNS = 6
"""Pictures in a row of a sheet."""


def are_pictures(inputs: Inputs | None) -> bool:
    """Return whether raw inputs are pictures: bytes in two axes, or 1 or 3 channels."""
    if inputs is None:
        return False
    if inputs.ndim == 3:
        return inputs.dtype == np.uint8
    return inputs.ndim == 4 and inputs.shape[-1] in (1, 3)


def mosaic(
    pictures: Shaped[np.ndarray, "samples ..."],
    cells: Int[np.ndarray, "samples 2"],
    spacing: tuple[float, float] = (1.12, 1.12),
) -> tuple[Float[np.ndarray, "height width 3"], tuple[float, float, float, float]]:
    """Lay pictures out on a white ground.

    Parameters
    ----------
    pictures : array, shape (samples, height, width[, channels])
        Grey ones that are mostly dark, such as handwriting, are drawn as ink on paper.
    cells : int array, shape (samples, 2)
        The row and column of each.
    spacing : pair of float
        From one row, and one column, to the next, in heights and widths of a picture.

    Returns
    -------
    mosaic, extent
        As `laid_out` returns them.
    """
    return laid_out(_rgb(pictures), cells, spacing)


def laid_out(
    rgb: Float[np.ndarray, "samples own_height own_width 3"],
    cells: Int[np.ndarray, "samples 2"],
    spacing: tuple[float, float],
) -> tuple[Float[np.ndarray, "height width 3"], tuple[float, float, float, float]]:
    """Lay pictures out whose colours are red, green and blue from 0 to 1.

    Returns
    -------
    mosaic : RGB, 0 to 1
    extent : left, right, bottom, top
        For ``imshow``: in cells, so that the cell (row, column) has its upper left
        corner at x = column, y = row, y pointing down.
    """
    size = np.array(rgb.shape[1:3])
    steps = np.ceil(size * spacing).astype(int)
    height, width = (cells.max(axis=0, initial=0) + 1) * steps
    ground = np.ones((height, width, 3))
    for picture, (top, left) in zip(rgb, cells * steps, strict=True):
        ground[top : top + size[0], left : left + size[1]] = picture
    return ground, (0.0, float(width / steps[1]), float(height / steps[0]), 0.0)


def _rgb(
    pictures: Shaped[np.ndarray, "samples ..."],
) -> Float[np.ndarray, "samples height width 3"]:
    values = pictures.astype(float)
    if values.ndim == 3:
        values = values[..., None]
    least, greatest = values.min(), values.max()
    values = (values - least) / (greatest - least or 1)
    if values.shape[-1] == 3:
        return values
    is_ink = np.median(values) < 0.25
    return np.repeat(1 - values if is_ink else values, 3, axis=-1)


def picture_sheet(
    pictures: Shaped[np.ndarray, "samples ..."],
    captions: Sequence[str],
    ax: "matplotlib.axes.Axes | None" = None,
) -> "matplotlib.axes.Axes":
    """Draw one or more pictures in rows, each over its caption of three lines at most.

    Parameters
    ----------
    pictures : array, shape (samples, height, width[, channels])
    captions : sequence of str
        Of each.
    ax : Axes, optional
        Where to draw; by default on a new figure.
    """
    cells = np.stack(np.divmod(np.arange(len(pictures)), COLUMNS), axis=1)
    rows = -(-len(pictures) // COLUMNS)
    picture, extent = mosaic(pictures, cells, spacing=(1.7, 1.4))
    ax = ax or new_axes(7.0, 1.4 * rows)
    ax.set_axis_off()
    ax.imshow(picture, extent=extent, interpolation="none")
    for (row, column), caption in zip(cells, captions, strict=True):
        middle = column + 0.5 / 1.4
        text = ax.text(middle, row + 0.62, caption, ha="center", va="top")
        text.set_clip_on(True)
    # A picture as wide as it is high fills its cell of 1.4 by 1.7 pictures.
    ax.set(xlim=(-0.15, COLUMNS), ylim=(rows, 0), aspect="auto")
    height, width = pictures.shape[1:3]
    ax.set_aspect(1.7 * height / (1.4 * width))
    return ax


MOST = 18
"""Shown as pictures, at most."""


@styled
def suspect_labels(
    study: Study,
    training: Samples | None = None,
    ax: "matplotlib.axes.Axes | None" = None,
) -> "matplotlib.axes.Axes":
    """Draw the samples whose label looks most wrong, and what they look like.

    Parameters
    ----------
    study : Study
    training : Samples, optional
        Where the study's suspects are of the training set too.
    ax : matplotlib axes, optional

    Raises
    ------
    InputError
        If the inputs are not pictures, or no label is suspect.
    """
    seen = study.inputs
    if seen is None or not are_pictures(seen):
        kind = "that were not kept"
        if seen is not None:
            kind = f"of shape {seen.shape[1:]} and dtype {seen.dtype}"
        raise InputError(
            f"suspect labels are drawn of pictures; inputs {kind} are none"
        )
    if not study.suspects:
        raise InputError("no label is suspect: there is nothing to draw")
    worst = study.suspects[:MOST]
    names = [short(name, 10) for name in study.class_names]
    captions = [
        f"labelled {names[suspect.label]}\nlooks like {names[suspect.suggestion]}\n"
        f"{suspect.name}"
        for suspect in worst
    ]
    inputs = {"training": training.inputs} if training else {}
    pictures = [inputs.get(s.part, seen)[s.position] for s in worst]
    return picture_sheet(np.stack(pictures), captions, ax)


def _told(study: Study) -> str:
    names = [short(name) for name in study.class_names]
    worst = [
        f"labelled {names[suspect.label]}, looks like {names[suspect.suggestion]}"
        for suspect in study.suspects[:3]
    ]
    return f"The samples whose label looks most wrong: {'; '.join(worst)}."


SUSPECTS = Figure[Study](
    name="suspects",
    when=lambda study: are_pictures(study.inputs) and study.suspects,
    draw=suspect_labels,
    alternative=_told,
    place="suspects",
)
