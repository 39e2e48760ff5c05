"""Findings on single samples: decided when, lost where, labelled right or wrong."""

from collections.abc import Iterator

import numpy as np

from layerwise.study.records import Finding, Study
from layerwise.wording import count, percent

__all__ = ["decided_late", "decided_wrong", "suspect_labels"]

MISTAKES = 10
"""Of fewer mistakes a share says nothing."""

CONVINCING = 0.99
"""So much of the evidence has to speak against a label. The score ranks and is no
frequency; of a good network's mistakes on MNIST this leaves about one in eight."""


def decided_late(study: Study) -> Iterator[Finding]:
    """Count the samples that only the last hidden layer decides, and what they cost.

    A sample is decided in the first layer from which on the probe of every hidden layer
    says what the network says. Late are those decided in the last hidden layer or, as
    the probes have it, not even there.
    """
    hidden, predictions = study.hidden, study.predictions
    if len(hidden) < 2 or predictions is None:
        return
    agrees = np.stack([x.probe_predictions == predictions for x in hidden])
    late = ~agrees[-2:].all(axis=0)
    if not late.any() or late.all():
        return
    early = agrees.all(axis=0)
    wrong = predictions != study.targets
    of_late, of_others = float(wrong[late].mean()), float(wrong[~late].mean())
    yield Finding(
        "decided late",
        f"{percent(float(early.mean()))} of the samples are decided from "
        f"{hidden[0].name} on: all later layers agree. {count(int(late.sum()))} are "
        f"decided in {hidden[-1].name} at the earliest: of these {percent(of_late)} "
        f"are wrong, of the others {percent(of_others)}.",
        {
            "decided_from_first": float(early.mean()),
            "late": int(late.sum()),
            "samples": len(wrong),
            "wrong_of_late": of_late,
            "wrong_of_others": of_others,
            "layers": [layer.name for layer in hidden],
        },
        "counted",
    )


def decided_wrong(study: Study) -> Iterator[Finding]:
    """Tell mistakes made from the first hidden layer on from those made on the way.

    The former: every hidden layer's probe says the wrong class that the network says.
    The latter: the probe of some hidden layer says the right one.
    """
    hidden, predictions = study.hidden, study.predictions
    if len(hidden) < 2 or predictions is None:
        return
    wrong = study.mistakes
    if len(wrong) < MISTAKES:
        return
    said = np.stack([layer.probe_predictions[wrong] for layer in hidden])
    early = int(np.sum((said == predictions[wrong]).all(axis=0)))
    lost = int(np.sum((said == study.targets[wrong]).any(axis=0)))
    if not early + lost:
        return
    total = len(wrong)
    yield Finding(
        "decided wrong",
        f"{count(early)} of the {count(total)} mistakes ({percent(early / total)}) "
        f"{'is' if early == 1 else 'are'} made from {hidden[0].name} on: more layers "
        f"would not help {'that' if early == 1 else 'those'}, a look at the samples "
        "and their labels may. "
        f"{count(lost)} ({percent(lost / total)}) could still be read right in some "
        f"hidden layer and {'is' if lost == 1 else 'are'} lost later.",
        {
            "mistakes": total,
            "wrong_from_first": early,
            "share_wrong_from_first": early / total,
            "lost": lost,
            "share_lost": lost / total,
            "layers": [layer.name for layer in hidden],
        },
        "counted",
    )


def suspect_labels(study: Study) -> Iterator[Finding]:
    """Say how many labels are doubtful, and which one most.

    Those with a score of 0.99 at least where most neighbours have the suggestion for a
    label as well: a confident network alone is often just wrong.
    """
    convincing = [
        suspect
        for suspect in study.suspects
        if suspect.score >= CONVINCING
        and 2 * suspect.neighbours_agreeing > suspect.neighbours
    ]
    if not convincing:
        return
    worst, suspects = convincing[0], len(convincing)
    label, suggestion = (study.class_names[c] for c in (worst.label, worst.suggestion))
    doubtful = "is" if suspects == 1 else "are"
    total = len(study.suspects)
    yield Finding(
        "suspect labels",
        f"Of {count(total)} suspect {'label' if total == 1 else 'labels'} "
        f"{count(suspects)} {doubtful} doubted by the network and by most neighbours "
        f"alike. Most of all that of sample {count(worst.position)} ({worst.part}): "
        f"labelled {label}, it is read as "
        f"{suggestion} {_since(worst.since)}with a probability of "
        f"{percent(worst.probability_of_suggestion)}, and so are "
        f"{worst.neighbours_agreeing} of its {worst.neighbours} nearest neighbours "
        "labelled.",
        {
            "suspects": suspects,
            "of": total,
            "score": CONVINCING,
            "scored_on": study.scored_on,
            "position": worst.position,
            "label": label,
            "suggestion": suggestion,
            "since": worst.since,
            "probability": worst.probability_of_suggestion,
            "neighbours_agreeing": worst.neighbours_agreeing,
            "neighbours": worst.neighbours,
        },
        "rule of thumb",
    )


def _since(layer: str | None) -> str:
    if layer is None:
        return ""
    return f"from {'the raw input' if layer == 'input' else layer} on, "
