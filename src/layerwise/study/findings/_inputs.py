"""Findings on inputs: unlike in the test set; columns leant on; spots of weakness."""

from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import numpy as np
from jaxtyping import Float

from layerwise.data import Dataset, Samples
from layerwise.model import flatten
from layerwise.statistics import FEW, between_share, difference_noise
from layerwise.study.records import (
    ColumnImportance,
    Finding,
    Importance,
    Study,
    WeakSpot,
)
from layerwise.wording import count, listed, number, percent, percent_of, points, quoted

SURE, APART = 1.6, 0.05
"""Accuracies of validation and test set that differ by 1.6 times what chance exceeds in
5 % of cases (3.1 standard errors), and by 5 points, are of two kinds of data."""

ROWS = 2_000
"""Samples of each set that are compared, at most, evenly from all."""

MOVED, WIDER, TOLD = 1.0, 3.0, 0.4
"""What is a difference of inputs: a mean moved by a standard deviation, a standard
deviation three times as large or small, and so much of a feature's variance between
classes in training and not in test."""

KNOWN = 0.25
"""A quarter of that explains it, where the accuracies differ."""

SURE_OF = 6.0
"""Standard errors of the means' difference: there can be thousands of features."""


def disagrees(study: Study) -> float:
    """Return by how much validation exceeds test accuracy; 0 where it may be chance."""
    view, scored = study.validation, study.accuracy
    if view is None or scored is None or "test" not in study.scored_on:
        return 0.0
    if min(scored.trials, len(view.targets)) < FEW:
        return 0.0
    right = view.predictions == view.targets
    before, samples = float(right.mean()), len(right)
    noise = difference_noise(before, samples, scored.value, scored.trials)
    apart = before - scored.value
    return apart if abs(apart) > max(APART, SURE * noise) else 0.0


def unlike(study: Study, data: Dataset) -> Iterator[Finding]:
    """Say that the test set is unlike the training set: by accuracy or inputs."""
    if not disagrees(study):
        yield from unlike_inputs(data)
        return
    view, scored = study.validation, study.accuracy
    assert view is not None
    assert scored is not None
    before = float(np.mean(view.predictions == view.targets))
    differs, evidence = _difference(data, known=True)
    differs = differs or "Means, stds and class shares are alike in both."
    yield Finding(
        "test set unlike training",
        f"Test set differs from training: {percent_of(before, len(view.targets))} "
        f"validation, {percent_of(scored.value, scored.trials)} test accuracy",
        f"{differs} Check how the test set was made before you trust either number.",
        {"validation": before, "test": scored.value, **evidence},
    )


def unlike_inputs(data: Dataset) -> Iterator[Finding]:
    """Say that the test inputs are of another kind than the training inputs."""
    differs, evidence = _difference(data)
    if differs:
        yield Finding(
            "test set unlike training",
            "Test inputs differ from training inputs",
            f"{differs} Check how the test set was made.",
            evidence,
        )


def _difference(data: Dataset, known: bool = False) -> tuple[str, dict[str, Any]]:
    """Return in what test and training samples differ most, as a sentence.

    Where it is known that they differ, smaller differences are an explanation too.
    """
    train, test = (part.at(part.spread(ROWS)) for part in (data.train, data.test))
    if not len(train) or not len(test):
        return "", {}
    rows = [flatten(np.asarray(p.inputs)).astype(np.float64) for p in (train, test)]
    found = _moved(data, rows[0], rows[1], KNOWN if known else 1.0)
    if found[0] or len(test) < FEW:
        return found
    return _told(data, rows, train, test) if known else _shares(data, train, test)


def _moved(
    data: Dataset,
    train: Float[np.ndarray, "rows features"],
    test: Float[np.ndarray, "some features"],
    part: float,
) -> tuple[str, dict[str, Any]]:
    """Name the feature whose mean or spread differs most; of pictures, all together."""
    counts = len(train), len(test)
    if pooled := len(data.shape) > 1:
        train, test = train.reshape(-1, 1), test.reshape(-1, 1)
    means, stds = (
        [getattr(x, of)(axis=0) for x in (train, test)] for of in ("mean", "std")
    )
    tiny = 1e-9 * (1 + np.abs(means[0]))
    # Of few test samples the spread is not known: it may be that of training.
    spread = np.maximum(*stds)
    error = spread * np.sqrt(sum(1 / n for n in counts))
    moved = np.abs(means[1] - means[0])
    shift = np.where(moved > SURE_OF * error, moved / np.maximum(stds[0], tiny), 0.0)
    ratio = _wider(stds, tiny)
    # One far value makes a standard deviation large: the middle has to differ too.
    middles = [np.subtract(*np.quantile(x, (0.9, 0.1), axis=0)) for x in (train, test)]
    both = (middles[0] > tiny) & (middles[1] > tiny)
    ratio = np.where(both, np.minimum(ratio, _wider(middles, tiny)), ratio)
    known = (min(counts) >= FEW) & (stds[0] > 0)
    score = np.maximum(shift / MOVED, np.where(known, ratio / np.log(WIDER), 0.0))
    at = int(np.nan_to_num(score).argmax())
    if not score[at] > part:
        return "", {}
    sides = [
        [float(v) for v in (m[at], s[at], x[:, at].min(), x[:, at].max())]
        for m, s, x in zip(means, stds, (train, test), strict=True)
    ]
    one, other = (
        f"mean {number(m)}, std {number(s)}, range {number(low)} to {number(high)}"
        for m, s, low, high in sides
    )
    what = "The inputs have" if pooled else f"{_feature(data, at)} has"
    text = f"{what} {one} in training, and {other} in test."
    return text, {"feature": at, "training": sides[0], "of_test": sides[1]}


def _wider(
    spreads: list[Float[np.ndarray, " features"]], tiny: Float[np.ndarray, " features"]
) -> Float[np.ndarray, " features"]:
    """Return the logarithm of how many times as large the larger spread is."""
    one, other = (np.maximum(spread, tiny) for spread in spreads)
    return np.abs(np.log(one / other))


def _feature(data: Dataset, at: int) -> str:
    named = data.feature_names[at] if data.feature_names else str(at)
    return f"Feature {named}"


def _told(
    data: Dataset, rows: list[np.ndarray], train: Samples, test: Samples
) -> tuple[str, dict[str, Any]]:
    """Name a feature that tells the label in training and does not in test."""
    before, after = (
        between_share(x, part.targets)
        for x, part in zip(rows, (train, test), strict=True)
    )
    lost = np.nan_to_num(before - after)
    at = int(lost.argmax())
    if lost[at] < TOLD:
        return _shares(data, train, test)
    text = (
        f"{_feature(data, at)} tells the label in training but not in test: "
        f"{percent(float(before[at]))} of its variance lies between classes in "
        f"training, {percent(float(after[at]))} in test. It may leak the label."
    )
    return text, {"feature": at, "told": float(before[at]), "of_test": float(after[at])}


def _shares(data: Dataset, train: Samples, test: Samples) -> tuple[str, dict[str, Any]]:
    """Name the class whose share differs most."""
    shares = [
        np.bincount(p.targets, minlength=data.classes) / len(p) for p in (train, test)
    ]
    apart = np.abs(shares[0] - shares[1])
    at = int(apart.argmax())
    one, other = float(shares[0][at]), float(shares[1][at])
    noise = difference_noise(one, len(train), other, len(test))
    if apart[at] <= max(2 * APART, 2 * SURE * noise):
        return "", {}
    name = data.class_names[at]
    text = (
        f"{percent(one)} are of class {quoted(name)} in training and "
        f"{percent(other)} in test."
    )
    return text, {"class": name, "training": one, "of_test": other}


NEXT = 2
"""So many columns are named beside the one that matters most, and so many spots."""

LEVEL = 0.05
"""In so many studies, or fewer, a column that tells nothing is said to matter."""


def weak_spot(study: Study) -> Iterator[Finding]:
    """Name what the worst errors have in common: values, ranges or a class.

    Where they are wrong more often than all others by more than chance makes of as many
    as were tested.
    """
    weak = study.weak_spots
    if weak is None or not weak.spots:
        return
    worst, *others = weak.spots
    inside = percent_of(worst.wrong / worst.samples, worst.samples)
    outside = percent_of(worst.rest_wrong / worst.rest, worst.rest)
    named = [
        f"{_spot_name(one)} ({count(one.wrong)} of {count(one.samples)} wrong)"
        for one in others[:NEXT]
    ]
    also = f" Also weak: {listed(named)}." if named else ""
    yield Finding(
        "weak spot",
        f"Weak spot: {_spot_name(worst)}: {inside} wrong, elsewhere {outside}",
        f"{count(worst.wrong)} of {count(worst.samples)} such samples are wrong, "
        f"{count(round(worst.excess))} more than at the rate of the other "
        f"{count(worst.rest)}.{also} That is more than chance explains, though "
        f"{count(weak.tested)} values, ranges and classes were tested. Check "
        "these samples and their labels; more training samples like them may help.",
        {
            "column": worst.column,
            "value": worst.value,
            "wrong": worst.wrong,
            "samples": worst.samples,
            "rest_wrong": worst.rest_wrong,
            "rest": worst.rest,
            "excess": worst.excess,
            "p": worst.p,
            "tested": weak.tested,
            "others": {_spot_name(one): [one.wrong, one.samples] for one in others},
        },
    )


def _spot_name(spot: WeakSpot) -> str:
    """Return what the samples of a weak spot have in common, for a sentence."""
    if spot.column is None:
        return f"class {quoted(spot.value)}"
    return f"{quoted(spot.column)} {spot.value}"


def leans_on(study: Study) -> Iterator[Finding]:
    """Name the columns without whose values the accuracy falls, by more than chance."""
    found = study.importance
    if found is None:
        return
    surely = [one for one in found.columns if _matters(one, found)]
    if not surely:
        return
    first, *others = surely
    before, after = (
        percent_of(share, found.samples)
        for share in (found.accuracy, found.accuracy - first.drop)
    )
    named = [f"{quoted(one.column)} {points(one.drop, signed=False)}" for one in others]
    following = f" Next: {listed(named[:NEXT])}." if named else ""
    yield Finding(
        "leans on",
        f"The network leans most on {quoted(first.column)}: {before} → {after} "
        "with it shuffled",
        f"Shuffling its values among {count(found.samples)} validation samples lowers "
        f"the accuracy by {points(first.drop, signed=False)} (95 % interval "
        f"{points(first.low, signed=False).removesuffix(' points')} to "
        f"{points(first.high, signed=False)}; mean of {found.permutations} shuffles)."
        f"{following}{_others(found, len(surely))}",
        {
            "column": first.column,
            "accuracy": found.accuracy,
            "shuffled": found.accuracy - first.drop,
            "drop": first.drop,
            "low": first.low,
            "high": first.high,
            "confidence": 0.95,
            "samples": found.samples,
            "permutations": found.permutations,
            "others": {one.column: one.drop for one in others},
            "unsure": len(found.columns) - len(surely),
            "tried": len(found.columns),
            "of": found.of,
        },
    )


def _matters(one: ColumnImportance, found: Importance) -> bool:
    """Return whether a drop is more than chance makes of one of so many columns."""
    errors = NormalDist().inv_cdf(1 - LEVEL / (2 * found.of))
    return one.drop > errors * one.error


def _others(found: Importance, surely: int) -> str:
    """Say of how many columns nothing was seen, and how many were not tried."""
    tried, unsure = len(found.columns), len(found.columns) - surely
    text = ""
    if unsure:
        columns = "column" if unsure == 1 else "columns"
        verb = "makes" if unsure == 1 else "make"
        text = f" The other {count(unsure)} {columns} {verb} no sure difference."
    if tried < found.of:
        text += (
            f" Tried were {count(tried)} of {count(found.of)} columns, those that "
            "differ most between the classes."
        )
    return text
