"""How alike two layers are: linear CKA."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from layerwise.statistics import Likeness, hsic, linear_cka
from layerwise.threads import each

__all__ = ["layer_similarity"]

Rows = Float[np.ndarray, "samples _"]
Matrix = Float[np.ndarray, "_ _"]


def layer_similarity(
    rows: Sequence[Rows], others: Sequence[Rows] | None = None
) -> dict[str, Matrix]:
    """Return the CKA of every two layers, ``debiased`` and ``biased``.

    Parameters
    ----------
    rows : sequence of array, shape (samples, units)
        Each layer's, of the same samples in the same order.
    others : sequence of array, shape (samples, units), optional
        The layers of another network, to set against those: by default the same.
    """
    narrow = each(_in_own_span, rows)
    return _similarity(narrow, narrow if others is None else each(_in_own_span, others))


def _in_own_span(rows: Rows) -> Rows:
    """Return the rows in as many coordinates as there are rows, where units are more.

    Products of any two stay, and CKA knows no more of the rows than these.
    """
    samples, units = rows.shape
    if units <= samples:
        return rows
    triangle: np.ndarray = np.linalg.qr(rows.T.astype(np.float64))[1]
    return triangle.T


def _similarity(first: Sequence[Rows], second: Sequence[Rows]) -> dict[str, Matrix]:
    forms = Likeness._fields
    # Debiased HSIC is of four samples and more; below, there is nothing to estimate.
    if len(first[0]) < 4:
        nothing = np.full((len(first), len(second)), np.nan)
        return dict.fromkeys(forms, nothing)
    own = each(lambda rows: hsic(rows, rows), first)
    others = own if second is first else each(lambda rows: hsic(rows, rows), second)

    def alike(pair: tuple[int, int]) -> Likeness:
        i, j = pair
        return linear_cka(hsic(first[i], second[j]), own[i], others[j])

    values = np.empty((len(forms), len(first), len(second)))
    pairs = list(np.ndindex(len(first), len(second)))
    if second is first:  # each two once: they are as alike as the other way round
        pairs = [(i, j) for i, j in pairs if i <= j]
    for (i, j), found in zip(pairs, each(alike, pairs), strict=True):
        values[:, i, j] = found
        if second is first:
            values[:, j, i] = found
    return dict(zip(forms, values, strict=True))
