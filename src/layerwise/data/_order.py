"""In which order a training visits its samples: a keyed permutation, by any range."""

from dataclasses import dataclass
from math import isqrt

import numpy as np
from jaxtyping import Float32, Int64, Integer, UInt64

from layerwise.errors import InputError

__all__ = ["Order", "order"]

ROUNDS = 6
"""Four rounds of an ideal Feistel network cannot be told from a random permutation
(Luby and Rackoff, 1988); two more make up for halves of a few bits."""


def order(
    seed: int, epoch: int, start: int, stop: int, samples: int
) -> Int64[np.ndarray, " positions"]:
    """Return which samples stand at positions ``start`` … ``stop`` - 1 of an epoch.

    The positions 0 … samples - 1 of an epoch hold every sample once. Any range can be
    asked for; time and memory follow its length alone, so that a resumed training goes
    on where it was and 10⁹ samples need no list.

    Parameters
    ----------
    seed, epoch : int
        The key, both at least 0: another seed or epoch is another permutation.
    start, stop : int
        The range of positions, ``0 <= start <= stop <= samples``.
    samples : int
        The number of samples.

    Returns
    -------
    int64 array, shape (stop - start,)

    Raises
    ------
    InputError
        If the seed or the epoch is negative, or the range is not within the samples.

    Notes
    -----
    A Feistel network over the two digits of a position in the bases a, b with
    a·b >= samples, and "cycle walking" for the few images beyond ``samples`` (Black and
    Rogaway, "Ciphers with arbitrary finite domains", 2002).
    """
    if seed < 0 or epoch < 0:
        raise InputError(f"seed {seed}, epoch {epoch}: give numbers of 0 or more")
    if not 0 <= start <= stop <= samples:
        raise InputError(
            f"positions {start} to {stop} are not within the {samples} samples"
        )
    return _within(np.arange(start, stop), samples, _keys(seed, epoch)[:, None])


def _keys(seed: int, epoch: int) -> UInt64[np.ndarray, " rounds"]:
    sequence = np.random.SeedSequence(seed, spawn_key=(epoch,))
    return sequence.generate_state(ROUNDS, np.uint64)


def _within(
    positions: Int64[np.ndarray, " positions"],
    samples: int,
    keys: UInt64[np.ndarray, "rounds columns"],
) -> Int64[np.ndarray, " positions"]:
    """Permute 0 … samples - 1; ``keys`` has one column for all, or one for each."""
    indices = _permuted(positions.astype(np.uint64), samples, keys)
    while (outside := np.flatnonzero(indices >= samples)).size:
        own = keys if keys.shape[1] == 1 else keys[:, outside]
        indices[outside] = _permuted(indices[outside], samples, own)
    return indices.astype(np.int64)


def _permuted(
    positions: UInt64[np.ndarray, " positions"],
    samples: int,
    keys: UInt64[np.ndarray, "rounds columns"],
) -> UInt64[np.ndarray, " positions"]:
    """Permute 0 … a·b - 1: the least near-square rectangle that holds the samples."""
    rows = np.uint64(isqrt(samples - 1) + 1)
    columns = np.uint64(-(-samples // int(rows)))
    row, column = np.divmod(positions, columns)
    for key_of_row, key_of_column in zip(keys[::2], keys[1::2], strict=True):
        row = (row + _mixed(column ^ key_of_row)) % rows
        column = (column + _mixed(row ^ key_of_column)) % columns
    return row * columns + column


def _mixed(values: UInt64[np.ndarray, " n"]) -> UInt64[np.ndarray, " n"]:
    """Scatter 64-bit integers, shifted down to leave room for an addition.

    The finaliser of SplitMix64 (Steele, Lea and Flood, 2014; Stafford's variant 13).
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (values ^ (values >> np.uint64(31))) >> np.uint64(1)


@dataclass(frozen=True)
class Order:
    """The batches of a training, by global step.

    Every epoch visits every sample once, in an order of its own, in
    ``steps_per_epoch`` batches; the last one may be short.

    Parameters
    ----------
    samples : int
        The number of training samples.
    batch_size : int
    seed : int
    shuffled : bool
        Whether the order changes from epoch to epoch; if not it is that of the samples.

    Raises
    ------
    InputError
        If there are no samples, or the batch size or the seed is out of range.
    """

    samples: int
    batch_size: int
    seed: int
    shuffled: bool = True

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise InputError("no samples: give at least one to train on")
        if self.batch_size < 1:
            raise InputError(f"batch size {self.batch_size}: give 1 or more")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}: give 0 or more")

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches that hold every sample once."""
        return -(-self.samples // self.batch_size)

    def batches(
        self, start: int, stop: int
    ) -> tuple[Integer[np.ndarray, "steps batch"], Float32[np.ndarray, "steps batch"]]:
        """Return the batches of the global steps ``start`` … ``stop`` - 1.

        Returns
        -------
        indices : integer array, shape (steps, batch)
            Which sample stands where: int32 where it suffices, else int64.
        weights : float32 array, shape (steps, batch)
            1 for a sample, 0 where a short batch is filled up (with sample 0).

        Raises
        ------
        InputError
            If not ``0 <= start <= stop``.
        """
        if not 0 <= start <= stop:
            raise InputError(f"steps {start} to {stop}: give a range of 0 or more")
        narrow = self.samples <= np.iinfo(np.int32).max
        epochs, first = np.divmod(np.arange(start, stop), self.steps_per_epoch)
        positions = first[:, None] * self.batch_size + np.arange(self.batch_size)
        inside = positions < self.samples
        indices = np.zeros(inside.shape, np.int32 if narrow else np.int64)
        in_epoch = np.repeat(epochs, inside.sum(axis=1))
        indices[inside] = self._samples_at(in_epoch, positions[inside])
        return indices, inside.astype(np.float32)

    def _samples_at(
        self,
        epochs: Int64[np.ndarray, " positions"],
        positions: Int64[np.ndarray, " positions"],
    ) -> Int64[np.ndarray, " positions"]:
        """Return which samples stand at these positions of these epochs, in order."""
        if not (self.shuffled and len(positions)):
            return positions
        first, last = int(epochs[0]), int(epochs[-1])
        keys = np.stack([_keys(self.seed, e) for e in range(first, last + 1)], axis=1)
        # One column for all positions where there is one epoch: nothing is copied.
        own = keys if first == last else keys[:, epochs - first]
        return _within(positions, self.samples, own)
