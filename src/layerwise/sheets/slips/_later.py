"""What a first pass does not show: a second one, one sample, changed inputs, p = 0."""

from dataclasses import replace

import numpy as np

from layerwise.sheets._marks import Mark
from layerwise.sheets.checking import Observation, Observed, alone, unguarded
from layerwise.sheets.reading import Edit, one_line
from layerwise.sheets.recognising import Part
from layerwise.sheets.slips._faults import size_of
from layerwise.sheets.slips._formulas import formula_of
from layerwise.sheets.slips._lines import Found, found, line_in_place
from layerwise.sheets.slips._repair import edits_for, first_edit, wrapping
from layerwise.sheets.slips._slips import SLIPS, Slip, named

__all__ = ["failing", "of_guard", "of_one_sample", "of_place", "of_repetition"]


def of_repetition(part: Part, seen: Observed) -> list[Found]:
    """Return what is wrong with a second pass of the same object."""
    again = seen.again
    if isinstance(again, Exception):
        slip = Slip("", f"the second batch fails: {one_line(again)}")
        return [found(part, "input", slip, "", line=0)]
    wrong = [key for key in again.truth if not again.passes(key)]
    return [_repeated(part, again, key) for key in wrong]


def _repeated(part: Part, again: Observation, key: str) -> Found:
    def passes(now: Observed) -> bool:
        later = isinstance(now.again, Observation) and now.again.passes(key)
        return later and all(one.passes(key) for one in now.alone)

    edit = first_edit(part, edits_for(part, "earlier-batch", "accumulated"), passes)
    slip = Slip("", "the second batch's gradient is wrong")
    if _is_added_up(again, key):
        slip = named("accumulated")
    elif edit is not None:
        slip = named(edit.slip)
    elif _is_of_earlier(again, key):
        slip = named("earlier-batch")
    slip = replace(slip, formula=formula_of(part, again, key))
    edits = [edit] if edit else []
    return found(part, key, slip, f"second batch: {size_of(again, key)}", edits)


def _is_added_up(again: Observation, key: str) -> bool:
    """Return whether a second pass gives the sum of both passes' gradients."""
    claimed, now = again.claims.gradients.get(key), again.truth[key]
    if again.before is None or claimed is None or claimed.shape != now.shape:
        return False
    both = again.before.truth[key] + now
    return np.allclose(claimed, both, atol=1e-6 + 1e-4 * np.max(np.abs(now)))


def _is_of_earlier(again: Observation, key: str) -> bool:
    """Return whether a second pass gives the first batch's gradient, for its own G."""
    first = again.before
    if first is None or first.slopes is None:
        return False
    claimed = again.claims.gradients[key]
    of_first = first.slopes.gradients(again.cotangent)[key]
    return claimed is not None and np.allclose(claimed, of_first, atol=1e-6)


def of_one_sample(part: Part, seen: Observed) -> list[Found]:
    """Return what is wrong with a batch of one, where samples are independent."""
    single = seen.single
    if part.kind in ("update", "scalar") or _coupled(part, seen.alone[0]):
        return []
    if isinstance(single, Observation):
        wrong = [key for key in single.truth if not single.passes(key)]
        if not wrong:
            return []
        key, size = wrong[0], size_of(single, wrong[0])
    else:
        key, size = "input", one_line(single)

    def passes(now: Observed) -> bool:
        return isinstance(now.single, Observation) and now.single.passes(key)

    tried = edits_for(part, "one-sample", "broadcast", "many-samples")
    edit = first_edit(part, tried, passes)
    return [found(part, key, named("many-samples"), size, [edit] if edit else [])]


def _coupled(part: Part, one: Observation) -> bool:
    """Return whether an output depends on other samples' inputs, as with BatchNorm."""
    y, axis = (one.slopes.outputs if one.slopes else None), one.case.axis
    if y is None or axis is None or part.scalar or y.ndim < 2:
        return False
    x = one.case.arrays["input"]
    assert one.slopes is not None
    jacobian = one.slopes.jacobians["input"].reshape(*x.shape, *y.shape)
    moved = np.moveaxis(jacobian, (axis, x.ndim + axis), (0, 1))
    between = (
        moved[~np.eye(len(moved), dtype=bool)] if len(moved) == moved.shape[1] else 0
    )
    return bool(np.any(np.abs(between) > 1e-9))


def of_place(part: Part, seen: Observed) -> list[Found]:
    """Return the fault of changing the input in place."""
    changed = [key for key in seen.alone[0].claims.changed if key != "gradient"]
    if not changed:
        return []

    def intact(now: Observed) -> bool:
        return not any(k in now.alone[0].claims.changed for k in changed)

    tried = edits_for(part, "in-place")
    edit = first_edit(part, tried, lambda now: intact(now) and now.clean)
    edit = edit or first_edit(part, tried, intact)
    line = line_in_place(part) or (edit.line if edit else 0)
    slip = named("in-place", formula="work on x.copy()")
    return [found(part, changed[0], slip, "", [edit] if edit else [], line)]


def of_guard(part: Part) -> list[Found]:
    """Return the fault of a loss that is guarded where its gradient is not."""
    if not unguarded(part):
        return []
    edit = first_edit(
        part,
        edits_for(part, "unguarded"),
        lambda now: not unguarded(now.part) and not now.wrong_arrays(),
    )
    slip = named("unguarded", formula="∂L/∂p = −t / p where p > τ, else 0")
    size = "at p = 0 the loss is finite, its gradient is not"
    if edit is None:
        return [found(part, "input", replace(slip, name=""), size)]
    return [found(part, "input", slip, size, [edit])]


def failing(part: Part, error: Exception, seed: int) -> tuple[Mark, list[Edit]]:
    """Return the mark of a part that raises on a batch: perhaps a slip explains it."""
    sheet = part.context.sheet
    tried = edits_for(part, "transposed", "broadcast", "one-sample", "no-sum", "axis")
    no_sum = named("no-sum", undo=lambda v, _: v.sum(0))
    edit = first_edit(
        part, [*tried, *wrapping(part, no_sum)], lambda now: not now.wrong_arrays()
    )
    slip = Slip("", sheet.fault_in(error))
    name = "one-sample" if _only_single(part, seed) else edit.slip if edit else ""
    if name:
        slip = named(name, f"{SLIPS[name]} ({slip.words})")
    line = edit.line if edit else sheet.line_in(error)
    fault, edits = found(part, "", slip, "", [edit] if edit else [], line)
    status = "wrong" if slip.name else "error"
    return Mark(part.name, part.kind, part.said, status, (fault,)), edits


def _only_single(part: Part, seed: int) -> bool:
    """Return whether a part that fails on a batch is right with a batch of one."""
    rng = np.random.default_rng(seed)
    try:
        case = part.case(rng, 1)
        one = alone(part, case, rng)
    except Exception:
        # Then it is the part, not the batch.
        return False
    return all(one.passes(key) for key in one.truth)
