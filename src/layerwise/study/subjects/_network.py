"""Layerwise's own network as a subject."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from layerwise import ranks
from layerwise.arrays import Array, each, leaves
from layerwise.data import Dataset, Samples, of_memory_map, read_ahead
from layerwise.model import Linear, Network, Sequential, flatten
from layerwise.study.measures import LayerSample
from layerwise.study.subjects._subject import (
    Activations,
    Block,
    Case,
    Followed,
    Stage,
    Subject,
)
from layerwise.training import Snapshot

BLOCK_ROWS = 1024
"""Rows passed at a time. Where a block begins depends on the samples' order alone: the
rounding of a product depends on how many rows it has, and is then the same for any
number of ranks."""

PARTS = 4
"""Of a set of samples, passed side by side."""


def network_subject(network: Network) -> Subject:
    """Return a network as what is studied: its input, and every block whole."""
    names = ("input", *network.layer_names)
    last, weights = network.layer.layers[-1], None
    if isinstance(last, Sequential) and isinstance(last.layers[0], Linear):
        weights = np.asarray(network.parameters[-1][0]["W"])
    return Subject(
        layer_names=names,
        class_names=network.class_names,
        has_input=True,
        has_output=True,
        seeking=0,
        whole=frozenset(names),
        scaling=network.scaling,
        output_weights=weights,
        probabilities=network.loss.probabilities,
    )


def network_activations(network: Network, samples: Samples) -> Activations:
    """Return what a network's layers give for samples, in four parts or fewer.

    Samples in files, or in a memory map, are read by blocks, ahead of the network.
    """

    def parts() -> list[Iterator[Block]]:
        blocks = ranks.own_share(-(-len(samples) // BLOCK_ROWS))
        size = max(-(-(blocks.stop - blocks.start) // PARTS), 1)
        return [
            _blocks(
                network,
                samples,
                slice(start * BLOCK_ROWS, min(start + size, blocks.stop) * BLOCK_ROWS),
            )
            for start in range(blocks.start, blocks.stop, size)
        ]

    return Activations(samples.targets, samples.inputs, parts)


def _blocks(network: Network, samples: Samples, part: slice) -> Iterator[Block]:
    start = part.start
    for rows in read_ahead(_in_files(samples).at(part).inputs, BLOCK_ROWS):
        passed = 0
        for arrays in network.activations(rows):
            own = rows[passed : passed + len(arrays[0])]
            passed += len(own)
            yield Block(
                positions=np.arange(start, start + len(own)),
                layers=arrays,
                inputs=flatten(own),
                outputs=arrays[-1],
                items=own,
            )
            start += len(own)


def network_case(
    network: Network,
    data: Dataset | Samples,
    fit_on: Samples | None,
    snapshots: Sequence[Snapshot],
) -> Case:
    """Return a network, and the samples to study it on, as a case.

    Without snapshots, the network on its way, it is drawn anew, with seed 0.
    """
    if isinstance(data, Dataset):
        fit_on, scored, validation = data.train, data.test, data.validation
    else:
        scored, validation = data, None
    fitted = scored if fit_on is None else fit_on

    def passed(samples: Samples | None) -> Activations | None:
        return None if samples is None else network_activations(network, samples)

    def stages(followed: Followed, see: Callable[[Stage], Any]) -> list[Any]:
        stated = (
            _in_files(fitted).at(followed.fitting),
            _in_files(scored).at(followed.sampled),
        )
        shown = _in_files(scored).at(followed.shown).inputs

        def stage(taken: tuple[int | None, Network, bool]) -> Any:
            epoch, own, is_last = taken
            rows = _rows(own, *stated)
            return see(Stage(epoch, rows, None if is_last else _shown(own, shown)))

        taken = _taken(network, snapshots)
        last = len(taken) - 1
        return each(stage, [(*one, at == last) for at, one in enumerate(taken)])

    return Case(
        subject=network_subject(network),
        scored=network_activations(network, scored),
        fit_on=passed(fit_on),
        validation=passed(validation),
        origins=scored.where,
        fitted_origins=fitted.where,
        stages=stages,
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


def _shown(network: Network, inputs: Array) -> Iterator[Block]:
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
