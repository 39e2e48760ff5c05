"""Which way a network is trained, by taking a step, and on which loss."""

import ast
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from layerwise.sheets.reading import as_numbers, parts_within, slots
from layerwise.sheets.recognising._building import builders, own_widths, required
from layerwise.sheets.recognising._layers import rate_of
from layerwise.sheets.recognising._losses import (
    as_rows,
    binary_entropy,
    entropy,
    logits_entropy,
    squares,
)
from layerwise.sheets.recognising._networks import (
    NetworkPart,
    network_methods,
    returned_loss,
)
from layerwise.sheets.recognising._parts import (
    FEATURES,
    OUTPUTS,
    Builder,
    Case,
    Context,
    best_of,
    method_names,
)

__all__ = ["find_network"]

UsualLoss = Callable[[np.ndarray, np.ndarray], float]


def find_network(
    name: str, context: Context, ways: Sequence[Builder] | None
) -> NetworkPart:
    """Return a class as a network, by the first way of building that a step works with.

    As that network of which most gradients are right: a slip is in few of them.
    """
    way = network_methods(context.sheet.namespace[name], context.names)

    def built(build: Builder) -> tuple[NetworkPart, float]:
        part = NetworkPart(name, context, build=build, way=way)
        return best_of(_attempts(part, build), _tried, context.sheet), 1.0

    # What returns its gradients returns those of the penalty on weights too.
    own = builders(name, context, penalised=way == "gradients")
    return best_of(ways or own, built, context.sheet)


def _attempts(part: NetworkPart, build: Builder) -> Iterator[NetworkPart]:
    ours = [(FEATURES, classes) for classes in (OUTPUTS, 1, FEATURES)]
    widths = [*ours, *own_widths(build, part.context)]
    for targets in ("indices", "one-hot", "one label each", "numbers"):
        for axis in (0, 1):
            for features, classes in widths:
                yield replace(
                    part, targets=targets, axis=axis, features=features, classes=classes
                )


def _tried(part: NetworkPart) -> tuple[NetworkPart, float]:
    """Return a network with its parameters: what a step changes, or gradients name."""
    case = part.case(np.random.default_rng(7), 7)
    thing = part.made()
    before = {path: slot.numbers() for path, slot in slots(thing).items()}
    part = replace(part, parameters={p: a.shape for p, a in before.items() if a.ndim})
    if part.way == "gradients":
        value, gradients = part.returned(thing, case)
        if returned_loss(value) is None:
            raise TypeError(f"{part.name} returns no loss")
        holders = {_holder(path) for path in part.by_name(thing, gradients)}
        found = {path for path in part.parameters if _holder(path) in holders}
    else:
        part.stepped(thing, case)
        after = slots(thing)
        found = {
            path
            for path in part.parameters
            if path in after and not np.array_equal(after[path].numbers(), before[path])
        }
        if part.way == "backward":
            found |= part.by_name(thing, None).keys()
        found |= {path for path in part.parameters if _is_still(part, path, found)}
    known = {path: size for path, size in part.parameters.items() if path in found}
    if not known:
        raise TypeError(f"{part.name}: no parameter changes in a training step")
    part = replace(part, parameters=known)
    return _rated(part if part.way == "gradients" else _with_objective(part))


def _holder(path: str) -> str:
    return path.rpartition(".")[0]


def _is_still(part: NetworkPart, path: str, moved: Collection[str]) -> bool:
    """Return whether outputs depend on an array that a step does not move."""
    if path in moved or part.context.names.gradient_of(path) is not None:
        return False
    x = part.case(np.random.default_rng(7), 7).arrays["input"]
    try:
        one, other = part.filled(
            path, lambda thing: part.outputs_of(thing, x, 0), others=True
        )
    except Exception:
        # It has no forward pass of its own: then only what moves is known.
        return False
    return not np.array_equal(one, other, equal_nan=True)


def _rated(part: NetworkPart) -> tuple[NetworkPart, float]:
    """Return a network, and of how many parameters a step goes down its loss."""
    return part, part.agreement(part.parameters)


def _with_objective(part: NetworkPart) -> NetworkPart:
    """Return a network with what its loss is, and the rate that its code may hold.

    What its step returns; else its own loss, applied to its own outputs; else the one
    of the usual losses that its step belongs to, and where it belongs to none the
    first that fits its outputs.
    """
    case = part.case(np.random.default_rng(8), 7)
    thing = part.loaded(case)
    names = part.context.names

    def is_loss(value: Any) -> bool:
        forward, backward = (
            getattr(value, names.method(role, method_names(value)) or "", None)
            for role in ("forward", "backward")
        )
        return bool(forward and backward and len(required(forward)) == 2)

    if returned_loss(part.stepped(thing, case)) is not None:
        found = [part]
    elif parts_within(thing, is_loss):
        own = partial(_own_loss, is_loss=is_loss)
        found = [replace(part, objective=own, about="its own loss")]
    else:
        found = _with_usual(part)
    rated = (one for each in found for one in _with_rates(each))
    return best_of(rated, _rated, part.context.sheet)


def _with_rates(part: NetworkPart) -> list[NetworkPart]:
    """Return a network with the learning rates that may be written into its code."""
    try:
        rate_of(part.made())
    except AttributeError:
        tree = part.context.sheet.definition(part.name) or ast.Pass()
        written = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant))
        rates = dict.fromkeys(
            (1.0, *(v for v in written if isinstance(v, float) and 0 < v < 1))
        )
        return [replace(part, rate=rate) for rate in rates]
    return [part]


def _own_loss(
    part: NetworkPart, thing: Any, case: Case, is_loss: Callable[[Any], bool]
) -> Any:
    (loss, *_) = parts_within(thing, is_loss)
    y = part.given(part.outputs_of(thing, case.arrays["input"], case.seed))
    targets = part.given(np.asarray(case.targets))
    return as_numbers(part.method(loss, "forward")(y, targets)).sum()


def _usual_loss(
    part: NetworkPart, thing: Any, case: Case, loss: UsualLoss, share: str
) -> float:
    y = part.outputs_of(thing, case.arrays["input"], case.seed)
    y, t = as_rows(y, np.asarray(case.targets), part.axis)
    by = {"rows": len(y), "entries": y.size, "half rows": 2 * len(y), "half": 2}
    return loss(y, t) / by.get(share, 1)


USUAL = (
    ("the mean cross-entropy of its outputs", entropy, "rows"),
    ("the mean cross-entropy of its outputs' softmax", logits_entropy, "rows"),
    ("the mean binary cross-entropy of its outputs", binary_entropy, "rows"),
    ("the mean squared error", squares, "entries"),
    ("half the mean squared error", squares, "half rows"),
    ("the cross-entropy of its outputs, summed", entropy, "one"),
    ("the cross-entropy of its outputs' softmax, summed", logits_entropy, "one"),
    ("the binary cross-entropy of its outputs, summed", binary_entropy, "one"),
    ("half the squared error, summed", squares, "half"),
    ("the squared error, summed", squares, "one"),
    ("the squared error, the samples' mean", squares, "rows"),
)
"""Losses that a network may be trained on without saying so."""


def _with_usual(part: NetworkPart) -> list[NetworkPart]:
    case = part.case(np.random.default_rng(9), 7)
    y = part.outputs_of(part.loaded(case), case.arrays["input"], 0)
    rows, _ = as_rows(y, np.asarray(case.targets), part.axis)
    summed = np.allclose(rows.sum(axis=1), 1) and rows.shape[1] > 1
    within = rows.min() > 0 and rows.max() < 1
    suits: dict[Any, bool] = {
        entropy: summed,
        logits_entropy: not within,
        binary_entropy: within and not summed,
    }
    objectives = {
        about: partial(_usual_loss, loss=loss, share=share)
        for about, loss, share in USUAL
        if suits.get(loss, True)
    }
    return [replace(part, about=k, objective=v) for k, v in objectives.items()]
