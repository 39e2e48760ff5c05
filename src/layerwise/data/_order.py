"""In which order a training visits its samples: a permutation for every epoch."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Int64

from layerwise.errors import InputError


@dataclass(frozen=True)
class Order:
    """The batches of a training, by global step.

    Every epoch visits every sample once, in an order of its own, in
    ``steps_per_epoch`` batches; the last one may be short. An epoch's order follows
    from the seed and the epoch alone, so that a resumed training goes on where it was.

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
    ) -> tuple[Int64[np.ndarray, "steps batch"], Float32[np.ndarray, "steps batch"]]:
        """Return the batches of the global steps ``start`` … ``stop`` - 1.

        Returns
        -------
        indices : int64 array, shape (steps, batch)
            Which sample stands where.
        weights : float32 array, shape (steps, batch)
            1 for a sample, 0 where a short batch is filled up (with sample 0).

        Raises
        ------
        InputError
            If not ``0 <= start <= stop``.
        """
        if not 0 <= start <= stop:
            raise InputError(f"steps {start} to {stop}: give a range of 0 or more")
        in_epoch = np.arange(start, stop) % self.steps_per_epoch
        places = in_epoch[:, None] * self.batch_size + np.arange(self.batch_size)
        parts = [np.zeros((0, self.batch_size), np.int64)]
        while start < stop:
            epoch, first = divmod(start, self.steps_per_epoch)
            last = min(first + stop - start, self.steps_per_epoch)
            parts.append(_batches_of(self, epoch)[first:last])
            start += last - first
        return np.concatenate(parts), (places < self.samples).astype(np.float32)


@lru_cache(maxsize=2)
def _batches_of(order: Order, epoch: int) -> Int64[np.ndarray, "steps batch"]:
    """Return an epoch's batches.

    The latest two are kept: a stretch of steps may end one epoch and begin another.
    """
    indices = np.zeros(order.steps_per_epoch * order.batch_size, np.int64)
    visited = indices[: order.samples]
    visited[:] = np.arange(order.samples)
    if order.shuffled:
        key = np.random.SeedSequence(order.seed, spawn_key=(epoch,))
        np.random.default_rng(key).shuffle(visited)
    return indices.reshape(-1, order.batch_size)
