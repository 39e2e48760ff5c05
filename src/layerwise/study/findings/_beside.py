"""A network beside simple methods on the same raw inputs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int64

from layerwise.baselines import Baseline
from layerwise.statistics import FEW, Share, difference_noise, exceeds
from layerwise.study.records import Finding, Study
from layerwise.wording import count, listed, percent_of, points, quoted


def beside(study: Study, simple: Sequence[Baseline]) -> Study:
    """Return the study, with a finding where a simple method is as good.

    Parameters
    ----------
    study : Study
    simple : sequence of Baseline
        Scored on the same samples, or on some of them.
    """
    found = tuple(simple_method(study, simple))
    kinds = [finding.kind for finding in study.findings]
    place = kinds.index("accuracy") + 1 if "accuracy" in kinds else 0
    findings = (*study.findings[:place], *found, *study.findings[place:])
    return replace(study, findings=findings)


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
    theirs = best.accuracy
    lead = theirs.value - ours.value
    if lead < 0 or min(theirs.trials, ours.trials) < FEW:
        return
    noise = difference_noise(theirs.value, theirs.trials, ours.value, ours.trials)
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
        {
            "method": best.name,
            "method_accuracy": theirs.value,
            "accuracy": ours.value,
            "difference": lead,
            "noise": noise,
            "samples": theirs.trials,
        },
    )


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
    theirs = guess.accuracy
    lead = theirs.value - ours.value
    noise = difference_noise(theirs.value, theirs.trials, ours.value, ours.trials)
    classes = len(study.class_names)
    found = there = np.zeros(classes, np.int64)
    detail = (
        f"Predicting the most frequent class for all {count(theirs.trials)} samples is "
        f"right for {count(theirs.successes)}; the difference is "
        f"{points(-lead)} (± {points(noise, signed=False)})."
    )
    if study.predictions is not None:
        right = study.predictions == study.targets
        there = np.bincount(study.targets, minlength=classes)
        found = np.bincount(study.targets[right], minlength=classes)
        detail += _found_least(study, found, there)
    written = [percent_of(share.value, share.trials) for share in (ours, theirs)]
    return Finding(
        "simple method",
        f"No sure gain over guessing the majority class: {written[0]} and {written[1]}",
        detail,
        {
            "method": guess.name,
            "method_accuracy": theirs.value,
            "accuracy": ours.value,
            "difference": lead,
            "noise": noise,
            "samples": theirs.trials,
            "right_by_method": theirs.successes,
            "found": found.tolist(),
            "samples_of_class": there.tolist(),
        },
    )


def _found_least(
    study: Study,
    found: Int64[np.ndarray, " classes"],
    there: Int64[np.ndarray, " classes"],
) -> str:
    """Say how many samples the network finds of the classes that it finds least."""
    missed = [int(c) for c in np.flatnonzero(found < there)]
    missed.sort(key=lambda c: found[c] / there[c])
    if not missed:
        return ""
    named = [
        f"{count(int(found[c]))} of {count(int(there[c]))} samples of class "
        f"{quoted(study.class_names[c])}"
        for c in missed[:WORST]
    ]
    return (
        f" The network finds {listed(named)}. Judge by each class, not by accuracy "
        "alone; balanced class weights count rare classes more."
    )
