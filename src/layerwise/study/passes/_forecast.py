"""What a study of stored activations will cost, from a block that was measured."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from layerwise.arrays import Array
from layerwise.statistics import Moments, Tally
from layerwise.study.passes._counted import FITTED, SHOWN, block_rows
from layerwise.study.passes._tallies import Counting

BLOCKS = 3
"""Measured; the quickest counts, the first having to wait for much."""


@dataclass(frozen=True)
class Forecast:
    """What counting one layer costs.

    Parameters
    ----------
    width : int
        Of how many coordinates the scatter is taken.
    read_bytes : int
        What is read of the layer, once.
    seconds : float
        Of one process, by the measured block: what reading or adding up takes,
        whichever is longer, because they go on at a time.
    memory_bytes : int
        What is kept while rows pass: sums, a block, and the rows of the sample.
    part_bytes : int
        What is kept of the layer at the end: the size of a part's file, and what each
        rank sends to the others.
    """

    layer: str
    rows: int
    units: int
    width: int
    read_bytes: int
    seconds: float
    memory_bytes: int
    part_bytes: int


def forecast(
    layers: Mapping[str, Array], combinations: int, counting: Counting
) -> list[Forecast]:
    """Return what counting every layer will cost, by measuring some blocks of each.

    Labels have so many ``combinations``: classes, in all columns.
    """
    return [_of_layer(*item, combinations, counting) for item in layers.items()]


def _of_layer(
    name: str, rows: Array, combinations: int, counting: Counting
) -> Forecast:
    units = int(np.prod(rows.shape[1:]))
    none = counting.begun(units, combinations)
    size = min(block_rows(units), len(rows))
    seconds = min(_measured(rows, start, size, none) for start in _starts(rows, size))
    width = len(none.scatter)
    sums = 8 * (width**2 + 2 * combinations * units)
    kept = min(FITTED + SHOWN, len(rows)) * units * rows.dtype.itemsize
    return Forecast(
        layer=name,
        rows=len(rows),
        units=units,
        width=width,
        read_bytes=len(rows) * units * rows.dtype.itemsize,
        seconds=seconds * len(rows) / size,
        # A block as it is read, the one that is read ahead, and in double precision.
        memory_bytes=3 * sums + kept + size * units * (2 * rows.dtype.itemsize + 16),
        part_bytes=sums + kept,
    )


def _starts(rows: Array, size: int) -> list[int]:
    """Return where some blocks begin, here and there: not all in one cache."""
    last = len(rows) - size
    return [last * number // BLOCKS for number in range(1, BLOCKS + 1)]


def _measured(rows: Array, start: int, size: int, none: Moments) -> float:
    begun = time.perf_counter()
    block = np.asarray(rows[start : start + size])
    read = time.perf_counter()
    tally = Tally(none)
    tally.add(block.reshape(size, len(none.shift)), np.zeros(size, np.int64))
    return max(read - begun, time.perf_counter() - read)
