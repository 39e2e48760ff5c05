"""The pass over the samples fitted on: moments, bases, and some samples' rows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from layerwise import ranks
from layerwise.arrays import each
from layerwise.data import stratified_split
from layerwise.errors import InputError
from layerwise.statistics import (
    ClassDirections,
    Discriminants,
    LeastSquaresProbe,
    Moments,
    PrincipalComponents,
    class_readings,
    least_squares_probe,
    principal_components,
)
from layerwise.study.passes._tallies import (
    Counting,
    Kept,
    RowsPassed,
    Tallies,
    merged_moments,
)
from layerwise.study.subjects import Activations, Block, Subject

COMPONENTS = 10


@dataclass(frozen=True, eq=False)
class Folds:
    """Which samples are fitted on, and which of those fits scores a sample.

    Parameters
    ----------
    fit_on : Activations
        All that is fitted on.
    fits : int array, shape (samples fitted on,)
        The fold that a sample is fitted on in.
    scored_by : int array, shape (samples scored,)
        The fold that a sample is scored by: one that it was not fitted on in.
    """

    fit_on: Activations
    fits: Int[np.ndarray, " fitted"]
    scored_by: Int[np.ndarray, " scored"]

    def __len__(self) -> int:
        return int(self.scored_by.max()) + 1


def folds_of(scored: Activations, fit_on: Activations | None) -> Folds:
    """Return one fold, or, with nothing else to fit on, the samples' two halves.

    Then each half is scored by what was fitted on the other. Both hold every class in
    proportion, in whatever order the samples come.

    Raises
    ------
    InputError
        If there is nothing to fit on, or nothing to score.
    """
    count = len(scored.targets)
    scored_by = np.zeros(count, np.int8)
    if fit_on is None:
        fit_on = scored
        scored_by[stratified_split(scored.targets, [0.5, 0.5], seed=0)[1]] = 1
        fits = 1 - scored_by
        enough = 0 < np.count_nonzero(fits) < count
    else:
        fits = np.zeros(len(fit_on.targets), np.int8)
        enough = count > 0 and len(fits) > 0
    if not enough:
        raise InputError("too few samples: give some to fit on and some to score")
    return Folds(fit_on, fits, scored_by)


def layer_moments(subject: Subject, activations: Activations) -> list[Moments]:
    """Return the moments of every layer, in one pass."""
    fits = np.zeros(len(activations.targets), np.int8)
    folds = Folds(activations, fits, np.zeros(1, np.int8))
    counting = Counting()

    def passed(part: Iterable[Block]) -> list[tuple[Moments, ...]]:
        tallies = Tallies(subject, counting, 1, RowsPassed(counting, len(fits)))
        return _fit_part(folds, part, tallies)

    moments = each(passed, activations.parts())
    return [groups[0] for groups in merged_moments(subject, moments)]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What one pass over the samples fitted on gives.

    Parameters
    ----------
    moments : list of tuple of Moments
        For every layer, of each fold.
    rows : list of arrays, shape (stated, units)
        What every layer gives for the stated fitting sample.
    outputs : array, shape (stated, classes), or None
        Of the same.
    voters : array, shape (voters, features), or None
        What ``Subject.seeking`` gives for those whose labels are asked for; None where
        there is no such layer.
    """

    moments: list[tuple[Moments, ...]]
    rows: list[Float[np.ndarray, "stated _"]]
    outputs: Float[np.ndarray, "stated classes"] | None
    voters: Float[np.ndarray, "voters _"] | None


def fit_pass(
    subject: Subject,
    folds: Folds,
    stated: Int[np.ndarray, " stated"],
    voters: Int[np.ndarray, " voters"],
    counting: Counting,
    tick: Callable[[int], None],
) -> Fitted:
    """Pass the samples fitted on once, keeping moments and some samples' rows.

    Parameters
    ----------
    subject : Subject
    folds : Folds
    stated, voters : int arrays
        The positions of the samples whose rows are kept: of every layer and the
        outputs, and of the input layer.
    counting : Counting
    tick : callable
        Told how many rows were passed.
    """
    sample, inputs = Kept(stated), Kept(voters)

    def passed(part: Iterable[Block]) -> list[tuple[Moments, ...]]:
        tallies = Tallies(subject, counting, len(folds), tick)
        return _fit_part(folds, _watched(part), tallies)

    def _watched(part: Iterable[Block]) -> Iterator[Block]:
        for block in part:
            outputs = () if block.outputs is None else (block.outputs,)
            sample.add(block.positions, *block.layers, *outputs)
            if subject.seeking is not None:
                inputs.add(block.positions, block.layers[subject.seeking])
            yield block

    parts = ranks.in_all(lambda: each(passed, folds.fit_on.parts()))
    moments = merged_moments(subject, parts)
    arrays = sample.arrays()
    layers = len(subject.layer_names)
    return Fitted(
        moments=moments,
        rows=arrays[:layers],
        outputs=arrays[layers] if len(arrays) > layers else None,
        voters=None if subject.seeking is None else inputs.arrays()[0],
    )


def _fit_part(
    folds: Folds, part: Iterable[Block], tallies: Tallies
) -> list[tuple[Moments, ...]]:
    """Return every layer's moments of each fold, of one part of the samples."""
    for block in part:
        targets = folds.fit_on.targets[block.positions]
        tallies.add(block, targets, folds.fits[block.positions])
    return tallies.moments()


@dataclass(frozen=True, eq=False)
class Basis:
    """What one layer's scored samples are looked at with.

    Planes, components, discriminants and the classes' directions are the first fold's;
    each fold has a probe and class means of its own.
    """

    folds: tuple[Moments, ...]
    components: PrincipalComponents
    discriminants: Discriminants
    directions: ClassDirections
    probes: tuple[LeastSquaresProbe, ...]

    @classmethod
    def of_layers(cls, layers: Sequence[Sequence[Moments]]) -> list["Basis"]:
        """Fit everything of every layer, from the moments of its folds.

        Each eigenproblem by itself: the widest layer's take as long as all others'.
        """
        fits: list[Callable[[], Any]] = []
        for folds in layers:
            count = min(COMPONENTS, len(folds[0].scatter))
            fits += [
                partial(principal_components, folds[0], count),
                partial(class_readings, folds[0]),
                *(partial(least_squares_probe, fold) for fold in folds),
            ]
        found = iter(each(lambda fit: fit(), fits))
        return [
            cls(
                tuple(folds),
                next(found),
                *next(found),
                probes=tuple(next(found) for _ in folds),
            )
            for folds in layers
        ]


def two_columns(
    plane: Float[np.ndarray, "samples columns"],
) -> Float[np.ndarray, "samples 2"]:
    """Return the plane in float32, columns of zeros added where it has fewer."""
    return np.pad(plane, ((0, 0), (0, 2 - plane.shape[1]))).astype(np.float32)
