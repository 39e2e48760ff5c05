"""Forward passes: every layer's rows, a block at a time, and what is kept of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float, Int

from layerwise.data import Samples, stratified_split
from layerwise.errors import InputError
from layerwise.inspection._together import each
from layerwise.model import Network
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
    size = max(-(-len(samples) // PARTS), 1)
    parts = [
        samples.at(slice(start, start + size)) for start in range(0, len(samples), size)
    ]
    moments = each(lambda part: _moments_of(network, part), parts)
    return [reduce(Moments.merge, layer) for layer in zip(*moments, strict=True)]


def _moments_of(network: Network, samples: Samples) -> list[Moments]:
    classes = len(network.class_names)
    moments: list[Moments] = []
    start = 0
    for arrays in network.activations(samples.inputs):
        labels = samples.targets[start : start + len(arrays[0])]
        start += len(labels)
        moments = moments or [Moments.empty(a.shape[1], classes) for a in arrays]
        moments = [m.updated(a, labels) for m, a in zip(moments, arrays, strict=True)]
    return moments


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
    classes = len(network.class_names)
    fold_of = np.zeros(len(scored), np.int64)
    for number, fold in enumerate(folds):
        fold_of[fold.positions] = number
    visible = np.zeros(len(scored), bool)
    visible[shown] = True
    layers = [_Collected(classes) for _ in bases]
    logits: list[np.ndarray] = []
    start = 0
    for arrays in network.activations(scored.inputs):
        block = slice(start, start + len(arrays[0]))
        start = block.stop
        for collected, basis, rows in zip(layers, bases, arrays, strict=True):
            collected.add(basis, rows, fold_of[block], visible[block])
            collected.count(rows, scored.targets[block])
        logits.append(arrays[-1])
    return Pass([collected.result() for collected in layers], np.concatenate(logits))


class _Collected:
    """One layer's scored samples while they pass."""

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._planes: dict[str, list[np.ndarray]] = {}
        self._said: list[np.ndarray] = []
        self._moments: Moments | None = None

    def add(
        self, basis: Basis, rows: np.ndarray, fold_of: np.ndarray, visible: np.ndarray
    ) -> None:
        for name in ("components", "discriminants"):
            plane = getattr(basis, name).project(rows[visible])[:, :2]
            self._planes.setdefault(name, []).append(two_columns(plane))
        said = np.stack(
            [
                [probe.predict(rows), nearest_mean(rows, moments)]
                for probe, moments in zip(basis.probes, basis.folds, strict=True)
            ]
        )
        self._said.append(said[fold_of, :, np.arange(len(rows))].T)

    def count(self, rows: np.ndarray, labels: np.ndarray) -> None:
        moments = self._moments or Moments.empty(rows.shape[1], self._classes)
        self._moments = moments.updated(rows, labels)

    def result(self) -> LayerPass:
        assert self._moments is not None
        probes, nearest = np.concatenate(self._said, axis=1)
        planes = {name: np.concatenate(parts) for name, parts in self._planes.items()}
        return LayerPass(planes, probes, nearest, self._moments)


def two_columns(
    plane: Float[np.ndarray, "samples columns"],
) -> Float[np.ndarray, "samples 2"]:
    """Return the plane in float32, columns of zeros added where it has fewer."""
    return np.pad(plane, ((0, 0), (0, 2 - plane.shape[1]))).astype(np.float32)
