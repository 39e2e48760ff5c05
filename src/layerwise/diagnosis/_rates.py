"""Causes in the steps: too long or too short."""

import numpy as np

from layerwise.diagnosis._cause import Cause
from layerwise.diagnosis._evidence import Evidence
from layerwise.training import LEARNING_RATES
from layerwise.wording import count, number

__all__ = ["rate_too_high", "rate_too_low"]

LEAP = 0.2
"""Updates of a fifth of the weights' length: healthy ones are of a few thousandths."""

RISEN = 3.0
"""A loss so many times the first one is worse than knowing nothing."""

STOOD = 0.5
"""Weights that in all steps together went less than half their length have hardly
left where they were drawn; those that learn go several lengths."""

LOWER = 0.1
"""What a learning rate is multiplied with that was too high, or divided by."""


def rate_too_high(evidence: Evidence) -> Cause | None:
    """Find steps so long that the loss rises, or the weights leap."""
    if evidence.learnt or not evidence.records:
        return None
    losses = evidence.history.losses.astype(np.float64)
    if not np.isfinite(losses[0]):
        return None  # not finite before any step was made
    chance = np.log(evidence.data.classes)
    rising = np.flatnonzero(~(losses < RISEN * max(losses[0], chance)))
    ratios = np.where(np.isnan(evidence.update_ratios), np.inf, evidence.update_ratios)
    leaps = np.argwhere(ratios > LEAP)
    if not len(leaps) and not (len(rising) and evidence.status == "diverged"):
        return None
    if not len(leaps) and not len(rising):
        return None
    record, layer = map(int, leaps[0]) if len(leaps) else (0, int(ratios[0].argmax()))
    step = evidence.records[record].step if len(leaps) else int(rising[0])
    rate = evidence.recipe.learning_rate
    end = (
        f"Training diverged at step {count(len(losses))}"
        if evidence.status == "diverged"
        else f"The loss began at {number(losses[0])}, rose to {number(losses.max())} "
        f"and ended at {number(losses[-1])}"
    )
    ratio = float(ratios[record, layer])
    moved = f"{number(ratio)} of the weights' length" if ratio < np.inf else "infinite"
    lower = min(LOWER * rate, LEARNING_RATES.get(evidence.recipe.optimizer, rate))
    return Cause(
        kind="learning rate too high",
        layer=evidence.names[layer],
        step=step,
        text=f"{end}; the update of step {count(evidence.records[record].step + 1)} "
        f"was {moved} in {evidence.names[layer]}.",
        reason="A gradient says which way is down for a short step only. Steps of "
        f"{number(rate)} jump over the valley and up its other side, or so far that "
        "ReLUs are switched off for good.",
        remedy=f"Lower the learning rate: --learning-rate {number(lower)}.",
        change={"learning_rate": lower},
        evidence={
            "learning_rate": rate,
            "largest_update": float(np.max(ratios)),
            "first_loss": float(losses[0]),
            "largest_loss": float(losses.max()),
            "last_loss": float(losses[-1]),
        },
    )


def rate_too_low(evidence: Evidence) -> Cause | None:
    """Find steps so short that the weights stay where they were drawn."""
    if evidence.learnt or not evidence.records or evidence.path > STOOD:
        return None
    if evidence.status == "diverged":
        return None
    usual = LEARNING_RATES.get(evidence.recipe.optimizer, 0.0)
    rate = evidence.recipe.learning_rate
    if rate >= usual:
        return None
    losses = evidence.history.losses
    return Cause(
        kind="learning rate too low",
        step=0,
        text=f"In {count(len(losses))} steps no layer's weights went farther than "
        f"{number(evidence.path)} of their own length, and the loss went from "
        f"{number(float(losses[0]))} to {number(float(losses[-1]))}.",
        reason="The direction is right, the steps are too short: at this rate the "
        "network would need many times as many.",
        remedy=f"Raise the learning rate: --learning-rate {number(usual)}.",
        change={"learning_rate": usual},
        evidence={"path": evidence.path, "learning_rate": rate},
    )
