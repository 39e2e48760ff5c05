"""Causes that lie in the network at its start: signals, depth, units."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from layerwise.diagnosis._evidence import DEEP, Cause, Evidence, advised
from layerwise.model import Network
from layerwise.wording import count, in_words, number, percent

GROWN = 30.0
"""Outputs so many times the size of the inputs: logits of that size make a loss many
times that of a coin toss before anything is learnt."""

PER_LAYER = 3.0
"""A mean square that grows so much with each layer is not chance: He's is 1 on average,
and in layers of 30 units within 1/2 and 2 nearly always."""

FAINT = 1e-3
"""A first layer whose gradient is this small beside the last's stands still."""

MERGED = 0.9
"""Mean cosine of two samples' activations that point nearly the same way."""

ROWS = 64
"""Samples whose activations are compared."""


def exploding(evidence: Evidence) -> Cause | None:
    """Activations or gradients that grow from layer to layer before the first step."""
    if evidence.learnt or not evidence.records:
        return None
    change = evidence.unused({"init": _suited(evidence)})
    if not change:
        return None
    first = evidence.records[0]
    of_inputs = float(np.sqrt(np.mean(np.square(evidence.scaled)))) or 1.0
    sizes = _finite_beginning(
        [of_inputs, *(one.root_mean_square for one in first.layers)]
    )
    layers = len(sizes) - 1
    if not layers:
        return None
    squares = np.square(sizes)
    factors = squares[1:] / np.maximum(squares[:-1], 1e-30)
    factor = float((squares[-1] / max(squares[0], 1e-30)) ** (1 / layers))
    gradients = [layer.gradient_norm for layer in first.layers]
    backward = gradients[0] / max(gradients[-1], 1e-30)
    of_gradient = backward ** (2 / max(layers - 1, 1))
    forward = sizes[-1] > GROWN * sizes[0] and factor > PER_LAYER
    if not forward and not (backward > GROWN and of_gradient > PER_LAYER):
        return None
    began = int(np.argmax(factors > PER_LAYER)) if forward else 0
    inner = factors[1:-1] if layers > 2 else factors
    measured = float(np.exp(np.mean(np.log(np.maximum(inner, 1e-30)))))
    computed = _computed(evidence, min(began + 1, layers - 1))
    return Cause(
        kind="exploding",
        layer=evidence.names[began],
        step=0,
        headline="Activations explode: each layer multiplies their mean square by "
        f"{number(measured)}"
        if forward
        else f"Gradients explode: they grow {number(backward)} times through "
        f"{len(evidence.names)} layers",
        detail=_exploding_detail(evidence, computed, measured if forward else None),
        fix="Draw the weights with a variance that suits the layers' width: --init "
        f"{_suited(evidence)}.",
        change=change,
        evidence={
            "factor_per_layer": measured,
            "factor_computed": computed,
            "factors": [float(f) for f in factors],
            "sizes": [float(s) for s in sizes],
            "first_loss": float(evidence.history.losses[0]),
            "gradient_first_by_last": float(backward),
            "stopped_at_step": _stopped(evidence),
        },
    )


def _finite_beginning(sizes: Sequence[float]) -> Float[np.ndarray, " layers"]:
    """Return sizes up to the first that is not finite: it has grown out of numbers."""
    found = np.array(sizes)
    return found[: int(np.argmin([*np.isfinite(found), False]))]


def _exploding_detail(
    evidence: Evidence, computed: float, measured: float | None
) -> str:
    first_loss = float(evidence.history.losses[0])
    loss = number(first_loss) if np.isfinite(first_loss) else "not finite"
    stopped = _stopped(evidence)
    end = f"; training diverged at step {count(stopped)}" if stopped else ""
    fan_in, variance = evidence.weight_variances[min(1, len(evidence.names) - 1)]
    halved = " / 2, since a ReLU halves it" if evidence.rectified else ""
    measured_too = "" if measured is None else f" (measured: {number(measured)})"
    return (
        f"This is so before the first step, with a first loss of {loss}{end}. A layer "
        f"of {fan_in} inputs and weights of variance {number(variance)} multiplies the "
        f"mean square by fan_in · variance{halved}: {number(computed)}{measured_too}. "
        "Layer after layer these factors multiply, forwards and, in the gradient, "
        "backwards."
    )


def _computed(evidence: Evidence, layer: int) -> float:
    fan_in, variance = evidence.weight_variances[layer]
    return fan_in * variance / (2 if evidence.rectified else 1)


def _suited(evidence: Evidence) -> str:
    return "he" if evidence.rectified or not evidence.activations else "glorot"


def _stopped(evidence: Evidence) -> int | None:
    return len(evidence.history.losses) if evidence.diverged else None


def vanishing(evidence: Evidence) -> Cause | None:
    """Gradients that have faded before they reach the first layer."""
    if evidence.learnt or not evidence.records or evidence.hidden_count < 2:
        return None
    layers = evidence.records[0].layers
    gradients = np.array([layer.gradient_norm for layer in layers])
    sizes = np.array([layer.root_mean_square for layer in layers])
    reach = gradients[0] / max(gradients[-1], 1e-30)
    fades = sizes[-2] / max(sizes[0], 1e-30)
    if not np.isfinite([*gradients, *sizes]).all():
        return None
    if evidence.rectified and fades > FAINT and evidence.hidden_count >= DEEP:
        return None  # depth as such: see too_deep
    if reach > FAINT and fades > FAINT:
        return None
    steps = len(layers) - 1
    per_layer = float((min(reach, fades) if reach > FAINT else reach) ** (1 / steps))
    rectified = evidence.rectified
    change = {"init": "he"} if rectified else {"activation": "relu", "init": "he"}
    change = evidence.unused(change)
    drawn_small = rectified and bool(change)
    if not drawn_small or evidence.hidden_count >= DEEP:
        change |= evidence.unused({"normalise": True, "residual": True})
    if not change:
        return None
    why = (
        "The weights are drawn too small for ReLUs, which halve the mean square: what "
        "is lost in each layer multiplies."
        if drawn_small
        else "What each layer loses multiplies, and nothing leads around the layers or "
        "keeps the size of their sums."
        if rectified
        else "On the way back the gradient is multiplied in each layer by the slope of "
        "the activation, at most 1/4 for the logistic function and 1 for tanh at zero, "
        "and by the weights."
    )
    return Cause(
        kind="vanishing gradient",
        layer=evidence.names[0],
        step=0,
        headline=f"The gradient vanishes: each layer leaves {number(per_layer)} of it",
        detail=f"Before the first step the gradient of {in_words(evidence.names[0])} "
        f"is {number(gradients[0])}, that of {in_words(evidence.names[-1])} "
        f"{number(gradients[-1])}. {why}",
        fix=f"Use {advised(change)}.",
        change=change,
        evidence={
            "gradients": gradients.tolist(),
            "sizes": sizes.tolist(),
            "left_per_layer": per_layer,
        },
    )


def too_deep(evidence: Evidence) -> Cause | None:
    """Many layers with nothing that leads around them."""
    if evidence.learnt or not evidence.records or evidence.hidden_count < DEEP:
        return None
    network = evidence.by_hand
    if evidence.has_skips or network is None:
        return None
    alike = _cosines(network.redrawn(evidence.recipe.seed), evidence)
    if not np.isfinite(alike).all():
        return None
    layers, first, last = evidence.hidden_count, alike[0], alike[-1]
    merged = [at for at, cosine in enumerate(alike) if cosine > MERGED]
    detail = "What each layer does to signal and gradient multiplies."
    if merged:
        detail = (
            f"Samples become alike: before the first step the mean cosine of two is "
            f"{number(first)} in {in_words(evidence.names[0])}, {number(last)} in "
            f"{in_words(evidence.names[layers - 1])}. Each "
            f"{'ReLU ' if evidence.rectified else ''}layer brings any two samples "
            "closer, until the gradient cannot tell them apart."
        )
    return Cause(
        kind="too deep",
        layer=evidence.names[merged[0] if merged else layers - 1],
        step=0,
        headline=f"{layers} hidden layers without skip connections are too deep",
        detail=detail,
        fix="Use skip connections and normalisation: --residual --normalise.",
        change={"residual": True, "normalise": True},
        evidence={"cosines": alike, "hidden_layers": layers},
    )


def _cosines(untrained: Network, evidence: Evidence) -> list[float]:
    """Return for every hidden layer the mean cosine of two samples' activations."""
    inputs = evidence.training_rows.inputs[:ROWS]
    found: list[float] = []
    for outputs in next(untrained.activations(inputs))[1:-1]:
        rows = np.asarray(outputs, np.float64)
        lengths = np.linalg.norm(rows, axis=1)
        unit = rows[lengths > 0] / lengths[lengths > 0, None]
        pairs = len(unit) * (len(unit) - 1)
        total = float(np.square(unit.sum(axis=0)).sum()) - len(unit)
        found.append(total / pairs if pairs else 1.0)
    return found


DEAD = 0.6
"""So many of a layer's units dead before the first step. With weights drawn about zero
it is a few in a hundred in the first layers; where samples have become alike, deep in a
network, about half."""

MOSTLY_SATURATED = 0.6
"""So many entries beyond the bend of tanh or the logistic function leave little slope:
with a suitable initialisation it is a few in a hundred."""


def dead(evidence: Evidence) -> Cause | None:
    """Units of a layer that pass nothing for any sample, from the start."""
    if evidence.learnt or not evidence.records or not evidence.rectified:
        return None
    shares = [layer.silent for layer in evidence.records[0].layers]
    if max(shares) < DEAD or _all_alike(evidence):
        return None
    began = next(at for at, share in enumerate(shares) if share >= DEAD)
    if began >= DEEP and not evidence.has_skips:
        return None  # so deep all samples lie on one ray, off for half: see too_deep
    change = evidence.unused({"init": "he", "normalise": True})
    change = change or evidence.unused({"activation": "leaky-relu"})
    return Cause(
        kind="dead units",
        layer=evidence.names[began],
        step=0,
        headline=f"{percent(shares[began], 0)} of the units of "
        f"{in_words(evidence.names[began])} are dead before the first step",
        detail="They give 0 for every sample of the first batch. A ReLU passes no "
        "gradient where it gives 0, so such a unit never changes again. Biases far "
        "below zero switch units off, and so do inputs that push all sums below it.",
        fix=f"Begin with biases of zero, and use {advised(change)}; a leaky ReLU "
        "always passes something.",
        change=change,
        evidence={"dead": shares},
    )


def saturated(evidence: Evidence) -> Cause | None:
    """Sigmoids and tanhs that sit where they are flat, from the start."""
    if evidence.learnt or not evidence.records or evidence.rectified:
        return None
    shares = [layer.saturated for layer in evidence.records[0].layers]
    if not shares or max(shares) < MOSTLY_SATURATED:
        return None
    change = evidence.unused({"init": "glorot"}) or evidence.unused({"normalise": True})
    if not change:
        return None
    began = next(at for at, share in enumerate(shares) if share >= MOSTLY_SATURATED)
    fan_in, variance = evidence.weight_variances[began]
    return Cause(
        kind="saturated units",
        layer=evidence.names[began],
        step=0,
        headline=f"{percent(shares[began], 0)} of {in_words(evidence.names[began])}'s "
        "outputs are saturated before the first step",
        detail="They pass less than a twentieth of the gradient. "
        f"{fan_in} inputs with weights of variance {number(variance)} make sums of "
        f"about {number(fan_in * variance)} times the inputs' variance; tanh and the "
        "logistic function are flat beyond 2 to 3.",
        fix=f"Keep the sums small: {advised(change)}.",
        change=change,
        evidence={"saturated": shares, "fan_in": fan_in, "variance": variance},
    )


def alike(evidence: Evidence) -> Cause | None:
    """Units that begin with the same weights, and stay the same."""
    if not evidence.records or not evidence.hidden_count or not _all_alike(evidence):
        return None
    return Cause(
        kind="constant prediction",
        layer=evidence.names[0],
        step=0,
        headline="All weights of a layer begin with the same value",
        detail="Units with equal weights get equal gradients and stay equal, so that "
        "the layer has one unit; at zero they give no gradient at all.",
        fix="Draw the weights at random: --init he.",
        change={"init": "he"},
        evidence={"variances": [v for _, v in evidence.weight_variances]},
    )


def off_from_the_start(evidence: Evidence) -> bool:
    """Return whether weights or units are such that no gradient can come back."""
    silent = max(layer.silent for layer in evidence.records[0].layers)
    return silent >= DEAD or _all_alike(evidence)


def _all_alike(evidence: Evidence) -> bool:
    return any(variance == 0 for _, variance in evidence.weight_variances)
