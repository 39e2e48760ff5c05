"""How rows are counted, and who is told how far it is."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TypedDict

from layerwise.statistics import MAX_UNITS, Moments, Precision

__all__ = ["Counting", "CountingOptions", "Progress"]


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


class Progress:
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
