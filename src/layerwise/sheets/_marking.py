"""Parts judged: a slip counts where it is, not where it is felt."""

from collections.abc import Sequence
from dataclasses import replace

from layerwise.sheets._marks import Fault, Mark
from layerwise.sheets.checking import fragile, observe
from layerwise.sheets.reading import Edit, Sheet, parts_within
from layerwise.sheets.recognising import (
    BuiltPart,
    Context,
    Part,
    Unread,
    UpdatePart,
    can_be_built,
    recognised,
)
from layerwise.sheets.slips import (
    changed_part,
    failing,
    faults_of,
    of_guard,
    of_one_sample,
    of_place,
    of_repetition,
    patched,
    seen_with,
)
from layerwise.wording import listed

__all__ = ["judged"]


def judged(parts: Sequence[Part | Unread], context: Context, seed: int) -> list[Mark]:
    """Return a mark for every part, in the order of the sheet.

    A part that uses others is judged after them, with what is wrong in them undone: a
    slip is counted where it is, not where it is felt.
    """
    edits: dict[str, list[Edit]] = {}
    marks: dict[str, Mark] = {}
    uses = {part.name: _uses(part, parts, context.sheet) for part in parts}
    for part in sorted(parts, key=lambda p: len(uses[p.name])):
        below = [n for n in uses[part.name] if n in marks and not marks[n].passed]
        mark, found = _judged_after(part, {n: edits[n] for n in below}, context, seed)
        marks[part.name] = mark
        edits[part.name] = found
        if not found and isinstance(part, Part) and mark.status == "wrong":
            edits[part.name] = patched(part)
    return _right_together([marks[part.name] for part in parts])


def _uses(
    part: Part | Unread, parts: Sequence[Part | Unread], sheet: Sheet
) -> list[str]:
    """Return the names of the other parts that a part leads to, or is built of."""
    code = part.code if isinstance(part, Part) else (part.name,)
    reached = {*sheet.reached_from(code), *_built_of(part)}
    others = [p.name for p in parts if p.name.partition(".")[0] not in code]
    used = [name for name in others if name.partition(".")[0] in reached]
    if isinstance(part, UpdatePart):
        used.append(part.layer.name)
    return used


def _built_of(part: Part | Unread) -> set[str]:
    """Return the classes of the objects that a part holds."""
    if not isinstance(part, BuiltPart):
        return set()
    held_in = parts_within(part.made(), lambda value: hasattr(value, "__dict__"))
    return {type(value).__name__ for value in held_in}


def _judged_after(
    part: Part | Unread, below: dict[str, list[Edit]], context: Context, seed: int
) -> tuple[Mark, list[Edit]]:
    """Judge a part; where it fails, without the slips of those that it uses."""
    if isinstance(part, Part) and (not below or _is_right(part, [], seed)):
        return _judged(part, seed)
    if isinstance(part, Unread) and not below:
        return _unread(part, context), []
    undone = _distinct([edit for edits in below.values() for edit in edits])
    fresh = _without(part, undone, context) if undone else None
    if fresh is not None:
        mark, found = _judged(fresh, seed)
        if isinstance(part, UpdatePart) and not mark.passed:
            # It follows its layer's gradient, right or wrong: the slip is its own.
            return _judged(part, seed)
        if mark.passed or all(below.values()):
            note = f"checked with the errors in {listed(list(below))} corrected"
            return replace(mark, notes=(*mark.notes, note)), found
    verb = "is" if len(below) == 1 else "are"
    note = f"cannot be judged before {listed(list(below))} {verb} right"
    return Mark(part.name, part.kind, part.said, "unclear", notes=(note,)), []


def _without(
    part: Part | Unread, undone: Sequence[Edit], context: Context
) -> Part | None:
    """Return what a part is with some edits; None where it cannot be run."""
    if isinstance(part, Part):
        return changed_part(part, undone)
    sheet = context.sheet.changed(undone, (part.name,))
    (found, *_) = recognised(part.name, part.kind, replace(context, sheet=sheet))
    return found if isinstance(found, Part) else None


def _unread(part: Unread, context: Context) -> Mark:
    words = context.sheet.fault_in(part.error)
    if not can_be_built(part.name, context):
        words += f"; to check an object of it: lw.gradcheck({part.name}(…)) in Python"
    said = f"{part.said}, could not be run"
    return Mark(part.name, part.kind, said, "error", (Fault("", "", "", words),))


def _is_right(part: Part, edits: Sequence[Edit], seed: int) -> bool:
    """Return whether nothing at all is wrong with a part, with some edits."""
    now = seen_with(part, edits, seed)
    return now is not None and now.clean


def _judged(part: Part, seed: int) -> tuple[Mark, list[Edit]]:
    """Judge a part by itself."""
    try:
        seen = observe(part, seed)
    except Exception as error:
        return failing(part, error, seed)
    found = of_place(part, seen)
    if not any(edits and _is_right(part, edits, seed) for _, edits in found):
        found = faults_of(part, seen) + found
    if not found:
        found = [*of_repetition(part, seen), *of_one_sample(part, seen)]
    found += of_guard(part)
    faults = tuple(_merged([fault for fault, _ in found]))
    edits = [edit for _, many in found for edit in many]
    notes: list[str] = []
    if seen.kinks:
        what = "1 entry lies" if seen.kinks == 1 else f"{seen.kinks} entries lie"
        notes.append(f"{what} at a kink, left out")
    if any(one.claims.bits < 64 for one in seen.alone):
        notes.append("computed in float32: checked to three digits")
    witnesses = ("differences", "automatic differentiation")[: 1 + seen.automatic]
    if part.kind == "update":
        witnesses = ("its own gradient",)
    mark = Mark(
        part.name, part.kind, part.said, "wrong" if faults else "right", faults,
        tuple(fragile(part, seen)), tuple(notes), witnesses,
    )  # fmt: skip
    return mark, _distinct(edits)


def _distinct(edits: Sequence[Edit]) -> list[Edit]:
    """Return edits of different places."""
    kept: dict[int, Edit] = {}
    for edit in edits:
        kept.setdefault(id(edit.node), edit)
    return list(kept.values())


def _merged(faults: Sequence[Fault]) -> list[Fault]:
    """Return faults with those of one slip on one line in one."""
    kept: dict[tuple[str, str, int], Fault] = {}
    for fault in faults:
        key = fault.slip, fault.words, fault.line
        if fault.slip and key in kept:
            old = kept[key]
            kept[key] = replace(old, array=f"{old.array}, {fault.array}", formula=
                                old.formula or fault.formula)  # fmt: skip
        else:
            kept[key if fault.slip else (fault.array, fault.words, -1)] = fault
    return list(kept.values())


def _right_together(marks: Sequence[Mark]) -> list[Mark]:
    """Return marks in which what two parts share out between them is right.

    Softmax and cross-entropy, where the loss gives p − t and Softmax passes that on;
    and the mean over the batch, where the loss's gradient is that of the sum and layers
    divide the gradients of their parameters.
    """
    found = list(marks)
    if _any(found, "loss", "fused") and not _whole_softmax(found):
        note = "right together: the loss gives the gradient by the logits"
        found = [_forgiven(m, ("fused", "passed-through"), note) for m in found]
    layers = [m.name for m in found if _only(m, "mean") and _of_parameters(m)]
    if _any(found, "loss", "sum-of-mean") and layers:
        note = "right together: the layers take the mean over the batch, not the loss"
        found = [
            _forgiven(m, ("mean", "sum-of-mean"), note)
            if m.kind == "loss" or m.name in layers
            else m
            for m in found
        ]
    return found


def _any(marks: Sequence[Mark], kind: str, slip: str) -> bool:
    return any(m.kind == kind and _only(m, slip) for m in marks)


def _only(mark: Mark, slip: str) -> bool:
    """Return whether one slip, and nothing else, is wrong with a part."""
    return bool(mark.faults) and all(fault.slip == slip for fault in mark.faults)


def _whole_softmax(marks: Sequence[Mark]) -> bool:
    """Return whether a Softmax has its own derivative: then it would be in twice."""
    return any(
        "softmax" in m.name.lower() and m.kind in ("layer", "function") and m.passed
        for m in marks
    )


def _of_parameters(mark: Mark) -> bool:
    """Return whether a layer divides all of its parameters' gradients, and no other."""
    arrays = {a for fault in mark.faults for a in fault.array.split(", ")}
    return len(arrays) > 1 and "input" not in arrays


def _forgiven(mark: Mark, slips: Sequence[str], note: str) -> Mark:
    """Return a mark that is right where nothing but some slips is wrong with it."""
    if not mark.faults or any(fault.slip not in slips for fault in mark.faults):
        return mark
    return replace(mark, status="right", faults=(), notes=(*mark.notes, note))
