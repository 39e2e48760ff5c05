"""A module's weights from a file, never by running what is in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from layerwise.errors import InputError
from layerwise.files import no_such_file
from layerwise.wording import count, listed

PICKLED = (".pt", ".pth", ".ckpt", ".bin")

INSIDE = ("state_dict", "model_state_dict", "model")
"""Under which a checkpoint of a training may hold the weights."""

NAMED = 3
"""So many names are said in an error."""


def load_weights(module: nn.Module, path: str | Path) -> str:
    """Put the weights of a file into a module, all of them.

    Parameters
    ----------
    module : nn.Module
        It is changed.
    path : str or Path
        Safetensors, or a checkpoint of torch (``.pt``, ``.pth``, ``.ckpt``, ``.bin``),
        which is read with ``weights_only=True`` and in no other way.

    Returns
    -------
    str
        What was done with the names, in words; empty where nothing was.

    Raises
    ------
    InputError
        If the file cannot be read so, or its weights are not the module's.
    """
    path = Path(path)
    found = _read(path)
    wanted = module.state_dict()
    prefix = _prefix(found, wanted)
    named = {
        name.removeprefix(prefix): tensor
        for name, tensor in found.items()
        if name.startswith(prefix)
    }
    _compare(path, named, wanted)
    module.load_state_dict(named)
    if not prefix:
        return ""
    others = len(found) - len(named)
    left = f", {count(others)} other entries left out" if others else ""
    if "scaling.offset" in found:
        left += ", the scaling of the inputs among them: give --scaling as in training"
    return f"{path}: the prefix {prefix!r} of the weights' names was stripped{left}"


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise no_such_file(path)
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise InputError(f"{path}: not a safetensors file: {error}") from error
    if path.suffix not in PICKLED:
        raise InputError(
            f"{path}: weights are read from .safetensors, {', '.join(PICKLED)}"
        )
    held = _unpickled(path)
    for name in INSIDE:
        if isinstance(held, Mapping) and isinstance(held.get(name), Mapping):
            held = held[name]
    if not isinstance(held, Mapping):
        raise InputError(f"{path}: holds a {type(held).__name__}, not named weights")
    return {str(n): one for n, one in held.items() if isinstance(one, Tensor)}


def _unpickled(path: Path) -> Any:
    """Return what a checkpoint holds, read as weights alone."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # What torch says is long, and tells how to read the file less safely.
        raise InputError(
            f"{path}: cannot be read as weights alone ({type(error).__name__}): save "
            "module.state_dict(), best as safetensors"
        ) from error


def _prefix(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """Return what stands before every name of the module's in the file."""
    first = next(iter(wanted), "")
    ends = [name.removesuffix(first) for name in found if name.endswith(first)]
    whole = [p for p in ends if all(p + name in found for name in wanted)]
    return min(whole, key=len, default="")


def _compare(
    path: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> None:
    missing = [name for name in wanted if name not in found]
    if missing:
        raise InputError(
            f"{path}: lacks {listed(missing, most=NAMED)}, which the module has"
        )
    unknown = [name for name in found if name not in wanted]
    if unknown:
        raise InputError(
            f"{path}: holds {listed(unknown, most=NAMED)}, which the module lacks"
        )
    for name, tensor in wanted.items():
        if found[name].shape != tensor.shape:
            raise InputError(
                f"{path}: {name} has shape {tuple(found[name].shape)}, in the module "
                f"{tuple(tensor.shape)}"
            )
