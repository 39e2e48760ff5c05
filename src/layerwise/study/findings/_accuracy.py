"""Findings on the accuracy: whether it would do, and what the confidence is worth."""

from collections.abc import Iterator
from math import sqrt

from layerwise.statistics import BINS, TWO_SIDED
from layerwise.study.records import Finding, Keepable, Study
from layerwise.wording import count, percent

__all__ = ["accuracy", "calibration", "keepable"]

IN_A_ROW = 5
"""A postcode's digits: what an accuracy means where several must all be right."""


TELLING = 0.03
"""Where chance may make a larger difference between confidence and accuracy, that none
is seen says little."""


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
    yield Finding(
        "accuracy",
        f"{percent(share.value)} of {study.scored_on} are classified right (95 % "
        f"interval {percent(share.low)} to {percent(share.high)}). Whether that would "
        f"do depends on the use: {row} in {percent(run)} of cases.",
        {
            "accuracy": share.value,
            "confidence": 0.95,
            "low": share.low,
            "high": share.high,
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
    if keep.kept.successes == 0:
        text = (
            f"No threshold on the network's confidence reaches "
            f"{percent(keep.required)} accuracy on the validation set: nothing can be "
            "kept at that demand."
        )
    else:
        text = (
            f"Where {percent(keep.required)} accuracy is required, "
            f"{percent(keep.kept.value)} of the samples can be kept: those the network "
            f"gives a probability of at least {percent(keep.threshold)}, a threshold "
            f"chosen on the validation set. Of those kept here, "
            f"{percent(keep.accuracy.value)} are right{_short_of(keep)}; the rest is "
            "for a person."
        )
    yield Finding(
        "keepable",
        text,
        {
            "required": keep.required,
            "threshold": keep.threshold,
            "kept": keep.kept.value,
            "accuracy_of_kept": keep.accuracy.value,
            "samples_kept": keep.kept.successes,
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
    mean, share = found.mean_confidence, found.accuracy
    samples = len(study.targets)
    noise = TWO_SIDED * sqrt(found.variance) / samples
    verdict = "The network is neither over- nor underconfident"
    if noise > TELLING:
        verdict = (
            f"Whether the network is over- or underconfident {count(samples)} samples "
            "do not tell"
        )
    if abs(mean - share) > noise:
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
