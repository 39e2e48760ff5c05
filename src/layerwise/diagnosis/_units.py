"""Causes in the units: dead from the start, saturated, or all alike."""

import numpy as np

from layerwise.diagnosis._cause import Cause, advised
from layerwise.diagnosis._evidence import DEEP, Evidence
from layerwise.wording import number, percent

__all__ = ["alike", "dead", "saturated"]

DEAD = 0.6
"""So many of a layer's units dead before the first step. With weights drawn about zero
it is a few in a hundred in the first layers; where samples have become alike, deep in a
network, about half."""

MOSTLY_SATURATED = 0.6
"""So many entries beyond the bend of tanh or the logistic function leave little slope:
with a suitable initialisation it is a few in a hundred."""

STILL = 1e-7
"""A gradient this small beside the output's is zero but for rounding."""


def dead(evidence: Evidence) -> Cause | None:
    """Units of a layer that pass nothing for any sample, from the start."""
    if evidence.learnt or not evidence.records or not evidence.rectified:
        return None
    shares = [layer.silent for layer in evidence.records[0].layers]
    worst = int(np.argmax(shares))
    if shares[worst] < DEAD or _all_alike(evidence):
        return None
    began = next(at for at, share in enumerate(shares) if share >= DEAD)
    if began >= DEEP and not evidence.has_skips:
        return None  # so deep all samples lie on one ray, off for half: see too_deep
    change = evidence.unused({"init": "he", "normalise": True})
    change = change or evidence.unused({"activation": "leaky-relu"})
    return Cause(
        kind="dead units",
        layer=evidence.names[began],
        step=0,
        text=f"{percent(shares[began], 0)} of the units of {evidence.names[began]} "
        "give 0 for every sample of the first batch.",
        reason="A ReLU passes no gradient where it gives 0. A unit that is off for all "
        "samples never changes again; biases far below zero, or inputs that push all "
        "sums below it, switch it off.",
        remedy=f"Begin with biases of zero, and use {advised(change)}; a leaky ReLU "
        "always passes something.",
        change=change,
        evidence={"dead": shares},
    )


def saturated(evidence: Evidence) -> Cause | None:
    """Sigmoids and tanhs that sit where they are flat, from the start."""
    if evidence.learnt or not evidence.records or evidence.rectified:
        return None
    shares = [layer.saturated for layer in evidence.records[0].layers]
    if not shares or max(shares) < MOSTLY_SATURATED:
        return None
    change = evidence.unused({"init": "glorot"}) or evidence.unused({"normalise": True})
    if not change:
        return None
    began = next(at for at, share in enumerate(shares) if share >= MOSTLY_SATURATED)
    fan_in, variance = evidence.weight_variances[began]
    return Cause(
        kind="saturated units",
        layer=evidence.names[began],
        step=0,
        text=f"In {evidence.names[began]} {percent(shares[began], 0)} of the "
        "activation's entries are so far out that they pass less than a twentieth of "
        "the gradient, before the first step.",
        reason=f"{fan_in} inputs with weights of variance {number(variance)} make sums "
        f"of a variance of about {number(fan_in * variance)} times the inputs'; tanh "
        "and the logistic function are flat beyond 2 to 3.",
        remedy=f"Keep the sums small: {advised(change)}.",
        change=change,
        evidence={"saturated": shares, "fan_in": fan_in, "variance": variance},
    )


def alike(evidence: Evidence) -> Cause | None:
    """Units that begin with the same weights, and stay the same."""
    if not evidence.records or not evidence.hidden_count or not _all_alike(evidence):
        return None
    return Cause(
        kind="constant prediction",
        layer=evidence.names[0],
        step=0,
        text="The weights of a layer all begin with the same value, so that its units "
        "are one and the same, and the network cannot tell samples apart.",
        reason="Units with equal weights get equal gradients and stay equal; at zero "
        "they give no gradient at all. Random weights are there to break the tie.",
        remedy="Draw the weights at random: --init he.",
        change={"init": "he"},
        evidence={"variances": [v for _, v in evidence.weight_variances]},
    )


def _all_alike(evidence: Evidence) -> bool:
    return any(variance == 0 for _, variance in evidence.weight_variances)
