"""Findings on layers: what they part, how alike they are, how they were summed."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isfinite, sqrt

import numpy as np

from layerwise.arrays import each
from layerwise.statistics import TWO_SIDED, difference_noise
from layerwise.study.measures import Neighbourhood
from layerwise.study.records import Finding, LayerStudy, Study
from layerwise.wording import (
    chosen,
    count,
    in_words,
    listed,
    number,
    percent,
    percent_of,
    quoted,
)

APART = 0.95
"""A class is apart in a layer where the probe finds at least this share of it."""

PAIRS = 3
"""So many confused pairs are named at most."""

FEWEST = 3
"""Fewer confused samples than this make no pair: it may be the labels."""

NAMED = 12
"""So many classes are named in a row; of more only the number is said."""

SPREAD = 1.1
"""A class is worth naming where its variance is so many times the average one."""


def mixed_pairs(study: Study) -> Iterator[Finding]:
    """Name the pairs confused more often than twice the average pair, at least 3 times.

    The most confused first, each with the layer that separates it and the one that
    mixes it again. None where no pair stands out.
    """
    if study.predictions is None or study.constant_answer is not None:
        return
    confused = study.confusion + study.confusion.T
    first, second = np.triu_indices(len(confused), 1)
    errors = confused[first, second]
    labelled = study.confusion.sum(axis=1)
    worst = np.argsort(-errors, kind="stable")
    for place in worst[:PAIRS]:
        i, j, wrong = int(first[place]), int(second[place]), int(errors[place])
        if wrong < FEWEST or (len(errors) > 1 and wrong <= 2 * errors.mean()):
            return
        both = int(labelled[i] + labelled[j])
        names = [study.class_names[i], study.class_names[j]]
        shares = [float(layer.measures.by_pair["mixed"][i, j]) for layer in study]
        yield Finding(
            "mixed pair",
            _confused(study, i, j),
            f"{percent_of(wrong / both, both)} of the samples of "
            f"{listed([*map(quoted, names)])} are predicted as the other class."
            f"{_parting(study, shares, both)}",
            {
                "classes": names,
                "mixed": wrong,
                "samples": both,
                "share": wrong / both,
                "by_layer": {x.name: v for x, v in zip(study, shares, strict=True)},
            },
            "counted",
        )


def _confused(study: Study, i: int, j: int) -> str:
    """Say how many samples of two classes are predicted as the other, and of which."""
    counts, labelled = study.confusion, study.confusion.sum(axis=1)
    for one, other in ((i, j), (j, i)):
        if counts[one, other] == labelled[one] and labelled[one]:
            total, name = count(int(labelled[one])), quoted(study.class_names[one])
            predicted = quoted(study.class_names[other])
            return f"All {total} samples of {name} are predicted as {predicted}"
    wrong, both = int(counts[i, j] + counts[j, i]), int(labelled[i] + labelled[j])
    names = listed([quoted(study.class_names[c]) for c in (i, j)])
    return f"{names} are still confused: {count(wrong)} of {count(both)} samples"


def _parting(study: Study, shares: Sequence[float], samples: int) -> str:
    """Say which layer separates a pair, and which mixes it again.

    ``shares`` is what a linear probe of each layer takes for the other. The layer that
    separates is the one after which it has fallen most, and the one that mixes again is
    that after which it has risen most since; both by more than the noise of two such
    counts.
    """
    noise = [difference_noise(p, samples, q, samples) for p, q in pairwise(shares)]
    change = np.diff(shares)
    change[~(np.abs(change) > noise)] = 0  # so is an undefined one
    if not np.any(change < 0):
        return ""
    names = [in_words(layer.name) for layer in study]

    def around(layer: int) -> str:
        before, after = (percent_of(shares[at], samples) for at in (layer - 1, layer))
        return f"from {before} to {after}"

    parts = int(np.argmin(change)) + 1
    text = f" {names[parts]} separates them: a linear probe's confusion falls "
    text += around(parts)
    since = change[parts:]
    if np.any(since > 0):
        again = parts + 1 + int(np.argmax(since))
        text += f". {names[again]} mixes them again: it rises {around(again)}"
    return f"{text}."


def apart(study: Study) -> Iterator[Finding]:
    """Say for every class the first layer from which on it is apart.

    A probe that nearly always answers one class finds all of it and tells it from
    nothing: no more of the others may be taken for the class either.
    """
    found = np.stack([layer.probe_recall for layer in study])
    taken = np.stack([_taken(study, layer) for layer in study])
    recall = np.where(taken > 1 - APART, np.minimum(found, 1 - taken), found)
    names = [layer.name for layer in study]
    since: dict[str, list[str]] = {}
    lost: list[str] = []
    if np.isnan(recall[-1]).all():
        return
    scored = np.bincount(study.targets, minlength=len(study.class_names))
    for c, class_name in enumerate(study.class_names):
        if np.isnan(recall[0, c]) or scored[c] < FEWEST:
            continue
        # Of a layer that says the same of every sample it is undefined.
        below = np.flatnonzero(~(recall[:, c] >= APART))
        start = int(below[-1]) + 1 if len(below) else 0
        if start == len(names) and len(below) < len(names):
            lost.append(class_name)
        since.setdefault(names[start] if start < len(names) else "", []).append(
            class_name
        )
    if not since:
        return
    parts = _apart_from(since, lost, names)
    judged = sum(map(len, since.values()))
    separable = judged - len(since.get("", ()))
    which = f"{separable} of {judged} classes" if separable else "No class"
    verb = "are" if separable > 1 else "is"
    where = (
        f"in {in_words(names[-1])}"
        if lost
        else f"(probe recall at least {chosen(APART)})"
    )
    yield Finding(
        "apart",
        f"{which} {verb} linearly separable {where}",
        f"{'; '.join(parts)}. In such a layer a linear probe finds at least "
        f"{chosen(APART)} of the class, and takes at most {chosen(1 - APART)} of the "
        "others for it."
        if separable or lost
        else f"In no layer does a linear probe find at least {chosen(APART)} of a "
        f"class and take at most {chosen(1 - APART)} of the others for it.",
        {
            "threshold": APART,
            "others": 1 - APART,
            "separable": separable,
            "of": judged,
            "from": since,
            "lost": lost,
            "classes": {name: len(classes) for name, classes in since.items()},
            "recall": dict(zip(names, recall.tolist(), strict=True)),
        },
        "rule of thumb",
    )


def _apart_from(
    since: Mapping[str, list[str]], lost: Sequence[str], names: Sequence[str]
) -> list[str]:
    """Say which classes are apart from which layer on, and which are not."""
    parts = [f"{_named(since[name])} {_since(name)}" for name in names if name in since]
    if never := [name for name in since.get("", ()) if name not in lost]:
        parts.append(f"{_named(never)} in no layer")
    if lost:
        parts.append(
            f"{_named(lost)} in an earlier layer, but not in {in_words(names[-1])}"
        )
    return parts


def _taken(study: Study, layer: LayerStudy) -> np.ndarray:
    """Return for every class the share of the others' samples taken for it."""
    classes = len(study.class_names)
    said, truth = layer.probe_predictions, study.targets
    wrong = np.bincount(said[said != truth], minlength=classes)
    return wrong / np.maximum(len(truth) - np.bincount(truth, minlength=classes), 1)


def _named(classes: Sequence[str]) -> str:
    if len(classes) > NAMED:
        return f"{count(len(classes))} classes"
    return listed([*map(quoted, classes)])


def _since(name: str) -> str:
    return "in the raw input" if name == "input" else f"from {in_words(name)}"


def spread(study: Study) -> Iterator[Finding]:
    """Name the class of the largest variance in the last hidden layer."""
    layer = study.last_hidden
    if not np.any(np.isfinite(layer.spread)) or not np.nanmax(layer.spread) > SPREAD:
        return
    widest = int(np.nanargmax(layer.spread))
    name, ratio = study.class_names[widest], float(layer.spread[widest])
    # A variance of n normal samples in r directions is known to √(2 / (n r)) of itself.
    known = float(layer.moments.counts[widest]) * max(layer.participation_ratio, 1.0)
    if ratio - 1 <= TWO_SIDED * sqrt(2 / known):
        return
    yield Finding(
        "spread",
        f"Class {quoted(name)} varies most: {number(ratio, 2)} times the mean "
        f"variance in {in_words(layer.name)}",
        "A class's variance is the mean squared distance of its samples from their "
        "mean. A few far samples can make it large: check those.",
        {"class": name, "layer": layer.name, "ratio": ratio},
    )


COLLAPSED = 0.1
"""Neural collapse is a limit, and all its measures are 0 there; a tenth is near it."""

AGREEING = 0.01
"""The nearest class mean has collapsed into the network where it says something else of
so few."""

ALIKE = 0.98
"""CKA of two layers so much alike that one of them is hardly needed to see the other;
neighbouring layers of a trained network are often at 0.9."""

MOST_PAIRS = 5
"""So many pairs of them are named; of a deep network there can be dozens."""

NEIGHBOURS = 10
"""As many as trustworthiness and continuity are taken of."""

CHANCE = 0.5
"""What these two come to where a picture has nothing to do with the layer."""

TRUST = ("trustworthiness", "continuity")


def collapse(study: Study) -> Iterator[Finding]:
    """Say that the last hidden layer has reached neural collapse, where it has.

    Papyan, Han and Donoho, PNAS 117 (2020). It has where, on the samples fitted on,
    the variance within classes (NC1) and the unevenness of the class means' distances
    and angles (NC2) are at most 0.1, and the nearest class mean disagrees with the
    network on at most 1 % of the scored samples (NC4).
    """
    if not study.hidden:
        return
    layer = study.hidden[-1]
    values = {
        k: v for k, v in layer.measures.values.items() if k.startswith("collapse")
    }
    within, scored = values["collapse_within"], values["collapse_within_scored"]
    disagreeing = values.get("collapse_nearest_mean", float("nan"))
    if not np.all(np.isfinite([within, scored, disagreeing])):
        return
    uneven = max(values["collapse_norms"], values["collapse_angles"])
    if not (max(within, uneven) <= COLLAPSED and disagreeing <= AGREEING):
        return
    different = percent(disagreeing) if disagreeing else "none"
    yield Finding(
        "collapse",
        f"Neural collapse is reached in {in_words(layer.name)} "
        f"(NC1 {number(within, 2)})",
        "Every class is nearly a point there: a poor start for other tasks. NC1, the "
        "variance within classes over that between, tr(Σ_W Σ_B⁺)/C, is "
        f"{number(within, 2)} on the samples fitted on and {number(scored, 2)} on "
        f"those scored; {COLLAPSED} or less is collapsed. "
        f"The nearest class mean disagrees with {different} of the network's "
        "predictions.",
        {
            "layer": layer.name,
            "sign": "NC1",
            **values,
            "near_enough": COLLAPSED,
            "disagreeing_near_enough": AGREEING,
        },
        "rule of thumb",
    )


def alike(study: Study) -> Iterator[Finding]:
    """Name neighbouring hidden layers whose debiased linear CKA is 0.98 or more."""
    similarity = study.similarity["debiased"]
    layers = tuple(study)
    first = len(layers) - len(study.layers)
    places = pairwise(range(first, first + len(study.hidden)))
    pairs = {
        f"{in_words(layers[i].name)} and {in_words(layers[j].name)}": float(
            similarity[i, j]
        )
        for i, j in places
        if similarity[i, j] >= ALIKE
    }
    if not pairs:
        return
    most = sorted(pairs, key=pairs.__getitem__, reverse=True)[:MOST_PAIRS]
    parts = [f"{names} ({number(pairs[names])})" for names in pairs if names in most]
    others = len(pairs) - len(parts)
    if others:
        parts.append(f"{others} more")
    (one, *_), found = most, len(pairs)
    yield Finding(
        "alike",
        f"{one} are nearly identical (CKA {number(pairs[one])})"
        if found == 1
        else f"{found} pairs of layers are nearly identical (CKA at least {ALIKE})",
        f"{'; '.join(parts) + '. ' if found > 1 else ''}A linear CKA of 1 means equal "
        "up to rotation and scale: one of the two may not be needed.",
        {
            "similarity": pairs,
            "threshold": ALIKE,
            "same": 1,
            "pairs": found,
            "others": others,
        },
        "rule of thumb",
    )


def picture(study: Study) -> Iterator[Finding]:
    """Say how much of the last hidden layer its two-dimensional plots show.

    Where it has more than two units: otherwise they show all of it.
    """
    layer = study.last_hidden
    values = layer.measures.values
    trust, continuity = values["trustworthiness"], values["continuity"]
    among = len(study.sampled)
    if layer.units <= 2 or among <= NEIGHBOURS or not np.isfinite(trust + continuity):
        return
    shown = float(layer.variance_shown.sum())
    kept = _neighbours_kept(study, layer)
    yield Finding(
        "picture",
        f"Plots of {in_words(layer.name)} keep {kept['components']:.1f} of "
        f"{NEIGHBOURS} nearest neighbours",
        f"Among {count(among)} samples; the plot of discriminants keeps "
        f"{kept['discriminants']:.1f}. The two principal components show "
        f"{percent(shown)} of the variance. Trustworthiness (what is drawn near is "
        f"near) is {number(trust, 2)}, continuity (what is near is drawn near) "
        f"{number(continuity, 2)}: 1 is perfect, {CHANCE} is chance.",
        {
            "layer": layer.name,
            "variance_shown": shown,
            "samples": among,
            "neighbours": NEIGHBOURS,
            "kept": kept,
            **{name: values[name] for name in values if name.endswith(TRUST)},
            "perfect": 1,
            "chance": CHANCE,
        },
    )


def _neighbours_kept(study: Study, layer: LayerStudy) -> dict[str, float]:
    """Return how many of a point's nearest in a plane are among those in the layer."""
    drawn = np.isin(study.shown, study.sampled)
    names = ("components", "discriminants")
    pictures = [layer.planes[name][drawn] for name in names]
    near, *pictured = each(
        lambda rows: Neighbourhood.of(rows).nearest, [layer.sample, *pictures]
    )
    return {
        name: float((near[:, :, None] == found[:, None]).sum(axis=(1, 2)).mean())
        for name, found in zip(names, pictured, strict=True)
    }


def projected(study: Study) -> Iterator[Finding]:
    """Say of which layers, too wide for it, the scatter is a projection's."""
    for layer in study:
        drawn = layer.moments.projection
        if drawn is not None:
            yield Finding(
                kind="projected",
                headline=f"{in_words(layer.name)} was projected: "
                f"{count(drawn.units)} units to {count(drawn.width)} dimensions",
                detail=f"The orthogonal directions are random (seed {drawn.seed}). "
                "Scatter, components, discriminants, probes and dimensions are those "
                "of the projection; class means, variances and dead units those of the "
                "units. Duplicate units are not counted. --max-units sets the width.",
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
        always = f" Whatever the data, it is at most {number(bound, 2)}."
        yield Finding(
            kind="fast",
            headline="Scatter was summed in single precision: error at most "
            f"{number(measured, 2)}",
            detail="Of the largest entry, measured on one block in 64 "
            f"({in_words(worst.name)}, the worst layer)."
            f"{always if isfinite(bound) else ''}",
            evidence={"layer": worst.name, "measured": measured, "bound": bound},
            certainty="measured",
        )
