"""What a network makes of a table: which columns it leans on, and where it is weak.

Which columns: how much accuracy goes where the values of one are shuffled. Where it is
wrong too often: values and ranges of a column, and classes.
"""

from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Int, Real

from layerwise.data import Columns, Cut, cuts, drawn
from layerwise.statistics import (
    FEW,
    NOTABLE,
    TWO_SIDED,
    between_share,
    exceeds,
    fisher_p,
    holm,
    share,
)
from layerwise.study.records import ColumnImportance, Importance, WeakSpot, WeakSpots

SHUFFLED, PERMUTATIONS = 2_000, 5
"""So many validation samples at most, and so many times each column is shuffled."""

BUDGET = 200_000_000
"""Numbers passed through the network, at most: a few seconds on a core."""

Rows: TypeAlias = Real[np.ndarray, "_ inputs"]

Answer: TypeAlias = Callable[[Rows], Int[np.ndarray, " _"]]
"""The class that a network answers for each row of raw inputs."""

Labelled: TypeAlias = tuple[Rows, Int[np.ndarray, " _"]]
"""Raw inputs, and the class of each row."""


def importance_of(
    answer: Answer, columns: Columns, validation: Labelled, training: Labelled
) -> Importance | None:
    """Return how much the accuracy falls for each column that is shuffled.

    The drop of a sample is 1 if it is right, less the share of the permutations after
    which it is. The mean of these is scikit-learn's ``permutation_importance``; their
    spread over the samples gives the interval.

    Shuffled is a stratified draw of 2,000 validation samples at most; None of fewer
    than 20. Where there are too many columns, those are tried whose inputs differ most
    between the classes in training.
    """
    chosen = drawn(validation[1], SHUFFLED, seed=0)
    rows, targets = validation[0][chosen], validation[1][chosen]
    if len(rows) < FEW:
        return None
    right = answer(rows) == targets
    found: list[ColumnImportance] = []
    for place in _tried(columns, rows.size, training):
        name = columns.used[place].name
        own = columns.places[name]
        rng = np.random.default_rng(place)
        kept = np.zeros(len(rows))
        for _ in range(PERMUTATIONS):
            shuffled = rows.copy()
            shuffled[:, own] = rows[rng.permutation(len(rows)), own]
            kept += answer(shuffled) == targets
        drops = right - kept / PERMUTATIONS
        drop, spread = float(drops.mean()), float(drops.std(ddof=1))
        half = TWO_SIDED * spread / sqrt(len(rows))
        found.append(ColumnImportance(name, drop, drop - half, drop + half))
    return Importance(
        columns=tuple(sorted(found, key=lambda one: -one.drop)),
        accuracy=float(right.mean()),
        samples=len(rows),
        permutations=PERMUTATIONS,
        of=len(columns.used),
    )


def _tried(columns: Columns, size: int, training: Labelled) -> list[int]:
    """Return the places of the columns for which there is time."""
    total = len(columns.used)
    most = max(1, BUDGET // (PERMUTATIONS * size))
    if total <= most:
        return list(range(total))
    chosen = drawn(training[1], SHUFFLED, seed=0)
    apart = between_share(training[0][chosen].astype(np.float64), training[1][chosen])
    by_column = [apart[columns.places[column.name]].max() for column in columns.used]
    return np.argsort(-np.array(by_column), kind="stable")[:most].tolist()


CHANCE = 0.05
"""In so many studies, or fewer, chance alone makes a weak spot."""

MOST = 5
"""So many are named at most."""

Wrong: TypeAlias = Bool[np.ndarray, " scored"]


class _Candidate(NamedTuple):
    """A value of a cut that enough samples have; the last cut is that by class."""

    cut: Cut
    value: int
    samples: int
    wrong: int

    @property
    def members(self) -> Wrong:
        return self.cut.codes == self.value


def weak_spots(
    columns: Columns,
    training: Rows,
    scored: Rows,
    targets: Int[np.ndarray, " scored"],
    wrong: Wrong,
    class_names: Sequence[str],
) -> WeakSpots:
    """Return the values, ranges and classes that are wrong more often than the rest.

    Each with at least 20 samples, and as many others, is tested: by Fisher's exact
    test against all others, corrected by Holm's method for how many there are, so that
    chance alone makes a weak spot in at most 5 % of studies. Those less than two points
    worse than the rest are not named, nor are values that are no worse than the rest
    but for the samples of those named before them. A network that is no better than a
    guess at the commonest class is weak everywhere: nothing is tested. Ranges are those
    of the training samples.
    """
    if not _exceeds_a_guess(targets, wrong):
        return WeakSpots((), 0)
    by_class = Cut("class", tuple(class_names), targets)
    looked = [*_candidates([*cuts(columns, training, scored), by_class], wrong)]
    errors, total = int(wrong.sum()), len(wrong)
    inside = np.array([one.wrong for one in looked], np.int64)
    samples = np.array([one.samples for one in looked], np.int64)
    chances = holm(fisher_p(inside, samples, errors, total))
    found = [
        (
            one,
            WeakSpot(
                column=None if one.cut is by_class else one.cut.column,
                value=one.cut.values[one.value],
                wrong=one.wrong,
                samples=one.samples,
                rest_wrong=errors - one.wrong,
                rest=total - one.samples,
                p=p,
                mistakes=np.flatnonzero(one.members & wrong),
            ),
        )
        for one, p in zip(looked, chances.tolist(), strict=True)
        if p <= CHANCE
    ]
    found.sort(key=lambda pair: -pair[1].excess)
    named = [spot for spot in _apart(found, wrong) if _is_notable(spot)]
    return WeakSpots(tuple(named[:MOST]), len(looked))


def _exceeds_a_guess(targets: Int[np.ndarray, " scored"], wrong: Wrong) -> bool:
    if len(targets) < FEW:
        return False
    commonest = targets == np.bincount(targets).argmax()
    return exceeds(share(~wrong), share(commonest))


def _candidates(looked: Sequence[Cut], wrong: Wrong) -> Iterator[_Candidate]:
    for cut in looked:
        known = cut.codes >= 0
        samples = np.bincount(cut.codes[known], minlength=len(cut.values))
        errors = np.bincount(cut.codes[known & wrong], minlength=len(cut.values))
        for value, (n, k) in enumerate(
            zip(samples.tolist(), errors.tolist(), strict=True)
        ):
            if FEW <= n <= len(wrong) - FEW:
                yield _Candidate(cut, value, n, k)


def _is_notable(spot: WeakSpot) -> bool:
    return spot.wrong / spot.samples - spot.rest_wrong / spot.rest > NOTABLE


def _apart(
    found: Sequence[tuple[_Candidate, WeakSpot]], wrong: Wrong
) -> Iterator[WeakSpot]:
    """Yield spots that are weak without the samples of those before them as well.

    Columns that have to do with each other have weak spots in common. Classes stand by
    themselves: of a new sample nobody knows its class.
    """
    left = np.ones(len(wrong), bool)
    for one, spot in found:
        if spot.column is None:
            yield spot
            continue
        own = one.members & left
        inside = np.array([int((own & wrong).sum())])
        samples = np.array([int(own.sum())])
        of_left = int((wrong & left).sum()), int(left.sum())
        if fisher_p(inside, samples, *of_left)[0] <= CHANCE:
            left &= ~one.members
            yield spot
