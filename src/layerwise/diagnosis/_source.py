"""The rows that training, validation and test samples were drawn from, as one table."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from layerwise.data import Dataset, Samples

UNKNOWN = -1
"""The label of a row that is in none of the sets."""


def drawn_from_one(data: Dataset) -> tuple[str, ...]:
    """Return the sets that are all rows of one source: three, two, or training alone.

    A test set that was given apart has rows of its own.
    """
    for names in (("train", "validation", "test"), ("train", "validation")):
        places = _places([getattr(data, name) for name in names])
        if np.array_equal(np.sort(places), np.arange(len(places))):
            return names
    return ("train",)


def labels_by_row(sets: Sequence[Samples], rows: int = 0) -> Int[np.ndarray, " rows"]:
    """Return the label of every row of the source, ``UNKNOWN`` where no set has it."""
    places = _places(sets)
    labels = np.full(max(rows, int(places.max()) + 1), UNKNOWN)
    labels[places] = np.concatenate([one.targets for one in sets])
    return labels


def _places(sets: Sequence[Samples]) -> Int[np.ndarray, " samples"]:
    return np.concatenate([np.asarray(one.where.places, np.int64) for one in sets])
