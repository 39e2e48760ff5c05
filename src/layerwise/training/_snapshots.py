"""Snapshots: the networks that a training was on its way to the last one."""

from dataclasses import dataclass

import numpy as np

from layerwise.model import TrainedNetwork

__all__ = ["Snapshot", "snapshot_epochs"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A network as it stood at the end of an epoch.

    Parameters
    ----------
    epoch : int
        Epochs done by then; 0 is the untrained network.
    network : TrainedNetwork
        Predicts like any other.
    """

    epoch: int
    network: TrainedNetwork


def snapshot_epochs(epochs: int, count: int) -> tuple[int, ...]:
    """Return the epochs after which a network is kept.

    Parameters
    ----------
    epochs : int
        How many the training has.
    count : int
        How many networks are kept beside the untrained one, at least 0.

    Returns
    -------
    tuple of int
        0, then ``min(count, epochs)`` epochs that grow geometrically, since the first
        change a network most: from 1, and up to the last where there are two or more.

    Examples
    --------
    >>> snapshot_epochs(10, 5)
    (0, 1, 2, 3, 6, 10)
    """
    count = min(count, epochs)
    geometric = np.rint(np.geomspace(1, epochs, count)).astype(int)
    # Where they start too close together to differ, they follow one another.
    distinct = np.maximum(geometric, np.arange(1, count + 1))
    return (0, *distinct.tolist())
