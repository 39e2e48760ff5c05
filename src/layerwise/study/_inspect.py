"""The look inside, from whatever is given: a pass to fit, a pass to score, a study."""

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack

import numpy as np
from jaxtyping import Int

from layerwise import ranks
from layerwise.arrays import each, one_blas_thread, to_numpy
from layerwise.data import (
    Columns,
    Dataset,
    KeptInputs,
    Samples,
    is_frame,
    several_labels,
)
from layerwise.errors import InputError
from layerwise.model import Network, TrainedNetwork
from layerwise.statistics import MAX_UNITS, Precision, share
from layerwise.study._seen import Seen
from layerwise.study._tables import importance_of, weak_spots
from layerwise.study.findings import study_findings, unlike
from layerwise.study.measures import layer_similarity
from layerwise.study.passes import Basis, Counting, Scored, snapshot_studies, with_turns
from layerwise.study.records import REQUIRED, Inputs, Study, ValidationView, keepable
from layerwise.study.subjects import Activations, Block, Case, Subject, network_case
from layerwise.training import Snapshot
from layerwise.wording import type_in_words


class LookOptions(TypedDict, total=False):
    """How a torch module is looked into; `inspect` explains each."""

    layers: str | type | Sequence[str | type] | None
    reduce: str | int | Callable[[Any], Any] | Mapping[str, Any]
    units: int | Mapping[str, int] | None
    predict: Callable[[Any], Any] | None
    scaling: str
    display: str | int | Callable[[Any], Any] | None
    class_names: Sequence[str] | None
    labels: str | int | Callable[[Any], Any] | None
    ids: str | int | Callable[[Any], Any] | None
    mask: str | int | Callable[[Any], Any] | None


def inspect(  # noqa: PLR0913 (what many will want to set stands here by its name)
    network: Any,
    data: Any,
    *,
    fit_on: Any = None,
    required_accuracy: float = REQUIRED,
    snapshots: Sequence[Snapshot] = (),
    transformer: Any = None,
    precision: Precision = "exact",
    max_units: int = MAX_UNITS,
    watch: Callable[[int, int], None] | None = None,
    **look: Unpack[LookOptions],
) -> Study:
    """Inspect every layer of a network: what its activations tell about the classes.

    Parameters
    ----------
    network : TrainedNetwork or torch.nn.Module
        A trained one; untrained is possible too.
    data : Dataset or Samples; with a module also (X, y) or an iterable of batches
        With a data set, everything fitted is fitted on its training samples and
        scored on its test samples. Samples alone are scored; what is fitted is fitted
        on ``fit_on``, or, without it, on the half that is not being scored. A module is
        given everything as it is, unless ``scaling`` is asked for. A batch is
        (inputs, labels), a mapping with labels, or a nest of these; an iterable is gone
        through two or three times, and has to bring the same samples each time, in the
        same order or with ids.
    fit_on : the same kinds, optional
        What to fit on.
    required_accuracy : float
        For ``Study.keepable``, between 0 and 1; a data set's validation samples choose
        the threshold.
    snapshots : sequence of Snapshot
        The network on its way: ``Result.snapshots``, or a recording's. Without them an
        untrained network is drawn anew, with seed 0, to compare with; of a module that
        layerwise trained it is the one it began with, and of any other none is known.
    transformer : scikit-learn transformer, optional
        One more way to look at the samples shown, fitted on the stated sample
        (``umap.UMAP()``, say); without a ``transform`` it is fitted on what it shows.
    precision : "exact" or "fast"
        "fast" takes products in float32, and measures what that costs; see
        `Moments.of`.
    max_units : int
        The scatter of a layer of more units is taken of as many coordinates in a seeded
        orthogonal basis; the study says so, and its class means stay exact.
    watch : callable, optional
        Told now and then how many rows were passed, and of how many.
    **look
        How a module is looked into.

        layers : str, type, or sequence of them
            Names, globs of names (``encoder.layer.*``: ``*`` ends at a dot, ``**`` does
            not) or types of modules; ``weights`` for every module that has weights. By
            default blocks, such as a transformer's or a residual network's, and the
            modules with weights outside of them. A module that is used twice is
            ``name#1`` and ``name#2``. A layer's activations are what it gives after the
            activation that follows it directly (normalisation, dropout, pooling and
            changes of shape may stand between), whether that is a module or a function;
            where none follows, its own output.
        reduce : str, int, callable, or mapping from globs of names to one of them
            How a layer's positions (of pictures, of sequences) become one row:
            ``"mean"``, the default, which respects an attention mask; ``"flatten"``;
            the place of a token, such as 0 or -1 (the last that is not masked); or a
            function from a tensor, samples first, to rows.
        units : int, or mapping from globs of names to int
            The axis of a layer's units, samples first (``-1``: the last). By default
            the functions that write or read the layer's tensor tell: a linear map the
            last axis, a convolution of pictures the last but two. A layer of which
            nothing tells it is left out, and said.
        predict : callable or None
            From what the module returns to logits; None for a study without
            predictions. By default ``.logits`` where there is one, the entry of a
            mapping under ``logits``, ``out`` or a like name, the first of a tuple:
            one logit for two classes, else a row of logits for each sample; of a
            softmax or sigmoid at the end, its logarithms.
        scaling : "range", "standard", "unit" or "none"
            Of inputs in arrays, before the module is given them: to [-1, 1], to unit
            variance, to [0, 1], or as they are, the default. It has to be what the
            module was trained on: a finding says the range that it was given, and,
            where a data set has validation samples, under which other scaling their
            loss is far lower.
        display : str, int or callable
            What is shown of each sample: pictures or texts, by key or place in a batch
            or by a function of the batch. By default inputs that look like pictures.
        class_names : sequence of str
            By class index; by default a data set's, or 0, 1, ….
        labels, ids, mask : str, int or callable
            Where a batch has labels, ids and the positions that count, if not under
            their usual names (labels last in a tuple, ``attention_mask``).

    Returns
    -------
    Study

    Raises
    ------
    InputError
        If there are no samples, or too few to cross-fit; if they do not have the
        network's input shape; if the network's outputs are not finite; or if a module
        fails, or has no such layers.
    """
    if isinstance(network, TrainedNetwork) and not isinstance(data, Dataset | Samples):
        by_hand = isinstance(network, Network)
        if by_hand or isinstance(data, Mapping) or is_frame(data):
            data = Dataset.of(data, columns=network.columns)
    for given in (data, fit_on):
        _refuse_several(given)
    case = _case(network, data, fit_on, snapshots, look)
    if isinstance(data, Dataset):
        case = replace(
            case,
            name=data.name,
            words=("training samples", "test samples"),
            part="test",
            columns=data.columns,
        )
    study = studied(
        case,
        required_accuracy=required_accuracy,
        transformer=transformer,
        counting=Counting(precision, max_units, watch),
    )
    if not isinstance(data, Dataset):
        return study
    return replace(study, findings=(*unlike(study, data), *study.findings))


def _refuse_several(data: Any) -> None:
    """Raise an error where samples have more than one label, or amounts."""
    sets = [data]
    if isinstance(data, Dataset):
        sets = [data.train, data.validation, data.test]
    elif isinstance(data, tuple) and len(data) == 2:
        sets = [data[1]]
    for one in sets:
        targets = one.targets if isinstance(one, Samples) else one
        shape = tuple(getattr(targets, "shape", ()))
        if len(shape) > 1:
            said = several_labels(to_numpy(targets))
            raise InputError(f"targets have shape {shape}: {said}")


def is_module(candidate: Any) -> bool:
    """Return whether this is a torch module: whoever has one has imported torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(candidate, torch.nn.Module)


def module_of(network: Any) -> Any:
    """Return the torch module that this is, or that it holds: of a fit of skorch's too.

    Raises
    ------
    InputError
        If there is none.
    """
    if isinstance(network, TrainedNetwork):
        from layerwise.modules import to_torch

        return to_torch(network)
    # What skorch fits holds its module under this name.
    module = network if is_module(network) else getattr(network, "module_", None)
    if is_module(module):
        return module
    kind = type_in_words(network)
    if hasattr(network, "module") and hasattr(network, "initialize"):
        raise InputError(f"{kind} has no module yet: fit it, or call initialize()")
    held = (name for name in ("network", "network_") if hasattr(network, name))
    own = "".join(f", such as its {name}" for name in held)
    raise InputError(
        f"{kind} cannot be inspected: give a Network or a torch.nn.Module{own}"
    )


def _case(
    network: Any,
    data: Any,
    fit_on: Any,
    snapshots: Sequence[Snapshot],
    look: LookOptions,
) -> Case:
    if isinstance(network, Network):
        if look:
            raise InputError(f"{next(iter(look))}= is for torch modules")
        return network_case(network, data, fit_on, snapshots)
    if isinstance(network, TrainedNetwork):
        snapshots = snapshots or [Snapshot(0, network.redrawn(seed=0))]
    module = module_of(network)
    from layerwise.study.subjects._module import Look, module_case

    return module_case(module, data, fit_on, Look(**look), snapshots)


@one_blas_thread()
def studied(
    case: Case,
    *,
    required_accuracy: float = REQUIRED,
    transformer: Any = None,
    counting: Counting | None = None,
) -> Study:
    """Return the study of a subject; `inspect` says what can be chosen.

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
    layers = with_turns(layers)
    fitted_on = _numbered(seen.fitted_count, case.words[0])
    if case.fit_on is None:
        fitted_on = "the other half of the samples (cross-fitted)"
    scored, targets = seen.scored, case.scored.targets
    of_network = layers[1:] if has_input else layers
    stages = seen.stages(of_network, stated[-len(of_network) :])
    # Beside each other: where the one has too little for all cores, the other has more.
    parts: list[Callable[[], Any]] = [
        lambda: snapshot_studies(stages, of_network),
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
        nearest=seen.nearest([*near_mistakes, *near]),
        crowd=seen.crowd(),
    )
    # What follows asks the study itself, as anybody can who is given one.
    if case.validation is not None and study.predictions is not None:
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
) -> ValidationView:
    """Return what the subject and its probes say of the validation samples."""
    count = len(validation.targets)
    narrow = np.min_scalar_type(-len(subject.class_names))
    said = np.zeros((len(bases), count), narrow)
    predictions, confidence = np.zeros(count, narrow), np.zeros(count)

    def answer(part: Iterable[Block]) -> None:
        for block in part:
            where = block.positions
            assert block.outputs is not None, "it predicts the scored samples too"
            predictions[where] = np.argmax(block.outputs, axis=1)
            confidence[where] = subject.probabilities(block.outputs).max(axis=1)
            for own, basis, rows in zip(said, bases, block.layers, strict=True):
                own[where] = basis.probes[0].predict(rows)

    ranks.in_all(lambda: each(answer, validation.parts()))
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
