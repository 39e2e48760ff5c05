"""Labels that look wrong: what speaks against each, by those who were not told it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from itertools import count
from typing import Any

import numpy as np
from jaxtyping import Float

from layerwise.data import Dataset, Origins
from layerwise.errors import InputError
from layerwise.files import csv_text
from layerwise.model import Architecture, Network, flatten
from layerwise.study.labels._out_of_fold import (
    FOLDS,
    LabelEvidence,
    cross_fit,
    doubtful,
    geometric_mean,
    neighbours,
    read_by_probes,
    votes_of,
)
from layerwise.study.records import Suspect
from layerwise.training import Recipe, planned_engine

NOT_LISTED = ("origin", "nearest")
KEPT = [field.name for field in fields(Suspect) if field.name not in NOT_LISTED]
COLUMNS = tuple(dict.fromkeys(("part", "row", "file", *KEPT)))
"""Of the CSV; those that say where a sample is come before all others."""

ROUNDS = 3
"""Of networks: a third ranks better, labels swapped within pairs above all."""


def suspects(
    network: Network,
    data: Dataset,
    recipe: Recipe | None = None,
    *,
    most: int | None = None,
    seed: int = 0,
    watch: Callable[[int, int], None] | None = None,
) -> tuple[Suspect, ...]:
    """Return the samples of the training and the test set whose label looks wrong.

    `out_of_fold_evidence` for the training set, with networks of the same architecture,
    and `unseen_evidence` for the test set, ranked together.

    Parameters
    ----------
    network : Network
        Trained on the training set.
    data : Dataset
    recipe : Recipe, optional
        How to train the others; see `out_of_fold_evidence`.
    most : int, optional
        How many to return at most; by default all with a score above ½.
    seed : int
        The same seed gives the same suspects.
    watch : callable, optional
        Told now and then how many parts of the work are done, and of how many.

    Raises
    ------
    InputError
        As `out_of_fold_evidence` and `unseen_evidence`.
    """
    unseen = unseen_evidence(network, data)
    architecture = network.architecture
    held = out_of_fold_evidence(architecture, data, recipe, seed=seed, watch=watch)
    both = (*ranked(held, most), *ranked(unseen, most))
    return tuple(sorted(both, key=lambda suspect: -suspect.score)[:most])


def ranked(evidence: LabelEvidence, most: int | None = None) -> tuple[Suspect, ...]:
    """Return the samples of a score above ½, ``most`` at most, the most suspect first.

    Those for which networks out of fold or most neighbours speak: a mistake of the
    studied network alone makes no label suspect.
    """
    scores, suggestions = evidence.scores, evidence.suggestions
    since, names = evidence.since, (*evidence.layer_names, None)
    near = evidence.nearest
    order = np.argsort(-scores, kind="stable")
    order = order[((scores > 0.5) & evidence.supported)[order]]

    def suspect(i: int) -> Suspect:
        label, suggestion = int(evidence.targets[i]), int(suggestions[i])
        return Suspect(
            part=evidence.part,
            position=i,
            **_origin(evidence.origins, i),
            label=label,
            suggestion=suggestion,
            score=float(scores[i]),
            probability_of_label=float(evidence.probabilities[i, label]),
            probability_of_suggestion=float(evidence.probabilities[i, suggestion]),
            neighbours_agreeing=int(evidence.votes[i, suggestion]),
            neighbours=int(evidence.votes[i].sum()),
            since=names[since[i]],
            among=evidence.among,
            nearest=() if near is None else tuple(near[i].tolist()),
        )

    return tuple(suspect(int(i)) for i in order[:most])


def _origin(origins: Origins | None, position: int) -> dict[str, Any]:
    if origins is None:
        return {}
    return {
        "row": None if origins.ids else origins.row(position),
        "file": origins.file(position),
        "origin": origins.named(position),
    }


def unseen_evidence(network: Network, data: Dataset) -> LabelEvidence:
    """Return what speaks for and against the labels of the test set.

    The network's own probabilities, its nearest neighbours in the training set, and
    each layer's least-squares probe, fitted on the training set.

    Raises
    ------
    InputError
        If the samples do not have the network's input shape, or there are none.
    """
    train, test = data.train, data.test
    if not len(test):
        raise InputError(f"{data.name}: the test set is empty: give samples to judge")
    fitted, asked = _scaled(data, train.inputs), _scaled(data, test.inputs)
    near = neighbours(fitted, asked)
    return LabelEvidence(
        part="test",
        targets=test.targets,
        probabilities=network.predict_proba(test.inputs).astype(np.float64),
        votes=votes_of(train.targets[near], data.classes),
        layer_names=("input", *network.layer_names),
        probe_predictions=read_by_probes(network, train, test.inputs),
        judged=np.isin(test.targets, train.targets),
        origins=test.where,
        among=len(train),
        nearest=near,
    )


def out_of_fold_evidence(
    architecture: Architecture,
    data: Dataset,
    recipe: Recipe | None = None,
    *,
    seed: int = 0,
    watch: Callable[[int, int], None] | None = None,
) -> LabelEvidence:
    """Return what speaks for and against the labels of the training set.

    A network that was trained on a wrong label may have learnt it by heart, and excuse
    it. So each sample is judged by networks trained on four fifths of the others, in
    three rounds of five; by the labels of its nearest neighbours; and by probes fitted
    like the networks of the second round.

    The first round takes half the epochs, since wrong labels are what networks learn
    last. The others, which differ in their folds and initial parameters, are not taught
    the labels that the first's networks and the neighbours spoke against at 20 to 1:
    where classes are mislabelled as each other (4 as 9, 9 as 4), what wrong labels
    teach is itself wrong. A class of which more than half is doubted is kept whole:
    there the doubt is doubtful. All rounds count, by the geometric mean of their
    probabilities: without the first, labels that it doubted would be judged too
    harshly.

    The recipe says how to train the networks after the first round; its patience is not
    used, and ``seed`` stands for its seed. ``watch`` is told how many parts of the work
    are done, and of how many.

    Raises
    ------
    InputError
        If there are fewer samples than folds, or if a training diverges.
    KeyboardInterrupt
        On Ctrl-C: nothing is kept.
    """
    samples = data.train
    if len(samples) < FOLDS:
        raise InputError(
            f"{data.name}: {len(samples)} training samples are too few to judge each by"
            f" the others: give {FOLDS} or more"
        )
    tick = _ticks(watch, ROUNDS * FOLDS + 1)
    rows = _scaled(data, samples.inputs)
    near = neighbours(rows)
    votes = votes_of(samples.targets[near], data.classes)
    tick()
    settled = (recipe or Recipe()).resolved(len(samples))
    engine = planned_engine(architecture, data, settled, trainings=ROUNDS * FOLDS)
    settled = replace(settled, engine=engine.name)
    first = replace(settled, epochs=max(1, settled.epochs // 2), seed=seed)
    kept = np.ones(len(samples), bool)
    before = cross_fit(architecture, data, first, kept, tick).probabilities()
    kept = ~doubtful(before, votes, samples.targets)
    later = [
        cross_fit(architecture, data, replace(settled, seed=seed + n), kept, tick)
        for n in range(1, ROUNDS)
    ]
    said = [before, *(crossed.probabilities() for crossed in later)]
    return LabelEvidence(
        part="training",
        targets=samples.targets,
        probabilities=geometric_mean(said),
        votes=votes,
        layer_names=("input", *later[0].networks[0].layer_names),
        probe_predictions=later[0].probe_predictions(),
        judged=np.bincount(samples.targets)[samples.targets] > 1,
        origins=samples.where,
        among=len(samples) - 1,
        out_of_fold=True,
        nearest=near,
    )


def suspects_csv(suspects: Sequence[Suspect], class_names: Sequence[str]) -> str:
    """Return suspects as CSV, classes by name, a line for each after the header.

    Lines end as RFC 4180 asks, with CR and LF: write them as bytes, or to a file opened
    with ``newline=""``. Text that a spreadsheet could take for a formula gets an
    apostrophe in front.
    """
    rows = (
        asdict(suspect)
        | {
            "label": class_names[suspect.label],
            "suggestion": class_names[suspect.suggestion],
        }
        for suspect in suspects
    )
    return csv_text(COLUMNS, rows)


def _scaled(data: Dataset, inputs: np.ndarray) -> Float[np.ndarray, "samples features"]:
    """Return the inputs as a network sees them: where distances are measured."""
    return flatten(data.fitted_scaling.apply(inputs, np.float32))


def _ticks(watch: Callable[[int, int], None] | None, total: int) -> Callable[[], None]:
    """Return what is called after each part of the work, to tell the watcher."""
    done = count(1)

    def tick() -> None:
        if watch:
            watch(next(done), total)

    return tick
