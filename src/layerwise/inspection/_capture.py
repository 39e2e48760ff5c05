"""Forward passes: every layer's rows, a block at a time, and what is kept of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from layerwise.data import Samples, stratified_split
from layerwise.errors import InputError
from layerwise.inspection._together import each
from layerwise.model import Network, flatten
from layerwise.statistics import (
    Discriminants,
    LeastSquaresProbe,
    Moments,
    PrincipalComponents,
    discriminants,
    least_squares_probe,
    nearest_mean,
    principal_components,
)

__all__ = [
    "Basis",
    "Fold",
    "LayerPass",
    "Pass",
    "drawn",
    "folds_of",
    "layer_moments",
    "layer_rows",
    "score_pass",
    "two_columns",
]

COMPONENTS = 10

PARTS = 4
"""Of the samples fitted on, passed side by side."""


@dataclass(frozen=True, eq=False)
class Fold:
    """Samples to fit on, and the positions of those that they score."""

    fit_on: Samples
    positions: Int[np.ndarray, " positions"]


def folds_of(scored: Samples, fit_on: Samples | None) -> tuple[Fold, ...]:
    """Return one fold, or, with nothing else to fit on, the samples' two halves.

    Then each half is scored by what was fitted on the other. Both hold every class in
    proportion, in whatever order the samples come.

    Raises
    ------
    InputError
        If there is nothing to fit on, or nothing to score.
    """
    if fit_on is not None:
        folds = (Fold(fit_on, np.arange(len(scored))),)
    else:
        first, second = stratified_split(scored.targets, [0.5, 0.5], seed=0)
        folds = Fold(scored.at(second), first), Fold(scored.at(first), second)
    if not all(len(fold.fit_on) and len(fold.positions) for fold in folds):
        raise InputError("too few samples: give some to fit on and some to score")
    return folds


def drawn(
    targets: Int[np.ndarray, " samples"], most: int, seed: int
) -> Int[np.ndarray, " drawn"]:
    """Return ``most`` positions at most, a stratified draw, in increasing order."""
    if len(targets) <= most:
        return np.arange(len(targets))
    part = most / len(targets)
    return stratified_split(targets, [part, 1 - part], seed)[0]


def layer_moments(network: Network, samples: Samples) -> list[Moments]:
    """Return the moments of the scaled inputs and of every layer, in one pass.

    Parts of the samples are passed side by side and merged; how many parts does not
    depend on the machine, so that the figures do not either.
    """
    moments = each(lambda part: _moments_of(network, samples.at(part)), _parts(samples))
    return _inputs_scaled(network, _merged(moments))


def _merged(parts: Sequence[list[Moments]]) -> list[Moments]:
    return [reduce(Moments.merge, layer) for layer in zip(*parts, strict=True)]


def _parts(samples: Samples) -> list[slice]:
    size = max(-(-len(samples) // PARTS), 1)
    return [slice(start, start + size) for start in range(0, len(samples), size)]


def _blocks(
    network: Network, samples: Samples
) -> Iterator[tuple[slice, tuple[np.ndarray, ...]]]:
    """Yield which samples are passed, and their scaled inputs and layers' outputs."""
    start = 0
    for arrays in network.activations(samples.inputs):
        block = slice(start, start + len(arrays[0]))
        yield block, arrays
        start = block.stop


def _moments_of(network: Network, samples: Samples) -> list[Moments]:
    """Return the moments of the inputs as they are, and of every layer's outputs."""
    moments: list[Moments] = []
    for block, arrays in _blocks(network, samples):
        moments = _added(moments, network, samples.at(block), arrays)
    return moments


def _added(
    moments: list[Moments],
    network: Network,
    samples: Samples,
    arrays: tuple[np.ndarray, ...],
) -> list[Moments]:
    rows = (flatten(samples.inputs), *arrays[1:])
    classes = len(network.class_names)
    moments = moments or [Moments.empty(r.shape[1], classes) for r in rows]
    return [
        own.updated(r, samples.targets) for own, r in zip(moments, rows, strict=True)
    ]


def _inputs_scaled(network: Network, moments: list[Moments]) -> list[Moments]:
    """Return the moments with those of the inputs, the first, as the network sees them.

    Bytes are added up faster than what they are scaled to, and without any rounding.
    """
    scaling = network.scaling
    offset, divisor = (
        np.reshape(constant, -1) if constant.ndim else constant
        for constant in (scaling.offset, scaling.divisor)
    )
    return [moments[0].scaled(offset, divisor), *moments[1:]]


def layer_rows(
    network: Network, inputs: np.ndarray
) -> list[Float[np.ndarray, "samples _"]]:
    """Return the scaled inputs and every layer's rows: for few samples only."""
    blocks = list(network.activations(inputs))
    return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


@dataclass(frozen=True, eq=False)
class Basis:
    """What one layer's scored samples are looked at with.

    Planes, components and discriminants are the first fold's; each fold has a probe
    and class means of its own.
    """

    folds: tuple[Moments, ...]
    components: PrincipalComponents
    discriminants: Discriminants
    probes: tuple[LeastSquaresProbe, ...]

    @classmethod
    def of(cls, folds: Sequence[Moments]) -> "Basis":
        """Fit everything."""
        count = min(COMPONENTS, len(folds[0].shift))
        return cls(
            folds=tuple(folds),
            components=principal_components(folds[0], count),
            discriminants=discriminants(folds[0]),
            probes=tuple(least_squares_probe(fold) for fold in folds),
        )


@dataclass(frozen=True, eq=False)
class LayerPass:
    """One layer's scored samples: where those shown lie, and what is said of all."""

    planes: dict[str, Float[np.ndarray, "shown 2"]]
    probe_predictions: Int[np.ndarray, " samples"]
    nearest_means: Int[np.ndarray, " samples"]
    moments: Moments


@dataclass(frozen=True, eq=False)
class Pass:
    """What one pass over the scored samples gives."""

    layers: list[LayerPass]
    logits: Float[np.ndarray, "samples classes"]


def score_pass(
    network: Network,
    scored: Samples,
    bases: Sequence[Basis],
    folds: Sequence[Fold],
    shown: Int[np.ndarray, " shown"],
) -> Pass:
    """Pass the scored samples through the network once, keeping what is said of them.

    Of a sample that is not shown nothing stays but a few small integers.
    """
    fold_of = np.zeros(len(scored), np.int64)
    for number, fold in enumerate(folds):
        fold_of[fold.positions] = number
    visible = np.zeros(len(scored), bool)
    visible[shown] = True

    def passed(part: slice) -> tuple[list[Moments], list[list[_Said]], np.ndarray]:
        samples = scored.at(part)
        moments: list[Moments] = []
        said: list[list[_Said]] = []
        logits: list[np.ndarray] = []
        for block, arrays in _blocks(network, samples):
            moments = _added(moments, network, samples.at(block), arrays)
            asked, seen = fold_of[part][block], visible[part][block]
            pairs = zip(bases, arrays, strict=True)
            said.append([_said(basis, rows, asked, seen) for basis, rows in pairs])
            logits.append(arrays[-1])
        return moments, said, np.concatenate(logits)

    moments, said, logits = zip(*each(passed, _parts(scored)), strict=True)
    merged = _inputs_scaled(network, _merged(moments))
    layers = zip(*(block for part in said for block in part), strict=True)
    return Pass(
        [_layer_pass(*one) for one in zip(layers, merged, strict=True)],
        np.concatenate(logits),
    )


class _Said(NamedTuple):
    """What is said of one layer's rows of a block of scored samples."""

    planes: dict[str, Float[np.ndarray, "shown 2"]]
    probe_predictions: Int[np.ndarray, " samples"]
    nearest_means: Int[np.ndarray, " samples"]


def _said(
    basis: Basis,
    rows: Float[np.ndarray, "samples units"],
    fold_of: Int[np.ndarray, " samples"],
    visible: Bool[np.ndarray, " samples"],
) -> _Said:
    planes = {
        name: two_columns(getattr(basis, name).project(rows[visible])[:, :2])
        for name in ("components", "discriminants")
    }
    answers = np.stack(
        [
            [probe.predict(rows), nearest_mean(rows, moments)]
            for probe, moments in zip(basis.probes, basis.folds, strict=True)
        ]
    )
    return _Said(planes, *answers[fold_of, :, np.arange(len(rows))].T)


def _layer_pass(said: Sequence[_Said], moments: Moments) -> LayerPass:
    planes, probes, nearest = zip(*said, strict=True)
    return LayerPass(
        {name: np.concatenate([plane[name] for plane in planes]) for name in planes[0]},
        np.concatenate(probes),
        np.concatenate(nearest),
        moments,
    )


def two_columns(
    plane: Float[np.ndarray, "samples columns"],
) -> Float[np.ndarray, "samples 2"]:
    """Return the plane in float32, columns of zeros added where it has fewer."""
    return np.pad(plane, ((0, 0), (0, 2 - plane.shape[1]))).astype(np.float32)
