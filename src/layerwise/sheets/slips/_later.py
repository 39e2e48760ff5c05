"""What a first pass does not show: a second one, one sample, changed inputs, p = 0."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from layerwise.sheets._marks import Mark
from layerwise.sheets.checking import Observation, Observed, alone, observe, unguarded
from layerwise.sheets.reading import Edit, one_line
from layerwise.sheets.recognising import Part
from layerwise.sheets.slips._edits import edits_of
from layerwise.sheets.slips._faults import Found, size_of
from layerwise.sheets.slips._formulas import formula_of
from layerwise.sheets.slips._lines import likely_line, line_in_place, placed
from layerwise.sheets.slips._repair import changed_part, wrapping
from layerwise.sheets.slips._slips import SLIPS, named

__all__ = ["failing", "of_guard", "of_one_sample", "of_place", "of_repetition"]


def of_repetition(part: Part, seen: Observed) -> list[Found]:
    """Return what is wrong with a second pass of the same object."""
    again = seen.again
    if isinstance(again, Exception):
        words = f"the second batch fails: {one_line(again)}"
        return [(placed(part, "input", "", "", words, 0), [])]
    wrong = [key for key in again.truth if not again.passes(key)]
    return [_repeated(part, again, key) for key in wrong]


def _repeated(part: Part, again: Observation, key: str) -> Found:
    first = again.before
    claimed = again.claims.gradients.get(key)
    slip = ""
    if (
        first is not None
        and claimed is not None
        and claimed.shape == again.truth[key].shape
    ):
        before, now = first.truth[key], again.truth[key]
        if np.allclose(claimed, before + now, atol=1e-6 + 1e-4 * np.max(np.abs(now))):
            slip = "accumulated"
    names = [slip] * bool(slip) + ["earlier-batch", "accumulated"]
    edit = _undoing_again(part, key, names)
    if edit is not None:
        slip = slip or edit.slip
    elif not slip and _is_of_earlier(again, key):
        slip = "earlier-batch"
    words = SLIPS[slip] if slip else "the second batch's gradient is wrong"
    line = edit.line if edit else likely_line(part, key)
    fault = placed(part, key, f"second batch: {size_of(again, key)}", slip, words, line)
    return replace(fault, formula=formula_of(part, again, key)), [edit] if edit else []


def _undoing_again(part: Part, key: str, names: Sequence[str]) -> Edit | None:
    """Return the edit with which a second pass is right."""

    def passes(fresh: Part) -> bool:
        now = observe(fresh)
        again = isinstance(now.again, Observation) and now.again.passes(key)
        return again and all(one.passes(key) for one in now.alone)

    return _first_edit(part, names, passes)


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
        size = size_of(single, wrong[0])
        key = wrong[0]
    else:
        size, key = one_line(single), "input"
    edit = _undoing_single(part, key)
    line = edit.line if edit else likely_line(part, key)
    fault = placed(part, key, size, "many-samples", SLIPS["many-samples"], line)
    return [(fault, [edit] if edit else [])]


def _undoing_single(part: Part, key: str) -> Edit | None:
    """Return the edit with which a batch of one is right."""

    def passes(fresh: Part) -> bool:
        single = observe(fresh).single
        return isinstance(single, Observation) and single.passes(key)

    return _first_edit(part, ("one-sample", "broadcast", "many-samples"), passes)


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

    def whole(fresh: Part) -> bool:
        now = observe(fresh)
        return intact(now) and now.clean

    edit = _first_edit(part, ("in-place",), whole)
    if edit is None:
        edit = _first_edit(part, ("in-place",), lambda fresh: intact(observe(fresh)))
    line = line_in_place(part) or (edit.line if edit else 0)
    fault = placed(part, changed[0], "", "in-place", SLIPS["in-place"], line)
    return [(replace(fault, formula="work on x.copy()"), [edit] if edit else [])]


def _first_edit(
    part: Part,
    slips: Sequence[str],
    wanted: Callable[[Part], bool],
    more: Sequence[Edit] = (),
) -> Edit | None:
    """Return the first edit for some slips that makes a part as it is wanted."""
    for edit in (*edits_of(part.context.sheet, part.code), *more):
        fresh = changed_part(part, [edit]) if edit.slip in slips else None
        if fresh is None:
            continue
        try:
            if wanted(fresh):
                return edit
        except Exception:
            # The edit does not fit this sheet.
            continue
    return None


def of_guard(part: Part) -> list[Found]:
    """Return the fault of a loss that is guarded where its gradient is not."""
    if not unguarded(part):
        return []

    def guarded(fresh: Part) -> bool:
        return not unguarded(fresh) and not observe(fresh).wrong_arrays()

    edit = _first_edit(part, ("unguarded",), guarded)
    fault = placed(
        part, "input", "at p = 0 the loss is finite, its gradient is not",
        "unguarded" if edit else "", SLIPS["unguarded"],
        edit.line if edit else likely_line(part, "input"),
    )  # fmt: skip
    formula = "∂L/∂p = −t / p where p > τ, else 0"
    return [(replace(fault, formula=formula), [edit] if edit else [])]


def failing(part: Part, error: Exception, seed: int) -> tuple[Mark, list[Edit]]:
    """Return the mark of a part that raises on a batch: perhaps a slip explains it."""
    words = part.context.sheet.fault_in(error)
    slip, edit = "", None
    single = _only_single(part, seed)
    if single:
        slip, words = "one-sample", f"{SLIPS['one-sample']} ({words})"
    edit = _first_edit(
        part,
        ("transposed", "broadcast", "one-sample", "no-sum", "axis"),
        lambda fresh: not observe(fresh, seed).wrong_arrays(),
        wrapping(part, named("no-sum", undo=lambda v, _: v.sum(0))),
    )
    if edit is not None and not slip:
        slip, words = edit.slip, f"{SLIPS[edit.slip]} ({words})"
    line = edit.line if edit else part.context.sheet.line_in(error)
    fault = placed(part, "", "", slip, words, line)
    status = "wrong" if slip else "error"
    mark = Mark(part.name, part.kind, part.said, status, (fault,))
    return mark, [edit] if edit else []


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
