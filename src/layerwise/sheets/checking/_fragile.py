"""Where a part that is right on usual inputs is not: at 1,000, and at p = 0."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from layerwise.sheets.checking._check import Observed
from layerwise.sheets.recognising import Case, Part

__all__ = ["fragile", "unguarded"]

LARGE = 1000.0


def fragile(part: Part, seen: Observed) -> Iterator[str]:
    """Yield what is fragile in a part: one sentence for each."""
    if part.kind in ("update", "network", "scalar"):
        return
    if any("gradient" in one.claims.changed for one in seen.alone):
        yield (
            "backward changes the gradient that it is given, also for other users of "
            "that array: work on a copy"
        )
    if part.kind == "loss" and not part.logits:
        loss, gradient = _at_zero(part)
        if not np.isfinite(loss) and not gradient:
            yield "a probability of 0 gives an infinite loss: keep log away from 0"
    elif part.positive:
        yield "it gives NaN for negative inputs: checked on positive ones"
    elif _overflows(part):
        why = "exp overflows: subtract the largest"
        if part.kind == "loss":
            why = "exp overflows, or log is of 0: guard both"
        yield f"it gives NaN for inputs of ±1,000, where {why}"


def _overflows(part: Part) -> bool:
    """Return whether large inputs give NaN."""
    case = part.case(np.random.default_rng(0), 7)
    x = np.where(np.arange(case.arrays["input"].size) % 2, LARGE, -LARGE)
    large = case.arrays | {"input": x.reshape(case.arrays["input"].shape)}
    try:
        return bool(np.any(np.isnan(part.outputs(replace(case, arrays=large)))))
    except Exception:
        # It refuses such inputs, in its own words.
        return False


def _at_zero(part: Part) -> tuple[float, bool]:
    """Return a loss where the target's p is 0, and whether its gradient is finite."""
    case = _certain(part.case(np.random.default_rng(0), 7))
    try:
        loss = part.outputs(case)
        claims = part.claims((case, np.ones(loss.shape)))
    except Exception:
        # It refuses such inputs, in its own words.
        return 0.0, True
    gradient = claims.gradients["input"]
    holds = gradient is not None and bool(np.all(np.isfinite(gradient)))
    return float(loss.sum()), holds


def _certain(case: Case) -> Case:
    """Return a case whose probabilities are 0 and 1, and wrong for some samples."""
    x = case.arrays["input"]
    if x.ndim == 1:
        return replace(case, arrays={"input": np.arange(x.size) % 2.0})
    classes = 1 - (case.axis or 0)
    first = np.zeros(x.shape)
    np.moveaxis(first, classes, -1)[..., 0] = 1.0
    return replace(case, arrays={"input": first})


def unguarded(part: Part) -> bool:
    """Return whether a loss is finite at p = 0 where its gradient is not."""
    if part.kind != "loss" or part.logits:
        return False
    loss, holds = _at_zero(part)
    return bool(np.isfinite(loss)) and not holds
