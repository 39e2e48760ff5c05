"""Parts judged: a slip counts where it is, not where it is felt."""

from collections.abc import Sequence
from dataclasses import replace

from layerwise.sheets._marks import Fault, Mark
from layerwise.sheets._pairs import right_together
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
        if isinstance(part, Unread):
            mark, found = _unread_after(part, below, edits, context, seed)
        else:
            mark, found = _judged_after(part, below, edits, seed)
        marks[part.name] = mark
        edits[part.name] = found
        if not found and isinstance(part, Part) and mark.status == "wrong":
            edits[part.name] = patched(part)
    return right_together([marks[part.name] for part in parts])


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


def _unread_after(
    part: Unread,
    below: Sequence[str],
    edits: dict[str, list[Edit]],
    context: Context,
    seed: int,
) -> tuple[Mark, list[Edit]]:
    """Return the mark of what cannot be run: perhaps only for what it uses."""
    undone = _distinct([edit for name in below for edit in edits[name]])
    if undone and all(edits[name] for name in below):
        changed = context.sheet.changed(undone, (part.name,))
        around = replace(context, sheet=changed)
        (found, *_) = recognised(part.name, part.kind, around)
        if isinstance(found, Part):
            mark, more = _judged(found, seed)
            return replace(mark, notes=(*mark.notes, _once(below))), more
    if below:
        return _unclear(part.name, part.kind, f"a {part.kind}", below), []
    return _unread(part, context), []


def _once(below: Sequence[str]) -> str:
    return f"checked with the errors in {listed(below)} corrected"


def _unclear(name: str, kind: str, said: str, below: Sequence[str]) -> Mark:
    verb = "is" if len(below) == 1 else "are"
    note = f"cannot be judged before {listed(below)} {verb} right"
    return Mark(name, kind, said, "unclear", notes=(note,))


def _unread(part: Unread, context: Context) -> Mark:
    words = context.sheet.fault_in(part.error)
    if not can_be_built(part.name, context):
        words += f"; to check an object of it: lw.gradcheck({part.name}(…)) in Python"
    article = "an" if part.kind == "update" else "a"
    said = f"{article} {part.kind}, could not be run"
    return Mark(part.name, part.kind, said, "error", (Fault("", "", "", words),))


def _judged_after(
    part: Part, below: Sequence[str], edits: dict[str, list[Edit]], seed: int
) -> tuple[Mark, list[Edit]]:
    """Judge a part; where it fails, without the slips of those that it uses."""
    if not below or _is_right(part, seed):
        return _judged(part, seed)
    undone = _distinct([edit for name in below for edit in edits[name]])
    fresh = changed_part(part, undone) if undone else None
    if fresh is not None:
        mark, found = _judged(fresh, seed)
        if part.kind == "update" and not mark.passed:
            # It follows its layer's gradient, right or wrong: the slip is its own.
            return _judged(part, seed)
        if mark.passed or all(edits[name] for name in below):
            return replace(mark, notes=(*mark.notes, _once(below))), found
    return _unclear(part.name, part.kind, part.said, below), []


def _is_right(part: Part, seed: int) -> bool:
    try:
        return observe(part, seed).clean
    except Exception:
        # Judged once more without the slips below, it may run.
        return False


def _rights(part: Part, edits: Sequence[Edit], seed: int) -> bool:
    """Return whether some edits make a part right: then nothing else is wrong."""
    fresh = changed_part(part, edits) if edits else None
    return fresh is not None and _is_right(fresh, seed)


def _judged(part: Part, seed: int) -> tuple[Mark, list[Edit]]:
    """Judge a part by itself."""
    try:
        seen = observe(part, seed)
    except Exception as error:
        return failing(part, error, seed)
    found = of_place(part, seen)
    if not (found and all(_rights(part, edits, seed) for _, edits in found)):
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
