"""The two passes: over the samples fitted on, and over those that are scored."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from layerwise import ranks
from layerwise.arrays import each
from layerwise.data import KeptInputs, stratified_split
from layerwise.errors import InputError
from layerwise.statistics import (
    ClassDirections,
    Discriminants,
    LeastSquaresProbe,
    Moments,
    PrincipalComponents,
    class_readings,
    least_squares_probe,
    nearest_mean,
    principal_components,
)
from layerwise.study.passes._tallies import (
    Counting,
    Kept,
    Mistakes,
    Tallies,
    merged_moments,
)
from layerwise.study.subjects import Activations, Block, Subject

COMPONENTS = 10


@dataclass(frozen=True, eq=False)
class Folds:
    """Which samples are fitted on, and which of those fits scores a sample.

    ``fits`` is the fold that a sample is fitted on in, ``scored_by`` the one that it is
    scored by, in which it was not.
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

    def passed(part: Iterable[Block]) -> list[tuple[Moments, ...]]:
        tallies = Tallies(subject, Counting(), 1, lambda _: None)
        for block in part:
            tallies.add(block, activations.targets[block.positions])
        return tallies.moments()

    moments = each(passed, activations.parts())
    return [groups[0] for groups in merged_moments(subject, moments)]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What one pass over the samples fitted on gives.

    Of every layer the moments of each fold, and the rows of the stated sample; of that
    the outputs, if there are any; and what ``Subject.seeking`` gives for the voters,
    whose labels are asked for, where there is such a layer.
    """

    moments: list[tuple[Moments, ...]]
    rows: list[Float[np.ndarray, "stated _"]]
    outputs: Float[np.ndarray, "stated classes"] | None
    voters: KeptInputs | None


def fit_pass(
    subject: Subject,
    folds: Folds,
    stated: Int[np.ndarray, " stated"],
    voters: Int[np.ndarray, " voters"],
    counting: Counting,
    tick: Callable[[int], None],
) -> Fitted:
    """Pass the samples fitted on once, keeping moments and some samples' rows.

    At the positions ``stated`` those of every layer and the outputs, at ``voters``
    those of the layer in which neighbours are sought. ``tick`` is told how many rows
    were passed.
    """
    sample, inputs = Kept(stated), Kept(voters)
    targets, fits = folds.fit_on.targets, folds.fits

    def passed(part: Iterable[Block]) -> list[tuple[Moments, ...]]:
        tallies = Tallies(subject, counting, len(folds), tick)
        for block in part:
            where = block.positions
            outputs = () if block.outputs is None else (block.outputs,)
            sample.add(where, *block.layers, *outputs)
            if subject.seeking is not None:
                inputs.add(where, block.layers[subject.seeking])
            tallies.add(block, targets[where], fits[where])
        return tallies.moments()

    parts = ranks.in_all(lambda: each(passed, folds.fit_on.parts()))
    moments = merged_moments(subject, parts)
    arrays = sample.arrays()
    layers = len(subject.layer_names)
    return Fitted(
        moments=moments,
        rows=arrays[:layers],
        outputs=arrays[layers] if len(arrays) > layers else None,
        # Kept once, in however many folds they vote.
        voters=None
        if subject.seeking is None
        else KeptInputs(np.unique(voters), inputs.arrays()[0]),
    )


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
    """Return the first two columns in float32, or zeros where there are fewer."""
    first = plane[:, :2]
    return np.pad(first, ((0, 0), (0, 2 - first.shape[1]))).astype(np.float32)


PLANES = ("components", "discriminants")

MOST_TOWARDS = 2**27
"""So many bytes at most are kept of how far samples lie towards each class."""


class Asked(NamedTuple):
    """Of which scored samples more is kept than a few small numbers: their positions.

    Those that the planes show; those whose planes are kept, the ones shown among them;
    those whose rows are kept; and how many mistakes at most.
    """

    shown: Int[np.ndarray, " shown"]
    crowd: Int[np.ndarray, " crowd"]
    rows: Int[np.ndarray, " asked"]
    mistakes: int


@dataclass(frozen=True, eq=False)
class Scored:
    """What one pass over the scored samples gives.

    All lists have an entry for every layer. ``towards`` says how far the samples shown
    lie towards each class (see `ClassDirections`), and is empty where that would be too
    much; ``rows`` and ``inputs`` are what was asked for of some samples; predictions
    and confidence, the subject's own, are None where it predicts nothing.
    """

    moments: list[Moments]
    planes: list[dict[str, Float[np.ndarray, "crowd 2"]]]
    towards: list[Float[np.ndarray, "shown classes"]]
    probe_predictions: Int[np.ndarray, "layers samples"]
    nearest_means: Int[np.ndarray, "layers samples"]
    predictions: Int[np.ndarray, " samples"] | None
    confidence: Float[np.ndarray, " samples"] | None
    rows: list[Float[np.ndarray, "asked _"]]
    inputs: np.ndarray | None
    mistakes: Mistakes | None


def score_pass(
    subject: Subject,
    scored: Activations,
    bases: Sequence[Basis],
    folds: Folds,
    asked: Asked,
    tallies: Callable[[], Tallies],
) -> Scored:
    """Pass the scored samples once, keeping what is said of them.

    ``tallies`` makes those of one part's moments.
    """
    scoring = _Scoring(subject, scored, bases, folds.scored_by, asked)
    # A rank that fails by itself would leave the others waiting for its blocks.
    parts = ranks.in_all(
        lambda: each(lambda part: scoring.part(part, tallies()), scored.parts())
    )
    # Every rank takes part in each exchange, in this order, with samples or without.
    moments = merged_moments(subject, [own for own, _ in parts])
    mistakes = [found for _, found in parts if found is not None]
    mistakes = [found for of_rank in ranks.gathered(mistakes) for found in of_rank]
    probes, means, *answers = scoring.said.arrays()
    predictions, confidence = answers or (None, None)
    arrays, layers = scoring.rows.arrays(), len(bases)
    return Scored(
        moments=[groups[0] for groups in moments],
        planes=[
            dict(zip(PLANES, kept.arrays(), strict=True)) for kept in scoring.planes
        ],
        towards=[kept.arrays()[0] for kept in scoring.towards],
        probe_predictions=np.ascontiguousarray(probes.T),
        nearest_means=np.ascontiguousarray(means.T),
        predictions=predictions,
        confidence=confidence,
        rows=arrays[:layers],
        inputs=arrays[layers] if len(arrays) > layers else None,
        mistakes=reduce(lambda a, b: a.joined(b, asked.mistakes), mistakes)
        if mistakes
        else None,
    )


class _Scoring:
    """A pass under way, of which parts may go on side by side."""

    def __init__(
        self,
        subject: Subject,
        scored: Activations,
        bases: Sequence[Basis],
        scored_by: Int[np.ndarray, " samples"],
        asked: Asked,
    ) -> None:
        self._subject, self._targets = subject, scored.targets
        self._bases, self._scored_by = bases, scored_by
        self._mistakes = asked.mistakes
        # There may be many samples: no integer is wider than the classes need.
        self._narrow = np.min_scalar_type(-len(subject.class_names))
        self.said = Kept(np.arange(len(scored.targets)))
        self.rows = Kept(asked.rows)
        self.planes = [Kept(asked.crowd) for _ in bases]
        towards = len(asked.shown) * len(subject.class_names) * len(bases) * 4
        few = towards <= MOST_TOWARDS
        self.towards = [Kept(asked.shown) for _ in bases] if few else []

    def part(
        self, part: Iterable[Block], tallies: Tallies
    ) -> tuple[list[tuple[Moments, ...]], Mistakes | None]:
        """Pass one part; return its moments and its worst mistakes."""
        worst: Mistakes | None = None
        for block in part:
            where, answers = block.positions, list[np.ndarray]()
            # Not by fold: measures take all scored samples, whichever fit scores them.
            tallies.add(block, self._targets[where])
            inputs = () if block.inputs is None else (block.inputs,)
            self.rows.add(where, *block.layers, *inputs)
            if block.outputs is not None:
                *answers, found = self._answers(block, block.outputs)
                # Cut at once: a bad network's mistakes are as many as its samples.
                worst = worst.joined(found, self._mistakes) if worst else found
            self.said.add(where, *self._readings(block), *answers)
            self._see(block)
        return tallies.moments(), worst

    def _readings(
        self, block: Block
    ) -> tuple[Int[np.ndarray, "rows layers"], Int[np.ndarray, "rows layers"]]:
        """Return what every layer's probe says, and which class mean is nearest."""
        scored_by = self._scored_by[block.positions]
        probes = np.zeros((len(scored_by), len(self._bases)), self._narrow)
        means = np.zeros_like(probes)
        for place, (basis, rows) in enumerate(
            zip(self._bases, block.layers, strict=True)
        ):
            for fold, moments in enumerate(basis.folds):
                own = scored_by == fold
                # A mask copies: with one fold, as nearly always, nothing is to copy.
                mine = rows if own.all() else rows[own]
                probes[own, place] = basis.probes[fold].predict(mine)
                means[own, place] = nearest_mean(mine, moments)
        return probes, means

    def _see(self, block: Block) -> None:
        """Keep where rows lie in the first fold's planes: it scores what is shown."""
        for place, (basis, rows) in enumerate(
            zip(self._bases, block.layers, strict=True)
        ):
            wanted = self.planes[place].wanted(block.positions)
            planes = (
                two_columns(getattr(basis, name).project(rows[wanted]))
                for name in PLANES
            )
            self.planes[place].add(block.positions[wanted], *planes)
            if self.towards:
                kept = self.towards[place]
                wanted = kept.wanted(block.positions)
                scores = basis.directions.scores(rows[wanted]).astype(np.float32)
                kept.add(block.positions[wanted], scores)

    def _answers(
        self, block: Block, outputs: Float[np.ndarray, "rows classes"]
    ) -> tuple[Int[np.ndarray, " rows"], Float[np.ndarray, " rows"], Mistakes]:
        """Return what the subject says, how sure it is, and where it is wrong."""
        predictions = np.argmax(outputs, axis=1)
        probabilities = self._subject.probabilities(outputs)
        confidence = np.max(probabilities, axis=1)
        wrong = np.flatnonzero(predictions != self._targets[block.positions])
        # Stable: of equally sure ones the earliest, however the samples are cut up.
        surest = np.argsort(-confidence[wrong], kind="stable")
        wrong = wrong[surest[: self._mistakes]]
        seeking = self._subject.seeking
        mistakes = Mistakes(
            positions=block.positions[wrong],
            probabilities=probabilities[wrong],
            inputs=None if seeking is None else block.layers[seeking][wrong],
            items=None if block.items is None else block.items[wrong],
        )
        return predictions.astype(self._narrow), confidence, mistakes
