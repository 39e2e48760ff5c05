"""A data set before any network: its components, and its estimated difficulty."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from layerwise.baselines import Baseline, Baselines
from layerwise.data import Dataset, Samples
from layerwise.errors import InputError
from layerwise.model import MLP, initial_network
from layerwise.statistics import FEW, NOTABLE, Moments, Share, exceeds, separation
from layerwise.study._inspect import inspect
from layerwise.study.findings import unlike_inputs
from layerwise.study.records import Finding, InputStudy, LayerStudy, Study
from layerwise.wording import count, listed, number, percent, percent_of, quoted

PARTED = 3.29
WRONG_SIDE = 0.05
"""Two normal classes with means ``PARTED`` standard deviations apart have this share of
their samples on the wrong side of the best line: Φ(−3.29 / 2) = 0.05."""

HALF, EASY = 0.5, 0.8
"""Share of all variance, between classes along two components, of an easy problem."""

NEARLY_ALL = 0.98
"""A simple method this good leaves little to do."""


def inspect_inputs(
    data: Dataset,
    scored: Samples,
    *,
    study: Study | None = None,
    simple: Sequence[Baseline] | None = None,
    seed: int = 0,
) -> InputStudy:
    """Describe a data set's inputs as if they were a layer; estimate the difficulty.

    Everything is fitted on the training samples. Shown and scored are the validation
    samples while choices are still to be made, the test samples beside a network's
    final score. The study of a network on the same samples, and what `Baselines.beside`
    gives for them, are made here where there are none already.

    Raises
    ------
    InputError
        If ``study`` has no input layer.
    """
    if study is None:
        untrained = initial_network(MLP([]), data)
        study = inspect(untrained, scored, fit_on=data.train)
    layer = study.input
    if layer is None:
        raise InputError(f"{study.name}: the study given has no input layer")
    if simple is None:
        simple = Baselines(data, seed).beside(scored)
    targets = scored.targets[study.shown]
    scored_on = "test" if scored is data.test else "validation"
    found = InputStudy(data, layer, scored_on, targets, tuple(simple), findings=())
    other = unlike_inputs(data) if study.accuracy is None or not study.findings else ()
    rules = [partial(_difficulty, seed=seed), _components, _parted]
    if len(scored) < FEW or np.all(scored.targets == scored.targets[0]):
        rules = [_components]
    if layer.dead.all():  # of constant inputs there is nothing to tell
        rules = []
    told = (finding for rule in rules for finding in rule(found))
    return replace(found, findings=(*other, *told))


def _components(view: InputStudy) -> Iterator[Finding]:
    """Say what the first components show, and whether classes are visibly separate."""
    components = view.layer.components
    ratio = components.explained_variance_ratio
    between = _between_shares(view.layer)
    ends = {f"component {k + 1}": _ends(view, k) for k in range(min(2, len(ratio)))}
    contrasts = ", ".join(
        f"of {quoted(low)} and {quoted(high)} along {name}"
        for name, (low, high) in ends.items()
    )
    carried = float(ratio.sum())
    units, first = view.layer.units, percent(float(ratio[0]))
    filled = number(view.layer.participation_ratio)
    headline = f"The first principal component carries {first} of the variance"
    details = [f"The variance fills about {filled} of {count(units)} dimensions."]
    if units == 1:
        headline, details = "There is one feature, and so one principal component", []
    elif len(ratio) < units:
        headline = (
            f"The first {len(ratio)} principal components carry {percent(carried)} of "
            "the variance"
        )
        details.insert(0, f"The first alone carries {first}.")
    if view.data.classes > 2:  # of two classes they are the same two
        details.append(f"The class means farthest apart are those {contrasts}.")
    yield Finding(
        "components",
        headline,
        " ".join(details),
        {
            "components": len(ratio),
            "variance_carried": carried,
            "units": view.layer.units,
            "explained_variance_ratio": [float(r) for r in ratio],
            "participation_ratio": view.layer.participation_ratio,
            "ends": ends,
        },
    )
    easy = float((ratio * between)[:2].sum())
    along = " in the first two components" if units > 1 else ""
    yield Finding(
        "if it were easy",
        f"{percent(easy)} of the variance lies between classes{along}",
        "If classes were visibly separate, this share would be close to 100 %. "
        f"{_verdict(easy)}",
        {
            "between_classes": [float(b) for b in between],
            "two_components": easy,
            "all": 1.0,
        },
    )


def _verdict(easy: float) -> str:
    if easy >= EASY:
        return "Here it is."
    if easy >= HALF:
        return "Here it is the larger part, but far from all."
    return "Here most of the variance lies within classes."


def _between_shares(layer: LayerStudy) -> Float[np.ndarray, " components"]:
    """Return the share of each component's variance that lies between classes (η²)."""
    directions = layer.components.components
    between, total = (
        np.einsum("ku,uv,kv->k", directions, scatter, directions)
        for scatter in (layer.moments.between_scatter, layer.moments.total_scatter)
    )
    return np.divide(between, total, out=np.zeros_like(total), where=total > 0)


def _ends(view: InputStudy, component: int) -> tuple[str, str]:
    """Return the classes whose means lie at the two ends of a component."""
    layer, names = view.layer, view.data.class_names
    along = layer.moments.class_offsets @ layer.components.components[component]
    return names[int(np.nanargmin(along))], names[int(np.nanargmax(along))]


def _parted(view: InputStudy) -> Iterator[Finding]:
    """Say which classes the first two components separate, and which they do not."""
    layer = view.layer
    if layer.units == 1:
        return
    flat = Moments.of(layer.projection, view.targets, view.data.classes)
    apart = separation(flat)
    # A class that is not shown, or once only, lies nowhere.
    first, second = np.nonzero(np.triu(~np.isnan(apart), 1))
    distances = apart[first, second]
    if not len(distances):
        return
    parted = int(np.sum(distances >= PARTED))
    nearest, farthest = int(np.argmin(distances)), int(np.argmax(distances))

    def pair(place: int) -> dict[str, Any]:
        classes = tuple(view.data.class_names[at[place]] for at in (first, second))
        return {"classes": classes, "distance": float(distances[place])}

    def said(one: dict[str, Any]) -> str:
        return f"{listed([*map(quoted, one['classes'])])} ({number(one['distance'])})"

    far, near = pair(farthest), pair(nearest)
    extremes = f"Farthest apart are {said(far)}; nearest are {said(near)}."
    if len(distances) == 1:
        extremes = f"Their means lie {number(near['distance'])} apart."
    shown = float(layer.variance_shown.sum())
    yield Finding(
        "parted by two components",
        f"{_of_pairs(parted, len(distances))} in two principal components",
        f"Separate means at least {PARTED} standard deviations between the class "
        f"means: about {percent(WRONG_SIDE, 0)} or less lie on the wrong side of a "
        f"line. {extremes} The plot shows {percent(shown)} of the variance.",
        {
            "variance_shown": shown,
            "parted": parted,
            "pairs": len(distances),
            "threshold": PARTED,
            "wrong_side": WRONG_SIDE,
            "farthest": far,
            "nearest": near,
            "separation": [[float(d) for d in row] for row in apart],
        },
    )


def _of_pairs(parted: int, pairs: int) -> str:
    if pairs == 1:
        return f"The two classes {'are separate' if parted else 'overlap'}"
    return f"{parted} of {pairs} class pairs are separate"


def _difficulty(view: InputStudy, seed: int) -> Iterator[Finding]:
    """Say how hard the problem looks: guessing, a linear rule, and neighbours."""
    guess, linear, neighbour = (b.accuracy for b in view.baselines)
    fitted = view.baselines[-1].fitted_on
    best = max(view.baselines[1:], key=lambda baseline: baseline.accuracy.value)
    hardness = _hardness(guess, linear, neighbour)
    headline = (
        f"The {best.name} reaches {_accuracy(best.accuracy)} without training a network"
        if hardness
        else "No simple method beats guessing the majority class"
    )
    yield Finding(
        "difficulty",
        headline,
        f"On {count(linear.trials)} {view.scored_on} samples: majority class "
        f"{_accuracy(guess)}, logistic regression {_accuracy(linear)}, nearest "
        f"neighbour among {count(fitted)} training samples {_accuracy(neighbour)}. "
        f"{hardness or _ranked(view, seed)}.",
        {
            "accuracy": {b.name: b.accuracy.value for b in view.baselines},
            "neighbours_fitted": fitted,
            "scored": linear.trials,
        },
    )


def _accuracy(share: Share) -> str:
    return percent_of(share.value, share.trials)


def _ranked(view: InputStudy, seed: int) -> str:
    """Say what a ranking tells where accuracy does not: of rare classes it cannot."""
    areas = Baselines(view.data, seed).found
    known = np.flatnonzero(areas > 0.5)
    if len(known):
        counts = np.bincount(view.data.train.targets, minlength=view.data.classes)
        best = known[counts[known].argmin()]
        return (
            "Neither beats the guess by more than chance, but cross-validated on "
            "training samples a simple method ranks class "
            f"{quoted(view.data.class_names[best])} above the others (AUC "
            f"{number(float(areas[best]), 2)})"
        )
    return (
        "Neither beats the guess by more than chance: the inputs may say nothing about "
        "the classes, or too little to show in so many samples"
    )


def _hardness(guess: Share, linear: Share, neighbour: Share) -> str:
    """Say how hard it looks; nothing where neither is better than a guess."""
    best = max(linear, neighbour, key=lambda share: share.value)
    if not exceeds(best, guess):
        return ""
    if exceeds(neighbour, linear, NOTABLE):
        return "The class boundaries are curved: hidden layers can help"
    if best.value > NEARLY_ALL:
        easy = "a linear classifier" if linear.value > NEARLY_ALL else "neighbours"
        return f"The problem is easy for {easy}: hidden layers can add little"
    return "A linear classifier does about as well: hidden layers may add little"
