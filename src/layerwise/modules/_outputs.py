"""From what a module returns to a row of logits for each sample."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from layerwise.errors import InputError

Predict = Callable[[Any], Tensor] | None | str
"""``auto``; a function from a module's output to logits; None: it predicts nothing."""

NAMES = ("logits", "output", "outputs", "out", "scores", "predictions", "prediction")
"""Under which a mapping may hold its answer."""


def answer_of(output: Any, predict: Predict = "auto") -> Any:
    """Return the part of a module's output that says the classes; None: none does.

    ``predict`` decides; else ``.logits``, the entry of that or a like name, the first
    of a tuple or of a mapping, the output itself.
    """
    if predict is None:
        return None
    if callable(predict):
        return predict(output)
    if isinstance(output, Mapping):
        named = [output[name] for name in NAMES if name in output]
        return next(iter(named or output.values()), None)
    if hasattr(output, "logits"):
        return output.logits
    if isinstance(output, tuple | list) and output:
        return answer_of(output[0], predict)
    return output


def logits_of(
    answer: Any, samples: int, classes: int | None = None, ends: str = "logits"
) -> Tensor:
    """Return logits, shape (samples, classes): one logit z means two, 0 and z.

    Parameters
    ----------
    answer : object
        As `answer_of` gives it.
    samples : int
    classes : int, optional
        Where it is known: of a training, not of a study.
    ends : str
        ``logits`` or ``probabilities``: what the answer is.

    Raises
    ------
    InputError
        If the answer is no row of numbers for each sample.
    """
    logits = _rows(answer, samples, classes)
    if logits.ndim == 1:
        if ends == "probabilities":
            logits = torch.logit(logits.double()).clamp(-LARGE, LARGE)
        return torch.stack([torch.zeros_like(logits), logits], dim=1)
    if ends == "probabilities":
        return logits.double().log().clamp_min(-LARGE)
    return logits


LARGE = 1e3
"""The logarithm of a probability that has underflown is taken for this, negative."""


def _rows(answer: Any, samples: int, classes: int | None) -> Tensor:
    """Return the answer as numbers for each sample, or one where that will do."""
    wanted = f"(samples, {'classes' if classes is None else classes})"
    remedy = (
        f"let the module return {wanted}, one logit for each class; a study takes "
        "predict=, a function from what it returns to these, or None"
    )
    if not isinstance(answer, Tensor) or not answer.is_floating_point():
        kind = type(answer).__name__
        raise InputError(f"no logits can be read from a {kind}: {remedy}")
    rows = answer
    if rows.dtype not in (torch.float32, torch.float64):
        rows = rows.to(torch.float32)
    if rows.ndim == 2 and rows.shape[1] == 1 and classes in (None, 2):
        rows = rows[:, 0]
    found = 2 if rows.ndim == 1 else rows.shape[-1]
    known = rows.ndim in (1, 2) and classes in (None, found)
    if not known or rows.shape[0] != samples:
        raise InputError(
            f"no logits can be read from an output of shape {tuple(answer.shape)} for "
            f"{samples} samples: {remedy}"
        )
    return rows
