"""Causes in code: gradients that add up, noise that never comes.

Found by trying: an optimiser is given one gradient and then none, a network the same
batch twice.
"""

from dataclasses import replace

import numpy as np

from layerwise.arrays import leaves, one_hot, tree_map
from layerwise.diagnosis._evidence import Cause, Evidence
from layerwise.diagnosis._start import off_from_the_start
from layerwise.model import Batch, Draw, Network, loss_and_gradients
from layerwise.statistics import NOTABLE, exceeds
from layerwise.training import Adam, LayerHealth
from layerwise.wording import count, listed, number, percent

NOTHING = 200
"""Steps without a gradient: momentum has forgotten it by then (0.9²⁰⁰ = 1e-9)."""

STILL_MOVING = 0.1
"""An update of a tenth of the first one, so long after, remembers too well."""

ROWS = 64


def gradients_not_reset(evidence: Evidence) -> Cause | None:
    """Gradients of earlier steps that are still in the update."""
    if evidence.by_hand is None:
        return None
    moving = max(_remembered(evidence), _doubled(evidence, evidence.by_hand))
    if moving < STILL_MOVING:
        return None
    return Cause(
        kind="gradients not reset",
        step=1,
        headline="Gradients add up: updates continue in steps without a gradient",
        detail="Given one gradient and then none, the update after "
        f"{NOTHING} steps is still {number(moving)} of the first. The gradients of all "
        "steps so far are summed instead of being set to zero before each step.",
        fix="Start each step from the gradient of its own batch (zero_grad in "
        "PyTorch); layerwise's optimisers do.",
        change={"optimiser": None},
        evidence={"update_left": moving, "steps": NOTHING},
    )


def _remembered(evidence: Evidence) -> float:
    """Return what is left of an update after many steps without a gradient."""
    optimiser, zeros = evidence.optimiser, {"w": np.zeros(4)}
    if isinstance(optimiser, Adam):  # decay moves weights without any gradient
        optimiser = replace(optimiser, weight_decay=0.0)
    gradient, parameters = {"w": np.array([1.0, -2.0, 0.5, 1.0])}, zeros
    moments, sizes = optimiser.init(parameters), []
    for step in range(NOTHING):
        given = zeros if step else gradient
        moved, moments = optimiser.update(given, moments, parameters, 1e-3)
        sizes.append(float(np.linalg.norm(moved["w"] - parameters["w"])))
        parameters = moved
    return sizes[-1] / max(sizes[0], 1e-30)


def _doubled(evidence: Evidence, network: Network) -> float:
    """Return by how much a second gradient of the same batch differs from the first."""
    first, second = (leaves(_gradients(evidence, network)) for _ in range(2))
    pairs = zip(first, second, strict=True)
    change = sum(float(np.sum(np.square(b - a))) for a, b in pairs)
    size = sum(float(np.sum(np.square(a))) for a in first)
    return float(np.sqrt(change / size)) if np.isfinite(size) and size > 0 else 0.0


def evaluation_mode(evidence: Evidence) -> Cause | None:
    """Return layers that ask for noise in training and do not get it."""
    network = evidence.by_hand
    if network is None:
        return None
    asking = [
        inner
        for inner in evidence.within
        if isinstance(_own_noise(inner), Draw) and getattr(inner, "rate", 1.0)
    ]
    if not asking:
        return None
    features = (int(np.prod(network.shape)),)
    declared = network.layer.noise(network.parameters, features)
    # Of strong noise nearly all draws may come to nothing: without any, none is lost.
    calm = tree_map(lambda n: None if n is None else np.ones_like(n) - 1e-9,
                    _noise(declared, 0))  # fmt: skip
    noises = (_noise(declared, 0), _noise(declared, 1), calm)
    one, *others = (_outputs(evidence, network, noise) for noise in noises)
    if not all(np.array_equal(one, other) for other in others):
        return None
    names = sorted({type(inner).__name__ for inner in asking})
    return Cause(
        kind="left in evaluation mode",
        step=0,
        headline=f"{len(asking)} layers of {', '.join(names)} do nothing in training",
        detail="The network's outputs in training do not depend on their noise, as if "
        "the model had been left in evaluation mode.",
        fix="Declare the inner layer's noise in noise() and pass it on to its forward.",
        change={},
        evidence={"layers": len(asking)},
    )


def _own_noise(layer: object) -> object:
    from layerwise.model import Dropout, Residual, Sequential

    if isinstance(layer, Residual | Sequential):
        return None
    if isinstance(layer, Dropout):
        return Draw((1,))
    try:
        return layer.noise({}, (1,))  # pyright: ignore[reportAttributeAccessIssue]
    except (KeyError, TypeError, ValueError):
        return None


def _noise(declared: object, seed: int) -> object:
    rng = np.random.default_rng(seed)
    return tree_map(
        lambda d: None if d is None else rng.uniform(size=(ROWS, *d.shape)), declared
    )


def _batch(evidence: Evidence) -> Batch:
    rows = np.arange(ROWS) % len(evidence.scaled)
    x = evidence.scaled[rows]
    targets = evidence.training_rows.targets[rows]
    return Batch(x, one_hot(targets, evidence.data.classes, x), np.ones(ROWS))


def _outputs(evidence: Evidence, network: Network, noise: object) -> np.ndarray:
    inputs = _batch(evidence).inputs
    return np.asarray(network.layer.forward(network.parameters, inputs, noise)[0])


def _gradients(evidence: Evidence, network: Network) -> object:
    with np.errstate(all="ignore"):
        return loss_and_gradients(
            network.layer, network.loss, network.parameters, _batch(evidence)
        ).gradients


def never_trained(evidence: Evidence) -> Cause | None:
    """Layers whose weights stayed what they were: frozen, or cut off the gradient."""
    if evidence.learnt or not evidence.records or evidence.diverged:
        return None
    if off_from_the_start(evidence):  # gradients are 0 for another reason
        return None
    place = LayerHealth._fields.index("gradient_norm")
    still = (evidence.history.health[..., place] == 0).all(axis=0)
    if still.all():
        return None
    cut_off = [name for name, none in zip(evidence.names, still, strict=True) if none]
    frozen = _frozen(evidence)
    if not cut_off and not frozen:
        return None
    texts: list[str] = []
    if cut_off:
        texts.append(
            f"no gradient reached the weights of {listed(cut_off, most=NAMED)} in "
            f"{count(len(evidence.history.losses))} steps"
        )
    if frozen:
        named = listed(frozen, most=NAMED)
        texts.append(f"the weights of {named} are frozen (requires_grad is False)")
    text, held = " and ".join(texts), [*cut_off, *frozen]
    return Cause(
        kind="layers never trained",
        layer=held[0],
        step=0,
        headline=f"The weights of {listed(held, most=NAMED)} were never trained",
        detail=f"{text[0].upper()}{text[1:]}. A detach(), no_grad(), .data or a way "
        "through NumPy cuts off all layers before it.",
        fix="Remove what cuts the gradient off, or set requires_grad to True; if these "
        "layers are meant to stay as they are, train the others with more units.",
        change={},
        evidence={"cut_off": cut_off, "frozen": frozen},
    )


NAMED = 3
"""So many layers are named."""


def _frozen(evidence: Evidence) -> list[str]:
    if evidence.by_hand is not None:
        return []
    from layerwise.modules import frozen_layers

    return frozen_layers(evidence.module.architecture.module)


def stale_statistics(evidence: Evidence) -> Cause | None:
    """Find running statistics of BatchNorm that are not those of the samples."""
    if evidence.by_hand is not None or evidence.diverged:
        return None
    from layerwise.modules import running_and_batch_accuracy, to_torch

    samples = evidence.training_rows
    found = running_and_batch_accuracy(to_torch(evidence.module), samples)
    if found is None or not exceeds(found[1], found[0], NOTABLE):
        return None
    running, batch = (one.value for one in found)
    return Cause(
        kind="stale running statistics",
        headline="The running statistics of BatchNorm are stale: "
        f"{percent(running)} right instead of {percent(batch)}",
        detail=f"Of {count(len(samples))} training samples {percent(running)} are "
        f"right in evaluation mode, and {percent(batch)} with the statistics of the "
        "batch, as in training mode. After few steps, or with a small momentum, "
        "running statistics are not those of the samples.",
        fix="Pass training samples in training mode once more before evaluating "
        "(torch.optim.swa_utils.update_bn), or use a larger momentum.",
        change={},
        evidence={"running": running, "batch": batch, "samples": len(samples)},
    )
