"""What a network's loss is: what it returns, its own, or a usual one."""

import ast
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from layerwise.sheets.reading import as_given, as_numbers, held, parts_within
from layerwise.sheets.recognising._building import required
from layerwise.sheets.recognising._layers import rate_of
from layerwise.sheets.recognising._networks import NetworkPart, returned_loss
from layerwise.sheets.recognising._parts import Case, is_near, method_names

__all__ = ["likeliest", "with_objective"]

TINY = 1e-300


def with_objective(part: NetworkPart) -> NetworkPart:
    """Return a network with what its loss is.

    What its step returns; else its own loss, applied to its own outputs; else the one
    of the usual losses that its step belongs to, and where it belongs to none the
    first that fits its outputs.
    """
    rng = np.random.default_rng(8)
    case = part.case(rng, 7)
    thing = part.loaded(case)
    result = part.stepped(thing, case)
    try:
        returned_loss(result)
    except TypeError:
        pass
    else:
        return _with_rate(part)
    names = part.context.names

    def has_both(value: Any) -> bool:
        found = method_names(value)
        forward = names.method("forward", found)
        return bool(
            names.method("backward", found)
            and forward
            and len(required(getattr(value, forward))) == 2
        )

    if parts_within(thing, has_both):
        own = replace(
            part,
            objective=lambda p, t, c: _own_loss(p, t, c, has_both),
            about="its own loss",
        )
        return _with_rate(own)
    return _with_usual(part)


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


def _with_rate(part: NetworkPart) -> NetworkPart:
    return likeliest(_with_rates(part)) or part


def likeliest(parts: Iterable[NetworkPart]) -> NetworkPart | None:
    """Return the one of which most gradients are right: a slip is in few of them."""
    best, most = None, -1.0
    for part in parts:
        with held():
            right = _right_in(part)
        if right == len(part.parameters):
            return part
        if right > most:
            best, most = part, right
    return best


def _own_loss(
    part: NetworkPart, thing: Any, case: Case, wanted: Callable[[Any], bool]
) -> Any:
    (loss, *_) = parts_within(thing, wanted)
    y = part.outputs_of(thing, case.arrays["input"], case.seed)
    given = as_given(y, part.context.library)
    targets = as_given(np.asarray(case.targets), part.context.library)
    return as_numbers(part.method(loss, "forward")(given, targets)).sum()


def _of_outputs(
    value: Callable[[np.ndarray, np.ndarray], float],
) -> Callable[[Any, Any, Case], float]:
    def objective(part: Any, thing: Any, case: Case) -> float:
        y = part.outputs_of(thing, case.arrays["input"], case.seed)
        return value(_rows(y, part.axis), _target_rows(y, case, part))

    return objective


def _rows(y: np.ndarray, axis: int) -> np.ndarray:
    rows = y if axis == 0 else y.T
    return rows.reshape(rows.shape[0], -1)


def _target_rows(y: np.ndarray, case: Case, part: NetworkPart) -> np.ndarray:
    rows = _rows(y, part.axis)
    if part.targets == "indices":
        return np.eye(rows.shape[1])[np.asarray(case.targets)]
    return _rows(np.asarray(case.targets), part.axis if case.targets.ndim > 1 else 0)


def _entropy(p: np.ndarray, t: np.ndarray) -> float:
    return float(-(t * np.log(np.maximum(p, TINY))).sum())


def _logits_entropy(z: np.ndarray, t: np.ndarray) -> float:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return _entropy(e / e.sum(axis=1, keepdims=True), t)


def _binary(p: np.ndarray, t: np.ndarray) -> float:
    return _entropy(p, t) + _entropy(1 - p, 1 - t)


def _squares(y: np.ndarray, t: np.ndarray) -> float:
    return float(((y - t) ** 2).sum())


USUAL = (
    ("the mean cross-entropy of its outputs", _entropy, "rows"),
    ("the mean cross-entropy of its outputs' softmax", _logits_entropy, "rows"),
    ("the mean binary cross-entropy of its outputs", _binary, "rows"),
    ("the mean squared error", _squares, "entries"),
    ("half the mean squared error", _squares, "half rows"),
    ("the cross-entropy of its outputs, summed", _entropy, "one"),
    ("the cross-entropy of its outputs' softmax, summed", _logits_entropy, "one"),
    ("the binary cross-entropy of its outputs, summed", _binary, "one"),
    ("half the squared error, summed", _squares, "half"),
    ("the squared error, summed", _squares, "one"),
    ("the squared error, the samples' mean", _squares, "rows"),
)
"""Losses that a network may be trained on without saying so."""


def _with_usual(part: NetworkPart) -> NetworkPart:
    case = part.case(np.random.default_rng(9), 7)
    y = part.outputs_of(part.loaded(case), case.arrays["input"], 0)
    rows = _rows(y, part.axis)
    summed = np.allclose(rows.sum(axis=1), 1) and rows.shape[1] > 1
    within = rows.min() > 0 and rows.max() < 1
    suits: dict[Any, bool] = {
        _entropy: summed,
        _logits_entropy: not within,
        _binary: within and not summed,
    }
    fitting: list[NetworkPart] = []
    for about, value, share in USUAL:
        if not suits.get(value, True):
            continue
        objective = _of_outputs(_shared(value, share))
        fitting += _with_rates(replace(part, objective=objective, about=about))
    return likeliest(fitting) or fitting[0]


def _shared(
    value: Callable[[np.ndarray, np.ndarray], float], share: str
) -> Callable[[np.ndarray, np.ndarray], float]:
    def shared(y: np.ndarray, t: np.ndarray) -> float:
        by = {"rows": len(y), "entries": y.size, "half rows": 2 * len(y), "half": 2}
        return value(y, t.reshape(y.shape)) / by.get(share, 1)

    return shared


def _right_in(part: NetworkPart) -> float:
    """Return of how many parameters a step goes down the loss, along one direction.

    One that goes up it counts a little: then that is the slip.
    """
    found = 0.0
    case = part.case(np.random.default_rng(9), 7)
    rng = np.random.default_rng(10)
    claimed = part.claims([(case, np.ones(()))]).gradients
    for path in part.parameters:
        direction = rng.normal(size=case.arrays[path].shape)
        slope, gradient = part.slope_along(case, path, direction), claimed[path]
        if gradient is None or gradient.shape != direction.shape:
            continue
        said = float((gradient * direction).sum())
        found += 1.0 if is_near(said, slope) else 0.1 * is_near(-said, slope)
    return found
