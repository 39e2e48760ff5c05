"""From what a module returns to a row of logits for each sample."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from layerwise.errors import InputError

__all__ = ["Predict", "answer_of", "logits_of"]

Predict = Callable[[Any], Tensor] | None | str
"""``auto``; a function from a module's output to logits; None: it predicts nothing."""

NAMES = ("logits", "output", "outputs", "out", "scores", "predictions", "prediction")
"""Under which a mapping may hold its answer."""


def answer_of(output: Any, predict: Predict) -> Any:
    """Return the tensor in a module's output that says the classes; None: none does.

    ``predict`` decides; else ``.logits``, the entry of that or a like name, a tensor
    itself, the first of a tuple or of a mapping.
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
    if isinstance(output, tuple | list):
        return answer_of(output[0], predict)
    return output if isinstance(output, Tensor) else None


def logits_of(answer: Any, ends: str, samples: int) -> Tensor:
    """Return logits, shape (samples, classes): one logit means two classes.

    Parameters
    ----------
    answer : object
    ends : str
        ``logits`` or ``probabilities``: what the answer is.
    samples : int

    Raises
    ------
    InputError
        If the answer is no row of numbers for each sample.
    """
    if not isinstance(answer, Tensor) or not answer.is_floating_point():
        kind = type(answer).__name__
        raise InputError(f"no logits can be read from a {kind}: {_REMEDY}")
    logits = answer.detach()
    if logits.dtype not in (torch.float32, torch.float64):
        logits = logits.to(torch.float32)
    if logits.ndim == 2 and logits.shape[1] == 1:
        logits = logits[:, 0]
    if logits.ndim not in (1, 2) or logits.shape[0] != samples:
        raise InputError(
            f"no logits can be read from an output of shape {tuple(answer.shape)} for "
            f"{samples} samples: {_REMEDY}"
        )
    if logits.ndim == 1:
        if ends == "probabilities":
            logits = torch.logit(logits.double()).clamp(-LARGE, LARGE)
        return torch.stack([torch.zeros_like(logits), logits], dim=1)
    if ends == "probabilities":
        return logits.double().log().clamp_min(-LARGE)
    return logits


LARGE = 1e3
"""The logarithm of a probability that has underflown is taken for this, negative."""

_REMEDY = (
    "give predict= a function from what the module returns to logits, shape (samples, "
    "classes), or predict=None for a study without predictions"
)
