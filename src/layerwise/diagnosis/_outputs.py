"""Causes at the output: a Softmax too many, one that underflows, one answer for all."""

import numpy as np

from layerwise.arrays import one_hot
from layerwise.diagnosis._cause import Cause, advised
from layerwise.diagnosis._evidence import Evidence
from layerwise.model import (
    CrossEntropy,
    CrossEntropyOnProbabilities,
    Softmax,
    TrainedNetwork,
)
from layerwise.training import LEARNING_RATES
from layerwise.wording import number, percent

__all__ = ["constant", "softmax_twice", "underflow"]

FLOORED = 0.02
"""Share of samples with a probability of zero for their own class: no accident."""

SAME = 0.995
"""Nearly all samples given one class."""


def softmax_twice(evidence: Evidence) -> Cause | None:
    """Probabilities where the loss expects logits."""
    network = evidence.untrained
    if not isinstance(network.loss, CrossEntropy):
        return None
    outputs = network.logits(evidence.training_rows.inputs).astype(np.float64)
    sums = outputs.sum(axis=1)
    looks = outputs.size and (outputs >= 0).all() and np.abs(sums - 1).max() < 1e-3
    is_softmax = any(isinstance(one, Softmax) for one in evidence.within)
    if not (looks or (is_softmax and not np.isfinite(outputs).all())):
        return None
    classes = len(network.class_names)
    least = float(np.log(1 + (classes - 1) / np.e))
    return Cause(
        kind="softmax before a loss on logits",
        layer=evidence.names[-1],
        step=0,
        text=f"The outputs are positive and add up to 1, and {network.loss} applies a "
        f"softmax to them once more: with {classes} classes the loss cannot fall below "
        f"{number(least)}; it ended at {number(float(evidence.history.losses[-1]))}.",
        reason="A softmax of probabilities is nearly even, since they differ by 1 at "
        "most: its gradient is small, and no answer can be sure.",
        remedy="Leave the Softmax out, or use the loss on probabilities "
        "(--loss cross-entropy-on-probabilities).",
        change={"loss": "cross-entropy-on-probabilities"},
        evidence={"least_loss": least, "last_loss": float(evidence.history.losses[-1])},
    )


def underflow(evidence: Evidence) -> Cause | None:
    """Find a softmax that gives the right class probability zero, under -1/p."""
    if not isinstance(evidence.network.loss, CrossEntropyOnProbabilities):
        return None
    if evidence.learnt:
        return None
    shares = [_floored(one, evidence) for one in (evidence.untrained, evidence.network)]
    if max(shares) < FLOORED:
        return None
    return Cause(
        kind="underflowing softmax",
        layer=evidence.names[-1],
        step=0 if shares[0] >= FLOORED else len(evidence.history.losses),
        text=f"For {percent(shares[0])} of the training samples the probability of "
        f"their own class is 0 before the first step, for {percent(shares[1])} at the "
        "end.",
        reason="Logits that lie more than about 87 apart have a probability of "
        "e⁻⁸⁷ and less, which is 0 in single precision: log p and -1/p are then "
        "infinite, or, with a floor, say nothing: the wrongest samples teach least.",
        remedy="Use the cross-entropy on logits, which takes no logarithm of a "
        "probability: --loss cross-entropy.",
        change={"loss": "cross-entropy"},
        evidence={"before": shares[0], "after": shares[1]},
    )


def _floored(network: TrainedNetwork, evidence: Evidence) -> float:
    samples = evidence.training_rows
    outputs = network.logits(samples.inputs)
    own = (outputs * one_hot(samples.targets, outputs.shape[1], outputs)).sum(axis=1)
    return float(np.mean(own <= np.finfo(outputs.dtype).smallest_normal))


def constant(evidence: Evidence) -> Cause | None:
    """One class for all samples, whatever the inputs."""
    if evidence.learnt or evidence.status == "diverged":
        return None
    counts = np.bincount(evidence.predictions, minlength=evidence.data.classes)
    share = float(counts.max() / max(counts.sum(), 1))
    if share < SAME or evidence.baselines.majority.value > SAME - 0.05:
        return None
    change = evidence.unused(
        {
            "init": "he",
            "normalise": True,
            "optimizer": "adamw",
            "learning_rate": LEARNING_RATES["adamw"],
        }
    )
    name = evidence.data.class_names[int(counts.argmax())]
    dead = evidence.history.epochs[-1].dead if evidence.history.epochs else ()
    return Cause(
        kind="constant prediction",
        layer=evidence.names[int(np.argmax(dead))] if dead and max(dead) > 0 else None,
        text=f"The network says {name} for {percent(share)} of the validation samples.",
        reason="Nothing of the inputs reaches the output any more: only its bias has "
        "learnt, and it gives the commonest class.",
        remedy=f"Begin again with {advised(change)}."
        if change
        else "Train longer, or look at some samples of the other classes.",
        change=change,
        evidence={"share": share, "class": name, "dead": list(dead)},
    )
