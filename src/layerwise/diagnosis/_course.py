"""Causes that lie in the steps and in what they lead to: rates, outputs, fit."""

from typing import Any

import numpy as np

from layerwise.arrays import one_hot
from layerwise.diagnosis._evidence import (
    ADAMW,
    GAP,
    LOWER,
    ONE_CYCLE,
    Cause,
    Evidence,
    advised,
)
from layerwise.model import (
    CrossEntropy,
    CrossEntropyOnProbabilities,
    Softmax,
    TrainedNetwork,
)
from layerwise.statistics import NOTABLE, Share, exceeds
from layerwise.training import LEARNING_RATES, Adam
from layerwise.wording import count, in_words, number, percent, quoted

LEAP = 0.2
"""Updates of a fifth of the weights' length: healthy ones are of a few thousandths."""

RISEN = 3.0
"""A loss so many times the first one is worse than knowing nothing."""

STOOD = 0.5
"""Weights that in all steps together went less than half their length have hardly
left where they were drawn; those that learn go several lengths."""


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
    if not len(leaps) and not (len(rising) and evidence.diverged):
        return None
    record, layer = map(int, leaps[0]) if len(leaps) else (0, int(ratios[0].argmax()))
    step = evidence.records[record].step if len(leaps) else int(rising[0])
    rate = evidence.recipe.learning_rate
    end = f"training diverged at step {count(len(losses))}"
    last = ""
    if not evidence.diverged:
        end = f"the loss rose from {number(losses[0])} to {number(losses.max())}"
        last = f" The last loss is {number(losses[-1])}."
    ratio = float(ratios[record, layer])
    moved = f"{number(ratio)} of the weights' length" if ratio < np.inf else "infinite"
    lower = min(LOWER * rate, LEARNING_RATES.get(evidence.recipe.optimizer, rate))
    return Cause(
        kind="learning rate too high",
        layer=evidence.names[layer],
        step=step,
        headline=f"Learning rate {number(rate)} is too high: {end}",
        detail=f"The update of step {count(evidence.records[record].step + 1)} was "
        f"{moved} in {in_words(evidence.names[layer])}; a few thousandths are usual. "
        f"Steps this long jump past the minimum, or switch ReLUs off for good.{last}",
        fix=f"Lower the learning rate: --learning-rate {number(lower)}.",
        change={"learning_rate": lower},
        evidence={
            "learning_rate": rate,
            "largest_update": float(np.max(ratios)),
            "first_loss": float(losses[0]),
            "largest_loss": float(losses.max()),
            "last_loss": float(losses[-1]),
        },
    )


DROPPED = 0.7
"""Of units left out; half is the most that is usual (Srivastava et al., 2014)."""


def dropout_too_high(evidence: Evidence) -> Cause | None:
    """Find so many units left out in training that hardly anything gets through."""
    mlp = evidence.mlp
    if mlp is None or evidence.learnt or mlp.dropout < DROPPED:
        return None
    kept = (1 - mlp.dropout) ** len(mlp.hidden)
    return Cause(
        kind="dropout too high",
        headline=f"Dropout {number(mlp.dropout)} is too high to learn from",
        detail=f"{percent(mlp.dropout)} of the units of each hidden layer are left out "
        f"in training; through {len(mlp.hidden)} layers a path is left whole in "
        f"{percent(kept)} of cases. The noise is larger than the signal.",
        fix="Use less dropout: --dropout 0.3.",
        change={"dropout": 0.3},
        evidence={"dropout": mlp.dropout, "kept": kept, "layers": len(mlp.hidden)},
    )


PULL = 1.0
"""A step of Adam moves a weight by the learning rate at most, and decay by the rate
times the decay times the weight: where that is more, the weight can only shrink."""


def decay_too_strong(evidence: Evidence) -> Cause | None:
    """Find weight decay that pulls harder than the gradient can push."""
    optimiser = evidence.optimiser
    if not isinstance(optimiser, Adam) or (evidence.learnt and not evidence.unsure):
        return None
    decay = optimiser.weight_decay
    sizes = [float(np.sqrt(variance)) for _, variance in evidence.weight_variances]
    layer = int(np.argmax(sizes))
    if decay * sizes[layer] <= PULL:
        return None
    return Cause(
        kind="weight decay too strong",
        layer=evidence.names[layer],
        step=0,
        headline=f"Weight decay {number(decay)} is too strong",
        detail="Each step takes rate · decay · weight off a weight, and adds about "
        f"the rate at most: beyond 1/decay = {number(1 / decay)} weights only shrink. "
        f"Those of {in_words(evidence.names[layer])} begin with a standard deviation "
        f"of {number(sizes[layer])}.",
        fix="Use less weight decay: 0.01 is usual.",
        change={"optimiser": None},
        evidence={"decay": decay, "bound": 1 / decay, "deviations": sizes},
    )


def rate_too_low(evidence: Evidence) -> Cause | None:
    """Find steps so short that the weights stay where they were drawn."""
    if evidence.learnt or not evidence.records or evidence.diverged:
        return None
    if evidence.path > STOOD:
        return None
    usual = LEARNING_RATES.get(evidence.recipe.optimizer, 0.0)
    rate = evidence.recipe.learning_rate
    if rate >= usual:
        return None
    losses = evidence.history.losses
    return Cause(
        kind="learning rate too low",
        step=0,
        headline=f"Learning rate {number(rate)} is too low: the weights hardly moved",
        detail=f"In {count(len(losses))} steps no layer's weights moved by more than "
        f"{number(evidence.path)} of their length, and the loss went from "
        f"{number(float(losses[0]))} to {number(float(losses[-1]))}.",
        fix=f"Raise the learning rate: --learning-rate {number(usual)}.",
        change={"learning_rate": usual},
        evidence={"path": evidence.path, "learning_rate": rate},
    )


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
    last = float(evidence.history.losses[-1])
    return Cause(
        kind="softmax before a loss on logits",
        layer=evidence.names[-1],
        step=0,
        headline="Softmax is applied twice: the loss expects logits",
        detail=f"The outputs are positive and add up to 1, and {network.loss} applies "
        f"a softmax to them once more. With {classes} classes the loss cannot fall "
        f"below {number(least)}; it ended at {number(last)}. The gradient is small, "
        "and no prediction can be confident.",
        fix="Remove the Softmax, or use the loss on probabilities "
        "(--loss cross-entropy-on-probabilities).",
        change={"loss": "cross-entropy-on-probabilities"},
        evidence={"least_loss": least, "last_loss": last},
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
        headline=f"Softmax underflows for {percent(max(shares))} of training samples",
        detail="The probability of their own class is 0 for "
        f"{percent(shares[0])} before the first step and for {percent(shares[1])} at "
        "the end. Where logits are more than about 87 apart, it is below e⁻⁸⁷, 0 in "
        "single precision: log p is infinite or cut off, and the worst samples teach "
        "least.",
        fix="Use the cross-entropy on logits, which takes no logarithm of a "
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
    if evidence.learnt or evidence.diverged:
        return None
    counts = np.bincount(evidence.predictions, minlength=evidence.data.classes)
    share = float(counts.max() / max(counts.sum(), 1))
    if share < SAME or evidence.baselines.majority.value > SAME - 0.05:
        return None
    change = evidence.unused({"init": "he", "normalise": True} | ADAMW)
    name = evidence.data.class_names[int(counts.argmax())]
    dead = evidence.history.epochs[-1].dead if evidence.history.epochs else ()
    return Cause(
        kind="constant prediction",
        layer=evidence.names[int(np.argmax(dead))] if dead and max(dead) > 0 else None,
        headline=f"The network predicts {quoted(name)} for {percent(share)} of "
        "validation samples",
        detail="Nothing of the inputs reaches the output any more: only its bias has "
        "learnt, and it gives the commonest class.",
        fix=f"Train again with {advised(change)}."
        if change
        else "Train longer, or check some samples of the other classes.",
        change=change,
        evidence={"share": share, "class": name, "dead": list(dead)},
    )


WIDE = 0.2
"""So wide a gap is one whatever the validation loss does."""

WORSE = 1.5
"""A validation loss so many times its least one has turned."""

OF_WRONG = 1 / 6
"""Where most samples are of one class, a gap of `GAP` may not even be possible. A sixth
of what always that class would get wrong is one too (`GAP`, with two even classes),
where the loss says so: it was below that of the classes' shares, which know nothing of
the inputs, and has risen above it."""

MORE_EPOCHS = 3

NARROW = 30
"""Units of a layer that may be too few."""


def overfitting(evidence: Evidence) -> Cause | None:
    """Find a validation loss that has turned while training samples are known."""
    epochs = evidence.history.epochs
    if len(epochs) < 3 or evidence.diverged:
        return None
    losses = [epoch.validation_loss for epoch in epochs]
    if not np.isfinite(losses).all():
        return None
    best, last = int(np.argmin(losses)), epochs[-1]
    share = last.validation_accuracy
    scored = Share.of(share, len(evidence.data.validation))
    turned = last.validation_loss >= WORSE * losses[best]
    guess = _loss_of_shares(evidence)
    lost = turned and losses[best] < guess < last.validation_loss
    least = GAP if turned else WIDE
    if lost:
        least = min(GAP, OF_WRONG * (1 - evidence.baselines.majority.value))
    if not exceeds(evidence.of_training, scored, least):
        return None
    if not turned and not exceeds(evidence.of_training_as_validated, scored, WIDE):
        return None
    dropout = 0.0 if evidence.mlp is None else evidence.mlp.dropout
    change: dict[str, Any] = {} if evidence.recipe.patience else {"patience": 3}
    change |= {} if dropout else {"dropout": 0.3}
    worse = (
        f", above the {number(guess)} of a guess by the classes' shares: the "
        "probabilities are worse than knowing nothing"
    )
    return Cause(
        kind="overfitting",
        step=epochs[best].step,
        headline=f"The network overfits: {percent(last.train_accuracy)} on training "
        f"samples, {percent(share)} on validation samples",
        detail=f"The validation loss was least, {number(losses[best])}, after epoch "
        f"{epochs[best].epoch}, and is {number(last.validation_loss)} at the end"
        f"{worse if lost else ''}.",
        fix=f"Use {advised(change)}."
        if change
        else "Use more samples, or a smaller network.",
        change=change,
        evidence={
            "gap": last.train_accuracy - share,
            "least_validation_loss": losses[best],
            "last_validation_loss": last.validation_loss,
            "loss_of_shares": guess,
            "best_epoch": epochs[best].epoch,
        },
    )


def _loss_of_shares(evidence: Evidence) -> float:
    """Return the least cross-entropy of one answer for all validation samples.

    NaN where the training's loss is another.
    """
    of_shares = CrossEntropy | CrossEntropyOnProbabilities
    if not isinstance(evidence.network.loss, of_shares):
        return float("nan")
    counts = np.bincount(evidence.data.validation.targets)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares @ np.log(shares)))


def underfitting(evidence: Evidence) -> Cause | None:
    """Not even the training samples are known as well as simple methods know others."""
    epochs = evidence.history.epochs
    if evidence.learnt or not epochs or evidence.diverged:
        return None
    last, best = epochs[-1], evidence.baselines.best
    if not exceeds(best, evidence.of_training, NOTABLE):
        return None
    longer = MORE_EPOCHS * evidence.recipe.epochs
    change = evidence.unused({"epochs": longer} | ADAMW | ONE_CYCLE)
    fix, mlp = f"Train longer (--epochs {longer})", evidence.mlp
    if mlp is not None and min(mlp.hidden, default=0) < NARROW:
        fix += ", with more units (--hidden 100,100)"
        change["hidden"] = (100, 100)
    if mlp is not None and mlp.dropout:
        fix += ", without dropout"
        change["dropout"] = 0.0
    return Cause(
        kind="underfitting",
        headline=f"The network underfits: {percent(last.train_accuracy)} on training "
        "samples",
        detail=f"After {count(last.epoch)} epochs. Simple methods reach "
        f"{percent(best.value)} on samples they were not fitted on: the network is too "
        "small, or was stopped or held back while it was still learning.",
        fix=f"{fix}.",
        change=change,
        evidence={
            "train_accuracy": last.train_accuracy,
            "expected": best.value,
            "epochs": last.epoch,
            "parameters": evidence.network.parameter_count,
        },
    )
