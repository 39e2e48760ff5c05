"""Findings on predictions: accuracy, calibration, what can be kept, single samples."""

from collections.abc import Iterator
from math import isfinite, sqrt

import numpy as np

from layerwise.statistics import BINS, GUARANTEE, TWO_SIDED
from layerwise.study.findings._unlike import disagrees
from layerwise.study.records import Finding, Keepable, Study
from layerwise.wording import count, listed, percent

IN_A_ROW = 5
"""A postcode's digits: what an accuracy means where several must all be right."""


FEW = 20
"""Of fewer samples no share is worth a conclusion."""

SLIGHT = 0.005
"""Confidence and accuracy that differ by less than half a point are alike, however
many samples tell them apart."""

TELLING = 0.03
"""Where chance may make a larger difference between confidence and accuracy, that none
is seen says little."""


def constant(study: Study) -> Iterator[Finding]:
    """Say that the network answers the same for every sample, or that layers do."""
    layers = [layer.name for layer in study.layers if layer.dead.all()]
    answer = study.constant_answer
    if answer is None and not layers:
        return
    texts: list[str] = []
    if answer is not None:
        answer = study.class_names[answer]
        texts.append(f"The network answers {answer} for every one of {study.scored_on}")
    if layers:
        give = "gives" if len(layers) == 1 else "give"
        texts.append(
            f"{listed(layers)} {give} the same numbers for every sample: measures of "
            "constant activations are undefined"
        )
    yield Finding(
        "constant",
        f"{'. '.join(texts)}. Check that the inputs are scaled as in training; or "
        "train with a lower learning rate or another initialisation.",
        {"answer": answer, "scored_on": study.scored_on, "layers": layers},
        "counted",
    )


def accuracy(study: Study) -> Iterator[Finding]:
    """Say what share is right, how sure that is, and what it means in a row."""
    share = study.accuracy
    if share is None:
        return
    run = share.value**IN_A_ROW
    digits = all(len(name) == 1 and name.isdigit() for name in study.class_names)
    if digits:
        row = f"a {_NUMERALS[IN_A_ROW]}-digit postcode would be read right"
    else:
        row = f"{_NUMERALS[IN_A_ROW]} samples in a row would all be right"
    text = (
        f"{percent(share.value)} of {study.scored_on} are classified right (95 % "
        f"interval {percent(share.low)} to {percent(share.high)})."
    )
    if share.trials < FEW:
        verb = "is" if share.trials == 1 else "are"
        text = (
            f"{count(share.successes)} of {study.scored_on} {verb} classified right: "
            f"too few to judge (95 % interval {percent(share.low)} to "
            f"{percent(share.high)})."
        )
    elif 0 < share.successes < share.trials:
        text += (
            f" Whether that would do depends on the use: {row} in {percent(run)} of "
            "cases."
        )
    yield Finding(
        "accuracy",
        text,
        {
            "accuracy": share.value,
            "confidence": 0.95,
            "low": share.low,
            "high": share.high,
            "right": share.successes,
            "samples": share.trials,
            "in_a_row": IN_A_ROW,
            "all_right": run,
        },
    )


_NUMERALS = {5: "five"}


def keepable(study: Study) -> Iterator[Finding]:
    """Say what can be kept where an accuracy is required of what is kept."""
    keep = study.keepable
    if keep is None:
        return
    required, sure = percent(keep.required), percent(GUARANTEE, 0)
    if keep.chosen_on < keep.needed:
        text = (
            f"{count(keep.chosen_on)} validation samples are too few to promise "
            f"{required} accuracy above any confidence threshold: that takes "
            f"{count(keep.needed)} at least, all of them right."
        )
    elif not isfinite(keep.threshold):
        text = (
            f"No confidence threshold can promise {required} accuracy: nothing can be "
            f"kept. A threshold must hold for {sure} of draws of the "
            f"{count(keep.chosen_on)} validation samples."
        )
    elif keep.kept.successes == 0:
        text = (
            f"None of {count(keep.kept.trials)} samples has the confidence that "
            f"{required} accuracy takes, {percent(keep.threshold)}: nothing is kept."
        )
    else:
        rest = keep.kept.trials - keep.kept.successes
        text = (
            f"Where {required} accuracy is required, {percent(keep.kept.value)} of the "
            f"samples can be kept: those to whose class the network gives a "
            f"probability of at least {percent(keep.threshold)}. The threshold is "
            f"chosen on {count(keep.chosen_on)} validation samples with a margin "
            f"(binomial bound), so that it holds for {sure} of draws of them. Of "
            f"those kept here, {percent(keep.accuracy.value)} are right"
            f"{_short_of(keep)}"
            f"{f'; refer the other {count(rest)} to a person' if rest else ''}."
        )
    yield Finding(
        "keepable",
        text,
        {
            "required": keep.required,
            "threshold": keep.threshold if isfinite(keep.threshold) else None,
            "kept": keep.kept.value,
            "accuracy_of_kept": keep.accuracy.value if keep.kept.successes else None,
            "samples": keep.kept.trials,
            "samples_kept": keep.kept.successes,
            "samples_left": keep.kept.trials - keep.kept.successes,
            "guarantee": GUARANTEE,
            "validation_samples": keep.chosen_on,
            "validation_samples_needed": keep.needed,
        },
    )


def _short_of(keep: Keepable) -> str:
    """Say that what was kept is less often right than the validation set promised."""
    kept = keep.accuracy
    if kept.value >= keep.required:
        return ""
    if kept.high < keep.required:
        return ", less than required: the validation set promised too much"
    return f", less than required, which of {count(kept.trials)} may be chance"


def calibration(study: Study) -> Iterator[Finding]:
    """Say whether the confidence keeps its word.

    Over- or underconfident where the mean confidence and the accuracy differ by more
    than chance would make them, were every confidence p right in p of cases.
    """
    if study.predictions is None or study.confidence is None:
        return
    found = study.calibration
    # Where none is wrong, no confidence below 1 could have been right.
    if len(study.targets) < FEW or found.right.sum() in (0, len(study.targets)):
        return
    mean, share = found.mean_confidence, found.accuracy
    samples = len(study.targets)
    noise = TWO_SIDED * sqrt(found.variance) / samples
    verdict = "The network is neither over- nor underconfident"
    if noise > TELLING:
        verdict = (
            f"Whether the network is over- or underconfident {count(samples)} samples "
            "do not tell"
        )
    if abs(mean - share) > max(noise, SLIGHT):
        verdict = f"The network is {'over' if mean > share else 'under'}confident"
    yield Finding(
        "calibration",
        f"{verdict}: the probability of its answer is {percent(mean)} on average, and "
        f"{percent(share)} of them are right. Over {BINS} bins of confidence "
        f"the two differ by {percent(found.error)} (the expected calibration error).",
        {
            "mean_confidence": mean,
            "accuracy": share,
            "noise": noise,
            "samples": samples,
            "bins": BINS,
            "expected_calibration_error": found.error,
        },
    )


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
    if late.sum() < FEW or late.all() or study.constant_answer is not None:
        return
    early = agrees.all(axis=0)
    wrong = predictions != study.targets
    of_late, of_others = float(wrong[late].mean()), float(wrong[~late].mean())
    yield Finding(
        "decided late",
        f"{percent(float(early.mean()))} of the samples are decided from "
        f"{hidden[0].name} on: all later layers agree. {count(int(late.sum()))} are "
        f"decided in {hidden[-1].name} at the earliest"
        f"{_shares_wrong(of_late, of_others)}.",
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


def _shares_wrong(of_late: float, of_others: float) -> str:
    if not of_late and not of_others:
        return ""
    if not of_late:
        return f": all of these are right, {percent(of_others)} of the others are wrong"
    rest = f"of the others {percent(of_others)}" if of_others else "none of the others"
    return f": of these {percent(of_late)} are wrong, {rest}"


def decided_wrong(study: Study) -> Iterator[Finding]:
    """Tell mistakes made from the first hidden layer on from those made on the way.

    The former: every hidden layer's probe says the wrong class that the network says.
    The latter: the probe of some hidden layer says the right one.
    """
    hidden, predictions = study.hidden, study.predictions
    if len(hidden) < 2 or predictions is None:
        return
    wrong = study.mistakes
    if len(wrong) < MISTAKES or study.constant_answer is not None:
        return
    said = np.stack([layer.probe_predictions[wrong] for layer in hidden])
    early = int(np.sum((said == predictions[wrong]).all(axis=0)))
    lost = int(np.sum((said == study.targets[wrong]).any(axis=0)))
    if not early + lost:
        return
    total = len(wrong)
    texts: list[str] = []
    if early:
        texts.append(
            f"{count(early)} of the {count(total)} mistakes ({percent(early / total)}) "
            f"{'is' if early == 1 else 'are'} made from {hidden[0].name} on: more "
            f"layers would not help {'that' if early == 1 else 'those'}, a look at the "
            "samples and their labels may."
        )
    if lost:
        of = "" if early else f" of the {count(total)} mistakes"
        texts.append(
            f"{count(lost)}{of} ({percent(lost / total)}) could still be read right in "
            f"some hidden layer and {'is' if lost == 1 else 'are'} lost later."
        )
    yield Finding(
        "decided wrong",
        " ".join(texts),
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
    label as well: a confident network alone is often just wrong. Of a class that the
    network never answers every sample is wrong, and no label suspect for that.
    """
    if disagrees(study) > 0:
        return
    answered = set(study.answers[0].tolist()) if study.suspects else set()
    suspected = [one for one in study.suspects if one.label in answered]
    convincing = [
        suspect
        for suspect in suspected
        if suspect.score >= CONVINCING
        and 2 * suspect.neighbours_agreeing > suspect.neighbours
    ]
    if not convincing:
        return
    worst, suspects = convincing[0], len(convincing)
    label, suggestion = (study.class_names[c] for c in (worst.label, worst.suggestion))
    doubtful = "is" if suspects == 1 else "are"
    total = len(suspected)
    among = "" if worst.among is None else f" among {count(worst.among)} samples"
    yield Finding(
        "suspect labels",
        f"Of {count(total)} suspect {'label' if total == 1 else 'labels'} "
        f"{count(suspects)} {doubtful} doubted by the network and by most neighbours "
        f"alike. Most of all that of {worst.name}: "
        f"labelled {label}, it is read as "
        f"{suggestion} {_since(worst.since)}with a probability of "
        f"{percent(worst.probability_of_suggestion)}, and so are "
        f"{worst.neighbours_agreeing} of its {worst.neighbours} nearest neighbours"
        f"{among} labelled.",
        {
            "suspects": suspects,
            "of": total,
            "score": CONVINCING,
            "scored_on": study.scored_on,
            "part": worst.part,
            "position": worst.position,
            "row": worst.row,
            "file": worst.file,
            "label": label,
            "suggestion": suggestion,
            "since": worst.since,
            "probability": worst.probability_of_suggestion,
            "neighbours_agreeing": worst.neighbours_agreeing,
            "neighbours": worst.neighbours,
            "among": worst.among,
        },
        "rule of thumb",
    )


def _since(layer: str | None) -> str:
    if layer is None:
        return ""
    return f"from {'the raw input' if layer == 'input' else layer} on, "
