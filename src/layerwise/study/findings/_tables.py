"""Findings on the columns of a table: where the network is weak, what it leans on."""

from collections.abc import Iterator
from statistics import NormalDist

from layerwise.study.records import (
    ColumnImportance,
    Finding,
    Importance,
    Study,
    WeakSpot,
)
from layerwise.wording import count, listed, percent_of, points, quoted

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
        f"{spot_name(one)} ({count(one.wrong)} of {count(one.samples)} wrong)"
        for one in others[:NEXT]
    ]
    also = f" Also weak: {listed(named)}." if named else ""
    yield Finding(
        "weak spot",
        f"Weak spot: {spot_name(worst)}: {inside} wrong, elsewhere {outside}",
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
            "others": {spot_name(one): [one.wrong, one.samples] for one in others},
        },
    )


def spot_name(spot: WeakSpot) -> str:
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
