"""Findings on the size: the depth and the width that would do."""

from collections.abc import Iterator
from math import sqrt

import numpy as np

from layerwise.statistics import TWO_SIDED
from layerwise.study.records import Finding, Study, ValidationView
from layerwise.wording import count, listed, percent

__all__ = ["depth", "width"]

LOSS = 0.0015
"""A shallower network may lose so much: half of ``BEARABLE``, since it is trained anew
and another training of the same network is luckier or unluckier by about as much."""

BEARABLE = 0.003
"""More than this is a loss, whatever the noise."""

UNCERTAIN = 0.01
"""Where a difference is not known to a point, no advice is given. Without this, shallow
networks chosen on some 300 samples turned out a point worse on others."""


def depth(study: Study) -> Iterator[Finding]:
    """Say how few hidden layers would do, on the validation samples alone.

    A network cut after a layer, with that layer's least-squares probe for its output,
    is right where the probe is. The fewest layers are named of which this loses at most
    0.15 points, or less than 0.3 and no more than noise; where there are too few
    samples to know the loss to a point, none are.
    """
    view = study.validation
    hidden = [layer.name for layer in study.hidden]
    if view is None or study.input is None:
        return
    losses = [_loss(view, kept) for kept in range(len(hidden))]
    kept = next((k for k, loss in enumerate(losses) if _bearable(*loss)), None)
    if kept is None:
        return
    right = view.predictions == view.targets
    whole = float(right.mean())
    noise = losses[kept][1]
    of_probes = (view.probe_predictions == view.targets).mean(axis=1)
    cut = dict(zip(["input", *hidden], map(float, of_probes), strict=False))
    yield Finding(
        "depth",
        f"{_would_do(hidden, kept)} is right for {percent(float(of_probes[kept]))} of "
        f"{count(len(right))} validation samples, the whole network for "
        f"{percent(whole)}; the difference is known to {percent(noise)}.",
        {
            "hidden_layers": len(hidden),
            "would_do": kept,
            "could_go": hidden[kept:],
            "accuracy": whole,
            "samples": len(right),
            "cut_after": cut,
            "noise": noise,
        },
    )


def _loss(view: ValidationView, kept: int) -> tuple[float, float]:
    """Return the share of samples that a cut loses, and its noise.

    What decides are the samples of which only the whole network is right, and those of
    which only the cut one is (McNemar, Psychometrika 12, 1947): the standard error of
    the difference of two such counts is the root of their sum. One is added, since two
    networks that agree on few samples need not do so on others.
    """
    whole = view.predictions == view.targets
    cut = view.probe_predictions[kept] == view.targets
    only_whole, only_cut = int(np.sum(whole & ~cut)), int(np.sum(cut & ~whole))
    noise = TWO_SIDED * sqrt(only_whole + only_cut + 1)
    return (only_whole - only_cut) / len(whole), noise / len(whole)


def _bearable(loss: float, noise: float) -> bool:
    small = loss <= LOSS or (loss < BEARABLE and loss <= noise)
    return small and noise <= UNCERTAIN


def _would_do(hidden: list[str], kept: int) -> str:
    """Return which layers could go, as the beginning of a sentence."""
    if kept == 0:
        return "No hidden layer is needed: a linear classifier on the raw input"
    gone = hidden[kept:]
    named = listed(gone) if len(gone) < 3 else f"{gone[0]} to {gone[-1]}"
    return (
        f"{kept} of the {len(hidden)} hidden layers would do: cut after "
        f"{hidden[kept - 1]}, with a linear classifier in place of {named}, the network"
    )


def width(study: Study) -> Iterator[Finding]:
    """Count the hidden units that could go without changing a prediction.

    A unit of one output for every sample fitted on is a part of the next layer's
    biases; one that is a multiple of an earlier one, plus a constant, a part of that
    one's weights.
    """
    layers = [x for x in study.hidden if np.any(x.dead | x.duplicate)]
    if not layers:
        return
    dead = {layer.name: layer.dead_units for layer in layers}
    repeated = {x.name: int(np.sum(x.duplicate & ~x.dead)) for x in layers}
    units = {layer.name: layer.units for layer in layers}
    would_do = {name: units[name] - dead[name] - repeated[name] for name in units}
    parts = [f"{would_do[name]} of {units[name]} in {name}" for name in units]
    idle = (sum(dead.values()), sum(repeated.values()))
    yield Finding(
        "width",
        f"Fewer units would do without changing a prediction of {study.fitted_on}: "
        f"{listed(parts)}. {_idle(*idle)}.",
        {
            "units": units,
            "dead": dead,
            "repeated": repeated,
            "would_do": would_do,
            "idle": idle,
            "fitted_on": study.fitted_on,
        },
        "counted",
    )


def _idle(dead: int, repeated: int) -> str:
    parts: list[str] = []
    if dead:
        verb = "is" if dead == 1 else "are"
        parts.append(f"{dead} {verb} dead, with one output whatever comes in")
    if repeated:
        verb = "repeats" if repeated == 1 else "repeat"
        parts.append(f"{repeated} {verb} another")
    return listed(parts)
