"""Recording somebody's own training loop: the networks it was on its way.

>>> import layerwise as lw, torch
>>> data, module = lw.load("iris"), torch.nn.Linear(4, 3)
>>> with lw.record(module, data) as rec:
...     for epoch in range(1, 4):
...         rec.snapshot(epoch)  # after the epoch's steps
>>> [snapshot.epoch for snapshot in rec.snapshots]
[0, 1, 2, 3]
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from layerwise import ranks
from layerwise.arrays import Tree, one_hot
from layerwise.data import Dataset, Samples
from layerwise.errors import InputError
from layerwise.model import TrainedNetwork, hits
from layerwise.training._history import Snapshot
from layerwise.training.engines import Score

if TYPE_CHECKING:
    from torch import nn

    from layerwise.modules import TorchNetwork

MOST_ROWS = 2_000
"""Samples that a snapshot is scored on."""


@dataclass(eq=False, repr=False)
class Recording:
    """What `record` keeps of a training.

    Parameters
    ----------
    module : torch.nn.Module
        The one that is being trained, by others.
    network : TorchNetwork
        As it was found.
    probe : Samples
        What each snapshot is scored on.
    most : int
        How many snapshots are kept at most.

    Attributes
    ----------
    scores : dict of int to Score
        Loss and accuracy on the probe samples, of every epoch noted.
    """

    module: "nn.Module"
    network: "TorchNetwork"
    probe: Samples
    most: int
    scores: dict[int, Score] = field(default_factory=dict, init=False)
    _kept: dict[int, Tree] = field(default_factory=dict, init=False)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The networks on the way, as a training of layerwise keeps them."""
        return tuple(
            Snapshot(epoch, replace(self.network, parameters=parameters))
            for epoch, parameters in self._kept.items()
        )

    def snapshot(self, epoch: int) -> None:
        """Note the module as it stands after an epoch; nothing of it is changed.

        Under ``torchrun`` rank 0 alone keeps anything.

        Raises
        ------
        InputError
            If the epoch is not after those noted before.
        """
        if self.scores and epoch <= max(self.scores):
            raise InputError(
                f"epoch {epoch} was noted already, or a later one: count on from "
                f"{max(self.scores) + 1}"
            )
        if not ranks.is_first():
            return
        network = self.network.reading(self.module)
        self._kept[epoch] = network.parameters
        self.scores[epoch] = _score(network, self.probe)
        if len(self._kept) > self.most:
            del self._kept[_crowded(list(self._kept))]


@contextmanager
def record(
    module: "nn.Module", probe_data: Dataset, *, most: int = 8
) -> Generator[Recording]:
    """Keep what a module is on its way, while its owner trains it in their own loop.

    Parameters
    ----------
    module : torch.nn.Module
        Wrapped for several devices or compiled, or not. As it is now is epoch 0.
    probe_data : Dataset
        What the module takes; its validation samples, at most 2,000 of them, score
        every snapshot.
    most : int
        How many snapshots to keep at most, at least 2. Where there are more, those stay
        that spread evenly over the logarithm of the epochs: the first epochs change a
        network most. The first and the last are always kept.

    Yields
    ------
    Recording
        ``snapshot(epoch)`` notes the module; afterwards ``snapshots`` and ``scores``
        have what was noted.

    Raises
    ------
    InputError
        If the module does not take the data, or ``most`` is below 2.
    """
    if most < 2:
        raise InputError(f"most {most}: keep at least 2 snapshots, the first and last")
    from layerwise.modules import TorchModule, torch_network

    network = torch_network(TorchModule(module), probe_data)
    held_out = probe_data.validation
    probe = held_out.at(held_out.spread(MOST_ROWS))
    recording = Recording(module, network, probe, most)
    recording.snapshot(0)
    yield recording


def _score(network: TrainedNetwork, probe: Samples) -> Score:
    outputs = network.logits(probe.inputs)
    rows = one_hot(probe.targets, len(network.class_names), outputs)
    losses, _ = network.loss.forward(outputs, rows)
    right = hits(outputs, probe.targets)
    return Score(float(np.mean(losses, dtype=np.float64)), float(np.mean(right)))


def _crowded(epochs: list[int]) -> int:
    """Return the epoch whose neighbours are closest in ratio, ends left out."""
    around = zip(epochs[:-2], epochs[2:], strict=True)
    ratios = [(after + 1) / (before + 1) for before, after in around]
    return epochs[1 + int(np.argmin(ratios))]
