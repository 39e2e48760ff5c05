"""From a study's figures to sentences: each by a stated rule, with its numbers.

A rule is a function from a study to findings, none where it does not apply. Their order
in ``RULES`` is the order of use.
"""

from collections.abc import Callable, Iterator

import numpy as np

from layerwise.inspection._study import Finding, LayerStudy, Study
from layerwise.wording import count, listed, number, percent

__all__ = ["study_findings"]

APART = 0.95
"""A class is apart in a layer where the probe finds at least this share of it."""

PAIRS = 3
"""At most so many mixed pairs are named."""

SPREAD = 1.1
"""A class is worth naming where its variance is so many times the average one."""

IN_A_ROW = 5
"""A postcode's digits: what an accuracy means where several must all be right."""


def study_findings(study: Study) -> tuple[Finding, ...]:
    """Return what a study has found out, most useful first."""
    return tuple(finding for rule in RULES for finding in rule(study))


def _accuracy(study: Study) -> Iterator[Finding]:
    share = study.accuracy
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


def _keepable(study: Study) -> Iterator[Finding]:
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
            f"gives a probability of at least {number(keep.threshold)}, a threshold "
            f"chosen on the validation set. Of those kept here, "
            f"{percent(keep.accuracy.value)} are right; the rest is for a person."
        )
    yield Finding(
        "keepable",
        text,
        {
            "required": keep.required,
            "threshold": keep.threshold,
            "kept": keep.kept.value,
            "accuracy_of_kept": keep.accuracy.value,
        },
    )


def _mixed(study: Study) -> Iterator[Finding]:
    """Name the pairs confused more often than twice the average pair, at least 3 times.

    Where no pair is, the network confuses nothing in particular.
    """
    mixed = study.confusion + study.confusion.T
    last = study.layers[-1]
    # A class without a sample to fit on has no distance from the others.
    first, second = np.nonzero(np.triu(np.isfinite(last.separation), 1))
    errors = mixed[first, second]
    if errors.sum() == 0:
        return
    labelled = study.confusion.sum(axis=1)
    median = float(np.median(last.separation[first, second]))
    for place in np.argsort(-errors, kind="stable")[:PAIRS]:
        i, j, wrong = int(first[place]), int(second[place]), int(errors[place])
        if wrong < 3 or (len(errors) > 1 and wrong <= 2 * errors.mean()):
            return
        both = int(labelled[i] + labelled[j])
        a, b = study.class_names[i], study.class_names[j]
        apart = float(last.separation[i, j])
        yield Finding(
            "mixed pair",
            f"{a} and {b} are still mixed in the last layer: {count(wrong)} of their "
            f"{count(both)} samples ({percent(wrong / both)}) are taken for the other. "
            f"Their means there lie {number(apart)} standard deviations apart, those "
            f"of the median pair {number(median)}.",
            {
                "classes": [a, b],
                "mixed": wrong,
                "samples": both,
                "share": wrong / both,
                "separation": apart,
                "median_separation": median,
            },
        )


def _apart(study: Study) -> Iterator[Finding]:
    """Say for every class the first layer from which on it is apart."""
    recall = np.stack([layer.probe_recall for layer in study])
    names = [layer.name for layer in study]
    since: dict[str, list[str]] = {}
    for c, class_name in enumerate(study.class_names):
        if np.isnan(recall[0, c]):
            continue
        below = np.flatnonzero(recall[:, c] < APART)
        start = int(below[-1]) + 1 if len(below) else 0
        since.setdefault(names[start] if start < len(names) else "", []).append(
            class_name
        )
    parts = [
        f"{listed(since[name])} {_from_on(name)}" for name in names if name in since
    ]
    if "" in since:
        parts.append(f"{listed(since[''])} in no layer")
    yield Finding(
        "apart",
        f"Apart from the others, so that a linear probe finds at least "
        f"{percent(APART, 0)} of the class: {'; '.join(parts)}.",
        {"threshold": APART, "from": since, "recall": _table(names, recall)},
    )


def _from_on(name: str) -> str:
    return "already in the raw input" if name == "input" else f"from {name} on"


def _table(names: list[str], rows: np.ndarray) -> dict[str, list[float]]:
    return {n: [float(v) for v in row] for n, row in zip(names, rows, strict=True)}


def _probe(study: Study) -> Iterator[Finding]:
    values = {layer.name: layer.probe_accuracy.value for layer in study}
    steps = [f"{percent(v)} in {n}" for n, v in values.items() if n != "input"]
    yield Finding(
        "probe",
        f"A linear probe reads the class from the raw input in "
        f"{percent(values['input'])} of cases, and from the layers in "
        f"{listed(steps)}.",
        {"probe_accuracy": values},
    )


def _spread(study: Study) -> Iterator[Finding]:
    """Name the class of the largest variance in the last hidden layer."""
    layer = _last_hidden(study)
    if not np.any(np.isfinite(layer.spread)) or not np.nanmax(layer.spread) > SPREAD:
        return
    widest = int(np.nanargmax(layer.spread))
    name, ratio = study.class_names[widest], float(layer.spread[widest])
    yield Finding(
        "spread",
        f"Class {name} is the most spread out: in {layer.name} its variance is "
        f"{number(ratio)} times the average class's.",
        {"class": name, "layer": layer.name, "ratio": ratio},
    )


def _dead(study: Study) -> Iterator[Finding]:
    dead = {layer.name: layer.dead_units for layer in study.layers if layer.dead_units}
    if not dead:
        return
    units = {layer.name: layer.units for layer in study.layers}
    parts = [f"{n} of the {units[name]} in {name}" for name, n in dead.items()]
    yield Finding(
        "dead units",
        f"Units that give the same output for every sample: {listed(parts)}. They "
        "could be removed without changing any prediction.",
        {"dead_units": dead, "units": units},
    )


def _picture(study: Study) -> Iterator[Finding]:
    layer = _last_hidden(study)
    raw, deep = (float(one.variance_shown.sum()) for one in (study.input, layer))
    yield Finding(
        "picture",
        f"The two components that are drawn show {percent(raw)} of the raw input's "
        f"variance and {percent(deep)} of {layer.name}'s; what looks mixed in a "
        "picture may be apart in the rest.",
        {"input": raw, layer.name: deep},
    )


def _last_hidden(study: Study) -> LayerStudy:
    return study.layers[-2:][0]


RULES: tuple[Callable[[Study], Iterator[Finding]], ...] = (
    _accuracy,
    _keepable,
    _mixed,
    _apart,
    _probe,
    _spread,
    _dead,
    _picture,
)
