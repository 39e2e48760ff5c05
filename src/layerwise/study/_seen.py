"""What the passes over the samples give, from which a study is made."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from jaxtyping import Float, Int

from layerwise import ranks
from layerwise.arrays import each
from layerwise.data import KeptInputs, drawn, of_memory_map
from layerwise.statistics import (
    Share,
    confusion_counts,
    constant_units,
    duplicate_units,
    nearest_rows,
    share,
)
from layerwise.study.labels import LabelEvidence, neighbours, ranked, votes_of
from layerwise.study.measures import LayerEvidence, LayerSample, Neighbourhood, measured
from layerwise.study.passes import (
    FITTED,
    SHOWN,
    Asked,
    Basis,
    Counting,
    Mistakes,
    RowsPassed,
    SeenStage,
    Tallies,
    fit_pass,
    folds_of,
    look_at,
    score_pass,
    two_columns,
)
from layerwise.study.records import Crowd, LayerStudy, MixedPair, Nearest, Suspect
from layerwise.study.subjects import Case, Followed, Stage

ASKED, VOTERS = 500, 10_000
"""So many mistakes at most are looked at for suspect labels, those of which the network
is surest; their neighbours are looked for among so many samples fitted on."""

SAMPLED = 1_500
"""The stated sample: so many scored, at most, and ``FITTED`` fitted on."""

CROWD = 100_000
"""Of so many scored samples, at most, it is kept where they end in every layer."""

NEAREST, PAIRS = 3, 5
"""So many nearest samples are kept of each, and so many pairs of classes."""

Near = tuple[Int[np.ndarray, " _"], Int[np.ndarray, "_ _"]]
"""Positions of scored samples, and of those fitted on that are nearest to each."""


class Seen:
    """What the passes over the samples give, from which every layer is studied."""

    def __init__(self, case: Case, transformer: Any, counting: Counting) -> None:
        self._case, self._subject = case, case.subject
        self._targets = case.scored.targets
        self._transformer = transformer
        self.folds = folds_of(case.scored, case.fit_on)
        # Shown and sampled are samples on which the planes were not fitted.
        scored_by = self.folds.scored_by
        self.shown = _drawn_of(self._targets, scored_by, 0, SHOWN)
        self._crowd = _with_more(self.shown, self._targets, scored_by, CROWD)
        self._among_shown = drawn(self._targets[self.shown], SAMPLED, seed=0)
        self.sampled = self.shown[self._among_shown]
        fitted_targets = self.folds.fit_on.targets
        fits = self.folds.fits
        self._fitting = _drawn_of(fitted_targets, fits, 0, FITTED)
        self._voters = [
            _drawn_of(fitted_targets, fits, fold, VOTERS)
            for fold in range(len(self.folds))
        ]
        shares = map(ranks.own_share, (len(fitted_targets), len(self._targets)))
        tick = RowsPassed(counting, sum(own.stop - own.start for own in shares))
        self._fitted = fit_pass(
            self._subject,
            self.folds,
            self._fitting,
            np.concatenate(self._voters),
            counting,
            tick,
        )
        self.fitted_count = len(fitted_targets)
        if case.moments is not None:
            # Of all rows, counted before: what was passed just now is a kept sample.
            self._fitted = replace(self._fitted, moments=[(m,) for m in case.moments])
            self.fitted_count = case.moments[0].count
        self.bases = Basis.of_layers(self._fitted.moments)
        # A transformer draws all that is shown; measures take the sampled among them.
        asked = self.sampled if transformer is None else self.shown
        self.scored = score_pass(
            self._subject,
            case.scored,
            self.bases,
            self.folds,
            Asked(self.shown, self._crowd, asked, ASKED),
            lambda: Tallies(self._subject, counting, 1, tick),
        )
        among = slice(None) if transformer is None else self._among_shown
        inputs = self.scored.inputs
        self.sampled_inputs = None if inputs is None else inputs[among]
        self.samples = [
            LayerSample(
                fitting=fitting,
                fitting_targets=fitted_targets[self._fitting],
                scored=rows[among],
                targets=self._targets[self.sampled],
            )
            for fitting, rows in zip(self._fitted.rows, self.scored.rows, strict=True)
        ]

    def layers(self) -> tuple[list[LayerStudy], list[LayerEvidence]]:
        """Return the study of every layer, the input's first where there is one.

        And what the stated sample says of each, where the subject has a past to be
        compared with it; else nothing.
        """
        names = self._subject.layer_names
        extra = [{}] * len(names) if self._transformer is None else self._transformed()
        last_hidden = len(names) - 2 if self._subject.has_output else None
        weights, predictions = self._subject.output_weights, self.scored.predictions
        output = None
        if weights is not None and predictions is not None:
            output = weights, predictions
        shown = np.searchsorted(self._crowd, self.shown)

        def studied_layer(place: int) -> tuple[LayerStudy, LayerEvidence | None]:
            basis, scored = self.bases[place], self.scored
            evidence = LayerEvidence(
                fitted=basis.folds[0],
                scored=scored.moments[place],
                targets=self._targets,
                probe_predictions=scored.probe_predictions[place],
                nearest_means=scored.nearest_means[place],
                probe=basis.probes[0],
                sample=self.samples[place],
            )
            planes = {p: of[shown] for p, of in scored.planes[place].items()}
            planes |= extra[place]
            # How faithful a plane is, is asked of the sample whose rows were kept.
            frames = {key: plane[self._among_shown] for key, plane in planes.items()}
            # Found once: shuffled labels have the same neighbours.
            neighbourhood = Neighbourhood.of(evidence.sample.scored)
            follows = output if place == last_hidden else None
            measures = measured(evidence, neighbourhood, frames, follows)
            stated, by_chance = LayerEvidence.beside_chance(
                evidence.sample,
                len(evidence.fitted.counts),
                len(evidence.fitted.scatter),
            )
            layer = LayerStudy(
                name=names[place],
                units=len(evidence.fitted.shift),
                moments=evidence.fitted,
                components=basis.components,
                discriminants=basis.discriminants,
                planes=planes,
                probe_predictions=evidence.probe_predictions,
                probe_accuracy=Share.of(float("nan"), 0)
                if evidence.constant
                else share(evidence.probe_predictions == evidence.targets),
                probe_recall=measures.by_class["probe_recall"],
                dead=constant_units(evidence.fitted),
                duplicate=duplicate_units(evidence.fitted),
                whole=names[place] in self._subject.whole,
                sample=evidence.sample.scored,
                measures=measures,
                shuffled=measured(by_chance, neighbourhood),
            )
            return layer, None if self._case.stages is None else stated

        found = each(studied_layer, range(len(names)))
        stated = [one for _, one in found if one is not None]
        return [layer for layer, _ in found], stated

    def fitted_accuracy(self) -> Share | None:
        """Return how many of the stated fitting sample are predicted right."""
        outputs = self._fitted.outputs
        if outputs is None:
            return None
        targets = self.folds.fit_on.targets[self._fitting]
        return share(np.argmax(outputs, axis=1) == targets)

    def stages(
        self, studied: Sequence[LayerStudy], stated: Sequence[LayerEvidence]
    ) -> Sequence[SeenStage]:
        """Look at the subject on its way: a module runs in the caller's thread."""
        if self._case.stages is None:
            return []
        shown, answers = self.shown, None
        if self.scored.predictions is not None and self.scored.confidence is not None:
            answers = self.scored.predictions[shown], self.scored.confidence[shown]
        frames = [
            {**layer.planes, "fixed": layer.planes["components"]} for layer in studied
        ]
        as_it_is = SeenStage(None, stated, frames, answers)

        def see(stage: Stage) -> SeenStage:
            if stage.shown is None:
                return replace(as_it_is, epoch=stage.epoch)
            return look_at(stage, self._subject, studied)

        followed = Followed(self._fitting, self.sampled, shown)
        return self._case.stages(followed, see)

    def judged(self) -> tuple[tuple[Suspect, ...], list[Near]]:
        """Return the mistakes in which the label, not the subject, may be wrong.

        Beside the subject, which has not learnt from them, the nearest of the samples
        fitted on have a say, measured in the inputs. Without either there are none.
        Beside the suspects, the nearest samples of every mistake that was looked at.
        """
        mistakes, rows = self.scored.mistakes, self._fitted.voters
        if mistakes is None or mistakes.inputs is None or rows is None:
            return (), []
        suspects, nearest = list[Suspect](), list[Near]()
        positions = mistakes.positions
        for fold, voters in enumerate(self._voters):
            own = np.flatnonzero(self.folds.scored_by[positions] == fold)
            if len(own):
                near = neighbours(rows[voters], mistakes.inputs[own])
                nearest.append((positions[own], voters[near]))
                suspects += self._suspects(mistakes, own, fold, near)
        suspects.sort(key=lambda suspect: -suspect.score)
        return tuple(suspects), nearest

    def _suspects(
        self,
        mistakes: Mistakes,
        own: Int[np.ndarray, " own"],
        fold: int,
        near: Int[np.ndarray, "own neighbours"],
    ) -> Iterator[Suspect]:
        """Yield the suspects among the mistakes of one fold, of which ``own`` are."""
        positions, voters = mistakes.positions[own], self._voters[fold]
        targets, fitted_targets = self._targets[positions], self.folds.fit_on.targets
        origins, classes = self._case.origins, len(self._subject.class_names)
        evidence = LabelEvidence(
            part=self._case.part,
            targets=targets,
            probabilities=mistakes.probabilities[own].astype(np.float64),
            votes=votes_of(fitted_targets[voters[near]], classes),
            layer_names=self._subject.layer_names,
            probe_predictions=self.scored.probe_predictions[:, positions].astype(
                np.int64
            ),
            # Of a class that nobody fitted on has, nothing can speak for the label.
            judged=np.isin(targets, fitted_targets[self.folds.fits == fold]),
            origins=origins and origins.at(positions),
            among=len(voters),
            nearest=voters[near],
        )
        for suspect in ranked(evidence):
            yield replace(suspect, position=int(positions[suspect.position]))

    def near_sampled(self) -> list[Near]:
        """Return the nearest samples fitted on, of the stated sample."""
        rows, voters = self._fitted.voters, self._voters[0]
        if rows is None:
            return []
        asked = self.samples[self._subject.seeking or 0].scored
        near = nearest_rows(asked, rows[voters], NEAREST, "fast")
        return [(self.sampled, voters[near])]

    def nearest(self, found: Sequence[Near]) -> Nearest | None:
        """Join what was found for several groups of samples, as many of each."""
        if not found:
            return None
        fewest = min(NEAREST, *(near.shape[1] for _, near in found))
        positions, first = np.unique(
            np.concatenate([own for own, _ in found]), return_index=True
        )
        near = np.concatenate([near[:, :fewest] for _, near in found])[first]
        fit_on = self.folds.fit_on
        kept, held = np.unique(near), fit_on.inputs
        if held is not None:  # the pages of a map would stay with this process
            held = of_memory_map(held)
        return Nearest(
            positions=positions,
            neighbours=near,
            targets=fit_on.targets[near],
            among=len(self._voters[0]),
            inputs=None if held is None else KeptInputs(kept, np.asarray(held[kept])),
            origins=self._case.fitted_origins,
        )

    def pairs(self) -> tuple[MixedPair, ...]:
        """Return the pairs of classes confused most, each on its discriminant."""
        predictions, towards = self.scored.predictions, self.scored.towards
        if predictions is None or not towards:
            return ()
        classes = len(self._subject.class_names)
        counts = confusion_counts(self._targets, predictions, classes)
        confused = np.triu(counts + counts.T, 1)
        worst = np.argsort(-confused, axis=None, kind="stable")[:PAIRS]
        targets, found = self._targets[self.shown], []
        for one, other in zip(*np.unravel_index(worst, counts.shape), strict=True):
            pair = int(one), int(other)
            if not confused[pair]:
                break
            own = np.flatnonzero(np.isin(targets, pair))
            along = [
                basis.directions.along(scores[own], *pair).astype(np.float32)
                for basis, scores in zip(self.bases, towards, strict=True)
            ]
            found.append(MixedPair(pair, own, np.stack(along)))
        return tuple(found)

    def crowd(self) -> Crowd | None:
        """Return where the scored samples end, where more are known than shown."""
        if len(self._crowd) == len(self.shown):
            return None
        return Crowd(self._crowd, tuple(self.scored.planes))

    def _transformed(self) -> list[dict[str, Float[np.ndarray, "shown 2"]]]:
        from sklearn.base import clone

        name = type(self._transformer).__name__
        planes: list[dict[str, np.ndarray]] = []
        for sample, rows in zip(self.samples, self.scored.rows, strict=True):
            model = cast("Any", clone(self._transformer))
            if hasattr(model, "transform"):
                model.fit(sample.fitting, sample.fitting_targets)
                plane = model.transform(rows)
            else:
                # Such as t-SNE: it places only what it was fitted on.
                plane = model.fit_transform(rows)
            planes.append({name: two_columns(np.asarray(plane))})
        return planes


def _drawn_of(
    targets: Int[np.ndarray, " samples"],
    folds: Int[np.ndarray, " samples"],
    fold: int,
    most: int,
) -> Int[np.ndarray, " drawn"]:
    """Return positions of samples of one fold, a stratified draw."""
    own = np.flatnonzero(folds == fold)
    return own[drawn(targets[own], most, seed=0)]


def _with_more(
    shown: Int[np.ndarray, " shown"],
    targets: Int[np.ndarray, " samples"],
    scored_by: Int[np.ndarray, " samples"],
    most: int,
) -> Int[np.ndarray, " crowd"]:
    """Return the samples shown and others of the first fold, ``most`` at most."""
    others = scored_by == 0
    others[shown] = False
    more = _drawn_of(targets, np.where(others, 0, 1), 0, most - len(shown))
    return np.sort(np.concatenate([shown, more]))
