"""Sparse rows, filled in with their zeros a block at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

BLOCK_NUMBERS = 1 << 22
"""So many numbers make a block: 32 MB."""


def dense_blocks(rows: Any) -> Iterator[np.ndarray]:
    """Yield all rows: an array as it is, sparse rows (CSR) in blocks."""
    if not issparse(rows):
        yield np.asarray(rows)
        return
    size = max(1, BLOCK_NUMBERS // rows.shape[1])
    for start in range(0, rows.shape[0], size):
        yield rows[start : start + size].toarray()
