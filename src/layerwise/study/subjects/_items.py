"""What people are shown of a batch's samples: pictures, texts, or a few numbers."""

import numpy as np
from torch import Tensor

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
        if batch.raw is not None:
            found = pictured(batch.raw)
            return found if _is_picture(found) or found[:1].size <= FEW else None
        first = batch.first
        if first is None or len(first) != len(batch.targets):
            return None
        found = first.detach().cpu()
        found = pictured(
            found.float().numpy() if found.is_floating_point() else found.numpy()
        )
        return found if _is_picture(found) or found[:1].size <= FEW else None
    found = entry_of(batch.given, display)
    items = found.detach().cpu().numpy() if isinstance(found, Tensor) else found
    items = pictured(np.asarray(items))
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
    if not _is_picture(rows):
        return rows
    step = -(-max(rows.shape[1:3]) // SIDE)
    return rows[:, ::step, ::step]


def _is_picture(rows: np.ndarray) -> bool:
    if rows.ndim == 3:
        return rows.dtype == np.uint8
    return rows.ndim == 4 and rows.shape[-1] in (1, 3)
