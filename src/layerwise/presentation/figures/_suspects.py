"""Figure of the samples whose label looks wrong."""

from typing import TYPE_CHECKING

import numpy as np

from layerwise.data import Samples
from layerwise.errors import InputError
from layerwise.presentation._text import short
from layerwise.presentation.figures._figure import Figure
from layerwise.presentation.figures._pictures import are_pictures, picture_sheet
from layerwise.presentation.figures._style import styled
from layerwise.study import Study

if TYPE_CHECKING:
    import matplotlib.axes

__all__ = ["SUSPECTS", "suspect_labels"]

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
