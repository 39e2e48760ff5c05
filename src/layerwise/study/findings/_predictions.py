"""Findings on predictions: accuracy, calibration, what can be kept, single samples."""

from collections.abc import Iterator, Sequence
from math import isfinite, sqrt

import numpy as np

from layerwise.statistics import BINS, FEW, GUARANTEE, TWO_SIDED
from layerwise.study.findings._inputs import disagrees
from layerwise.study.records import Finding, Keepable, Study, Suspect
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

IN_A_ROW = 5
"""A postcode's digits: what an accuracy means where several must all be right."""

SLIGHT = 0.005
"""Confidence and accuracy that differ by less than half a point are alike, however
many samples tell them apart."""

TELLING = 0.03
"""Where chance may make a larger difference between confidence and accuracy, that none
is seen says little."""


def constant(study: Study) -> Iterator[Finding]:
    """Say that the network answers the same for every sample, or that layers do."""
    layers = [in_words(layer.name) for layer in study.layers if layer.dead.all()]
    answer = study.constant_answer
    if answer is None and not layers:
        return
    same = f"{listed(layers)} {'gives' if len(layers) == 1 else 'give'} the same output"
    parts: list[str] = []
    if answer is not None:
        answer = study.class_names[answer]
        parts = [f"It does so for all of {study.scored_on}"]
    if answer is not None and layers:
        parts.append(f"{same} for each")
    if layers:
        parts.append("Measures of constant activations are undefined")
    yield Finding(
        "constant",
        f"{same} for every sample"
        if answer is None
        else f"The network predicts {quoted(answer)} for every sample",
        f"{'. '.join(parts)}. Check that the inputs are scaled as in training; or "
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
    value, low, high = (
        percent_of(x, share.trials) for x in (share.value, share.low, share.high)
    )
    headline, details = f"Accuracy {value} on {study.scored_on}", list[str]()
    right = f"{count(share.successes)} of {count(share.trials)} are correct"
    if share.trials < FEW:
        headline = f"Too few samples to judge: {right}"
    elif 0 < share.successes < share.trials:
        details.append(
            f"{right}; five predictions in a row are all correct in "
            f"{percent_of(run, share.trials)} of cases."
        )
    balanced: dict[str, float] = {}
    if study.is_uneven and share.trials >= FEW:
        balanced["balanced_accuracy"] = mean = study.class_scores.balanced_accuracy
        details.append(
            "Classes are uneven: the balanced accuracy, the mean over the classes, is "
            f"{percent_of(mean, share.trials)}."
        )
    yield Finding(
        "accuracy",
        f"{headline} (95 % interval {low.removesuffix(' %')} to {high})",
        " ".join(details),
        {
            "accuracy": share.value,
            "confidence": 0.95,
            "low": share.low,
            "high": share.high,
            "right": share.successes,
            "samples": share.trials,
            "in_a_row": IN_A_ROW,
            "all_right": run,
            **balanced,
        },
    )


def keepable(study: Study) -> Iterator[Finding]:
    """Say what can be kept where an accuracy is required of what is kept."""
    keep = study.keepable
    if keep is None:
        return
    required, sure = chosen(keep.required), chosen(GUARANTEE)
    validation, samples = count(keep.chosen_on), count(keep.kept.trials)
    threshold = percent(keep.threshold) if isfinite(keep.threshold) else ""
    if keep.chosen_on < keep.needed:
        headline = "Too few validation samples for a threshold that promises "
        headline += f"{required} accuracy"
        detail = (
            f"A confidence threshold for it needs at least {count(keep.needed)} "
            f"validation samples, all of them right; there are {validation}. A lower "
            "required accuracy needs fewer."
        )
    elif not threshold:
        headline = f"No confidence threshold can promise {required} accuracy"
        detail = (
            f"A threshold must hold for {sure} of draws of the {validation} validation "
            "samples, and none does: no prediction can be accepted without review."
        )
    elif keep.kept.successes == 0:
        headline = f"No sample is confident enough for {required} accuracy"
        detail = f"The confidence threshold is {threshold}; all {samples} are below it."
    else:
        rest = keep.kept.trials - keep.kept.successes
        other = f"other {count(rest)}" if rest > 1 else "other one"
        accepted = percent_of(keep.kept.value, keep.kept.trials)
        headline = f"{accepted} of samples can be accepted at {required} accuracy"
        detail = (
            f"Accept predictions with a confidence of at least {threshold}: of those "
            f"{percent_of(keep.accuracy.value, keep.accuracy.trials)} are right here"
            f"{_short_of(keep)}. The threshold was chosen on {validation} validation "
            f"samples with a binomial bound, so that it holds for {sure} of draws of "
            f"them.{f' Refer the {other} to a person.' if rest else ''}"
        )
    yield Finding(
        "keepable",
        headline,
        detail,
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
    return f", less than required, which for {count(kept.trials)} samples may be chance"


def calibration(study: Study) -> Iterator[Finding]:
    """Say whether the confidence keeps its word.

    Over- or underconfident where the mean confidence and the accuracy differ by more
    than chance would make them, were every confidence p right in p of cases. Nothing is
    said where a difference would have to be large to show.
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
    off = abs(mean - share) > max(noise, SLIGHT)
    if not off and noise > TELLING:
        return
    verdict = "Confidence is well calibrated"
    detail = "They differ by no more than chance explains."
    if off:
        verdict = f"The network is {'over' if mean > share else 'under'}confident"
        side = "above" if mean > share else "below"
        detail = (
            "That is more than chance explains. Before you use its probabilities, "
            f"divide the logits by a temperature {side} one: that of the lowest loss "
            "on validation samples."
        )
    yield Finding(
        "calibration",
        f"{verdict}: mean confidence {percent_of(mean, samples)}, accuracy "
        f"{percent_of(share, samples)}",
        f"{detail} The expected calibration error over {BINS} bins of confidence is "
        f"{points(found.error, signed=False)}.",
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
        f"{percent(float(early.mean()))} of predictions are settled by "
        f"{in_words(hidden[0].name)}",
        f"Later layers do not change them. {count(int(late.sum()))} predictions are "
        f"settled by {in_words(hidden[-1].name)} at the earliest"
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
    others = f", {percent(of_others)} of the others" if of_others else ""
    return f": {percent(of_late)} of these are wrong{others}"


def decided_wrong(study: Study) -> Iterator[Finding]:
    """Tell errors made from the first hidden layer on from those made on the way.

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
    was = "was" if lost == 1 else "were"
    said_right = "still right in a probe of some hidden layer"
    if early:
        already = "is" if early == 1 else "are"
        headline = (
            f"{count(early)} of {count(total)} errors {already} already made in "
            f"{in_words(hidden[0].name)} and never corrected"
        )
        detail = "Check these samples and their labels."
        if lost:
            others = "other" if lost == 1 else "others"
            detail += f" {count(lost)} {others} {was} {said_right}, and lost later."
    else:
        headline = f"{count(lost)} of {count(total)} errors {was} {said_right}"
        detail = "They were lost in a later layer."
    yield Finding(
        "decided wrong",
        headline,
        detail,
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
    total = len(suspected)
    among = "" if worst.among is None else f" among {count(worst.among)} samples"
    all_agree = worst.neighbours_agreeing == worst.neighbours
    agreeing = "all" if all_agree else f"{worst.neighbours_agreeing} of"
    agreeing += f" its {worst.neighbours}"
    of = "" if total == suspects else f" of {count(total)}"
    labels = "label is" if suspects == total == 1 else "labels are"
    labels = "suspicious labels is" if suspects == 1 < total else f"suspicious {labels}"
    yield Finding(
        "suspect labels",
        f"{count(suspects)}{of} {labels} contradicted by network and neighbours",
        f"Check {worst.name}{_counted(worst)} first: labelled {quoted(label)}, but "
        f"predicted {quoted(suggestion)} {_since(worst.since)}with a probability of "
        f"{_likely(worst.probability_of_suggestion)}; {agreeing} nearest "
        f"neighbours{among} are labelled {quoted(suggestion)}."
        f"{_of_most(study, worst.suggestion)}{_known_case(suspected)}",
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
            "nearly_certain": NEARLY_CERTAIN,
            "share_of_suggestion": float(np.mean(study.targets == worst.suggestion)),
        },
        "rule of thumb",
    )


def _counted(suspect: Suspect) -> str:
    """Say in which file a row is, and how rows are counted."""
    if suspect.row is None:
        return ""
    known = suspect.file is None or suspect.file in (suspect.origin or "")
    return f"{'' if known else f' of {suspect.file}'} (counted from zero)"


MOST = 0.8
"""A class of so many samples is that of most neighbours, wherever a sample lies."""


def _of_most(study: Study, suggestion: int) -> str:
    """Say where neighbours of a class prove little: nearly all samples are of it."""
    share = float(np.mean(study.targets == suggestion))
    if share < MOST:
        return ""
    return (
        f" But {percent_of(share, len(study.targets))} of all samples are labelled "
        f"{quoted(study.class_names[suggestion])}: such neighbours prove little."
    )


def _known_case(suspects: Sequence[Suspect]) -> str:
    """Say how many suspects are wrong labels where that was known.

    Of those for which no networks were trained out of fold, on digits of which 2 and
    5 % of the labels were replaced.
    """
    if any(suspect.part == "training" for suspect in suspects):
        return ""
    return (
        " Where labels were replaced on purpose, about two of three such suspects were "
        "wrong labels."
    )


NEARLY_CERTAIN = 0.999
"""More than that is written as such: no network is certain."""


def _likely(probability: float) -> str:
    if probability <= NEARLY_CERTAIN:
        return percent(probability)
    return f"more than {chosen(NEARLY_CERTAIN)}"


def _since(layer: str | None) -> str:
    if layer is None:
        return ""
    return f"from {'the raw input' if layer == 'input' else layer} on "
