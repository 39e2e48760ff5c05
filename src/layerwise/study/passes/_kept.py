"""What is kept of passing blocks: rows at stated positions, and the worst mistakes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from layerwise import ranks

__all__ = ["Kept", "Mistakes"]


class Kept:
    """The rows at some positions, kept of the blocks that pass by."""

    def __init__(self, wanted: Int[np.ndarray, " wanted"]) -> None:
        self._wanted = np.sort(wanted)
        self._found: dict[int, tuple[np.ndarray, ...]] = {}

    def add(
        self,
        positions: Int[np.ndarray, " rows"],
        *arrays: Shaped[np.ndarray, "rows ..."],
    ) -> None:
        """Keep what is wanted of some rows, and of other arrays beside them."""
        rows = self.wanted(positions)
        if len(rows):
            # Blocks of different parts come from different threads, in any order.
            found = (positions[rows], *(array[rows] for array in arrays))
            self._found[int(found[0][0])] = found

    def wanted(self, positions: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " wanted"]:
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

    Parameters
    ----------
    positions : int array, shape (mistakes,)
    probabilities : array, shape (mistakes, classes)
        By the subject.
    inputs : array, shape (mistakes, features), or None
        What the input layer gives for them, where there is one.
    items : array, shape (mistakes, ...), or None
        What is shown of them.
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
