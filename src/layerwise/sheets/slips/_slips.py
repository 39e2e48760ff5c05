"""Slips: what would have made a gradient as wrong as it is.

Each is a hypothesis that says what a slip would have made of the true gradient, for
every batch that was looked at; it holds where this is what the sheet gives. Undoing it
is then tried in the sheet itself, which also finds the line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from layerwise.sheets.checking import Observation
from layerwise.sheets.reading import is_bias
from layerwise.sheets.recognising import Part
from layerwise.wording import number

__all__ = ["SLIPS", "Slip", "named", "slip_of"]

SLIPS = {
    "transposed": "it is transposed",
    "no-sum": "the sum over the batch is missing",
    "mean": "it is divided by the batch size: a mean where the sum is due",
    "sum": "it is multiplied by the batch size: a sum where the mean is due",
    "sum-of-mean": "the loss is a mean over the batch, its gradient that of the sum",
    "sign": "its sign is reversed",
    "factor": "it has a constant factor that does not belong there",
    "other-branch": "the derivative of the other branch is used",
    "at-output": "the derivative is taken at the output instead of the input",
    "at-input": "the derivative is computed from the input, its formula is one of the "
    "output",
    "overwritten": "the gradient is set where it must be added: a value is used twice",
    "earlier-batch": "what was remembered of an earlier batch is used",
    "clamp": "it is clamped",
    "softmax-off-diagonal": "Softmax's Jacobian lacks its off-diagonal, −pᵢ pⱼ",
    "softmax-diagonal": "Softmax's Jacobian lacks the minus of its diagonal, pᵢ − pᵢ²",
    "unguarded": "the loss is guarded against p = 0, its gradient −1/p is not",
    "bias": "the bias is forgotten",
    "accumulated": "gradients are added up and never reset",
    "update-sign": "the update goes up the gradient: its sign is reversed",
    "in-place": "the input is changed in place",
    "one-sample": "it is right for a batch of one only",
    "many-samples": "it fails for a batch of one",
    "broadcast": "broadcasting hides a wrong shape",
    "float32": "it is computed in float32, which is too coarse here",
    "fused": "it is the gradient by the logits: Softmax's derivative is in it already",
    "passed-through": "it passes the gradient through: Softmax's derivative is missing",
    "upstream": "the gradient from above is not multiplied in",
    "axis": "the wrong axis is summed over",
    "expression": "an operation is another one than it should be",
}
"""Every slip that is named, and the sentence for the student."""


@dataclass(frozen=True)
class Slip:
    """A slip that explains a wrong gradient: a key of ``SLIPS``, with its sentence.

    ``undo`` makes of a value in the sheet, and the batch size, what it would be without
    the slip; ``formula`` is what belongs there.
    """

    name: str
    words: str
    undo: Callable[[Any, int], Any] | None = None
    formula: str = ""


def named(slip: str, words: str = "", undo: Any = None, formula: str = "") -> Slip:
    """Return a slip with its usual sentence, or with a more exact one."""
    return Slip(slip, words or SLIPS[slip], undo, formula)


def slip_of(part: Part, seen: Sequence[Observation], key: str) -> Slip | None:
    """Return the first slip that explains an array's gradient in all observations."""
    claims = [one.claims.gradients.get(key) for one in seen]
    if any(c is None for c in claims) or not any(np.any(c) for c in claims):
        return named("bias") if is_bias(key.rpartition(".")[2]) else None
    if any(one.wrong(key) is None for one in seen):
        return _of_shape(seen, key)
    slips = (test(part, seen, key) for test in TESTS)
    return next((slip for slip in slips if slip is not None), None)


def _made(part: Part, seen: Sequence[Observation], key: str) -> Slip | None:
    """Return the slip that would have made another gradient of the input."""
    if key != "input":
        return None
    hits: list[set[str]] = []
    for claimed, true, one in _pairs(seen, key):
        forms = _forms(part, one, true)
        hits.append({k for k, form in forms.items() if _near(one, key, claimed, form)})
    all_hit = set.intersection(*hits)
    return named(min(all_hit).partition(",")[0]) if all_hit else None


def _forms(part: Part, one: Observation, true: np.ndarray) -> dict[str, np.ndarray]:
    """Return what slips would make of the gradient of an input, by their names."""
    x, g = one.case.arrays["input"], one.cotangent
    if part.kind == "loss" and not part.logits and x.ndim > 1:
        inner = (true * x).sum(axis=1 - (one.case.axis or 0), keepdims=True)
        return {"fused": x * (true - inner)}
    if part.scalar or one.slopes is None:
        return {}
    p = one.slopes.outputs
    forms = {"upstream": one.slopes.gradients(np.ones(g.shape))["input"]}
    sums = [a for a in range(p.ndim) if np.allclose(p.sum(axis=a), 1, atol=1e-5)]
    if sums and np.all(p > 0):
        # Softmax's Jacobian is diag(p) − p pᵀ.
        inner = (g * p).sum(axis=sums[0], keepdims=True)
        forms |= {
            "passed-through": g,
            "softmax-off-diagonal": p * (1 - p) * g,
            "softmax-off-diagonal, p alone": p * g,
            "softmax-diagonal": p * g - p * inner + p * p * g,
            "softmax-diagonal, both": p * (g + inner),
            "softmax-diagonal, plus": p * (1 + p) * g - p * (inner - p * g),
        }
    return forms


def _pairs(
    seen: Sequence[Observation], key: str
) -> list[tuple[np.ndarray, np.ndarray, Observation]]:
    """Return claimed and true gradients, at the entries that are smooth."""
    pairs: list[tuple[np.ndarray, np.ndarray, Observation]] = []
    for one in seen:
        claimed, true = one.pair(key)
        smooth = one.smooth(key)
        pairs.append((np.where(smooth, claimed, 0), np.where(smooth, true, 0), one))
    return pairs


def _near(one: Observation, key: str, a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two gradients are one, as near as a right one must be."""
    if a.shape != b.shape or not np.all(np.isfinite(a)):
        return False
    size = max(one.tolerance(key), 1e-6 * float(np.max(np.abs(b), initial=0.0)))
    return bool(np.all(np.abs(a - b) <= size))


def _factor(part: Part, seen: Sequence[Observation], key: str) -> Slip | None:
    """Return what a gradient is multiplied by, where that is one number for each."""
    factors: list[float] = []
    for claimed, true, one in _pairs(seen, key):
        size = float((true * true).sum())
        factor = float((claimed * true).sum()) / size if size else 0.0
        if not factor or not _near(one, key, claimed / factor, true):
            return None
        factors.append(factor)
    batches = [one.case.batch for one in seen]
    slip = _of_factors(part, factors, batches)
    width = seen[0].truth[key].size / batches[0]
    if slip and part.kind == "loss" and np.allclose(factors, width * np.array(batches)):
        words = "the loss is a mean over all entries, its gradient that of the sum"
        return replace(slip, words=words if width > 1 else slip.words)
    return slip


def _of_factors(
    part: Part, factors: Sequence[float], batches: Sequence[int]
) -> Slip | None:
    """Return what a factor in each of two batches comes from."""
    for power in (0, 1, -1):
        shares = [f / n**power for f, n in zip(factors, batches, strict=True)]
        if np.allclose(shares, shares[0], rtol=1e-4):
            return _of_power(part, shares[0], power)
    return None


def _of_power(part: Part, c: float, power: int) -> Slip:
    """Return the slip that multiplies a gradient by c times a power of the batch."""
    name = {1: "sum", -1: "mean"}.get(power, "factor")
    if power == 1 and part.kind in ("loss", "network"):
        name = "sum-of-mean"
    if power == 0 and c < 0 and part.kind == "update":
        name = "update-sign"
    elif power == 0 and np.isclose(c, -1, rtol=1e-4):
        name = "sign"
    words = SLIPS[name]
    if name == "factor":
        words = f"it is {number(c, 4)} times what it should be"
    elif power and not np.isclose(c, 1, rtol=1e-4):
        words += f", and it has a factor of {number(c, 4)} besides"
    return named(name, words, lambda v, n: v / (c * n**power))


def _clamp(part: Part, seen: Sequence[Observation], key: str) -> Slip | None:
    """Return a clamp: between two bounds it is the true gradient, or a multiple."""
    del part
    pairs = _pairs(seen, key)
    low = min(float(claimed.min()) for claimed, _, _ in pairs)
    high = max(float(claimed.max()) for claimed, _, _ in pairs)
    size = max(float(np.max(np.abs(true))) for _, true, _ in pairs)
    if all(_near(o, key, c, np.abs(t)) for c, t, o in pairs):
        return named("clamp", "its sign is lost: the absolute value is taken")
    for power in (0, 1, -1):
        if all(
            _near(one, key, claimed, np.clip(true * one.case.batch**power, low, high))
            for claimed, true, one in pairs
        ):
            lost = {"negative": low > -1e-3 * size, "positive": high < 1e-3 * size}
            lost_signs = [sign for sign, gone in lost.items() if gone]
            words = f"it is clamped to [{number(low)}, {number(high)}]"
            if len(lost_signs) == 1:
                words = f"it is clamped: every {lost_signs[0]} gradient is lost"
            return named("clamp", words)
    return None


def _elementwise(one: Observation) -> bool:
    """Return whether each output depends on the input beside it alone."""
    if one.slopes is None or one.cotangent.shape != one.case.arrays["input"].shape:
        return False
    jacobian = one.slopes.jacobians["input"]
    return not np.any(np.abs(jacobian - np.diag(np.diag(jacobian))) > 1e-9)


def _slope_at(part: Part, one: Observation, place: np.ndarray) -> np.ndarray:
    """Return the derivative of an elementwise function somewhere else."""
    up, down = (
        part.outputs(replace(one.case, arrays=one.case.arrays | {"input": place + h}))
        for h in (1e-5, -1e-5)
    )
    return (up - down) / 2e-5


def _loosely(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether nearly all entries are alike: a kink may lie at one of them."""
    return bool(np.mean(np.abs(a - b) <= 1e-5 * np.maximum(1, np.abs(b))) > 0.97)


def _branch(part: Part, seen: Sequence[Observation], key: str) -> Slip | None:
    """Return the other branch's derivative: of both, or of one where it is constant."""
    if key != "input" or not all(_elementwise(one) for one in seen):
        return None
    sides: set[str] = set()
    for claimed, true, one in _pairs(seen, key):
        x, g = one.case.arrays["input"], one.cotangent
        if _loosely(claimed, _slope_at(part, one, -x) * g):
            if len(np.unique((true / g).round(6))) > 3:
                return named("sign", "it is the derivative at −x")
            sides |= {"x < 0", "x > 0"}
            continue
        wrong = one.wrong(key)
        assert wrong is not None
        for side, there in (("x < 0", x < 0), ("x > 0", x > 0)):
            if not np.any(wrong & there):
                continue
            others = (true / g)[~there]
            if np.ptp(others) > 1e-6 or not _loosely(
                claimed[there], others[0] * g[there]
            ):
                return None
            sides.add(side)
    where = "on both sides of 0" if len(sides) == 2 else f"where {sides.pop()}"
    return named("other-branch", f"{where} {SLIPS['other-branch']}")


def _at_output(part: Part, seen: Sequence[Observation], key: str) -> Slip | None:
    if key != "input" or not all(_elementwise(one) for one in seen):
        return None
    forward, backward = True, True
    for claimed, true, one in _pairs(seen, key):
        assert one.slopes is not None
        y = one.slopes.outputs
        forward &= _loosely(claimed, _slope_at(part, one, y) * one.cotangent)
        moved = replace(one.case, arrays=one.case.arrays | {"input": y})
        there = part.claims((moved, one.cotangent)).gradients[key]
        backward &= there is not None and _loosely(there, true)
    if forward:
        return named("at-output")
    return named("at-input") if backward else None


def _of_shape(seen: Sequence[Observation], key: str) -> Slip | None:
    """Return the slip that gives a gradient another shape."""
    for test in (_transposed, _not_summed, _reshaped, _summed_away):
        slips = [test(one, key) for one in seen]
        if all(slip is not None for slip in slips):
            return slips[0]
    return None


def _transposed(one: Observation, key: str) -> Slip | None:
    claimed, true = one.pair(key)
    if claimed.ndim == 2 and _near(one, key, claimed.T, true):
        return named("transposed", undo=lambda v, _: v.T)
    return None


def _not_summed(one: Observation, key: str) -> Slip | None:
    claimed, true = one.pair(key)
    for axis in range(claimed.ndim):
        if claimed.shape[axis] != one.case.batch:
            continue
        total = claimed.sum(axis=axis)
        if total.size == true.size and _near(one, key, total.reshape(true.shape), true):
            return named(
                "no-sum", undo=lambda v, _, s=true.shape, a=axis: v.sum(a).reshape(s)
            )
    return None


def _reshaped(one: Observation, key: str) -> Slip | None:
    claimed, true = one.pair(key)
    shape = true.shape
    if claimed.size != true.size or not _near(one, key, claimed.reshape(shape), true):
        return None
    words = f"its shape is {claimed.shape} where {shape} is due: broadcasting hides it"
    return named("broadcast", words, lambda v, _: v.reshape(shape))


def _summed_away(one: Observation, key: str) -> Slip | None:
    """Return a sum over too much, which fits the array by broadcasting."""
    claimed, true = one.pair(key)
    if claimed.size >= true.size:
        return None
    totals = [true.sum(axis=axis) for axis in (*range(true.ndim), None)]
    fitting = [total for total in totals if total.size == claimed.size]
    if not any(_near(one, key, claimed.reshape(t.shape), t) for t in fitting):
        return None
    return named(
        "broadcast",
        f"its shape is {claimed.shape} where {true.shape} is due: it is summed over "
        "too much, and broadcasting hides it",
    )


TESTS = (_made, _factor, _clamp, _branch, _at_output)
"""What is tried of a gradient that has the right shape, in this order."""
