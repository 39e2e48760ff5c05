"""Findings on the training: where it fits others less, what it has added, how fast."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from layerwise.statistics import NOTABLE, difference_noise, exceeds
from layerwise.study.records import Finding, LayerStudy, Study
from layerwise.wording import count, listed, percent

__all__ = ["added", "gap", "short"]

NAMED = 5
"""Of more hidden layers than this, three are named: all would make no sentence."""

MOST = 0.9
"""So much of what training has added is most of it."""


def gap(study: Study) -> Iterator[Finding]:
    """Say in which layer samples fitted on and others part, where they notably do.

    The gap opens at the layer at which a linear probe's own gap grows most. Whether it
    is too large is for the diagnosis of a training to say, which knows how it came.
    """
    learnt, scored = study.fitted_accuracy, study.accuracy
    if learnt is None or scored is None or not exceeds(learnt, scored, NOTABLE):
        return
    layers = tuple(study)
    gaps = [_probe_fitted(layer) - layer.separability for layer in layers]
    opens = layers[int(np.argmax(np.diff(gaps, prepend=0)))]
    where = f"opens most in {opens.name}"
    if opens is study.input:
        where = "lies already in the raw input"
    yield Finding(
        "gap",
        f"Of {count(learnt.trials)} samples fitted on {percent(learnt.value)} are "
        f"right, of those scored {percent(scored.value)}. The gap {where}, from which "
        f"a linear probe reads {percent(_probe_fitted(opens))} of the former and "
        f"{percent(opens.separability)} of the latter.",
        {
            "fitted_accuracy": learnt.value,
            "fitted_samples": learnt.trials,
            "accuracy": scored.value,
            "notable": NOTABLE,
            "opens": opens.name,
            "probe_fitted": {layer.name: _probe_fitted(layer) for layer in layers},
            "probe_scored": {layer.name: layer.separability for layer in layers},
        },
        "rule of thumb",
    )


def short(study: Study) -> Iterator[Finding]:
    """Say that not even the samples fitted on are right as often as is required.

    Their whole interval is below, and the scored samples do as well but for noise: more
    data of the kind would not help.
    """
    learnt, scored, keep = study.fitted_accuracy, study.accuracy, study.keepable
    if learnt is None or scored is None or keep is None or study.input is None:
        return
    if exceeds(learnt, scored) or learnt.high >= keep.required:
        return
    linear = _probe_fitted(study.input)
    yield Finding(
        "short of what is required",
        f"Not even of the samples fitted on are as many right as required: "
        f"{percent(learnt.value)} of {count(learnt.trials)}, where "
        f"{percent(keep.required)} is required and a linear probe of the raw input has "
        f"{percent(linear)}. More samples of the same kind would not help.",
        {
            "fitted_accuracy": learnt.value,
            "fitted_samples": learnt.trials,
            "required": keep.required,
            "fitted_high": learnt.high,
            "accuracy": scored.value,
            "input_probe_fitted": linear,
        },
        "rule of thumb",
    )


def _probe_fitted(layer: LayerStudy) -> float:
    return layer.measures.values["probe_accuracy_fitted"]


def added(study: Study) -> Iterator[Finding]:
    """Say what training has added to what a linear probe reads from the hidden layers.

    All on the stated sample: the network studied, the same before its first step, and
    the network studied with the sample's labels shuffled.
    """
    hidden, untrained = range(len(study.hidden)), study.untrained
    if not hidden or untrained is None:
        return
    names = [study.layers[at].name for at in hidden]
    before, after = (
        [snapshot.layers[at].measures.values["probe_accuracy"] for at in hidden]
        for snapshot in (untrained, study.snapshots[-1])
    )
    chance = study.layers[hidden[-1]].shuffled.values["probe_accuracy"]
    named = list(hidden)
    if len(named) > NAMED:
        gain = np.subtract(after, before)
        named = sorted({0, int(np.argmax(gain)), hidden[-1]})
    steps = [f"{names[i]} {percent(after[i])} ({percent(before[i])})" for i in named]
    course, epochs = _course(study, hidden[-1])
    samples, last = len(study.sampled), after[-1]
    beside = "which is chance"
    if last - chance <= difference_noise(last, samples, chance, samples):
        beside = f"from which so many samples cannot tell {names[-1]}"
    yield Finding(
        "training",
        f"What training has added: of a sample of {count(samples)}, a "
        f"linear probe reads from {listed(steps)} right; in brackets, before the first "
        f"step. Shuffled labels give {percent(chance)}, {beside}.{course}",
        {
            "samples": samples,
            "untrained": dict(zip(names, before, strict=True)),
            "trained": dict(zip(names, after, strict=True)),
            "shuffled": chance,
            "snapshots": epochs,
        },
    )


def _course(study: Study, place: int) -> tuple[str, dict[str, list[Any]]]:
    """Say after which epoch nine tenths of a layer's gain were there.

    Nothing where it was the last, or where the gain is noise of two such samples.
    """
    epochs = [snapshot.epoch for snapshot in study.snapshots]
    course = [
        s.layers[place].measures.values["probe_accuracy"] for s in study.snapshots
    ]
    first, last, samples = course[0], course[-1], len(study.sampled)
    evidence = {"epochs": epochs, "probe_accuracy": course}
    if last - first <= difference_noise(first, samples, last, samples):
        return "", evidence
    most = first + MOST * (last - first)
    early = next(i for i, value in enumerate(course) if value >= most)
    if early == len(course) - 1:
        return "", evidence
    total = "" if epochs[-1] is None else f" of {epochs[-1]}"
    text = (
        f" Most of {study.layers[place].name}'s gain was there after epoch "
        f"{epochs[early]}{total}, with {percent(course[early])}."
    )
    return text, evidence
