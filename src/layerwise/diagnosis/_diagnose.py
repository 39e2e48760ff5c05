"""From a training to what is wrong with it: rules in their order, and what is left."""

from collections.abc import Callable, Mapping

import numpy as np

from layerwise.baselines import Baselines
from layerwise.diagnosis import _code, _course, _data, _start
from layerwise.diagnosis._evidence import (
    ADAMW,
    GAP,
    LEAST_LOG,
    LOWER,
    ONE_CYCLE,
    Cause,
    Diagnosis,
    Evidence,
    advised,
)
from layerwise.errors import InputError
from layerwise.statistics import FEW, NOTABLE, exceeds
from layerwise.training import Result
from layerwise.wording import count, number, percent, type_in_words

DATA_RULES: tuple[Callable[[Evidence], Cause | None], ...] = (
    _data.not_finite,
    _data.coded_missing,
    _data.constant_inputs,
)
"""With such a cause nothing else can be judged."""

RULES: tuple[Callable[[Evidence], Cause | None], ...] = (
    _code.gradients_not_reset,
    _code.evaluation_mode,
    _course.softmax_twice,
    _code.never_trained,
    _code.stale_statistics,
    _data.out_of_step,
    _data.no_information,
    _data.different_scales,
    _data.not_scaled,
    _start.alike,
    _start.dead,
    _course.underflow,
    _start.saturated,
    _start.exploding,
    _start.vanishing,
    _start.too_deep,
    _course.dropout_too_high,
    _course.decay_too_strong,
    _course.rate_too_high,
    _course.rate_too_low,
    _data.imbalance,
    _course.constant,
    _course.overfitting,
    _course.underfitting,
)
"""In the order in which causes are to be fixed: code, data, start, steps, outcome.
What stands first explains much of what stands below it."""

FEW_TRAINED = 100
"""Of fewer training samples a network knows little of others, whatever its settings."""


def losses_beyond_precision(evidence: Evidence) -> Cause | None:
    """Find outputs so large that a wrong sample has a probability of 0."""
    if evidence.diverged or not evidence.beyond_precision:
        return None
    loss, accuracy = evidence.validation.loss, evidence.validation.accuracy
    each = loss / (1 - accuracy)
    costs = f"{number(each)} on average" if np.isfinite(each) else "no finite number"
    shown = number(loss) if np.isfinite(loss) else "not finite"
    rate = LOWER * evidence.recipe.learning_rate
    change = evidence.unused({"scaling": "standard"}) if evidence.by_hand else {}
    fix = "Scale the inputs: --scaling standard."
    if not change:
        change = {"learning_rate": rate}
        fix = f"Lower the learning rate: --learning-rate {number(rate)}."
    return Cause(
        kind="outputs too large",
        layer=evidence.names[-1],
        headline=f"Validation loss {shown} with {percent(accuracy)} of samples right",
        detail=f"Each wrong sample costs {costs}; a probability of e⁻⁸⁸, the least "
        f"that single precision holds, costs {number(LEAST_LOG)}. Outputs so far apart "
        "give probabilities of 0 and 1: confidence says nothing. Inputs that are not "
        "scaled or too high a learning rate make them so large.",
        fix=fix,
        change=change,
        evidence={
            "loss": loss,
            "accuracy": accuracy,
            "each_wrong": each,
            "bound": LEAST_LOG,
        },
    )


def too_few(evidence: Evidence) -> Cause | None:
    """Find too few samples to judge by, or to learn from."""
    if evidence.diverged:
        return None
    trained, validated = len(evidence.data.train), len(evidence.data.validation)
    reached, known = evidence.reached, evidence.of_training
    few_trained = trained < FEW_TRAINED and (
        exceeds(known, reached, GAP)
        or not exceeds(reached, evidence.baselines.majority)
    )
    if not evidence.few_validated and not few_trained:
        return None
    return Cause(
        kind="too few samples",
        layer="input",
        headline=f"{count(validated)} validation samples are too few to judge"
        if evidence.few_validated
        else f"{count(trained)} training samples are too few",
        detail=f"{count(reached.successes)} of {count(validated)} validation samples "
        f"are right (95 % interval {percent(reached.low)} to {percent(reached.high)}), "
        f"and {percent(known.value)} of {count(trained)} training samples.",
        fix="Collect more samples; until then use cross-validation "
        "(sklearn.model_selection.cross_val_score with layerwise.MLPClassifier).",
        change={},
        evidence={
            "validation_samples": validated,
            "right": reached.successes,
            "low": reached.low,
            "high": reached.high,
            "training_samples": trained,
            "train_accuracy": known.value,
            "enough": FEW,
        },
    )


def behind(evidence: Evidence) -> Cause | None:
    """Find a simple method that is notably more often right."""
    if evidence.learnt or evidence.diverged:
        return None
    simple, reached = evidence.baselines.best, evidence.reached
    if not exceeds(simple, reached, NOTABLE):
        return None
    normalised = {"normalise": True} if evidence.mlp else {}
    change = evidence.unused(normalised | ADAMW | ONE_CYCLE)
    tried = f", or try {advised(change)}" if change else ""
    return Cause(
        kind="behind simple methods",
        headline=f"The {evidence.baselines.best_name} beats the network on validation "
        f"samples: {percent(simple.value)}, {percent(reached.value)}",
        detail=f"Of {count(simple.trials)} and {count(reached.trials)} validation "
        f"samples; {percent(evidence.of_training.value)} of the training samples are "
        "right.",
        fix=f"Use the {evidence.baselines.best_name}{tried}; layerwise sweep compares "
        "settings.",
        change=change,
        evidence={
            "simple": simple.value,
            "method": evidence.baselines.best_name,
            "accuracy": reached.value,
            "samples": (simple.trials, reached.trials),
            "train_accuracy": evidence.of_training.value,
        },
    )


LEFT: tuple[Callable[[Evidence], Cause | None], ...] = (
    losses_beyond_precision,
    behind,
    too_few,
)
"""What is left to say where no rule above found anything."""

JUDGED = (
    _data.no_information,
    _data.imbalance,
    _course.constant,
    _course.overfitting,
    _course.underfitting,
    behind,
)
"""These ask validation samples, of which there have to be enough."""

EXPLAINS: Mapping[str, tuple[str, ...]] = {
    "inputs and labels out of step": (
        "labels without information",
        "overfitting",
        "underfitting",
    ),
    "labels without information": ("overfitting", "underfitting"),
    "weight decay too strong": (
        "learning rate too high",
        "constant prediction",
        "underfitting",
    ),
    "layers never trained": ("vanishing gradient", "underfitting"),
    "stale running statistics": (
        "inputs not scaled",
        "inputs of different scales",
        "underfitting",
    ),
}
"""What some causes lead to: it is no second fault, and its own fix would not help."""

INSIDE = (_start.dead, _start.saturated, _start.too_deep)
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

    Raises
    ------
    InputError
        If it is no training's result.
    """
    if not isinstance(result, Result):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f"{type_in_words(result)} cannot be diagnosed: give the Result of fit"
        )
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
