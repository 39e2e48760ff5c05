"""Slips undone in the sheet itself: edits are tried until one makes the check pass."""

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from layerwise.sheets.checking import Observed, observe, right
from layerwise.sheets.reading import Edit, is_rate
from layerwise.sheets.recognising import CURRENT, Part, UpdatePart
from layerwise.sheets.slips._edits import edits_of, places
from layerwise.sheets.slips._slips import Slip

__all__ = ["changed_part", "edits_for", "edits_undoing", "first_edit", "repairs",
    "seen_with", "undoing", "wrapping"]  # fmt: skip


FORWARD_TOO = ("in-place", "broadcast", "float32", "one-sample", "many-samples")
"""Slips whose undoing may change the outputs of a first pass."""


def changed_part(part: Part, edits: Sequence[Edit]) -> Part | None:
    """Return a part as it would be with some edits; None where they do not run."""
    try:
        sheet = part.context.sheet.changed(edits, part.code)
    except Exception:
        # An edit may make nonsense of a sheet: then it undoes nothing.
        return None
    context = replace(part.context, sheet=sheet)
    if isinstance(part, UpdatePart):
        part = replace(part, layer=replace(part.layer, context=context))
    return replace(part, context=context)


def seen_with(part: Part, edits: Sequence[Edit], seed: int = 0) -> Observed | None:
    """Return what a part is seen to do with some edits; None where they do not run."""
    fresh = changed_part(part, edits) if edits else part
    try:
        return None if fresh is None else observe(fresh, seed)
    except Exception:
        # The edits do not fit this sheet, or are for something else.
        return None


def first_edit(
    part: Part, edits: Iterable[Edit], wanted: Callable[[Observed], bool]
) -> Edit | None:
    """Return the first edit with which a part is seen to do what is wanted."""
    for edit in edits:
        seen = seen_with(part, [edit])
        if seen is not None and wanted(seen):
            return edit
    return None


def edits_for(part: Part, *slips: str) -> list[Edit]:
    """Return the edits of a part's code that may undo one of some slips."""
    return [e for e in edits_of(part.context.sheet, part.code) if e.slip in slips]


def wrapping(part: Part, slip: Slip) -> list[Edit]:
    """Return edits that undo a slip around one value each: what is returned or kept."""
    undo = slip.undo
    if undo is None:
        return []

    def undone(value: Any) -> Any:
        return undo(value, CURRENT["batch"])

    # Backward code first: a function's partner is the last of its definitions.
    code = list(dict.fromkeys(reversed(part.code)))
    return [
        Edit(slip.name, parent, field, index, node, _wrapped, {"__undo__": undone})
        for name in code
        for parent, field, index, node in places(part.context.sheet, (name,))
        if _is_value(parent, field, node)
    ]


def _is_value(parent: ast.AST, field: str, node: ast.AST) -> bool:
    """Return whether a node is what is assigned or returned, or an element of it."""
    if isinstance(node, ast.Tuple | ast.List | ast.Constant) or not isinstance(
        node, ast.expr
    ):
        return False
    if isinstance(parent, ast.Assign | ast.Return | ast.AugAssign | ast.AnnAssign):
        return field == "value"
    return isinstance(parent, ast.Tuple) and isinstance(parent.ctx, ast.Load)


def _wrapped(node: Any) -> ast.AST:
    return ast.Call(ast.Name("__undo__", ast.Load()), [node], [])


ALIKE = {
    "sum-of-mean": ("sum", "mean", "factor"),
    "sum": ("sum", "mean", "factor"),
    "mean": ("mean", "sum", "factor"),
    "update-sign": ("sign",),
    "factor": ("factor", "mean"),
    "no-sum": ("broadcast",),
    "at-input": ("at-output",),
    "softmax-diagonal": ("sign", "accumulated"),
}
"""Which edits undo a slip that goes by another name."""


def edits_undoing(part: Part, slip: Slip) -> list[Edit]:
    """Return the edits for a slip: its own, then its undoing around every value."""
    own = edits_for(part, slip.name, *ALIKE.get(slip.name, ()))
    if part.kind in ("update", "network"):
        own.sort(key=_is_without_rate)
    return [*own, *wrapping(part, slip)]


def undoing(part: Part, key: str, slip: Slip | None, seen: Observed) -> Edit | None:
    """Return the edit that makes the gradient of an array right, None where none does.

    Before others one with which all arrays are right: that is the simpler
    explanation.
    """
    every = edits_of(part.context.sheet, part.code)
    if slip is not None:
        every = edits_undoing(part, slip)
    others = [other for other in seen.alone[0].truth if other != key]
    first: Edit | None = None
    for edit in every:
        too = edit.slip in FORWARD_TOO
        ways = {"forward_too": too, "same_outputs": not too}
        if not repairs(part, [edit], [key], seen, **ways):
            continue
        if repairs(part, [edit], others, seen, **ways):
            return edit
        first = first or edit
    return first


def _is_without_rate(edit: Edit) -> bool:
    """Return whether a place is other than the update itself, which is likelier."""
    inner = (getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(edit.node))
    return not any(map(is_rate, inner))


def repairs(
    part: Part, edits: Sequence[Edit], keys: Sequence[str], seen: Observed, *,
    forward_too: bool = False, same_outputs: bool = False,
) -> bool:  # fmt: skip
    """Return whether some edits make the gradients of some arrays right.

    Where the forward pass may have changed too, those of what it computes now; else of
    what it did, which it must still compute where ``same_outputs`` are asked for.
    """
    fresh = changed_part(part, edits)
    try:
        return (
            fresh is not None
            and (not same_outputs or _same_outputs(fresh, seen))
            and all(right(fresh, key, seen, forward_too) for key in keys)
        )
    except Exception:
        # The edits do not fit this sheet, or are for something else.
        return False


def _same_outputs(part: Part, seen: Observed) -> bool:
    """Return whether a changed part still computes what it did."""
    one = seen.alone[0]
    if one.slopes is None:
        return True
    CURRENT["batch"] = one.case.batch
    outputs, before = part.outputs(one.case), one.slopes.outputs
    return outputs.shape == before.shape and np.allclose(outputs, before, 0, 1e-9)
