"""From a training to what is wrong with it: rules in the order of their rank."""

from collections.abc import Callable

from layerwise.training.diagnosis._cause import Cause, Diagnosis
from layerwise.training.diagnosis._code import evaluation_mode, gradients_not_reset
from layerwise.training.diagnosis._evidence import Evidence
from layerwise.training.diagnosis._fitted import overfitting, underfitting
from layerwise.training.diagnosis._inputs import (
    different_scales,
    not_finite,
    not_scaled,
)
from layerwise.training.diagnosis._labels import (
    imbalance,
    no_information,
    out_of_step,
)
from layerwise.training.diagnosis._outputs import constant, softmax_twice, underflow
from layerwise.training.diagnosis._rates import rate_too_high, rate_too_low
from layerwise.training.diagnosis._signals import exploding, too_deep, vanishing
from layerwise.training.diagnosis._units import alike, dead, saturated

__all__ = ["DATA_RULES", "RULES", "diagnose"]

DATA_RULES: tuple[Callable[[Evidence], Cause | None], ...] = (not_finite,)
"""With such a cause nothing else can be judged."""

RULES: tuple[Callable[[Evidence], Cause | None], ...] = (
    gradients_not_reset,
    evaluation_mode,
    softmax_twice,
    out_of_step,
    no_information,
    different_scales,
    not_scaled,
    alike,
    dead,
    underflow,
    saturated,
    exploding,
    vanishing,
    too_deep,
    rate_too_high,
    rate_too_low,
    imbalance,
    constant,
    overfitting,
    underfitting,
)
"""In the order in which causes are to be mended: code, data, start, steps, outcome.
What stands first explains much of what stands below it."""


INSIDE = (dead, saturated, too_deep)
"""These ask which layers there are; of a torch module only what they give is known."""


def diagnose(evidence: Evidence) -> Diagnosis:
    """Return what is wrong with a training, the cause to mend first standing first."""
    rules = [r for r in RULES if evidence.by_hand or r not in INSIDE]
    for part in (DATA_RULES, rules):
        causes = tuple(found for rule in part if (found := rule(evidence)))
        if causes:
            return Diagnosis(causes)
    return Diagnosis()
