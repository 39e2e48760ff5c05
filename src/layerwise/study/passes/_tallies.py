"""What is counted and what is kept of the blocks that pass by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from threading import Lock
from typing import Any, TypedDict

import numpy as np
from jaxtyping import Float, Int, Shaped

from layerwise import ranks
from layerwise.arrays import Array, to_numpy
from layerwise.errors import InputError
from layerwise.statistics import MAX_UNITS, Moments, Precision, Tally
from layerwise.study.subjects import Block, Subject
from layerwise.wording import count

OfRows = Int[np.ndarray, " rows"]


class CountingOptions(TypedDict, total=False):
    """How rows are counted, by keyword; `Counting` explains each."""

    precision: Precision
    max_units: int
    watch: Callable[[int, int], None] | None


@dataclass(frozen=True)
class Counting:
    """How rows are counted.

    Parameters
    ----------
    precision : "exact" or "fast"
        See `Moments.of`.
    max_units : int
        Of layers with more units the scatter is taken of as many coordinates of a
        `Projection`.
    watch : callable, optional
        Told now and then how many rows were passed, and of how many.
    """

    precision: Precision = "exact"
    max_units: int = MAX_UNITS
    watch: Callable[[int, int], None] | None = None

    def begun(self, units: int, classes: int) -> Moments:
        """Return the moments of no rows, to which rows are added in this way."""
        return Moments.empty(
            units, classes, precision=self.precision, max_units=self.max_units
        )


class RowsPassed:
    """Counts the rows that were passed, by several threads, and tells it on."""

    def __init__(self, counting: Counting, total: int) -> None:
        self._watch, self._total = counting.watch, total
        self._done = 0
        self._lock = Lock()

    def __call__(self, rows: int) -> None:
        """Add rows that were passed."""
        if self._watch is not None:
            with self._lock:
                self._done += rows
                self._watch(self._done, self._total)


class Kept:
    """The rows at some positions, kept of the blocks that pass by."""

    def __init__(self, wanted: Int[np.ndarray, " wanted"]) -> None:
        self._wanted = np.sort(wanted)
        self._found: dict[int, tuple[np.ndarray, ...]] = {}

    def add(self, positions: OfRows, *arrays: Shaped[np.ndarray, "rows ..."]) -> None:
        """Keep what is wanted of some rows, and of other arrays beside them."""
        rows = self.wanted(positions)
        if len(rows):
            # Blocks of different parts come from different threads, in any order.
            found = (positions[rows], *(array[rows] for array in arrays))
            self._found[int(found[0][0])] = found

    def wanted(self, positions: OfRows) -> Int[np.ndarray, " wanted"]:
        """Return which of some rows are wanted."""
        places = np.searchsorted(self._wanted, positions)
        places[places == len(self._wanted)] = 0
        return np.flatnonzero(self._wanted[places] == positions)

    def arrays(self) -> list[np.ndarray]:
        """Return each of the arrays, its rows by increasing position.

        Under ``torchrun``, those of all ranks: each has to ask.
        """
        found = {
            key: b for part in ranks.gathered(self._found) for key, b in part.items()
        }
        blocks = [found[first] for first in sorted(found)]
        positions, *arrays = map(np.concatenate, zip(*blocks, strict=True))
        order = np.argsort(positions)
        return [array[order] for array in arrays]


@dataclass(frozen=True, eq=False)
class Mistakes:
    """Samples that are wrong, those of which the subject is surest first.

    ``inputs`` is what the layer in which neighbours are sought gives for them, where
    there is one; ``items`` what is shown of them.
    """

    positions: Int[np.ndarray, " mistakes"]
    probabilities: Float[np.ndarray, "mistakes classes"]
    inputs: Float[np.ndarray, "mistakes _"] | None
    items: Shaped[np.ndarray, "mistakes ..."] | None

    def joined(self, other: "Mistakes", most: int) -> "Mistakes":
        """Return the worst of both: the surest first, of equally sure the earliest."""
        positions = np.concatenate([self.positions, other.positions])
        probabilities = np.concatenate([self.probabilities, other.probabilities])
        order = np.lexsort((positions, -probabilities.max(axis=1)))[:most]
        return Mistakes(
            positions[order],
            probabilities[order],
            _joined(self.inputs, other.inputs, order),
            _joined(self.items, other.items, order),
        )


def _joined(
    first: np.ndarray | None, second: np.ndarray | None, order: np.ndarray
) -> np.ndarray | None:
    # Pictures of several sizes, or sequences of several lengths, are not one array.
    if first is None or second is None or first.shape[1:] != second.shape[1:]:
        return None
    return np.concatenate([first, second])[order]


class Tallies:
    """The moments in the making of every layer, of each of so many folds.

    ``tick`` is told how many rows were added.
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

    def add(self, block: Block, targets: OfRows, fits: OfRows | None = None) -> None:
        """Add the rows of a block, each to its fold where there are several."""
        rows = self._counted(block)
        if not self._layers:
            self._layers = [[self._begun(r) for _ in range(self._folds)] for r in rows]
        # A mask copies: with one fold, as nearly always, nothing is to copy.
        parts: list[Any] = [slice(None)]
        if self._folds > 1:
            parts = [np.flatnonzero(fits == fold) for fold in range(self._folds)]
        for place, (tallies, r) in enumerate(zip(self._layers, rows, strict=True)):
            for tally, part in zip(tallies, parts, strict=True):
                try:
                    tally.add(r[part], targets[part])
                except InputError as error:
                    name = self._subject.layer_names[place]
                    raise _named(name, block.positions, r) or error from error
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


def _named(name: str, positions: OfRows, rows: Array) -> InputError | None:
    """Return an error that names the layer and the sample of what is not finite."""
    found = np.asarray(to_numpy(rows))
    bad = np.argwhere(~np.isfinite(found))
    if not len(bad):
        return None
    row, unit = map(int, bad[0])
    samples = count(len(np.unique(bad[:, 0])))
    return InputError(
        f"{name}: unit {unit} is {found[row, unit]} for sample {positions[row]}, and "
        f"{samples} of {count(len(found))} samples have such values there: "
        "check its weights and its inputs"
    )


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
