"""Parts that are each wrong alone, and right together: a factor moved into another."""

from collections.abc import Sequence
from dataclasses import replace

from layerwise.sheets._marks import Mark

__all__ = ["right_together"]


def right_together(marks: Sequence[Mark]) -> list[Mark]:
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
