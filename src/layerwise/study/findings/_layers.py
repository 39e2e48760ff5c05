"""Findings on the activations: collapsed or not, alike, how well pictured."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from layerwise.study.measures import Neighbourhood
from layerwise.study.records import Finding, LayerStudy, Study
from layerwise.threads import each
from layerwise.wording import count, number, percent

__all__ = ["alike", "collapse", "picture"]

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
    """Say whether the last hidden layer has reached neural collapse.

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
    reached = bool(max(within, uneven) <= COLLAPSED and disagreeing <= AGREEING)
    verdict, meaning = _STAGES[reached]
    yield Finding(
        "collapse",
        f"Neural collapse, in which every class shrinks to a point and the points "
        f"spread evenly, {verdict} {layer.name}: the variance within classes is "
        f"{number(within, 2)} of that between on the samples fitted on and "
        f"{number(scored, 2)} on those scored ({COLLAPSED} is near enough), and the "
        f"nearest class mean disagrees with the network on {percent(disagreeing)}. "
        f"{meaning}",
        {
            "layer": layer.name,
            **values,
            "reached": reached,
            "near_enough": COLLAPSED,
            "disagreeing_near_enough": AGREEING,
        },
        "rule of thumb",
    )


_STAGES = {
    False: (
        "is not reached in",
        "The layer still tells samples of one class from each other.",
    ),
    True: (
        "is reached in",
        "The layer keeps little but the class: a poor start for other tasks.",
    ),
}


def alike(study: Study) -> Iterator[Finding]:
    """Name neighbouring hidden layers whose debiased linear CKA is 0.98 or more."""
    similarity = study.similarity["debiased"]
    layers = tuple(study)
    first = len(layers) - len(study.layers)
    places = pairwise(range(first, first + len(study.hidden)))
    pairs = {
        f"{layers[i].name} and {layers[j].name}": float(similarity[i, j])
        for i, j in places
        if similarity[i, j] >= ALIKE
    }
    if not pairs:
        return
    most = sorted(pairs, key=pairs.__getitem__, reverse=True)[:MOST_PAIRS]
    parts = [f"{names} ({number(pairs[names])})" for names in pairs if names in most]
    others = len(pairs) - len(parts)
    if others:
        parts.append(f"and {others} more, less alike")
    yield Finding(
        "alike",
        f"Nearly the same picture of the samples is in {'; '.join(parts)}. At 1, "
        "by linear CKA, the one would only turn and scale the other.",
        {"similarity": pairs, "threshold": ALIKE, "same": 1, "others": others},
        "rule of thumb",
    )


def picture(study: Study) -> Iterator[Finding]:
    """Say how much of the last hidden layer its two-dimensional pictures show.

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
        f"How far to believe a picture: drawn on {layer.name}'s two components, with "
        f"{percent(shown)} of the variance, a point keeps "
        f"{kept['components']:.1f} of its {NEIGHBOURS} nearest neighbours of "
        f"{count(among)}, on the discriminants {kept['discriminants']:.1f}. Of 1 at "
        f"best, and {CHANCE} by chance, trustworthiness is {number(trust, 2)} (whether "
        f"what is drawn near is near), continuity {number(continuity, 2)} (whether "
        "what is near is drawn near).",
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
