"""Inputs of some samples, found by position as in an array of all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped


@dataclass(frozen=True, eq=False)
class KeptInputs:
    """The inputs of some samples, found by position as in an array of all.

    Parameters
    ----------
    positions : int array, shape (kept,)
    items : array, shape (kept, ...)
        Pictures, texts or rows of numbers.
    """

    positions: Int[np.ndarray, " kept"]
    items: Shaped[np.ndarray, "kept ..."]

    @property
    def dtype(self) -> Any:
        """That of the items."""
        return self.items.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the items."""
        return self.items.shape

    @property
    def ndim(self) -> int:
        """That of the items."""
        return self.items.ndim

    def __getitem__(self, positions: Any) -> Shaped[np.ndarray, "..."]:
        """Return the items at one position or at several, all of them kept ones.

        Raises
        ------
        KeyError
            If one was not kept.
        """
        order = np.argsort(self.positions)
        asked = np.asarray(positions)
        places = np.searchsorted(self.positions, asked, sorter=order)
        found = order[np.minimum(places, len(order) - 1)]
        if not np.array_equal(self.positions[found], asked):
            raise KeyError(f"not all inputs were kept of samples {asked}")
        return self.items[found]
