"""What is wrong with each gradient of a part: how much, which slip, on which line."""

import ast
from dataclasses import replace

import numpy as np

from layerwise.sheets.checking import Observation, Observed, alone
from layerwise.sheets.reading import Edit, shown
from layerwise.sheets.recognising import Part
from layerwise.sheets.slips._formulas import formula_of
from layerwise.sheets.slips._lines import Found, found, jacobian_line
from layerwise.sheets.slips._repair import (
    edits_for,
    edits_undoing,
    repairs,
    seen_with,
    undoing,
)
from layerwise.sheets.slips._slips import SLIPS, Slip, named, slip_of
from layerwise.wording import number

__all__ = ["faults_of", "size_of"]


ADDED = ("bias", "upstream", "fused", "passed-through", "softmax-off-diagonal",
         "softmax-diagonal")  # fmt: skip
"""Slips of which something is missing: it cannot be taken away, and values tell."""

SINGLES = 6
"""Batches of one: by one alone a gradient may be right that is wrong for few inputs."""


def faults_of(part: Part, seen: Observed) -> list[Found]:
    """Return what is wrong with each array's gradient.

    What an edit for an earlier array makes right as well is the same slip.
    """
    faults: list[Found] = []
    for key in seen.wrong_arrays():
        for n, (fault, edits) in enumerate(faults):
            if edits and repairs(part, edits, [key], seen, forward_too=True):
                both = f"{fault.array}, {shown(key)}"
                faults[n] = replace(fault, array=both), edits
                break
        else:
            faults.append(_fault(part, seen, key))
    if part.kind == "network" and {fault.slip for fault, _ in faults} == {"sign"}:
        many = sum(len(fault.array.split(", ")) for fault, _ in faults)
        if many == len(seen.alone[0].truth):
            return [(replace(f, slip="update-sign", words=SLIPS["update-sign"]), e)
                    for f, e in faults]  # fmt: skip
    return faults


def _fault(part: Part, seen: Observed, key: str) -> Found:
    """Return what is wrong with an array's gradient."""
    slip = slip_of(part, seen.alone, key)
    chain = _chain(part, key, slip, seen)
    if not chain and slip is not None and slip.name not in ADDED:
        chain = _chain(part, key, None, seen)
        slip = _of_edit(part, chain[0], seen, key) if chain else slip
    elif slip is None and chain:
        slip = _of_edit(part, chain[0], seen, key)
    elif slip is None and _right_for_one(part, seen, key):
        slip = named("one-sample")
    elif slip is not None and len(chain) > 1:
        slip = replace(slip, words=f"{slip.words}; and {SLIPS[chain[1].slip]}")
    one = next((o for o in seen.alone if not o.passes(key)), seen.alone[0])
    slip = slip or Slip("", _plain_words(one, key))
    line = None
    if slip.name.startswith("softmax") and not chain:
        line = jacobian_line(part) or None
    slip = replace(slip, formula=formula_of(part, one, key))
    return found(part, key, slip, size_of(one, key), chain, line)


def _of_edit(part: Part, edit: Edit, seen: Observed, key: str) -> Slip:
    """Return the slip that an edit undoes, where no values have told which it is."""
    if edit.slip == "at-output" or (
        edit.slip == "one-sample" and not _right_for_one(part, seen, key)
    ):
        old, new = ast.unparse(edit.node), ast.unparse(edit.changed(edit.node))
        return named("expression", f"{old} stands where {new} belongs")
    return named(edit.slip)


def _right_for_one(part: Part, seen: Observed, key: str) -> bool:
    """Return whether a gradient is right for each of some samples by itself."""
    if not isinstance(seen.single, Observation):
        return False
    rng = np.random.default_rng(1)
    more = [alone(part, part.case(rng, 1), rng) for _ in range(SINGLES)]
    # It may be 0 whatever is wrong, as with BatchNorm.
    return all(
        one.passes(key) and bool(np.max(np.abs(one.truth[key])) > one.tolerance(key))
        for one in (seen.single, *more)
    )


def _chain(part: Part, key: str, slip: Slip | None, seen: Observed) -> list[Edit]:
    """Return the edits that make a gradient right: one, or a clamp and another."""
    coarse = edits_for(part, "float32")
    now = seen_with(part, coarse) if coarse else None
    if now is not None and all(one.passes(key) for one in now.alone):
        return coarse
    edit = undoing(part, key, slip, seen)
    return [edit] if edit is not None else _clamp_and_another(part, key)


def _clamp_and_another(part: Part, key: str) -> list[Edit]:
    """Return the edit that takes away a clamp, and the one that is then needed."""
    for first in edits_for(part, "clamp"):
        now = seen_with(part, [first])
        if now is None:
            continue
        rest = slip_of(now.part, now.alone, key)
        for second in edits_undoing(part, rest) if rest else ():
            if repairs(part, [second, first], [key], now):
                return [first, second]
    return []


def size_of(one: Observation, key: str) -> str:
    """Return which entries are wrong, on which side, and how far off."""
    wrong = one.wrong(key)
    claimed, true = one.claims.gradients.get(key), one.truth[key]
    if claimed is None:
        return "there is no gradient"
    if wrong is None:
        return f"shape {claimed.shape}, expected {true.shape}"
    if not np.any(wrong):
        return ""
    share = "all" if wrong.all() else f"{int(wrong.sum())} of {wrong.size}"
    first = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    where = "" if not first else f" at [{', '.join(str(int(i)) for i in first)}]"
    said = f"{share} entries{_side(one, key, wrong)}"
    if wrong.size == 1:
        said = "its entry"
    got, due = _told_apart(float(claimed[first]), float(true[first]))
    return f"{said};{where} {got} instead of {due}"


def _told_apart(a: float, b: float) -> tuple[str, str]:
    """Return two numbers with as many digits as tell them apart."""
    pairs = [(number(a, digits), number(b, digits)) for digits in (3, 5, 8)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[-1])


def _side(one: Observation, key: str, wrong: np.ndarray) -> str:
    """Return on which side of 0 wrong entries lie, where they do on one."""
    if wrong.all():
        return ""
    x, true = one.case.arrays.get(key), one.truth[key]
    if key == "input" and x is not None and x.shape == wrong.shape and x.min() < 0:
        if not np.any(wrong & (x > 0)):
            return ", where the input is negative"
        if not np.any(wrong & (x < 0)):
            return ", where the input is positive"
    if not np.any(wrong & (true > 0)):
        return ", where the gradient is negative"
    if not np.any(wrong & (true < 0)):
        return ", where the gradient is positive"
    return ""


def _plain_words(one: Observation, key: str) -> str:
    claimed, true = one.claims.gradients.get(key), one.truth[key]
    if claimed is None:
        returned = key == "input"
        return f"its gradient is {'not returned' if returned else 'missing'}"
    if claimed.shape != true.shape:
        return "its gradient has another shape than it should"
    if not np.all(np.isfinite(claimed)):
        return "its gradient is not finite"
    if not np.any(claimed):
        return "its gradient is 0, the output depends on it"
    if not np.any(true):
        return "the output does not depend on it, its gradient says that it does"
    return "its gradient is wrong"
