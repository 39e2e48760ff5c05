"""Causes that lie in the values of the inputs: missing ones, and none that vary."""

import numpy as np

from layerwise.data import missing_codes
from layerwise.diagnosis._evidence import Cause, Evidence
from layerwise.wording import count, listed, number, percent

NAMED = 3
"""So many features are named."""


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
        headline=f"{count(int(wrong.sum()))} input values are NaN or infinite",
        detail=f"They are in {count(rows)} of {count(len(inputs))} training rows, the "
        f"first in row {row}, column {column} (counted from 0). Every sum with such a "
        "value is NaN, and so are the loss and all gradients.",
        fix="Replace missing values by the column's mean, or drop those rows.",
        change={"inputs": "fill"},
        evidence={"values": int(wrong.sum()), "rows": rows, "row": row},
    )


def coded_missing(evidence: Evidence) -> Cause | None:
    """Numbers far off that stand for missing values, such as -999."""
    codes = missing_codes(evidence.data.train.inputs)
    if not codes:
        return None
    names = evidence.data.feature_names
    parts = [
        f"{number(code.value, 6)} in {percent(code.share)} of feature "
        f"{names[code.feature] if names else code.feature}"
        for code in codes[:NAMED]
    ]
    more = len(codes) - len(parts)
    parts += [f"such numbers in {count(more)} more features"] if more else []
    return Cause(
        kind="missing-value code",
        layer="input",
        step=0,
        headline=f"{number(codes[0].value, 6)} looks like a code for missing values",
        detail=f"{listed(parts)}, far from all other values. The network takes it for "
        "a measurement, and scaled with it all other values are nearly alike.",
        fix="Replace it by the mean of the column's other values, or drop those rows.",
        change={"missing": tuple((code.feature, code.value) for code in codes)},
        evidence={
            "features": [code.feature for code in codes],
            "values": [code.value for code in codes],
            "shares": [code.share for code in codes],
        },
    )


def constant_inputs(evidence: Evidence) -> Cause | None:
    """Training inputs that are all the same."""
    inputs = evidence.data.train.inputs
    if np.any(inputs[0] != inputs[-1]) or np.any(inputs != inputs[:1]):
        return None
    return Cause(
        kind="constant inputs",
        layer="input",
        step=0,
        headline=f"All {count(len(inputs))} training inputs are the same",
        detail="For one input a network can give only one answer.",
        fix="Check how the inputs were read or made.",
        change={},
        evidence={"samples": len(inputs)},
    )
