"""From a training to what is wrong with it: rules in the order of their rank."""

from collections.abc import Callable

from layerwise.baselines import Baselines
from layerwise.diagnosis._code import evaluation_mode, gradients_not_reset
from layerwise.diagnosis._course import (
    constant,
    dropout_too_high,
    overfitting,
    rate_too_high,
    rate_too_low,
    softmax_twice,
    underfitting,
    underflow,
)
from layerwise.diagnosis._data import (
    different_scales,
    imbalance,
    no_information,
    not_finite,
    not_scaled,
    out_of_step,
)
from layerwise.diagnosis._evidence import Cause, Diagnosis, Evidence
from layerwise.diagnosis._start import (
    alike,
    dead,
    exploding,
    saturated,
    too_deep,
    vanishing,
)
from layerwise.training import Result

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
    dropout_too_high,
    rate_too_high,
    rate_too_low,
    imbalance,
    constant,
    overfitting,
    underfitting,
)
"""In the order in which causes are to be fixed: code, data, start, steps, outcome.
What stands first explains much of what stands below it."""


INSIDE = (dead, saturated, too_deep)
"""These ask which layers there are; of a torch module only what they give is known."""


def diagnose(result: Result, baselines: Baselines | None = None) -> Diagnosis:
    """Return what is wrong with a training, if anything; the test set has no say.

    Parameters
    ----------
    result : Result
    baselines : Baselines, optional
        Of the same data, where they are known already.

    Returns
    -------
    Diagnosis
        The cause to fix first stands first.
    """
    if baselines is None:
        baselines = Baselines(result.data, result.recipe.seed)
    evidence = Evidence.of(result, baselines)
    rules = [r for r in RULES if evidence.by_hand or r not in INSIDE]
    for part in (DATA_RULES, rules):
        causes = tuple(found for rule in part if (found := rule(evidence)))
        if causes:
            return Diagnosis(causes)
    return Diagnosis()
