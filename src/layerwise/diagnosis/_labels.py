"""Causes in the labels: out of step, without information, or of one class mostly."""

import numpy as np

from layerwise.baselines import neighbours_of
from layerwise.diagnosis._cause import Cause
from layerwise.diagnosis._evidence import Evidence
from layerwise.wording import count, percent

__all__ = ["imbalance", "no_information", "out_of_step"]

SIGMAS = 5.0
"""Standard errors above chance that count: among thousands of shifts some are three."""

NOISE, POINTS = 3.0, 0.02
"""Standard errors and points above chance that say something of the labels."""

LIFT = 0.15
"""So much more agreement than by chance makes a shift certain and worth it."""

RARE = 0.25
"""A class with less than a quarter of an equal share is rare."""

MISSED = 0.3
"""So much less of a class found than the nearest neighbour finds."""


def out_of_step(evidence: Evidence) -> Cause | None:
    """Training labels that belong to the inputs some rows before or after them.

    Near samples have the same label more often than by chance. If they do not, but do
    once the labels are moved by some rows, the two are out of step.
    """
    expected = evidence.expected
    if max(expected.nearest, expected.several) > _above_chance(evidence):
        return None
    targets = evidence.data.train.targets
    found = neighbours_of(evidence.data)
    total = len(targets)
    places, near = found.places[:, None], found.nearest
    agreement = np.array(
        [
            np.mean(targets[(places + s) % total] == targets[(near + s) % total])
            for s in range(total)
        ]
    )
    chance = _chance(targets)
    error = np.sqrt(chance * (1 - chance) / len(places))
    shift = int(agreement.argmax())
    # Rows in the order of their classes agree at small shifts too.
    if agreement[0] > chance + max(LIFT, SIGMAS * error) and (
        agreement[shift] < agreement[0] + LIFT
    ):
        return None
    if not shift or agreement[shift] < chance + max(LIFT, SIGMAS * error):
        return None
    rows = shift if shift <= total // 2 else shift - total
    return Cause(
        kind="inputs and labels out of step",
        layer="input",
        step=0,
        text=f"Of training samples and their nearest neighbours "
        f"{percent(float(agreement[0]))} have the same label, by chance it would be "
        f"{percent(chance)}; with the labels moved by {count(rows)} rows it is "
        f"{percent(float(agreement[shift]))}.",
        reason="Inputs and labels were put in order, cut or shuffled one without the "
        "other, so that each input is taught another's label.",
        remedy=f"Move the labels back by {count(rows)} rows: numpy.roll(labels, "
        f"{-rows}).",
        change={"roll_labels": -rows},
        evidence={
            "agreement": float(agreement[0]),
            "chance": chance,
            "shift": rows,
            "agreement_shifted": float(agreement[shift]),
        },
    )


def no_information(evidence: Evidence) -> Cause | None:
    """Labels that neither the network nor simple methods can tell from the inputs."""
    if evidence.status == "diverged" or _informative(evidence):
        return None
    expected, reached = evidence.expected, evidence.validation.accuracy
    learnt = (
        evidence.history.epochs[-1].train_accuracy if evidence.history.epochs else 0
    )
    return Cause(
        kind="labels without information",
        layer="input",
        text=f"On the validation set the network is right in {percent(reached)} of "
        f"cases, the nearest neighbour in {percent(expected.nearest)}, a linear rule "
        f"in {percent(expected.linear)}; always the commonest class would be right in "
        f"{percent(expected.majority)}. Of its training samples the network knows "
        f"{percent(learnt)}.",
        reason="Whatever is learnt here is learnt by heart: the inputs say nothing of "
        "the labels, because labels were shuffled or the features are the wrong ones.",
        remedy="No setting mends this. Look at some rows with their labels.",
        change={},
        evidence={
            "accuracy": reached,
            "nearest": expected.nearest,
            "several": expected.several,
            "linear": expected.linear,
            "chance": _by_chance(evidence),
            "train_accuracy": learnt,
        },
    )


def imbalance(evidence: Evidence) -> Cause | None:
    """Rare classes that the network does not find although they can be found."""
    if evidence.status == "diverged":
        return None
    data, expected = evidence.data, evidence.expected
    shares = np.bincount(data.train.targets, minlength=data.classes) / len(data.train)
    rare = shares < RARE / data.classes
    truth = data.validation.targets
    counts = np.bincount(truth, minlength=data.classes)
    right = np.bincount(truth, evidence.predictions == truth, data.classes)
    recall = right / np.maximum(counts, 1)
    missed = rare & (counts > 1) & (recall + MISSED <= np.nan_to_num(expected.recall))
    if not missed.any():
        return None
    worst = int(np.argmin(np.where(missed, recall, 2)))
    name = data.class_names[worst]
    return Cause(
        kind="class imbalance",
        text=f"{percent(float(shares[worst]))} of the training samples are of class "
        f"{name}, and the network finds {percent(float(recall[worst]))} of them where "
        f"the nearest neighbour finds {percent(float(expected.recall[worst]))}.",
        reason="The mean loss is a mean over samples: saying the common class always "
        "costs next to nothing, and the accuracy looks good.",
        remedy="Let each class count the same: repeat the samples of rare classes.",
        change={"classes": "balance"},
        evidence={
            "shares": shares.tolist(),
            "recall": recall.tolist(),
            "class": name,
        },
    )


def _informative(evidence: Evidence) -> bool:
    """Return whether the network or a simple method beats chance on validation."""
    expected = evidence.expected
    tried = (expected.nearest, expected.several, expected.linear)
    return bool(max(evidence.validation.accuracy, *tried) > _above_chance(evidence))


def _above_chance(evidence: Evidence) -> float:
    """Return the accuracy from which on it is no chance."""
    chance = _by_chance(evidence)
    error = np.sqrt(chance * (1 - chance) / evidence.validation_count)
    return chance + NOISE * error + POINTS


def _by_chance(evidence: Evidence) -> float:
    """Return what needs no inputs: the commonest class, or guessing by frequency."""
    return max(evidence.expected.majority, _chance(evidence.data.validation.targets))


def _chance(targets: np.ndarray) -> float:
    """Return how often two samples have the same label by chance."""
    return float(np.square(np.bincount(targets) / len(targets)).sum())
