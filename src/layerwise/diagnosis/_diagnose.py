"""From a training to what is wrong with it: rules in the order of their rank."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from layerwise.baselines import Baselines
from layerwise.diagnosis._code import (
    evaluation_mode,
    gradients_not_reset,
    never_trained,
    stale_statistics,
)
from layerwise.diagnosis._course import (
    constant,
    decay_too_strong,
    dropout_too_high,
    overfitting,
    rate_too_high,
    rate_too_low,
    softmax_twice,
    underfitting,
    underflow,
)
from layerwise.diagnosis._data import (
    coded_missing,
    constant_inputs,
    different_scales,
    imbalance,
    no_information,
    not_finite,
    not_scaled,
    out_of_step,
)
from layerwise.diagnosis._evidence import Cause, Diagnosis, Evidence
from layerwise.diagnosis._limits import behind, losses_beyond_precision, too_few
from layerwise.diagnosis._start import (
    alike,
    dead,
    exploding,
    saturated,
    too_deep,
    vanishing,
)
from layerwise.training import Result

DATA_RULES: tuple[Callable[[Evidence], Cause | None], ...] = (
    not_finite,
    coded_missing,
    constant_inputs,
)
"""With such a cause nothing else can be judged."""

RULES: tuple[Callable[[Evidence], Cause | None], ...] = (
    gradients_not_reset,
    evaluation_mode,
    softmax_twice,
    never_trained,
    stale_statistics,
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
    decay_too_strong,
    rate_too_high,
    rate_too_low,
    imbalance,
    constant,
    overfitting,
    underfitting,
)
"""In the order in which causes are to be fixed: code, data, start, steps, outcome.
What stands first explains much of what stands below it."""


LEFT: tuple[Callable[[Evidence], Cause | None], ...] = (
    losses_beyond_precision,
    behind,
    too_few,
)
"""What is left to say where none of these found anything."""

JUDGED = (no_information, imbalance, constant, overfitting, underfitting, behind)
"""These ask validation samples, of which there have to be enough."""

EXPLAINS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "inputs and labels out of step": frozenset(
            {"labels without information", "overfitting", "underfitting"}
        ),
        "labels without information": frozenset({"overfitting", "underfitting"}),
        "weight decay too strong": frozenset(
            {"learning rate too high", "constant prediction", "underfitting"}
        ),
        "layers never trained": frozenset({"vanishing gradient", "underfitting"}),
        "stale running statistics": frozenset(
            {"inputs not scaled", "inputs of different scales", "underfitting"}
        ),
    }
)
"""What some causes lead to: it is no second fault, and its own fix would not help."""

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
    left_out = (() if evidence.by_hand else INSIDE) + (
        JUDGED if evidence.few_validated else ()
    )
    for part in (DATA_RULES, RULES, LEFT):
        rules = (rule for rule in part if rule not in left_out)
        if causes := [found for rule in rules if (found := rule(evidence))]:
            led = {kind for cause in causes for kind in EXPLAINS.get(cause.kind, ())}
            causes = [cause for cause in causes if cause.kind not in led]
            return Diagnosis(tuple(causes[:1] if part is LEFT else causes))
    return Diagnosis()
