"""Findings on the classes: which are mixed, which are apart, which are spread out."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from layerwise.statistics import difference_noise
from layerwise.study.records import Finding, Study
from layerwise.wording import count, listed, number, percent

__all__ = ["apart", "mixed_pairs", "spread"]

APART = 0.95
"""A class is apart in a layer where the probe finds at least this share of it."""

OPENINGS = ("{} are still mixed up", "Next come {}", "Then {}")
"""Of the mixed pairs that are named; of more there is no sentence."""

FEWEST = 3
"""Fewer confused samples than this make no pair: it may be the labels."""

NAMED = 12
"""So many classes are named in a row; of more only the number is said."""

SPREAD = 1.1
"""A class is worth naming where its variance is so many times the average one."""


def mixed_pairs(study: Study) -> Iterator[Finding]:
    """Name the pairs confused more often than twice the average pair, at least 3 times.

    The most confused first, each with the layer that parts it and the one that mixes it
    again. Where no pair stands out, the network confuses nothing in particular.
    """
    if study.predictions is None:
        return
    confused = study.confusion + study.confusion.T
    first, second = np.triu_indices(len(confused), 1)
    errors = confused[first, second]
    labelled = study.confusion.sum(axis=1)
    worst = np.argsort(-errors, kind="stable")
    for opening, place in zip(OPENINGS, worst, strict=False):
        i, j, wrong = int(first[place]), int(second[place]), int(errors[place])
        if wrong < FEWEST or (len(errors) > 1 and wrong <= 2 * errors.mean()):
            return
        both = int(labelled[i] + labelled[j])
        names = [study.class_names[i], study.class_names[j]]
        shares = [float(layer.measures.by_pair["mixed"][i, j]) for layer in study]
        yield Finding(
            "mixed pair",
            f"{opening.format(listed(names))}: {count(wrong)} of their {count(both)} "
            f"samples ({percent(wrong / both)}) are taken for the other."
            f"{_parting(study, shares, both, first=opening is OPENINGS[0])}",
            {
                "classes": names,
                "mixed": wrong,
                "samples": both,
                "share": wrong / both,
                "by_layer": {x.name: v for x, v in zip(study, shares, strict=True)},
            },
            "counted",
        )


def _parting(
    study: Study, shares: Sequence[float], samples: int, *, first: bool
) -> str:
    """Say which layer parts a pair, and which mixes it again.

    ``shares`` is what a linear probe of each layer takes for the other. The layer that
    parts is the one after which it has fallen most, and the one that mixes again is
    that after which it has risen most since; both by more than the noise of two such
    counts.
    """
    noise = [difference_noise(p, samples, q, samples) for p, q in pairwise(shares)]
    change = np.diff(shares)
    change[np.abs(change) <= noise] = 0
    if not np.any(change < 0):
        return ""
    names = [layer.name for layer in study]

    def around(layer: int) -> tuple[str, str]:
        return percent(shares[layer - 1]), percent(shares[layer])

    parts = int(np.argmin(change)) + 1
    before, after = around(parts)
    text = f" {names[parts]} parts them ({before}, then {after})"
    if first:
        text = (
            f" {names[parts]} parts them: read linearly, {before} are confused before "
            f"it and {after} after it"
        )
    since = change[parts:]
    if np.any(since > 0):
        again = parts + 1 + int(np.argmax(since))
        before, after = around(again)
        text += f"; {names[again]} mixes them again ({before}, then {after})"
    return f"{text}."


def apart(study: Study) -> Iterator[Finding]:
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
    if not since:
        return
    parts = [f"{_named(since[name])} {_since(name)}" for name in names if name in since]
    if "" in since:
        parts.append(f"{_named(since[''])} in no layer")
    yield Finding(
        "apart",
        f"Apart from the others, so that a linear probe (a linear classifier on the "
        f"layer's outputs) finds at least {percent(APART, 0)} of the class: "
        f"{'; '.join(parts)}.",
        {
            "threshold": APART,
            "from": since,
            "classes": {name: len(classes) for name, classes in since.items()},
            "recall": _table(names, recall),
        },
        "rule of thumb",
    )


def _named(classes: Sequence[str]) -> str:
    if len(classes) > NAMED:
        return f"{count(len(classes))} classes"
    return listed(classes)


def _since(name: str) -> str:
    return "already in the raw input" if name == "input" else f"from {name} on"


def _table(names: list[str], rows: np.ndarray) -> dict[str, list[Any]]:
    return {n: [float(v) for v in row] for n, row in zip(names, rows, strict=True)}


def spread(study: Study) -> Iterator[Finding]:
    """Name the class of the largest variance in the last hidden layer."""
    layer = study.last_hidden
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
