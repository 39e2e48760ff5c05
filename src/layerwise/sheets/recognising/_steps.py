"""Which way a network is trained, found by taking a step."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from layerwise.sheets.reading import held, slots
from layerwise.sheets.recognising._building import builders, own_widths
from layerwise.sheets.recognising._layers import fill
from layerwise.sheets.recognising._networks import (
    NetworkPart,
    network_methods,
    returned_loss,
)
from layerwise.sheets.recognising._objectives import likeliest, with_objective
from layerwise.sheets.recognising._parts import (
    FEATURES,
    OUTPUTS,
    Builder,
    Context,
    furthest,
)

__all__ = ["find_network"]


def find_network(
    name: str, context: Context, namespace: dict[str, Any], ways: list[Builder] | None
) -> NetworkPart:
    """Return a class as a network, by the first way that a step is right with.

    Where it is with none, that in which most of its gradients are.

    Raises
    ------
    Exception
        What the likeliest way raised, if none works.
    """
    failures: list[Exception] = []
    way = network_methods(namespace[name], context.names)
    # What returns its gradients returns those of the penalty on weights too.
    own = builders(name, namespace, context.library, penalised=way == "gradients")
    for build in ways or own:
        part = NetworkPart(name, context, namespace, build=build, way=way)
        if found := likeliest(_running(part, failures)):
            return found
    raise furthest(context.sheet, failures) or TypeError(f"{name} cannot be built")


def _running(part: NetworkPart, failures: list[Exception]) -> Iterator[NetworkPart]:
    """Yield the ways in which a network can be run; keep what others raise."""
    for attempt in _attempts(part):
        try:
            with held():
                ready = _tried(attempt)
                if ready.way != "gradients":
                    ready = with_objective(ready)
        except Exception as error:
            failures.append(error)
        else:
            # Broadcasting takes targets in forms that are not meant.
            yield ready


def _attempts(part: NetworkPart) -> Iterator[NetworkPart]:
    ours = [(FEATURES, classes) for classes in (OUTPUTS, 1, FEATURES)]
    widths = [*ours, *own_widths(part.build, part.namespace)]
    for targets in ("indices", "one-hot", "one label each", "numbers"):
        for axis in (0, 1):
            for features, classes in widths:
                yield replace(
                    part, targets=targets, axis=axis, features=features, classes=classes
                )


def _tried(part: NetworkPart) -> NetworkPart:
    """Return a network with its parameters: what a step changes, or gradients name."""
    case = part.case(np.random.default_rng(7), 7)
    thing = part.made()
    before = {path: slot.numbers() for path, slot in slots(thing).items()}
    shapes = {p: a.shape for p, a in before.items() if a.ndim}
    if part.way == "gradients":
        value, gradients = part.returned(thing, case)
        returned_loss(value)
        part = replace(part, parameters=shapes)
        found = part.by_name(thing, gradients)
        part = replace(part, parameters=_all_named(shapes, found))
    else:
        part.stepped(thing, case)
        after = slots(thing)
        moved = {
            path: shape
            for path, shape in shapes.items()
            if path in after and not np.array_equal(after[path].numbers(), before[path])
        }
        if part.way == "backward":
            moved |= {
                p: shapes[p]
                for p in replace(part, parameters=shapes).by_name(thing, None)
            }
        part = replace(part, parameters=shapes)
        part = replace(part, parameters=_with_still(part, shapes, moved))
    if not part.parameters:
        raise TypeError(f"{part.name}: no parameter changes in a training step")
    return part


def _all_named(
    shapes: dict[str, tuple[int, ...]], found: dict[str, Any]
) -> dict[str, tuple[int, ...]]:
    """Return the parameters with a gradient, and those held beside them."""
    holders = {path.rpartition(".")[0] for path in found}
    return {p: s for p, s in shapes.items() if p.rpartition(".")[0] in holders}


def _with_still(
    part: NetworkPart,
    shapes: dict[str, tuple[int, ...]],
    moved: dict[str, tuple[int, ...]],
) -> dict[str, tuple[int, ...]]:
    """Return what moved, and what did not though the network's outputs depend on it."""
    still = {
        path: shape
        for path, shape in shapes.items()
        if path not in moved and part.context.names.gradient_of(path) is None
    }
    return {p: s for p, s in shapes.items() if p in moved or _matters(part, p, still)}


def _matters(part: NetworkPart, path: str, still: dict[str, tuple[int, ...]]) -> bool:
    if path not in still:
        return False
    seen: list[np.ndarray] = []
    x = part.case(np.random.default_rng(7), 7).arrays["input"]
    for seed in (5, 6):
        thing = part.made()
        places = slots(thing)
        for other in part.parameters:
            # Behind weights that begin as 0 nothing before them matters.
            fill(places[other], 4)
        fill(places[path], seed)
        try:
            seen.append(part.outputs_of(thing, x, 0))
        except Exception:
            # It has no forward pass of its own: then only what moves is known.
            return False
    return not np.array_equal(seen[0], seen[1], equal_nan=True)
