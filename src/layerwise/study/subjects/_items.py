"""What people are shown of a batch's samples: pictures, texts, or a few numbers."""

from typing import Any

import numpy as np
from torch import Tensor

from layerwise.arrays import to_numpy
from layerwise.data import are_pictures
from layerwise.errors import InputError
from layerwise.modules import Batch, Entry, entry_of

SIDE = 96
"""Larger pictures are shown at every second, third, … row and column."""

FEW = 64
"""So many numbers may be kept to show a sample that is no picture."""


def items_of(batch: Batch, display: Entry | None) -> np.ndarray | None:
    """Return what is shown of each sample of a batch.

    Raises
    ------
    InputError
        If ``display`` is no part of a batch, or not one thing for each sample.
    """
    if display is None:
        first = batch.first if batch.raw is None else batch.raw
        if first is None or len(first) != len(batch.targets):
            return None
        found = pictured(_array(first))
        return found if are_pictures(found) or found[:1].size <= FEW else None
    items = pictured(_array(entry_of(batch.given, display)))
    if len(items) != len(batch.targets):
        raise InputError(
            f"display= gives {len(items)} items for {len(batch.targets)} samples: give "
            "one picture or text for each"
        )
    return items


def pictured(rows: np.ndarray) -> np.ndarray:
    """Return pictures with channels last, and not too large; the rest as it is."""
    if rows.ndim == 4 and rows.shape[1] in (1, 3) and rows.shape[-1] not in (1, 3):
        rows = np.moveaxis(rows, 1, -1)
    if not are_pictures(rows):
        return rows
    step = -(-max(rows.shape[1:3]) // SIDE)
    return rows[:, ::step, ::step]


def _array(found: Any) -> np.ndarray:
    # NumPy has no bfloat16.
    if isinstance(found, Tensor) and found.is_floating_point():
        found = found.float()
    return to_numpy(found)
