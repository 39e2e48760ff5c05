"""Findings on the network: what training has added, and what would do with less."""

from collections.abc import Iterator
from math import isfinite, sqrt
from typing import Any

import numpy as np

from layerwise.statistics import NOTABLE, TWO_SIDED, difference_noise, exceeds
from layerwise.study.findings._unlike import disagrees
from layerwise.study.records import Finding, LayerStudy, Study, ValidationView
from layerwise.wording import count, listed, number, percent

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
    if disagrees(study) > 0:  # then the test set is another, and tells nothing of a fit
        return
    layers = tuple(study)
    gaps = [_probe_fitted(layer) - layer.separability for layer in layers]
    opens = layers[int(np.nanargmax(np.diff(gaps, prepend=0)))]
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
    if not np.all(np.isfinite([before, after])):
        return  # a layer that says the same of every sample
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


LOSS = 0.0015
"""A shallower network may lose so much: half of ``BEARABLE``, since it is trained anew
and another training of the same network is luckier or unluckier by about as much."""

BEARABLE = 0.003
"""More than this is a loss, whatever the noise."""

UNCERTAIN = 0.01
"""Where a difference is not known to a point, no advice is given. Without this, shallow
networks chosen on some 300 samples turned out a point worse on others."""


def depth(study: Study) -> Iterator[Finding]:
    """Say how few hidden layers would do, on the validation samples alone.

    A network cut after a layer, with that layer's least-squares probe for its output,
    is right where the probe is. The fewest layers are named of which this loses at most
    0.15 points, or less than 0.3 and no more than noise; where there are too few
    samples to know the loss to a point, none are.
    """
    view = study.validation
    hidden = [layer.name for layer in study.hidden]
    if view is None or study.input is None:
        return
    losses = [_loss(view, kept) for kept in range(len(hidden))]
    kept = next((k for k, loss in enumerate(losses) if _bearable(*loss)), None)
    if kept is None:
        return
    right = view.predictions == view.targets
    whole = float(right.mean())
    noise = losses[kept][1]
    of_probes = (view.probe_predictions == view.targets).mean(axis=1)
    cut = dict(zip(["input", *hidden], map(float, of_probes), strict=False))
    yield Finding(
        "depth",
        f"{_would_do(hidden, kept)} is right for {percent(float(of_probes[kept]))} of "
        f"{count(len(right))} validation samples, the whole network for "
        f"{percent(whole)}; the difference is known to {percent(noise)}.",
        {
            "hidden_layers": len(hidden),
            "would_do": kept,
            "could_go": hidden[kept:],
            "accuracy": whole,
            "samples": len(right),
            "cut_after": cut,
            "noise": noise,
        },
    )


def _loss(view: ValidationView, kept: int) -> tuple[float, float]:
    """Return the share of samples that a cut loses, and its noise.

    What decides are the samples of which only the whole network is right, and those of
    which only the cut one is (McNemar, Psychometrika 12, 1947): the standard error of
    the difference of two such counts is the root of their sum. One is added, since two
    networks that agree on few samples need not do so on others.
    """
    whole = view.predictions == view.targets
    cut = view.probe_predictions[kept] == view.targets
    only_whole, only_cut = int(np.sum(whole & ~cut)), int(np.sum(cut & ~whole))
    noise = TWO_SIDED * sqrt(only_whole + only_cut + 1)
    return (only_whole - only_cut) / len(whole), noise / len(whole)


def _bearable(loss: float, noise: float) -> bool:
    small = loss <= LOSS or (loss < BEARABLE and loss <= noise)
    return small and noise <= UNCERTAIN


def _would_do(hidden: list[str], kept: int) -> str:
    """Return which layers could go, as the beginning of a sentence."""
    if kept == 0:
        return "No hidden layer is needed: a linear classifier on the raw input"
    gone = hidden[kept:]
    named = listed(gone) if len(gone) < 3 else f"{gone[0]} to {gone[-1]}"
    return (
        f"{kept} of the {len(hidden)} hidden layers would do: cut after "
        f"{hidden[kept - 1]}, with a linear classifier in place of {named}, the network"
    )


def width(study: Study) -> Iterator[Finding]:
    """Count the hidden units that could go without changing a prediction.

    A unit of one output for every sample fitted on is a part of the next layer's
    biases; one that is a multiple of an earlier one, plus a constant, a part of that
    one's weights. Of means over positions neither follows.
    """
    layers = [x for x in study.hidden if x.whole and np.any(x.dead | x.duplicate)]
    if not layers:
        return
    dead = {layer.name: layer.dead_units for layer in layers}
    repeated = {x.name: int(np.sum(x.duplicate & ~x.dead)) for x in layers}
    units = {layer.name: layer.units for layer in layers}
    would_do = {name: units[name] - dead[name] - repeated[name] for name in units}
    parts = [f"{would_do[name]} of {units[name]} in {name}" for name in units]
    idle = (sum(dead.values()), sum(repeated.values()))
    yield Finding(
        "width",
        f"Fewer units would do without changing a prediction of {study.fitted_on}: "
        f"{listed(parts)}. {_idle(*idle)}.",
        {
            "units": units,
            "dead": dead,
            "repeated": repeated,
            "would_do": would_do,
            "idle": idle,
            "fitted_on": study.fitted_on,
        },
        "counted",
    )


def _idle(dead: int, repeated: int) -> str:
    parts: list[str] = []
    if dead:
        verb = "is" if dead == 1 else "are"
        parts.append(f"{dead} {verb} dead, with one output whatever comes in")
    if repeated:
        verb = "repeats" if repeated == 1 else "repeat"
        parts.append(f"{repeated} {verb} another")
    return listed(parts)


def projected(study: Study) -> Iterator[Finding]:
    """Say of which layers, too wide for it, the scatter is a projection's."""
    for layer in study:
        drawn = layer.moments.projection
        if drawn is not None:
            yield Finding(
                kind="projected",
                text=f"{layer.name} has {count(drawn.units)} units: its scatter, and "
                "what follows from it (components, discriminants, probes, dimensions), "
                f"is that of {count(drawn.width)} orthogonal directions drawn with "
                f"seed {drawn.seed}; class means, variances and dead units are those "
                "of the units themselves, and duplicate units are not looked for.",
                evidence={
                    "layer": layer.name,
                    "units": drawn.units,
                    "width": drawn.width,
                    "seed": drawn.seed,
                },
                certainty="counted",
            )


def fast(study: Study) -> Iterator[Finding]:
    """Say how wrong sums taken in single precision are."""
    found = [layer for layer in study if layer.moments.fast_error is not None]
    if found:
        worst = max(found, key=lambda layer: layer.moments.rounding)
        measured = worst.moments.rounding
        bound = max(layer.moments.rounding_bound for layer in found)
        always = f", nor, whatever the data, by more than {number(bound)}"
        yield Finding(
            kind="fast",
            text="Products were taken in single precision: no entry of a layer's "
            f"scatter is wrong by more than {number(measured)} of the largest, as "
            f"measured on one block in 64 ({worst.name}, the worst)"
            f"{always if isfinite(bound) else ''}.",
            evidence={"layer": worst.name, "measured": measured, "bound": bound},
            certainty="measured",
        )
