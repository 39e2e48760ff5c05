"""Layerwise's own network as a subject."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from layerwise import ranks
from layerwise.arrays import Array, each, leaves
from layerwise.data import (
    Dataset,
    Samples,
    Scaling,
    StoredRows,
    of_memory_map,
    read_ahead,
)
from layerwise.model import Linear, Network, Sequential, flatten
from layerwise.study.measures import LayerSample
from layerwise.study.subjects._subject import Block, Case, Followed, Stage
from layerwise.training import Snapshot

BLOCK_ROWS = 1024
"""Rows passed at a time. Where a block begins depends on the samples' order alone: the
rounding of a product depends on how many rows it has, and is then the same for any
number of ranks."""

PARTS = 4
"""Of a set of samples, passed side by side."""


@dataclass(frozen=True, eq=False)
class NetworkSubject:
    """A network of layerwise's own; see `Subject`."""

    network: Network
    has_input = True
    has_output = True
    seeking = 0

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The input and every block."""
        return ("input", *self.network.layer_names)

    @property
    def whole(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self.layer_names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The network's."""
        return self.network.class_names

    @property
    def scaling(self) -> Scaling:
        """The network's."""
        return self.network.scaling

    @property
    def output_weights(self) -> Float[np.ndarray, "units classes"] | None:
        """Those of the last block, where it begins with a linear layer."""
        last = self.network.layer.layers[-1]
        if isinstance(last, Sequential) and isinstance(last.layers[0], Linear):
            return np.asarray(self.network.parameters[-1][0]["W"])
        return None

    def probabilities(
        self, outputs: Float[np.ndarray, "rows classes"]
    ) -> Float[np.ndarray, "rows classes"]:
        """Return what the network's loss takes outputs for."""
        return self.network.loss.probabilities(outputs)


@dataclass(frozen=True, eq=False)
class NetworkActivations:
    """What a network's layers give for samples; see `Activations`.

    Samples in files, or in a memory map, are read by blocks, ahead of the network.
    """

    network: Network
    samples: Samples

    @property
    def targets(self) -> Int[np.ndarray, " samples"]:
        """The samples' classes."""
        return self.samples.targets

    @property
    def inputs(self) -> np.ndarray | StoredRows:
        """The samples' inputs."""
        return self.samples.inputs

    def parts(self) -> Sequence[Iterator[Block]]:
        """Return four passes over this rank's blocks, fewer for few samples."""
        blocks = ranks.own_share(-(-len(self.samples) // BLOCK_ROWS))
        size = max(-(-(blocks.stop - blocks.start) // PARTS), 1)
        return [
            self._blocks(
                slice(start * BLOCK_ROWS, min(start + size, blocks.stop) * BLOCK_ROWS)
            )
            for start in range(blocks.start, blocks.stop, size)
        ]

    def _blocks(self, part: slice) -> Iterator[Block]:
        start = part.start
        inputs = _in_files(self.samples).at(part).inputs
        for rows in read_ahead(inputs, BLOCK_ROWS):
            passed = 0
            for arrays in self.network.activations(rows):
                own = rows[passed : passed + len(arrays[0])]
                passed += len(own)
                stop = start + len(own)
                yield Block(
                    positions=np.arange(start, stop),
                    layers=arrays,
                    inputs=flatten(own),
                    outputs=arrays[-1],
                    items=own,
                )
                start = stop


def network_case(
    network: Network,
    data: Dataset | Samples,
    fit_on: Samples | None,
    snapshots: Sequence[Snapshot],
) -> Case:
    """Return a network, and the samples to study it on, as a case.

    Parameters
    ----------
    network : Network
    data : Dataset or Samples
    fit_on : Samples or None
        As for `inspect`.
    snapshots : sequence of Snapshot
        The network on its way; without any it is drawn anew, with seed 0.
    """
    if isinstance(data, Dataset):
        fit_on, scored, validation = data.train, data.test, data.validation
        name, words, part = data.name, ("training samples", "test samples"), "test"
        columns = data.columns
    else:
        scored, validation, name = data, None, "samples"
        words, part = ("samples given to fit on", "samples given"), "samples"
        columns = None
    fitted = scored if fit_on is None else fit_on

    def passed(samples: Samples | None) -> NetworkActivations | None:
        return None if samples is None else NetworkActivations(network, samples)

    def stages(followed: Followed, see: Callable[[Stage], Any]) -> list[Any]:
        stated = (
            _in_files(fitted).at(followed.fitting),
            _in_files(scored).at(followed.sampled),
        )
        shown = _in_files(scored).at(followed.shown).inputs

        def stage(taken: tuple[int | None, Network, bool]) -> Any:
            epoch, own, is_last = taken
            rows = _rows(own, *stated)
            return see(Stage(epoch, rows, None if is_last else _blocks(own, shown)))

        taken = _taken(network, snapshots)
        last = len(taken) - 1
        return each(stage, [(*one, at == last) for at, one in enumerate(taken)])

    return Case(
        name=name,
        subject=NetworkSubject(network),
        scored=NetworkActivations(network, scored),
        fit_on=passed(fit_on),
        validation=passed(validation),
        words=words,
        part=part,
        origins=scored.where,
        fitted_origins=fitted.where,
        stages=stages,
        columns=columns,
        answer=lambda rows: np.argmax(network.logits(rows), axis=1),
    )


def _in_files(samples: Samples) -> Samples:
    """Return samples whose inputs, if mapped, are read from their file instead.

    The pages of a map count as this process's memory once they were looked at.
    """
    inputs = of_memory_map(samples.inputs)
    return samples if inputs is samples.inputs else replace(samples, inputs=inputs)


def _taken(
    network: Network, snapshots: Sequence[Snapshot]
) -> list[tuple[int | None, Network]]:
    taken: list[tuple[int | None, Network]] = [
        (s.epoch, s.network) for s in snapshots if isinstance(s.network, Network)
    ]
    if not taken:
        taken.append((0, network.redrawn(seed=0)))
    last = leaves(taken[-1][1].parameters)
    if not all(map(np.array_equal, leaves(network.parameters), last)):
        taken.append((None, network))
    return taken


def _blocks(network: Network, inputs: Array) -> Iterator[Block]:
    """Yield what every layer but the input gives, and the outputs."""
    start = 0
    for _, *layers in network.activations(inputs):
        stop = start + len(layers[-1])
        yield Block(np.arange(start, stop), tuple(layers), outputs=layers[-1])
        start = stop


def _rows(network: Network, fitting: Samples, scored: Samples) -> list[LayerSample]:
    """Return the stated sample as every layer but the input has it."""
    fitted, others = (
        [np.concatenate(blocks) for blocks in zip(*passed, strict=True)]
        for passed in map(network.activations, (fitting.inputs, scored.inputs))
    )
    return [
        LayerSample(rows, fitting.targets, other, scored.targets)
        for rows, other in zip(fitted[1:], others[1:], strict=True)
    ]
