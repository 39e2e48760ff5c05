"""A network beside simple methods on the same raw inputs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from layerwise.baselines import Baseline
from layerwise.statistics import FEW, difference_noise
from layerwise.study.records import Finding, Study
from layerwise.wording import count, percent_of, points


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
    best = max(simple, key=lambda baseline: baseline.accuracy.value)
    theirs = best.accuracy
    lead = theirs.value - ours.value
    if lead < 0 or min(theirs.trials, ours.trials) < FEW:
        return
    noise = difference_noise(theirs.value, theirs.trials, ours.value, ours.trials)
    written = [percent_of(share.value, share.trials) for share in (theirs, ours)]
    verb = "beats" if lead else "is as good as"
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
