"""Causes in the inputs: not finite, not scaled, or of very different scales."""

import numpy as np

from layerwise.diagnosis._cause import Cause
from layerwise.diagnosis._evidence import Evidence
from layerwise.wording import count, number

__all__ = ["different_scales", "not_finite", "not_scaled"]

LARGE, SMALL = 8.0, 0.12
"""Scaled inputs have a root mean square of about 1. Eight times as much, or an eighth,
is a network whose first layer is drawn for others."""

TENTHS = (0.1, 0.9)
"""The extremes do not count: some pixels at the edge are dark in all images but one."""

UNEVEN = 30.0
"""One feature varying so many times as much as another drowns it: the step that suits
the one is nothing to the other."""


def not_finite(evidence: Evidence) -> Cause | None:
    """NaN or infinity among the training inputs."""
    if evidence.finite_inputs:
        return None
    inputs = evidence.data.train.inputs
    wrong = ~np.isfinite(inputs)
    row, *place = (int(i) for i in np.argwhere(wrong)[0])
    rows = int(wrong.reshape(len(inputs), -1).any(axis=1).sum())
    column = ", ".join(str(i) for i in place)
    return Cause(
        kind="non-finite inputs",
        layer="input",
        step=0,
        text=f"{count(int(wrong.sum()))} values in {count(rows)} of "
        f"{count(len(inputs))} training rows are NaN or infinite, the first in row "
        f"{row}, column {column} (counted from 0).",
        reason="Every sum that such a value enters is NaN, and so are the loss and the "
        "gradient of all weights: one row is enough to lose the network.",
        remedy="Fill what is missing with the column's mean, or drop those rows.",
        change={"inputs": "fill"},
        evidence={"values": int(wrong.sum()), "rows": rows, "row": row},
    )


def different_scales(evidence: Evidence) -> Cause | None:
    """Features of which some vary many times as much as others."""
    deviations = _deviations(evidence)
    if evidence.learnt or evidence.data.is_image or len(deviations) < 2:
        return None
    least, most = map(float, np.quantile(deviations, TENTHS))
    if not most >= UNEVEN * least:
        return None
    change = evidence.unused({"scaling": "standard"})
    places = deviations.argmin(), deviations.argmax()
    least, most = (float(deviations[place]) for place in places)
    return Cause(
        kind="inputs of different scales",
        layer="input",
        step=0,
        text=f"As the network sees them, feature {int(places[1])} has a "
        f"standard deviation of {number(most)}, feature {int(places[0])} one "
        f"of {number(least)}.",
        reason="A weight's gradient is proportional to its input. One learning rate "
        "for all is then too high for the large features or too low for the small.",
        remedy="Scale each feature by itself: --scaling standard."
        if change
        else "Scale each feature by itself: --scaling standard has one scale for all "
        "features of such inputs.",
        change=change,
        evidence={"largest": most, "least": least, "ratio": most / least},
    )


def not_scaled(evidence: Evidence) -> Cause | None:
    """Find inputs far larger or smaller than 1, or far from zero."""
    change = evidence.unused({"scaling": "standard"})
    if evidence.learnt or not evidence.finite_inputs or not change:
        return None
    size = float(np.sqrt(np.mean(np.square(evidence.scaled))))
    deviations = _deviations(evidence)
    spread = float(np.sqrt(np.mean(np.square(deviations)))) if len(deviations) else 0.0
    if SMALL < size < LARGE and spread > SMALL * size and spread > SMALL:
        return None
    return Cause(
        kind="inputs not scaled",
        layer="input",
        step=0,
        text="As the network sees them, the inputs have a root mean square of "
        f"{number(size)} and vary about their means by {number(spread)}.",
        reason="Initial weights and usual learning rates are made for inputs about "
        "zero of a size of about 1: larger ones make steps too long, smaller ones too "
        "short, and a large constant hides what varies.",
        remedy="Scale the inputs: --scaling standard.",
        change=change,
        evidence={"root_mean_square": size, "deviation": spread},
    )


def _deviations(evidence: Evidence) -> np.ndarray:
    """Return the standard deviations of the features that vary."""
    if not evidence.finite_inputs:
        return np.zeros(0)
    found = evidence.scaled.std(axis=0)
    return found[found > 0]
