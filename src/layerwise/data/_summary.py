"""Least and greatest value, mean and spread of every feature, block by block."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from layerwise.errors import InputError

__all__ = ["Summary", "extremes", "summary"]

BLOCK_BYTES = 1 << 20
"""The float64 copy of a block: small enough to stay in a core's cache."""


@dataclass(frozen=True, eq=False)
class Summary:
    """What a feature's values are like; missing values (NaN) are left out.

    Parameters
    ----------
    counts : int64 array, shape (*shape)
        How many values there are.
    minimum, maximum, total, squares : float64 arrays, shape (*shape)
        The least and greatest value, the sum, and the sum of squares about the mean.
        NaN for the minimum and maximum of no values.
    """

    counts: Int64[np.ndarray, "*shape"]
    minimum: Float64[np.ndarray, "*shape"]
    maximum: Float64[np.ndarray, "*shape"]
    total: Float64[np.ndarray, "*shape"]
    squares: Float64[np.ndarray, "*shape"]

    @property
    def mean(self) -> Float64[np.ndarray, "*shape"]:
        """The mean; NaN of no values."""
        return np.asarray(_ratio(self.total, self.counts))

    @property
    def standard_deviation(self) -> Float64[np.ndarray, "*shape"]:
        """The root of the mean squared distance from the mean; NaN of no values."""
        return np.asarray(np.sqrt(_ratio(self.squares, self.counts)))

    def pooled(self) -> "Summary":
        """Return the summary of all entries taken together, of shape ()."""
        counts, total = self.counts.sum(), self.total.sum()
        present = self.counts > 0
        between = (self.mean[present] - _ratio(total, counts)) ** 2
        return Summary(
            counts=np.asarray(counts),
            minimum=np.asarray(np.fmin.reduce(self.minimum, axis=None)),
            maximum=np.asarray(np.fmax.reduce(self.maximum, axis=None)),
            total=np.asarray(total),
            squares=np.asarray(
                self.squares.sum() + (self.counts[present] * between).sum()
            ),
        )


@np.errstate(over="ignore", invalid="ignore")  # infinities say so themselves
def summary(inputs: np.ndarray) -> Summary:
    """Summarise inputs of shape (samples, *shape), in two passes of small blocks.

    The first pass adds the distances from the first row, the second the squares of
    those from the mean, both in float64: of integers the sums are exact up to 2**53,
    and an offset costs no digits of the spread.

    Raises
    ------
    InputError
        If there are no inputs.
    """
    _some(inputs)
    shape = inputs.shape[1:]
    counts = np.zeros(shape, np.int64)
    minimum, maximum = np.full(shape, np.nan), np.full(shape, np.nan)
    distances, squares = np.zeros(shape), np.zeros(shape)
    origin = np.nan_to_num(inputs[0].astype(np.float64))
    for rows in _blocks(inputs):
        minimum = np.fmin(minimum, np.fmin.reduce(rows))
        maximum = np.fmax(maximum, np.fmax.reduce(rows))
        present, distance = _about(rows, origin)
        counts += present
        distances += distance.sum(axis=0)
    mean = origin + _ratio(distances, counts)
    for rows in _blocks(inputs):
        distance = _about(rows, mean)[1]
        squares += np.einsum("i...,i...->...", distance, distance)
    return Summary(counts, minimum, maximum, origin * counts + distances, squares)


def extremes(
    inputs: np.ndarray, axis: int | None
) -> tuple[Float64[np.ndarray, "*shape"], Float64[np.ndarray, "*shape"]]:
    """Return the least and the greatest value, those that are missing left out.

    Parameters
    ----------
    inputs : array, shape (samples, *shape)
    axis : 0 or None
        0 for those of every feature, None for those of all together.

    Raises
    ------
    InputError
        If there are no inputs.
    """
    _some(inputs)
    least = greatest = np.full(inputs.shape[1:] if axis == 0 else (), np.nan)
    for rows in _blocks(inputs):
        least = np.fmin(least, np.fmin.reduce(rows, axis=axis))
        greatest = np.fmax(greatest, np.fmax.reduce(rows, axis=axis))
    return np.asarray(least), np.asarray(greatest)


def _some(inputs: np.ndarray) -> None:
    if not inputs.size:
        raise InputError(f"inputs have shape {inputs.shape}: give some rows")


def _blocks(inputs: np.ndarray) -> Iterator[np.ndarray]:
    size = max(1, BLOCK_BYTES // (8 * inputs[0].size))
    for start in range(0, len(inputs), size):
        yield inputs[start : start + size]


def _about(
    rows: np.ndarray, origin: Float64[np.ndarray, "*shape"]
) -> tuple[int | Int64[np.ndarray, "*shape"], Float64[np.ndarray, " _ *shape"]]:
    """Return how many values there are, and their distances; 0 for a missing one."""
    distance = np.subtract(rows, origin, dtype=np.float64)
    if rows.dtype.kind != "f":
        return len(rows), distance
    missing = np.isnan(rows)
    distance[missing] = 0
    return len(rows) - missing.sum(axis=0), distance


def _ratio(numerator: Any, counts: Any) -> Any:
    """Divide, with NaN where there is nothing."""
    return numerator / np.where(counts > 0, counts, np.nan)
