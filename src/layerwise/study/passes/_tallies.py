"""The moments of every layer while blocks pass by, and those of all parts together."""

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
from jaxtyping import Int

from layerwise import ranks
from layerwise.arrays import Array
from layerwise.statistics import Moments, Tally
from layerwise.study.passes._counting import Counting
from layerwise.study.subjects import Block, Subject

__all__ = ["Tallies", "merged_moments"]


class Tallies:
    """The moments in the making of every layer, of each of the folds.

    Parameters
    ----------
    subject : Subject
    counting : Counting
    folds : int
        Into how many the rows fall.
    tick : callable
        Told how many rows were added.
    """

    def __init__(
        self,
        subject: Subject,
        counting: Counting,
        folds: int,
        tick: Callable[[int], None],
    ) -> None:
        self._subject, self._counting = subject, counting
        self._folds, self._tick = folds, tick
        self._layers: list[list[Tally]] = []

    def add(
        self,
        block: Block,
        targets: Int[np.ndarray, " rows"],
        fits: Int[np.ndarray, " rows"],
    ) -> None:
        """Add the rows of a block, each to its fold."""
        rows = self._counted(block)
        if not self._layers:
            self._layers = [[self._begun(r) for _ in range(self._folds)] for r in rows]
        everything = [slice(None)]
        folds = [np.flatnonzero(fits == fold) for fold in range(self._folds)]
        parts = folds if self._folds > 1 else everything
        for tallies, r in zip(self._layers, rows, strict=True):
            for tally, part in zip(tallies, parts, strict=True):
                tally.add(r[part], targets[part])
        self._tick(len(targets))

    def _begun(self, rows: Array) -> Tally:
        classes = len(self._subject.class_names)
        return Tally(self._counting.begun(rows.shape[1], classes))

    def _counted(self, block: Block) -> tuple[Array, ...]:
        """Return the rows to add: the input's before any scaling.

        Bytes are added up faster than what they are scaled to, and without any
        rounding. Features with scales of their own are scaled first where a projection
        is to mix them.
        """
        inputs = block.inputs
        layers = block.layers if block.computed is None else block.computed
        if not self._subject.has_input or inputs is None or inputs is block.layers[0]:
            return layers
        projected = inputs.shape[1] > self._counting.max_units
        if projected and self._subject.scaling.divisor.ndim:
            return layers
        return (inputs, *layers[1:])

    def moments(self) -> list[tuple[Moments, ...]]:
        """Return every layer's moments of each fold; none where no row was added."""
        return [tuple(tally.moments() for tally in own) for own in self._layers]


def merged_moments(
    subject: Subject, parts: Sequence[list[tuple[Moments, ...]]]
) -> list[tuple[Moments, ...]]:
    """Return every layer's moments of each fold, of all parts together, scaled.

    Parts are merged in their order, and then those of the ranks in theirs: nothing
    depends on who was ready first.
    """
    layers = _merged(ranks.gathered(_merged(parts)))
    scaling = subject.scaling
    mixed = layers[0][0].projection is not None and scaling.divisor.ndim
    if not subject.has_input or mixed:
        return layers
    offset, divisor = (
        np.reshape(constant, -1) if constant.ndim else constant
        for constant in (scaling.offset, scaling.divisor)
    )
    scaled = tuple(fold.scaled(offset, divisor) for fold in layers[0])
    return [scaled, *layers[1:]]


def _merged(parts: Sequence[list[tuple[Moments, ...]]]) -> list[tuple[Moments, ...]]:
    return [
        tuple(reduce(Moments.merge, fold) for fold in zip(*layer, strict=True))
        for layer in zip(*filter(None, parts), strict=True)
    ]
