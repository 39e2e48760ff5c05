"""From a subject and its samples to a study: one pass to fit, one pass to score."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Int

from layerwise import ranks
from layerwise.arrays import each, one_blas_thread
from layerwise.data import Columns
from layerwise.statistics import share
from layerwise.study._seen import Seen
from layerwise.study.findings import study_findings
from layerwise.study.measures import layer_similarity
from layerwise.study.passes import Basis, Counting, Scored, with_turns
from layerwise.study.records import (
    REQUIRED,
    Inputs,
    KeptInputs,
    Study,
    ValidationView,
    keepable,
)
from layerwise.study.subjects import Activations, Block, Case, Subject
from layerwise.study.tables import importance_of, weak_spots


@one_blas_thread()
def studied(
    case: Case,
    *,
    required_accuracy: float = REQUIRED,
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
    seen = Seen(case, transformer, counting or Counting())
    layers, stated = seen.layers()
    names = case.subject.layer_names
    has_input = case.subject.has_input
    if has_input:
        layers = [layers[0], *with_turns(layers[1:], layers[0])]
    else:
        layers = with_turns(layers, None)
    fitted_on = _numbered(seen.fitted_count, case.words[0])
    if case.fit_on is None:
        fitted_on = "the other half of the samples (cross-fitted)"
    scored, targets = seen.scored, case.scored.targets
    of_network = layers[1:] if has_input else layers
    stages = seen.stages(of_network, stated[-len(of_network) :])
    # Beside each other: where the one has too little for all cores, the other has more.
    parts: list[Callable[[], Any]] = [
        lambda: seen.snapshots(stages, of_network),
        lambda: layer_similarity([layer.sample for layer in layers]),
        seen.judged,
        seen.near_sampled,
    ]
    snapshots, similarity, judged, near = each(lambda part: part(), parts)
    suspects, near_mistakes = judged
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
        pairs=seen.pairs(),
        nearest=seen.nearest(near_mistakes, near),
        crowd=seen.crowd(),
    )
    # What follows asks the study itself, as anybody can who is given one.
    if case.validation is not None:
        view = _validation(case.subject, case.validation, seen.bases)
        study = replace(study, validation=view)
    study = replace(study, keepable=keepable(study, required_accuracy))
    if case.columns is not None and case.columns.shape is None:
        study = _of_table(study, case, case.columns)
    return replace(study, findings=(*case.findings, *study_findings(study)))


def _of_table(study: Study, case: Case, columns: Columns) -> Study:
    """Return the study with what the network makes of the columns of a table."""
    training = None if case.fit_on is None else case.fit_on.inputs
    scored, said = case.scored.inputs, study.predictions
    if training is None or scored is None or said is None:
        return study
    assert case.fit_on is not None
    known = np.asarray(training), case.fit_on.targets
    wrong, rows = said != study.targets, np.asarray(scored)
    weak = weak_spots(columns, known[0], rows, study.targets, wrong, study.class_names)
    study = replace(study, weak_spots=weak)
    view = case.validation
    if view is None or view.inputs is None or case.answer is None:
        return study
    validation = np.asarray(view.inputs), view.targets
    importance = importance_of(case.answer, columns, validation, known)
    return replace(study, importance=importance)


def _numbered(samples: int, words: str) -> str:
    if samples == 1:
        words = words.replace("samples", "sample").replace("rows", "row")
    return f"{samples:,} {words}"


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
