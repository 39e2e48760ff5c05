"""How much accuracy goes where the values of one column are shuffled."""

from collections.abc import Callable
from math import sqrt
from typing import TypeAlias

import numpy as np
from jaxtyping import Int, Real

from layerwise.data import Columns, drawn
from layerwise.statistics import FEW, TWO_SIDED, between_share
from layerwise.study.records import ColumnImportance, Importance

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
