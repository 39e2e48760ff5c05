"""Labels against what was said: counted without anything as long as the samples."""

import numpy as np
from jaxtyping import Int, Int64

from layerwise.statistics import blocks

__all__ = ["confusion_counts"]

BLOCK = 1 << 16


def confusion_counts(
    targets: Int[np.ndarray, " samples"],
    predictions: Int[np.ndarray, " samples"],
    classes: int,
) -> Int64[np.ndarray, "classes classes"]:
    """Return how many samples have which label (row) and prediction (column)."""
    counts = np.zeros(classes * classes, np.int64)
    for block in blocks(len(targets), BLOCK):
        pairs = targets[block].astype(np.int64) * classes + predictions[block]
        counts += np.bincount(pairs, minlength=classes * classes)
    return counts.reshape(classes, classes)
