"""Safetensors files: rows of a tensor, the header read alone."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from layerwise.data._bounded import reading
from layerwise.data._stored import RawFile, raw_file
from layerwise.errors import InputError
from layerwise.files import Count, as_record
from layerwise.wording import first_of

MAX_HEADER = 100 << 20
"""Of a safetensors file: what the format itself allows."""

SAFETENSORS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}
"""The format's names of dtypes, those that hold rows of numbers."""


class _Tensor(TypedDict):
    """What the header says of a tensor."""

    dtype: str
    shape: tuple[Count, ...]
    data_offsets: tuple[Count, Count]


def open_rows(path: Path, name: str | None = None) -> RawFile:
    """Return the rows of a tensor; only the header of its file is read.

    The name is not needed where there is one.
    """
    source = str(path)
    entries, start, size = _tensors(path)
    name = _chosen(sorted(entries), name, source)
    entry = as_record(
        entries[name], _Tensor, f"{source}: {name} has an unreadable header"
    )
    kind, shape = entry["dtype"], entry["shape"]
    begin, end = entry["data_offsets"]
    if kind not in SAFETENSORS:
        raise InputError(f"{source}: {name} has dtype {kind}: save float32")
    dtype = np.dtype(SAFETENSORS[kind])
    offset = start + begin
    if begin < 0 or end - begin != math.prod(shape) * dtype.itemsize:
        raise InputError(f"{source}: {name} lies outside of the file: get it again")
    raw = raw_file(path, offset, shape, dtype, size - offset, exactly=False)
    # BF16 is the upper half of a float32.
    return replace(raw, dtype=np.dtype(np.float32)) if kind == "BF16" else raw


def _tensors(path: Path) -> tuple[dict[str, Any], int, int]:
    """Return the tensors' entries, where the first begins, and the file's size."""
    with reading(path), path.open("rb") as file:
        size = path.stat().st_size
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(MAX_HEADER, size):
            raise InputError(f"{path}: not a safetensors file: get it again")
        header = file.read(length)
    try:
        entries = as_record(json.loads(header), dict[str, Any], str(path))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not a safetensors file, its header is unreadable"
        ) from error
    entries.pop("__metadata__", None)
    return entries, 8 + length, size


def row_names(path: Path) -> tuple[str, ...]:
    """Return the names of the tensors in a safetensors file."""
    return tuple(sorted(_tensors(path)[0]))


def _chosen(names: Sequence[str], name: str | None, source: str) -> str:
    listed = first_of(names)
    if name is None and len(names) == 1:
        return names[0]
    if name is None:
        raise InputError(f"{source}: holds {listed}: name one, {source}:NAME")
    if name not in names:
        raise InputError(f"{source}: holds no {name!r}, but {listed}")
    return name
