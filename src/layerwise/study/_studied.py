"""From a subject and its samples to a study: one pass to fit, one pass to score."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from jaxtyping import Float, Int

from layerwise import ranks
from layerwise.arrays import each, one_blas_thread
from layerwise.data import drawn
from layerwise.statistics import Share, constant_units, duplicate_units, share
from layerwise.study.findings import study_findings
from layerwise.study.labels import LabelEvidence, neighbour_votes, ranked
from layerwise.study.measures import (
    LayerEvidence,
    LayerSample,
    Measures,
    Neighbourhood,
    layer_similarity,
    measured,
    shuffled,
    with_output,
)
from layerwise.study.passes import (
    FITTED,
    SHOWN,
    Asked,
    Basis,
    Counting,
    RowsPassed,
    Scored,
    Tallies,
    aligned,
    fit_pass,
    folds_of,
    score_pass,
    snapshot_studies,
    two_columns,
)
from layerwise.study.records import (
    Inputs,
    KeptInputs,
    LayerStudy,
    SnapshotStudy,
    Study,
    Suspect,
    ValidationView,
    keepable,
)
from layerwise.study.subjects import Activations, Block, Case, Stage, Subject

ASKED, VOTERS = 500, 10_000
"""So many mistakes at most are looked at for suspect labels, those of which the network
is surest; their neighbours are looked for among so many samples fitted on."""

SAMPLED = 1_500
"""The stated sample: so many scored, at most, and ``FITTED`` fitted on."""


@one_blas_thread()
def studied(
    case: Case,
    *,
    required_accuracy: float = 0.99,
    transformer: Any = None,
    counting: Counting | None = None,
) -> Study:
    """Return the study of a subject.

    Parameters
    ----------
    case : Case
    required_accuracy : float
        For ``Study.keepable``, between 0 and 1.
    transformer : scikit-learn transformer, optional
        See `inspect`.
    counting : Counting, optional
        How rows are counted; by default exactly.

    Raises
    ------
    InputError
        If there are no samples, or too few to cross-fit, or if a layer's outputs are
        not finite.
    """
    seen = _Seen(case, transformer, counting or Counting())
    layers = seen.layers()
    names = case.subject.layer_names
    has_input = case.subject.has_input
    fitted_on = _numbered(seen.fitted_count, case.words[0])
    if case.fit_on is None:
        fitted_on = "the other half of the samples (cross-fitted)"
    scored, targets = seen.scored, case.scored.targets
    of_network = layers[1:] if has_input else layers
    stages = seen.stages()
    # Beside each other: where the one has too little for all cores, the other has more.
    parts: list[Callable[[], Any]] = [
        lambda: seen.snapshots(stages, of_network),
        lambda: layer_similarity([layer.sample for layer in layers]),
        seen.suspects,
    ]
    snapshots, similarity, suspects = each(lambda part: part(), parts)
    study = Study(
        name=case.name,
        class_names=case.subject.class_names,
        fitted_on=fitted_on,
        scored_on=_numbered(len(targets), case.words[1]),
        input=layers[0] if has_input else None,
        layers=tuple(of_network),
        output=names[-1] if case.subject.has_output else None,
        inputs=_inputs(case.scored, scored),
        targets=targets,
        predictions=scored.predictions,
        confidence=scored.confidence,
        accuracy=None
        if scored.predictions is None
        else share(scored.predictions == targets),
        fitted_accuracy=seen.fitted_accuracy(),
        shown=seen.shown,
        sampled=seen.sampled,
        sample_hash=_hash(seen.sampled_inputs, targets, seen.sampled),
        similarity=similarity,
        snapshots=snapshots,
        suspects=suspects,
        validation=None,
        keepable=None,
        findings=(),
        origins=case.origins,
    )
    # What follows asks the study itself, as anybody can who is given one.
    if case.validation is not None:
        view = _validation(case.subject, case.validation, seen.bases)
        study = replace(study, validation=view)
    study = replace(study, keepable=keepable(study, required_accuracy))
    return replace(study, findings=(*case.findings, *study_findings(study)))


class _Seen:
    """What the passes over the samples give, from which every layer is studied."""

    def __init__(self, case: Case, transformer: Any, counting: Counting) -> None:
        self._case, self._subject = case, case.subject
        self._targets = case.scored.targets
        self._transformer = transformer
        self.folds = folds_of(case.scored, case.fit_on)
        # Shown and sampled are samples on which the planes were not fitted.
        self.shown = _drawn_of(self._targets, self.folds.scored_by, 0, SHOWN)
        self._among_shown = drawn(self._targets[self.shown], SAMPLED, seed=0)
        self.sampled = self.shown[self._among_shown]
        fitted_targets = self.folds.fit_on.targets
        fits = self.folds.fits
        self._fitting = _drawn_of(fitted_targets, fits, 0, FITTED)
        self._voters = [
            _drawn_of(fitted_targets, fits, fold, VOTERS)
            for fold in range(len(self.folds))
        ]
        self._counting = counting
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
            Asked(self.shown, asked, ASKED),
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

    def layers(self) -> list[LayerStudy]:
        """Return the study of every layer, the input's first where there is one."""
        names = self._subject.layer_names
        extra = [{}] * len(names) if self._transformer is None else self._transformed()
        last_hidden = len(names) - 2 if self._subject.has_output else None

        def studied_layer(place: int) -> LayerStudy:
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
            planes = scored.planes[place] | extra[place]
            # How faithful a plane is, is asked of the sample whose rows were kept.
            frames = {key: plane[self._among_shown] for key, plane in planes.items()}
            # Found once: shuffled labels have the same neighbours.
            neighbourhood = Neighbourhood.of(evidence.sample.scored)
            measures = measured(evidence, neighbourhood, frames)
            if place == last_hidden:
                measures = self._with_output(measures, evidence)
            return LayerStudy(
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
                shuffled=_by_chance(evidence, neighbourhood),
            )

        return each(studied_layer, range(len(names)))

    def _with_output(self, measures: Measures, evidence: LayerEvidence) -> Measures:
        weights, predictions = self._subject.output_weights, self.scored.predictions
        if weights is None or predictions is None:
            return measures
        return with_output(measures, evidence, weights, predictions)

    def fitted_accuracy(self) -> Share | None:
        """Return how many of the stated fitting sample are predicted right."""
        outputs = self._fitted.outputs
        if outputs is None:
            return None
        targets = self.folds.fit_on.targets[self._fitting]
        return share(np.argmax(outputs, axis=1) == targets)

    def stages(self) -> Sequence[Stage]:
        """Return the subject on its way: a module has to run in the caller's thread."""
        return self._case.stages(self._fitting, self.sampled)

    def snapshots(
        self, stages: Sequence[Stage], studied: Sequence[LayerStudy]
    ) -> tuple[SnapshotStudy, ...]:
        """Return the subject on its way, seen as the studied one is."""
        classes = len(self._subject.class_names)
        return aligned(snapshot_studies(stages, studied, classes))

    def suspects(self) -> tuple[Suspect, ...]:
        """Return the mistakes in which the label, not the subject, may be wrong.

        Beside the subject, which has not learnt from them, the nearest of the samples
        fitted on have a say, measured in the inputs. Without either there are none.
        """
        mistakes, voters = self.scored.mistakes, self._fitted.voters
        if mistakes is None or mistakes.inputs is None or voters is None:
            return ()
        found: list[Suspect] = []
        origins = self._case.origins
        # Kept once, by increasing position, in however many folds they vote.
        all_voters = np.unique(np.concatenate(self._voters))
        for fold, own_voters in enumerate(self._voters):
            own = self.folds.scored_by[mistakes.positions] == fold
            if not own.any():
                continue
            positions = mistakes.positions[own]
            targets = self._targets[positions]
            fitted_targets = self.folds.fit_on.targets
            evidence = LabelEvidence(
                part=self._case.part,
                targets=targets,
                probabilities=mistakes.probabilities[own].astype(np.float64),
                votes=neighbour_votes(
                    voters[np.searchsorted(all_voters, own_voters)],
                    fitted_targets[own_voters],
                    len(self._subject.class_names),
                    mistakes.inputs[own],
                ),
                layer_names=self._subject.layer_names,
                probe_predictions=self.scored.probe_predictions[:, positions].astype(
                    np.int64
                ),
                # Of a class that nobody fitted on has, nothing can speak for the label.
                judged=np.isin(targets, fitted_targets[self.folds.fits == fold]),
                origins=origins and origins.at(positions),
                among=len(own_voters),
            )
            found += [
                replace(suspect, position=int(positions[suspect.position]))
                for suspect in ranked(evidence)
            ]
        return tuple(sorted(found, key=lambda suspect: -suspect.score))

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
            planes.append({name: two_columns(np.asarray(plane)[:, :2])})
        return planes


def _numbered(samples: int, words: str) -> str:
    if samples == 1:
        words = words.replace("samples", "sample").replace("rows", "row")
    return f"{samples:,} {words}"


def _drawn_of(
    targets: Int[np.ndarray, " samples"],
    folds: Int[np.ndarray, " samples"],
    fold: int,
    most: int,
) -> Int[np.ndarray, " drawn"]:
    """Return positions of samples of one fold, a stratified draw."""
    own = np.flatnonzero(folds == fold)
    return own[drawn(targets[own], most, seed=0)]


def _by_chance(evidence: LayerEvidence, neighbourhood: Neighbourhood) -> Measures:
    """Return what the stated sample gives with its labels shuffled."""
    sample, classes = evidence.sample, len(evidence.fitted.counts)
    most = len(evidence.fitted.scatter)
    relabelled = replace(
        sample,
        fitting_targets=shuffled(sample.fitting_targets, seed=0),
        targets=shuffled(sample.targets, seed=1),
    )
    return measured(LayerEvidence.of_sample(relabelled, classes, most), neighbourhood)


def _validation(
    subject: Subject, validation: Activations, bases: Sequence[Basis]
) -> ValidationView | None:
    """Return what the subject and its probes say of the validation samples."""
    count = len(validation.targets)
    narrow = np.min_scalar_type(-len(subject.class_names))
    said = np.zeros((len(bases), count), narrow)
    predictions, confidence = np.zeros(count, narrow), np.zeros(count)

    def answered(part: Iterable[Block]) -> bool:
        for block in part:
            if block.outputs is None:
                return False
            where = block.positions
            predictions[where] = np.argmax(block.outputs, axis=1)
            confidence[where] = subject.probabilities(block.outputs).max(axis=1)
            for place, (basis, rows) in enumerate(
                zip(bases, block.layers, strict=True)
            ):
                said[place, where] = basis.probes[0].predict(rows)
        return True

    # All ranks or none: a rank that left here would be waited for in the sum below.
    if not all(ranks.gathered(all(each(answered, validation.parts())))):
        return None
    said, predictions, confidence = ranks.all_summed((said, predictions, confidence))
    return ValidationView(
        targets=validation.targets,
        predictions=predictions,
        confidence=confidence,
        probe_predictions=said,
    )


def _inputs(scored: Activations, found: Scored) -> Inputs | None:
    """Return all inputs where they are at hand, else those of the worst mistakes."""
    if scored.inputs is not None:
        return scored.inputs
    mistakes = found.mistakes
    if mistakes is None or mistakes.items is None:
        return None
    return KeptInputs(mistakes.positions, mistakes.items)


def _hash(
    inputs: np.ndarray | None,
    targets: Int[np.ndarray, " samples"],
    sampled: Int[np.ndarray, " sampled"],
) -> str:
    """Return the SHA-256 of the stated sample: of its inputs, or else its labels."""
    rows = np.stack([sampled, targets[sampled]]) if inputs is None else inputs
    rows = np.ascontiguousarray(rows)
    # Bytes alone would be equal of rows cut otherwise, or read as another type.
    kind = f"{rows.dtype.str} {rows.shape}".encode()
    return hashlib.sha256(kind + rows.tobytes()).hexdigest()
