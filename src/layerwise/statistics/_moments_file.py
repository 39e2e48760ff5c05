"""Moments in a file: what separate jobs have counted, to be merged later."""

import os
from collections.abc import Mapping
from typing import Any

from layerwise.files import read_tensors, write_tensors
from layerwise.statistics._moments import Moments

__all__ = ["load_moments", "save_moments"]

FORMAT = "moments-1"


def save_moments(
    moments: Mapping[str, Moments],
    path: str | os.PathLike[str],
    records: Mapping[str, Any] | None = None,
) -> None:
    """Write moments, by name, as safetensors with a digest: whole or not at all.

    Parameters
    ----------
    moments : mapping of str to Moments
    path : path
    records : mapping, optional
        What JSON can hold, to be kept beside them.

    Raises
    ------
    MachineError
        If the file cannot be written.
    """
    names = list(moments)
    tensors = {
        f"{place}.{field}": array
        for place, name in enumerate(names)
        for field, array in moments[name].to_arrays().items()
    }
    kept = {"format": FORMAT, "names": names, "records": dict(records or {})}
    write_tensors(path, tensors, kept)


def load_moments(
    path: str | os.PathLike[str],
) -> tuple[dict[str, Moments], dict[str, Any]]:
    """Return the moments and records that `save_moments` wrote. No code is run.

    Raises
    ------
    DamagedError
        If the file is not, to the byte, what was written.
    InputError
        If it is missing or holds something else.
    """
    tensors, kept = read_tensors(path, FORMAT)
    found: dict[str, Moments] = {}
    for place, name in enumerate(kept["names"]):
        prefix = f"{place}."
        arrays = {
            field.removeprefix(prefix): array
            for field, array in tensors.items()
            if field.startswith(prefix)
        }
        found[name] = Moments.from_arrays(arrays)
    return found, kept["records"]
