"""A module called: wrappers, modes, what it takes, the logits in what it returns."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from layerwise.errors import InputError

Predict = Callable[[Any], Tensor] | None | str
"""``auto``; a function from a module's output to logits; None: it predicts nothing."""

MODULE_ROWS = 256
"""Rows that are passed through a module at a time: convolutions take much memory."""

NAMES = ("logits", "output", "outputs", "out", "scores", "predictions", "prediction")
"""Under which a mapping may hold its answer."""

LARGE = 1e3
"""The logarithm of a probability that has underflown is taken for this, negative."""

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
CHANNEL_NORMS = (
    *BATCH_NORMS, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.GroupNorm
)  # fmt: skip
"""Normalisations of what has its channels in the second axis."""

WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)


def unwrapped(module: nn.Module) -> nn.Module:
    """Return the module inside wrappers for several devices, and of a compiled one."""
    inside: Any = module
    while True:
        compiled = getattr(inside, "_orig_mod", None)
        if isinstance(compiled, nn.Module):
            inside = compiled
        elif isinstance(inside, WRAPPERS):
            inside = inside.module
        else:
            return inside


def device_of(module: nn.Module) -> torch.device:
    """Return where a module's numbers lie."""
    tensors = [*module.parameters(), *module.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")


def dtype_of(module: nn.Module) -> torch.dtype:
    """Return what a module computes in: the type of its first real parameter."""
    floating = [p.dtype for p in module.parameters() if p.is_floating_point()]
    return floating[0] if floating else torch.float32


def as_inputs(
    rows: np.ndarray | Tensor, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return inputs as a module takes them: whole numbers that may be indices stay.

    Bytes and floats become ``dtype``; nothing is scaled.
    """
    tensor = torch.as_tensor(rows).to(device)
    if tensor.is_floating_point() or tensor.dtype in (torch.uint8, torch.bool):
        return tensor.to(dtype)
    return tensor.long()


@contextmanager
def evaluation(module: nn.Module) -> Generator[None]:
    """Put every module into evaluation mode, and back into its own mode afterwards."""
    training = [child for child in module.modules() if child.training]
    for child in training:
        child.training = False
    try:
        yield
    finally:
        for child in training:
            child.training = True


@contextmanager
def plainly(module: nn.Module) -> Generator[None]:
    """Let modules call each other: nothing compiled, no fused transformer layers."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        if _is_compiled(module):
            with torch.compiler.set_stance("force_eager"):
                yield
        else:
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def _is_compiled(module: nn.Module) -> bool:
    return any(
        hasattr(child, "_orig_mod") or vars(child).get("_compiled_call_impl")
        for child in module.modules()
    )


def logits_by(
    module: nn.Module, rows: np.ndarray, classes: int | None = None
) -> Tensor:
    """Return the logits that a module gives for raw inputs; see `logits_of`."""
    outputs = module(as_inputs(rows, dtype_of(module), device_of(module)))
    return logits_of(answer_of(outputs), len(rows), classes)


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

    The ``answer`` is what `answer_of` gives: ``logits`` or ``probabilities``, as
    ``ends`` says. How many ``classes`` there are is known of a training, not of a
    study.

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
