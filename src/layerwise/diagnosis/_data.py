"""Causes that lie in the data: values, scales, labels, classes."""

import numpy as np
from jaxtyping import Float, Int

from layerwise.data import codes_in_words, missing_codes
from layerwise.diagnosis._evidence import Cause, Evidence
from layerwise.diagnosis._setup import UNKNOWN, drawn_from_one, labels_by_row
from layerwise.statistics import NOTABLE, Share, exceeds, nearest_rows
from layerwise.wording import count, number, percent, quoted


def not_finite(evidence: Evidence) -> Cause | None:
    """NaN or infinity among the training inputs."""
    if evidence.finite_inputs:
        return None
    inputs = evidence.data.train.inputs
    wrong = ~np.isfinite(inputs)
    row, *place = (int(i) for i in np.argwhere(wrong)[0])
    rows = int(wrong.reshape(len(inputs), -1).any(axis=1).sum())
    column = ", ".join(str(i) for i in place)
    return Cause(
        kind="non-finite inputs",
        layer="input",
        step=0,
        headline=f"{count(int(wrong.sum()))} input values are NaN or infinite",
        detail=f"They are in {count(rows)} of {count(len(inputs))} training rows, the "
        f"first in row {row}, column {column} (counted from 0). Every sum with such a "
        "value is NaN, and so are the loss and all gradients.",
        fix="Replace missing values by the column's mean, or drop those rows.",
        change={"inputs": "fill"},
        evidence={"values": int(wrong.sum()), "rows": rows, "row": row},
    )


def coded_missing(evidence: Evidence) -> Cause | None:
    """Numbers far off that stand for missing values, such as -999."""
    codes = missing_codes(evidence.data.train.inputs)
    if not codes:
        return None
    told = codes_in_words(codes, evidence.data.feature_names)
    return Cause(
        kind="missing-value code",
        layer="input",
        step=0,
        headline=f"{number(codes[0].value, 6)} looks like a code for missing values",
        detail=f"{told}, far from all other values. The network takes it for "
        "a measurement, and scaled with it all other values are nearly alike.",
        fix="Replace it by the mean of the column's other values, or drop those rows.",
        change={"missing": tuple((code.feature, code.value) for code in codes)},
        evidence={
            "features": [code.feature for code in codes],
            "values": [code.value for code in codes],
            "shares": [code.share for code in codes],
        },
    )


def constant_inputs(evidence: Evidence) -> Cause | None:
    """Training inputs that are all the same."""
    inputs = evidence.data.train.inputs
    if np.any(inputs[0] != inputs[-1]) or np.any(inputs != inputs[:1]):
        return None
    return Cause(
        kind="constant inputs",
        layer="input",
        step=0,
        headline=f"All {count(len(inputs))} training inputs are the same",
        detail="For one input a network can give only one answer.",
        fix="Check how the inputs were read or made.",
        change={},
        evidence={"samples": len(inputs)},
    )


LARGE, SMALL = 8.0, 0.12
"""Scaled inputs have a root mean square of about 1. Eight times as much, or an eighth,
is a network whose first layer is drawn for others."""

TENTHS = (0.1, 0.9)
"""The extremes do not count: some pixels at the edge are dark in all images but one."""

UNEVEN = 30.0
"""One feature varying so many times as much as another drowns it: the step that suits
the one is nothing to the other."""


OUTSIDE = (
    "Scale the inputs: --scaling standard, or lw.TorchModule(module, "
    "scaling='standard')."
)


def different_scales(evidence: Evidence) -> Cause | None:
    """Features of which some vary many times as much as others."""
    deviations = _deviations(evidence)
    if evidence.learnt or evidence.data.is_image or len(deviations) < 2:
        return None
    least, most = map(float, np.quantile(deviations, TENTHS))
    if not most >= UNEVEN * least:
        return None
    change = evidence.unused({"scaling": "standard"})
    places = deviations.argmin(), deviations.argmax()
    least, most = (float(deviations[place]) for place in places)
    return Cause(
        kind="inputs of different scales",
        layer="input",
        step=0,
        headline=f"Features differ in scale {number(most / least, 2)} times",
        detail=f"After scaling, feature {int(places[1])} has a std of {number(most)}, "
        f"feature {int(places[0])} one of {number(least)}. A weight's gradient is "
        "proportional to its input: one learning rate is too high for the large "
        "features or too low for the small ones.",
        fix=OUTSIDE
        if evidence.by_hand is None
        else "Scale each feature by itself: --scaling standard"
        f"{'' if change else ' has one scale for all features of such inputs'}.",
        change=change,
        evidence={"largest": most, "least": least, "ratio": most / least},
    )


def not_scaled(evidence: Evidence) -> Cause | None:
    """Find inputs far larger or smaller than 1, or far from zero."""
    change = evidence.unused({"scaling": "standard"})
    if evidence.learnt or not evidence.finite_inputs or not change:
        return None
    size = float(np.sqrt(np.mean(np.square(evidence.scaled))))
    deviations = _deviations(evidence)
    spread = float(np.sqrt(np.mean(np.square(deviations)))) if len(deviations) else 0.0
    if SMALL < size < LARGE and spread > SMALL * size and spread > SMALL:
        return None
    return Cause(
        kind="inputs not scaled",
        layer="input",
        step=0,
        headline=f"Inputs are not scaled: their root mean square is {number(size)}",
        detail=f"They vary about their means by {number(spread)}. Initial weights and "
        "usual learning rates suit inputs about zero with a size of about 1: larger "
        "ones make steps too long, smaller ones too short, and a large constant hides "
        "what varies.",
        fix="Scale the inputs: --scaling standard." if evidence.by_hand else OUTSIDE,
        change=change,
        evidence={"root_mean_square": size, "deviation": spread},
    )


def _deviations(evidence: Evidence) -> np.ndarray:
    """Return the standard deviations of the features that vary."""
    if not evidence.finite_inputs:
        return np.zeros(0)
    found = evidence.scaled.std(axis=0)
    return found[found > 0]


SEEN = 0.85
"""Where not even a connection this strong would be more than chance (fewer than some 50
samples), nothing can be said of the labels."""

SIGMAS = 5.0
"""Standard errors above chance that count: among thousands of shifts some are three."""

ASKED = 1_000
"""Training samples whose nearest neighbours are looked for among all, at most."""

LIFT = 0.15
"""So much more agreement than by chance makes a shift certain and worth it."""

RARE = 0.25
"""A class with less than a quarter of an equal share is rare."""

LESS = 0.5
"""A class with less than half of an equal share may never be answered."""

MISSED = 0.3
"""So much less of a class found than the nearest neighbour finds."""


def out_of_step(evidence: Evidence) -> Cause | None:
    """Training labels that belong to the inputs some rows before or after them.

    Near samples have the same label more often than by chance. If they do not, but do
    once the labels are moved by some rows, of the training set or of the file that it
    was drawn from, the two are out of step.
    """
    simple = evidence.baselines
    if _says_something(evidence, simple.nearest, simple.several):
        return None
    data, targets = evidence.data, evidence.data.train.targets
    asked, near = _with_neighbours(evidence)
    chance = _chance(targets)
    # The test set has no say, even where it is of the same file.
    known = [data.train, *([data.validation] if len(drawn_from_one(data)) > 1 else [])]
    rows = np.asarray(data.train.where.places, np.int64)
    of_source = labels_by_row(known)
    of_set = _agreement(targets, asked, near)
    of_rows = of_set
    if not np.array_equal(of_source, targets):
        of_rows = _agreement(of_source, rows[asked], rows[near])
    in_set = of_set.max() >= of_rows.max()
    agreement = of_set if in_set else of_rows
    error = np.sqrt(chance * (1 - chance) / len(asked))
    shift, total = int(agreement.argmax()), len(agreement)
    # Rows in the order of their classes agree at small shifts too.
    if agreement[0] > chance + max(LIFT, SIGMAS * error) and (
        agreement[shift] < agreement[0] + LIFT
    ):
        return None
    if not shift or agreement[shift] < chance + max(LIFT, SIGMAS * error):
        return None
    moved = shift if shift <= total // 2 else shift - total
    by = "1 row" if abs(moved) == 1 else f"{count(abs(moved))} rows"
    side = "below" if moved > 0 else "above"
    where = "in the training set" if in_set else "in the file"
    return Cause(
        kind="inputs and labels out of step",
        layer="input",
        step=0,
        headline=f"Inputs and labels are out of step by {by}",
        detail=f"{percent(float(agreement[0]))} of training samples have the label of "
        f"their nearest neighbour; {percent(chance)} is chance, and with the labels "
        f"of {by} {side} {where} it is "
        f"{percent(float(agreement[shift]))}. Inputs and labels were sorted, cut or "
        "shuffled one without the other.",
        fix=f"Move the labels back by {by} {where}: numpy.roll(labels, {-moved}).",
        change={"roll_labels" if in_set else "roll_source": -moved},
        evidence={
            "agreement": float(agreement[0]),
            "chance": chance,
            "shift": moved,
            "whole_file": not in_set,
            "agreement_shifted": float(agreement[shift]),
        },
    )


def _agreement(
    labels: Int[np.ndarray, " rows"],
    asked: Int[np.ndarray, "asked 1"],
    near: Int[np.ndarray, "asked 1"],
) -> Float[np.ndarray, " rows"]:
    """Return how often neighbours have one label, for all labels moved by 0, 1, … rows.

    Pairs of which one row's label is unknown do not count; of few the rest tells
    nothing.
    """
    found = np.zeros(len(labels))
    for shift in range(len(labels)):
        one, other = (labels[(at + shift) % len(labels)] for at in (asked, near))
        counted = (one != UNKNOWN) & (other != UNKNOWN)
        if 4 * counted.sum() >= len(asked):
            found[shift] = np.mean((one == other)[counted])
    return found


def no_information(evidence: Evidence) -> Cause | None:
    """Labels that neither the network nor simple methods can tell from the inputs."""
    weakest = evidence.baselines.weakest_seen
    if evidence.diverged or weakest > SEEN or _informative(evidence):
        return None
    weak = (
        f"an AUC below {number(weakest, 2)} would not show in "
        f"{count(len(evidence.data.train))} samples"
    )
    simple, reached = evidence.baselines, evidence.validation.accuracy
    learnt = evidence.of_training.value
    return Cause(
        kind="labels without information",
        layer="input",
        headline="Nothing predicts the labels better than the majority class",
        detail=f"Validation accuracy: network {percent(reached)}, nearest neighbour "
        f"{percent(simple.nearest.value)}, linear classifier "
        f"{percent(simple.linear.value)}, majority class "
        f"{percent(simple.majority.value)}. Cross-validated on training samples, no "
        f"simple method ranks any class above the others; {weak}. The network has "
        f"memorised {percent(learnt)} of its training samples: labels may have been "
        "shuffled, or the features may be the wrong ones.",
        fix="No setting fixes this. Check some rows and their labels.",
        change={},
        evidence={
            "accuracy": reached,
            "nearest": simple.nearest.value,
            "several": simple.several.value,
            "linear": simple.linear.value,
            "chance": _by_chance(evidence).value,
            "train_accuracy": learnt,
            "weakest_seen": weakest,
        },
    )


def imbalance(evidence: Evidence) -> Cause | None:
    """Rare classes that the network does not find although they can be found."""
    if evidence.diverged:
        return None
    data, findable = evidence.data, evidence.baselines.recall
    shares = np.bincount(data.train.targets, minlength=data.classes) / len(data.train)
    rare = shares < RARE / data.classes
    counts = evidence.class_scores.samples
    recall = np.nan_to_num(evidence.class_scores.recall)
    missed = rare & (counts > 1) & (recall + MISSED <= np.nan_to_num(findable))
    answered = np.bincount(evidence.predictions, minlength=data.classes) > 0
    never = (shares < LESS / data.classes) & (counts > 0) & ~answered
    if never.any():
        known = evidence.network.predict(evidence.training_rows.inputs)
        never &= np.bincount(known, minlength=data.classes) == 0
        never &= evidence.baselines.found > 0.5
    if not (missed | never).any():
        return None
    worst = int(np.argmin(np.where(missed | never, recall, 2)))
    name, total = data.class_names[worst], int(counts[worst])
    found = round(recall[worst] * total)
    change = evidence.unused({"class_weight": "balanced"})
    beside = (
        f"A simple method ranks the class above the others (AUC "
        f"{number(float(evidence.baselines.found[worst]), 2)})"
        if never[worst]
        else f"The nearest neighbour finds {percent(float(findable[worst]))}"
    )
    answers = "never predicts" if not answered[worst] else "hardly finds"
    return Cause(
        kind="class imbalance",
        headline=f"The network {answers} class {quoted(name)}: "
        f"{count(found)} of {count(total)} found",
        detail=f"{beside}. "
        f"{percent(float(shares[worst]))} of the training samples are of this class. "
        "The loss is a mean over samples: missing a rare class costs little, and the "
        "accuracy looks good.",
        fix="Let each class count the same: --class-weight balanced."
        if change
        else f"Collect more samples of class {quoted(name)}: class weights were "
        "used already.",
        change=change,
        evidence={
            "shares": shares.tolist(),
            "recall": recall.tolist(),
            "class": name,
            "found": found,
            "samples": total,
        },
    )


def _informative(evidence: Evidence) -> bool:
    """Return whether the network or a simple method beats chance.

    By accuracy on validation samples, or by how well some class is told from the others
    on training samples: of a rare class no accuracy tells it.
    """
    simple = evidence.baselines
    tried = (evidence.reached, simple.nearest, simple.several, simple.linear)
    return _says_something(evidence, *tried) or bool((simple.found > 0.5).any())


def _says_something(evidence: Evidence, *tried: Share) -> bool:
    """Return whether one of these needs the inputs to be as good as it is."""
    chance = _by_chance(evidence)
    return any(exceeds(accuracy, chance, NOTABLE) for accuracy in tried)


def _by_chance(evidence: Evidence) -> Share:
    """Return what needs no inputs: the commonest class, or guessing by frequency."""
    truth = evidence.data.validation.targets
    majority = evidence.baselines.majority
    return Share.of(max(majority.value, _chance(truth)), len(truth))


def _chance(targets: np.ndarray) -> float:
    """Return how often two samples have the same label by chance."""
    return float(np.square(np.bincount(targets) / len(targets)).sum())


def _with_neighbours(
    evidence: Evidence,
) -> tuple[Int[np.ndarray, "asked 1"], Int[np.ndarray, "asked 1"]]:
    """Return some places in the training samples, and which others are nearest."""
    train = evidence.data.train
    rows, places = evidence.baselines.rows(train), train.spread(ASKED)
    found = nearest_rows(rows[places], rows, 2, "fast")
    places = places[:, None]
    # The first is the sample itself, or one that equals it.
    return places, np.where(found[:, :1] == places, found[:, 1:], found[:, :1])
