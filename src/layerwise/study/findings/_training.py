"""Findings on the network: what training has added, and what would do with less."""

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Any

import numpy as np

from layerwise.baselines import Baseline
from layerwise.statistics import (
    FEW,
    NOTABLE,
    TWO_SIDED,
    Share,
    difference_noise,
    exceeds,
)
from layerwise.study.findings._inputs import disagrees
from layerwise.study.records import REQUIRED, Finding, LayerStudy, Study, ValidationView
from layerwise.wording import (
    chosen,
    count,
    in_words,
    listed,
    percent,
    percent_of,
    points,
    quoted,
)

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
    where = "is there in the raw input already"
    if opens is not study.input:
        where = f"widens most in {in_words(opens.name)}"
    fitted, other = (percent_of(one.value, one.trials) for one in (learnt, scored))
    yield Finding(
        "gap",
        f"Generalisation gap: {fitted} on training samples, {other} on "
        f"{study.scored_on}",
        f"The gap of {points(learnt.value - scored.value, signed=False)} {where}: a "
        f"linear probe of {in_words(opens.name)} is right for "
        f"{percent(_probe_fitted(opens))} of {count(learnt.trials)} samples fitted on "
        f"and for {percent(opens.separability)} of those scored. More training samples "
        "would help; so may dropout or weight decay.",
        {
            "fitted_accuracy": learnt.value,
            "fitted_samples": learnt.trials,
            "accuracy": scored.value,
            "gap": learnt.value - scored.value,
            "scored_on": study.scored_on,
            "notable": NOTABLE,
            "opens": opens.name,
            "probe_fitted": {layer.name: _probe_fitted(layer) for layer in layers},
            "probe_scored": {layer.name: layer.separability for layer in layers},
        },
        "rule of thumb",
    )


UNSEEN = 0.1
"""Where chance hides so large a difference, that none is seen says nothing."""


def _of(share: Share) -> tuple[float, int]:
    return share.value, share.trials


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
    if difference_noise(*_of(learnt), *_of(scored)) > UNSEEN:
        return
    linear = _probe_fitted(study.input)
    yield Finding(
        "short of what is required",
        f"Training accuracy {percent_of(learnt.value, learnt.trials)} is below "
        f"{'the default of' if keep.required == REQUIRED else 'the required'} "
        f"{chosen(keep.required)}",
        f"The scored samples do as well but for chance, so that more samples of the "
        "same kind will not help; a larger network, better features or cleaner labels "
        f"may. A linear probe of the raw input has {percent(linear)} on the "
        f"{count(learnt.trials)} samples fitted on.",
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
    course, epochs = _course(study, hidden[-1])
    samples, last = len(study.sampled), after[-1]

    def around(at: int) -> str:
        one, other = (percent_of(x[at], samples) for x in (before, after))
        return f"{one} to {other}"

    noise = difference_noise(before[-1], samples, last, samples)
    if noise > UNSEEN:
        return
    headline = (
        f"Training hardly changed how well {in_words(names[-1])} separates the classes"
    )
    if abs(last - before[-1]) > noise:
        verb = "raised" if last > before[-1] else "lowered"
        headline = f"Training {verb} {in_words(names[-1])}'s linear-probe accuracy"
    others = [f"{in_words(names[i])} {around(i)}" for i in named[:-1]]
    beside = "which is chance"
    if last - chance <= difference_noise(last, samples, chance, samples):
        beside = f"within sampling noise of {in_words(names[-1])}'s"
    yield Finding(
        "training",
        f"{headline}: {around(-1)}",
        f"That is the accuracy of a linear probe on {count(samples)} samples, before "
        f"the first step and after the last"
        f"{f'; {listed(others)}' if others else ''}. With shuffled labels it is "
        f"{percent_of(chance, samples)}, {beside}.{course}",
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
        f" Most of {in_words(study.layers[place].name)}'s gain was there after "
        f"epoch {epochs[early]}{total} ({percent_of(course[early], samples)})."
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
    whole, samples = float(right.mean()), len(right)
    noise = losses[kept][1]
    of_probes = (view.probe_predictions == view.targets).mean(axis=1)
    shorter = float(of_probes[kept])
    cut = dict(zip(["input", *hidden], map(float, of_probes), strict=False))
    yield Finding(
        "depth",
        _would_do(hidden, kept),
        f"{_cut(hidden, kept)} is right for {percent_of(shorter, samples)} of "
        f"{count(samples)} validation samples, the whole network for "
        f"{percent_of(whole, samples)} (difference ± {points(noise, signed=False)}).",
        {
            "hidden_layers": len(hidden),
            "would_do": kept,
            "could_go": hidden[kept:],
            "accuracy": whole,
            "samples": samples,
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
    """Say how many hidden layers are enough."""
    if kept == 0:
        return "No hidden layer is needed"
    verb = "is" if kept == 1 else "are"
    return f"{kept} of {len(hidden)} hidden layers {verb} enough"


def _cut(hidden: list[str], kept: int) -> str:
    """Return what is left of a network that is cut after so many hidden layers."""
    if kept == 0:
        return "A linear classifier on the raw input"
    hidden = [*map(in_words, hidden)]
    gone = hidden[kept:]
    named = listed(gone) if len(gone) < 3 else f"{gone[0]} to {gone[-1]}"
    return (
        f"Cut after {hidden[kept - 1]}, with a linear classifier in place of {named}, "
        "the network"
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
    idle = (sum(dead.values()), sum(repeated.values()))
    total = sum(layer.units for layer in study.hidden)
    parts = [f"{units[x] - would_do[x]} of {units[x]} in {in_words(x)}" for x in units]
    yield Finding(
        "width",
        f"{count(sum(idle))} of {count(total)} hidden units can be removed without "
        "changing a prediction",
        f"{_idle(*idle)}, for all of {study.fitted_on}: {listed(parts)}.",
        {
            "units": units,
            "dead": dead,
            "repeated": repeated,
            "would_do": would_do,
            "idle": idle,
            "removable": {name: units[name] - would_do[name] for name in units},
            "of": (sum(idle), total),
            "fitted_on": study.fitted_on,
        },
        "counted",
    )


def _idle(dead: int, repeated: int) -> str:
    parts: list[str] = []
    if dead:
        be = "is dead, with" if dead == 1 else "are dead, with"
        parts.append(f"{count(dead)} {be} the same output")
    if repeated:
        verb = "repeats" if repeated == 1 else "repeat"
        parts.append(f"{count(repeated)} {verb} another unit")
    return " and ".join(parts)


def simple_method(study: Study, simple: Sequence[Baseline]) -> Iterator[Finding]:
    """Name the best simple method, where the network is not better than it."""
    ours = study.accuracy
    if ours is None or not simple:
        return
    guess = next((one for one in simple if one.name == "majority class"), None)
    if guess is not None and _hardly(ours, guess.accuracy):
        yield _no_sure_gain(study, ours, guess)
        return
    best = max(simple, key=lambda baseline: baseline.accuracy.value)
    theirs, evidence = best.accuracy, _compared(ours, best)
    lead, noise = evidence["difference"], evidence["noise"]
    if lead < 0 or min(theirs.trials, ours.trials) < FEW:
        return
    written = [percent_of(share.value, share.trials) for share in (theirs, ours)]
    verb = "beats" if lead > noise else "is as good as"
    if noise / 2 < lead <= noise:
        verb = "may be better than"
    name = f"{best.name[0].upper()}{best.name[1:]}"
    sure = f"{points(lead, signed=False)} (± {points(noise, signed=False)})"
    advice = (
        "That is more than chance explains: use it, or train the network better "
        "(learning rate, epochs, width)."
        if lead > noise
        else "That may be chance: on these samples the network shows no advantage."
    )
    yield Finding(
        "simple method",
        f"{name} {verb} the network: {written[0]} and {written[1]} correct",
        f"Scored on {count(theirs.trials)} samples, the difference is {sure}. {advice}",
        evidence,
    )


def _compared(ours: Share, method: Baseline) -> dict[str, Any]:
    theirs = method.accuracy
    return {
        "method": method.name,
        "method_accuracy": theirs.value,
        "accuracy": ours.value,
        "difference": theirs.value - ours.value,
        "noise": difference_noise(*_of(theirs), *_of(ours)),
        "samples": theirs.trials,
    }


UNEVEN = 0.8
"""Where so many samples are of one class, accuracy alone says little."""

WORST = 3
"""Classes named, those found least often first."""


def _hardly(ours: Share, guess: Share) -> bool:
    """Return whether a guess at an uneven set of classes is about as often right."""
    enough = min(guess.trials, ours.trials) >= FEW
    return enough and guess.value >= UNEVEN and not exceeds(ours, guess)


def _no_sure_gain(study: Study, ours: Share, guess: Baseline) -> Finding:
    """Say that an accuracy is one of the most frequent class, and what is found."""
    theirs, evidence = guess.accuracy, _compared(ours, guess)
    confusion = study.confusion
    found, there = confusion.diagonal(), confusion.sum(axis=1)
    written = [percent_of(share.value, share.trials) for share in (ours, theirs)]
    return Finding(
        "simple method",
        f"No sure gain over guessing the majority class: {written[0]} and {written[1]}",
        f"Predicting the most frequent class for all {count(theirs.trials)} samples is "
        f"right for {count(theirs.successes)}; the difference is "
        f"{points(-evidence['difference'])} "
        f"(± {points(evidence['noise'], signed=False)}).{_found_least(study)}",
        {
            **evidence,
            "right_by_method": theirs.successes,
            "found": found.tolist(),
            "samples_of_class": there.tolist(),
        },
    )


def _found_least(study: Study) -> str:
    """Say how many samples the network finds of the classes that it finds least."""
    found, there = study.confusion.diagonal(), study.confusion.sum(axis=1)
    missed = sorted(np.flatnonzero(found < there), key=lambda c: found[c] / there[c])
    if not missed:
        return ""
    named = [
        f"{count(found[c])} of {count(there[c])} samples of class "
        f"{quoted(study.class_names[c])}"
        for c in missed[:WORST]
    ]
    return (
        f" The network finds {listed(named)}. Judge by each class, not by accuracy "
        "alone; balanced class weights count rare classes more."
    )
