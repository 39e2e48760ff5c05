"""Where a network is wrong too often: values and ranges of a column, and classes."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Int, Real

from layerwise.data import Columns, Cut, cuts
from layerwise.statistics import FEW, NOTABLE, exceeds, fisher_p, holm, share
from layerwise.study.records import WeakSpot, WeakSpots

CHANCE = 0.05
"""In so many studies, or fewer, chance alone makes a weak spot."""

MOST = 5
"""So many are named at most."""

Rows: TypeAlias = Real[np.ndarray, "_ inputs"]
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
