"""Sweeps: what many trainings over a grid of settings came to."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

__all__ = [
    "DIVERGES",
    "OUTCOMES",
    "STALLS",
    "WORKS",
    "Axis",
    "Phase",
    "PhaseDiagram",
    "Setting",
    "Sweep",
    "SweepPoint",
]

Setting: TypeAlias = bool | int | float | str

SEED = "seed"
"""The axis that is chance and no choice: the best setting is the best on average."""

WORKS, STALLS, DIVERGES = OUTCOMES = "works", "stalls", "diverges"

HALF_WAY = 0.5
"""A training that comes less than so far from chance to all samples right stalls."""


@dataclass(frozen=True)
class Axis:
    """A setting that a sweep varies, and its values."""

    name: str
    values: tuple[Setting, ...]


@dataclass(frozen=True)
class SweepPoint:
    """What one training of a sweep came to. It has not seen the test set.

    Parameters
    ----------
    settings : mapping of str to value
        Its place in the grid: a value for each axis.
    status : str
        ``finished`` or ``diverged``.
    chance : float
        The commonest class's share of the training set.
    steps, epochs : int
        Done.
    train_loss, train_accuracy : float
        After the last whole epoch; NaN where there was none.
    validation_loss, validation_accuracy : float
        Of the network that the training ended with.
    seconds : float
        That the training took.
    """

    settings: Mapping[str, Setting]
    status: str
    chance: float
    steps: int
    epochs: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float

    @property
    def diverged(self) -> bool:
        """Whether a loss or a parameter was not finite."""
        return self.status == "diverged"

    @property
    def outcome(self) -> str:
        """``works``, ``stalls`` or ``diverges``.

        A training stalls that does not come half the way from chance to all training
        samples right.
        """
        if self.diverged:
            return DIVERGES
        way = (self.train_accuracy - self.chance) / (1 - self.chance)
        return WORKS if way >= HALF_WAY else STALLS


@dataclass(frozen=True)
class Sweep:
    """A grid of settings, and the trainings done so far.

    Parameters
    ----------
    name : str
        The data set's.
    axes : tuple of Axis
        At least one.
    points : tuple of SweepPoint
        In any order.
    """

    name: str
    axes: tuple[Axis, ...]
    points: tuple[SweepPoint, ...] = ()

    def __len__(self) -> int:
        """Return how many trainings the grid has."""
        return math.prod(len(axis.values) for axis in self.axes)

    def grid(self) -> Iterator[dict[str, Setting]]:
        """Yield the settings of every training, the last axis running first."""
        names = [axis.name for axis in self.axes]
        for values in product(*(axis.values for axis in self.axes)):
            yield dict(zip(names, values, strict=True))

    def missing(self) -> list[dict[str, Setting]]:
        """Return the settings of the trainings that are still to be done."""
        done = [point.settings for point in self.points]
        return [settings for settings in self.grid() if settings not in done]

    def best(self) -> SweepPoint | None:
        """Return the training to choose, by the validation set alone.

        The setting with the greatest mean accuracy over the seeds, then the least mean
        loss, counts; one of which a seed diverged does not, unless all have such. Of
        its seeds it is the one with the least loss. None where everything diverged.
        """
        groups: dict[tuple[Setting, ...], list[SweepPoint]] = {}
        for point in self.points:
            chosen = (v for name, v in point.settings.items() if name != SEED)
            groups.setdefault(tuple(chosen), []).append(point)
        whole = [own for own in groups.values() if not any(p.diverged for p in own)]
        some = [[p for p in own if not p.diverged] for own in groups.values()]
        eligible = whole or [own for own in some if own]
        if not eligible:
            return None
        group = max(
            eligible,
            key=lambda points: (
                _mean(point.validation_accuracy for point in points),
                -_mean(point.validation_loss for point in points),
            ),
        )
        return min(group, key=lambda point: point.validation_loss)

    def phases(self) -> "PhaseDiagram":
        """Return what became of the trainings over the first two axes that are choices.

        Over the other axes, the seed among them, the trainings are put together.
        """
        chosen = [axis for axis in self.axes if axis.name != SEED] or list(self.axes)
        columns, rows = chosen[0], chosen[1] if len(chosen) > 1 else None
        places = [{rows.name: value} for value in rows.values] if rows else [{}]
        cells = {
            (row, column): self._phase(place | {columns.name: value})
            for row, place in enumerate(places)
            for column, value in enumerate(columns.values)
        }
        others = tuple(axis for axis in self.axes if axis not in (columns, rows))
        return PhaseDiagram(columns, rows, others, cells)

    def _phase(self, where: Mapping[str, Setting]) -> "Phase":
        here = [p for p in self.points if where.items() <= dict(p.settings).items()]
        outcomes = [point.outcome for point in here]
        finite = [point for point in here if not point.diverged]
        return Phase(
            {outcome: outcomes.count(outcome) for outcome in OUTCOMES},
            _mean(point.validation_accuracy for point in finite),
            min(finite or here, key=lambda p: p.validation_loss, default=None),
        )


@dataclass(frozen=True)
class Phase:
    """What became of the trainings at one place of a phase diagram.

    Parameters
    ----------
    counts : mapping of str to int
        How many of them have each of the `OUTCOMES`.
    validation_accuracy : float
        The mean of those that did not diverge; NaN where none is left.
    best : SweepPoint, optional
        Of those the one with the least validation loss; the first where all diverged.
    """

    counts: Mapping[str, int]
    validation_accuracy: float
    best: SweepPoint | None = None


@dataclass(frozen=True)
class PhaseDiagram:
    """Where training works, stalls and diverges.

    Parameters
    ----------
    columns : Axis
        To the right.
    rows : Axis or None
        Downwards.
    others : tuple of Axis
        Over which the trainings are put together.
    cells : mapping of (int, int) to Phase
        By the numbers of their row and column, row by row.
    """

    columns: Axis
    rows: Axis | None
    others: tuple[Axis, ...]
    cells: Mapping[tuple[int, int], Phase]

    def place(self, point: SweepPoint) -> tuple[int, int]:
        """Return the row and the column of a training."""
        row, column = (
            axis.values.index(point.settings[axis.name]) if axis else 0
            for axis in (self.rows, self.columns)
        )
        return row, column


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found) if found else math.nan
