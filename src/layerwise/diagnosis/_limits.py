"""What can be judged at all, and what is left to say where nothing else was found."""

import numpy as np

from layerwise.diagnosis._evidence import LEAST_LOG, Cause, Evidence, advised
from layerwise.statistics import FEW, NOTABLE, exceeds
from layerwise.training import LEARNING_RATES
from layerwise.wording import count, number, percent

FEW_TRAINED = 100
"""Of fewer training samples a network knows little of others, whatever its settings."""

APART = 0.08
"""So much more right on training than on validation samples, beyond noise."""

LOWER = 0.1
"""What a learning rate is multiplied with."""


def losses_beyond_precision(evidence: Evidence) -> Cause | None:
    """Find outputs so large that a wrong sample has a probability of 0."""
    if evidence.status == "diverged" or not evidence.beyond_precision:
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
        evidence={"loss": loss, "accuracy": accuracy, "each_wrong": each}
        | {"bound": LEAST_LOG},
    )


def too_few(evidence: Evidence) -> Cause | None:
    """Find too few samples to judge by, or to learn from."""
    if evidence.status == "diverged":
        return None
    trained, validated = len(evidence.data.train), len(evidence.data.validation)
    reached, known = evidence.reached, evidence.of_training
    few_trained = trained < FEW_TRAINED and (
        exceeds(known, reached, APART)
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
    if evidence.learnt or evidence.status == "diverged":
        return None
    simple, reached = evidence.baselines.best, evidence.reached
    if not exceeds(simple, reached, NOTABLE):
        return None
    change = evidence.unused(
        {
            "normalise": True,
            "optimizer": "adamw",
            "learning_rate": LEARNING_RATES["adamw"],
            "schedule": "one-cycle",
        }
    )
    if evidence.mlp is None:
        change.pop("normalise", None)
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
