"""Where samples stand in what they were read from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Int, Int64

from layerwise.wording import count

__all__ = ["Origins", "sample_names"]


@dataclass(frozen=True, eq=False)
class Origins:
    """Where samples stand in what they were read from: file and row, from 0.

    Parameters
    ----------
    places : range or int64 array, shape (samples,)
        The rows, counted through all files.
    files : tuple of (str, int)
        The files' names and their numbers of rows, in order; none for arrays that were
        given without a file.
    """

    places: range | Int64[np.ndarray, " samples"]
    files: tuple[tuple[str, int], ...] = ()

    @cached_property
    def _starts(self) -> Int64[np.ndarray, " files"]:
        sizes = [rows for _, rows in self.files] or [0]
        return np.cumsum([0, *sizes[:-1]], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.places)

    def at(self, positions: slice | Int[np.ndarray, " _"]) -> "Origins":
        """Return where the samples at these positions stand."""
        places = self.places
        if isinstance(places, range) and not isinstance(positions, slice):
            places = np.arange(places.start, places.stop, places.step)
        return replace(self, places=places[positions])

    @property
    def rows(self) -> Int64[np.ndarray, " samples"]:
        """The samples' rows, each in its own file."""
        places = np.asarray(self.places, np.int64)
        return places - self._starts[self._number(places)]

    def row(self, position: int) -> int:
        """Return the row of one sample in its file."""
        place = int(self.places[position])
        return place - int(self._starts[self._number(place)])

    def file(self, position: int) -> str | None:
        """Return the name of one sample's file, where there is one."""
        if not self.files:
            return None
        return self.files[int(self._number(int(self.places[position])))][0]

    def named(self, position: int) -> str:
        """Return one sample's row, and its file where there are several of them.

        >>> Origins(range(4), (("a.parquet", 2), ("b.parquet", 2))).named(3)
        'row 1 of b.parquet'
        """
        row = f"row {count(self.row(position))}"
        return f"{row} of {self.file(position)}" if len(self.files) > 1 else row

    def _number(
        self, places: int | Int64[np.ndarray, " _"]
    ) -> np.integer | Int64[np.ndarray, " _"]:
        return np.searchsorted(self._starts, places, side="right") - 1


def sample_names(
    origins: Origins | None, positions: Iterable[int] | np.ndarray
) -> list[str]:
    """Return what samples are called in lists: their rows, or else their positions."""
    if origins is None:
        return [f"sample {count(int(position))}" for position in positions]
    return [origins.named(int(position)) for position in positions]
