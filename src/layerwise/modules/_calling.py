"""What stands between a module and its call: wrappers, modes, device and dtype."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

MODULE_ROWS = 256
"""Rows that are passed through a module at a time: convolutions take much memory."""

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
