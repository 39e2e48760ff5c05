"""One pass over labelled rows, a block at a time: checks, counts, sums, products."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int, Int64

from layerwise.arrays import Array, one_hot, to_numpy
from layerwise.errors import InputError

__all__ = ["Sums", "blocks", "checked_labels", "checked_rows", "sum_about"]

EXACT_ORIGIN = 128.0
"""About 128 a byte is at most 128 in magnitude, its products at most 2**14."""

EXACT_ROWS = 1024
"""2**10 products of at most 2**14: every partial sum is a whole number that float32
holds exactly, so that the faster single-precision product does not round at all."""

BLOCK_ROWS = 2048


class Sums(NamedTuple):
    """What a pass over rows adds up, each about an origin."""

    counts: Int64[np.ndarray, " classes"]
    sums: Float64[np.ndarray, "classes units"]
    squares: Float64[np.ndarray, "classes units"]
    scatter: Float64[np.ndarray, "units units"]
    class_scatters: Float64[np.ndarray, "classes units units"] | None


def blocks(count: int, size: int = BLOCK_ROWS) -> Iterator[slice]:
    """Yield the slices that cut ``count`` rows into blocks of at most ``size``."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def checked_rows(rows: Array, units: int | None = None) -> np.ndarray:
    """Return ``rows`` as a NumPy array of real numbers, shape (rows, units)."""
    rows = to_numpy(rows)
    if rows.ndim != 2:
        raise InputError(
            f"rows have shape {rows.shape}: give an array of shape (rows, units)"
        )
    if rows.dtype.kind not in "biuf":
        raise InputError(f"rows have dtype {rows.dtype}: give real numbers")
    if units is not None and rows.shape[1] != units:
        raise InputError(
            f"rows have {rows.shape[1]} columns where {units} are expected"
        )
    return rows


def checked_labels(
    labels: Array | None, count: int, classes: int
) -> Int[np.ndarray, " rows"]:
    """Return ``labels`` as integers in 0 … classes - 1; all are 0 where none given."""
    if labels is None:
        return np.broadcast_to(np.int64(0), count)
    labels = to_numpy(labels)
    if labels.shape != (count,):
        raise InputError(
            f"labels have shape {labels.shape} where ({count},) is expected: "
            "give one label for every row"
        )
    if labels.dtype.kind not in "iu":
        raise InputError(f"labels have dtype {labels.dtype}: give whole numbers")
    if count and not (labels.min() >= 0 and labels.max() < classes):
        row = np.flatnonzero((labels < 0) | (labels >= classes))[0]
        raise InputError(
            f"row {row} has the label {labels[row]}: labels are 0 to {classes - 1} here"
        )
    return labels


def sum_about(
    origin: Float64[np.ndarray, " units"],
    rows: np.ndarray,
    labels: Int[np.ndarray, " rows"],
    classes: int,
    per_class: bool,
) -> Sums:
    """Add up ``rows - origin`` and its products, class by class.

    Rows of ``uint8`` about `EXACT_ORIGIN` are added up without any rounding.

    Raises
    ------
    InputError
        If an entry is not finite, or so large that its square is not.
    """
    units = len(origin)
    exact = rows.dtype == np.uint8 and bool(np.all(origin == EXACT_ORIGIN))
    origin = origin.astype(np.float32) if exact else origin
    counts = np.zeros(classes, np.int64)
    sums, squares = np.zeros((2, classes, units))
    scatter = np.zeros((units, units))
    class_scatters = np.zeros((classes, units, units)) if per_class else None
    # What is not finite shows in the sums, and is looked for only then.
    with np.errstate(over="ignore", invalid="ignore"):
        for part in blocks(len(rows), EXACT_ROWS if exact else BLOCK_ROWS):
            block = rows[part].astype(origin.dtype)
            block -= origin
            classed = labels[part].astype(np.int64)
            members = one_hot(classed, classes, like=block)
            counts += np.bincount(classed, minlength=classes)
            sums += members.T @ block
            squares += members.T @ (block * block)
            scatter += block.T @ block  # one array twice: NumPy computes one half
            if class_scatters is not None:
                for label in np.unique(classed):
                    own = block[classed == label]
                    class_scatters[label] += own.T @ own
    if not (np.isfinite(sums).all() and np.isfinite(squares).all()):
        raise _not_finite(rows)
    return Sums(counts, sums, squares, scatter, class_scatters)


def _not_finite(rows: np.ndarray) -> InputError:
    for part in blocks(len(rows)):
        bad = np.argwhere(~np.isfinite(rows[part]))
        if len(bad):
            row, unit = bad[0]
            return InputError(
                f"row {part.start + row}, column {unit} is {rows[part][row, unit]}: "
                "remove the row or fill the value in"
            )
    return InputError(
        "the rows hold numbers so large that their squares overflow: scale them down"
    )
