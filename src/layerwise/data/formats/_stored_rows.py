"""Files of rows by their format: NPY, safetensors and Parquet, headers read alone."""

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.data._bounded import MAX_BYTES, reading
from layerwise.data._labelled import Labelled
from layerwise.data._stored import RawFile, RowFile, StoredRows, raw_file, stored_rows
from layerwise.data.formats._npz import LAYOUTS, SAVE, listed, npy_header
from layerwise.data.formats._parquet import labelled_columns, parquet_file
from layerwise.errors import InputError

__all__ = [
    "npy_file",
    "open_rows",
    "read_npy_folder",
    "read_parquet",
    "rows_in_files",
    "tensor_names",
]

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


def npy_file(path: Path) -> RawFile:
    """Return the rows of an NPY file; only its header is read.

    Raises
    ------
    InputError
        If it is none, holds objects, lies by columns, or is shorter or longer than its
        header says.
    """
    source = str(path)
    with reading(path), path.open("rb") as file:
        shape, by_columns, dtype = npy_header(file, source)
        offset = file.tell()
        size = path.stat().st_size
    if by_columns and len(shape) > 1:
        raise InputError(
            f"{source}: lies column by column: save numpy.ascontiguousarray of it, so "
            "that rows can be read"
        )
    return raw_file(path, offset, shape, dtype, size - offset)


def read_npy_folder(folder: Path, *, stored: bool = False) -> Labelled:
    """Read the labelled arrays of a folder of NPY files, named as in an NPZ file.

    Parameters
    ----------
    folder : Path
    stored : bool
        Leave the inputs in their files; of more than 8 GiB they stay in any case.

    Raises
    ------
    InputError
        If the folder lacks these files, or one of them is not as it should be.
    """
    paths = {path.stem: path for path in sorted(folder.glob("*.npy"))}
    for layout in LAYOUTS:
        if paths.keys() >= {name for name in layout if name is not None}:
            break
    else:
        raise InputError(f"{folder}: holds {listed(paths)}: {SAVE} as .npy files")
    inputs, labels, *test = (
        None if name is None else stored_rows([npy_file(paths[name])])
        for name in layout
    )
    names = paths.get("class_names")
    found = None if names is None else np.asarray(stored_rows([npy_file(names)]))
    return Labelled(
        source=str(folder),
        inputs=_held(inputs, stored),
        labels=np.asarray(labels),
        test=None if test[0] is None else (_held(test[0], stored), np.asarray(test[1])),
        class_names=None if found is None else tuple(str(n) for n in found.tolist()),
    )


def read_parquet(path: Path, *, stored: bool = False) -> Labelled:
    """Read the labelled rows of a Parquet file, or of a folder's, one after another.

    Parameters
    ----------
    path : Path
        A file, or a folder of files with the same columns: the shards of a data set.
    stored : bool
        Leave the inputs in their files; of more than 8 GiB they stay in any case.

    Raises
    ------
    InputError
        If a column is missing or holds no numbers; see `labelled_columns`.
    """
    paths = [path] if path.is_file() else sorted(path.glob("*.parquet"))
    columns, label = labelled_columns(paths[0])
    inputs = stored_rows([parquet_file(p, columns=columns) for p in paths])
    return Labelled(
        source=str(path),
        inputs=_held(inputs, stored),
        labels=np.asarray(rows_in_files(paths, label)),
        feature_names=inputs.files[0].columns,
    )


def _held(rows: StoredRows | None, stored: bool) -> np.ndarray | StoredRows | None:
    """Return rows in memory, where they may be there and fit."""
    if rows is None or stored or rows.nbytes > MAX_BYTES:
        return rows
    return np.asarray(rows)


def safetensors_file(path: Path, name: str | None = None) -> RawFile:
    """Return the rows of a tensor in a safetensors file; only its header is read.

    Parameters
    ----------
    path : Path
    name : str, optional
        Of the tensor; not needed where there is one.

    Raises
    ------
    InputError
        If the file is none, or does not hold the tensor.
    """
    source = str(path)
    entries, start, size = _tensors(path)
    name = _chosen(sorted(entries), name, source)
    try:
        entry = entries[name]
        kind, shape = str(entry["dtype"]), tuple(int(n) for n in entry["shape"])
        begin, end = (int(n) for n in entry["data_offsets"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{source}: {name} has an unreadable header") from error
    if kind not in SAFETENSORS:
        raise InputError(f"{source}: {name} has dtype {kind}: save float32")
    dtype = np.dtype(SAFETENSORS[kind])
    offset = start + begin
    if begin < 0 or end - begin != math.prod(shape) * dtype.itemsize:
        raise InputError(f"{source}: {name} lies outside of the file: get it again")
    raw = raw_file(path, offset, shape, dtype, size - offset, exactly=False)
    return RawFile(path, raw.offset, raw.rows, raw.row_shape, dtype, kind == "BF16")


def _tensors(path: Path) -> tuple[dict[str, Any], int, int]:
    """Return the tensors' entries, where the first begins, and the file's size."""
    with reading(path), path.open("rb") as file:
        size = path.stat().st_size
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(MAX_HEADER, size):
            raise InputError(f"{path}: not a safetensors file: get it again")
        header = file.read(length)
    try:
        entries = dict(json.loads(header))
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path}: not a safetensors file, its header is unreadable"
        ) from error
    entries.pop("__metadata__", None)
    return entries, 8 + length, size


def tensor_names(path: Path) -> tuple[str, ...]:
    """Return the names of the tensors in a safetensors file."""
    return tuple(sorted(_tensors(path)[0]))


def _chosen(names: Sequence[str], name: str | None, source: str) -> str:
    listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    if name is None and len(names) == 1:
        return names[0]
    if name is None:
        raise InputError(f"{source}: holds {listed}: name one, {source}:NAME")
    if name not in names:
        raise InputError(f"{source}: holds no {name!r}, but {listed}")
    return name


OPENERS: dict[str, Callable[[Path, str | None], RowFile]] = {
    ".npy": lambda path, _: npy_file(path),
    ".safetensors": safetensors_file,
    ".parquet": parquet_file,
}
"""How to open a file of rows, by the end of its name."""


def open_rows(path: Path, name: str | None = None) -> RowFile:
    """Open a file of rows by the end of its name: .npy, .safetensors or .parquet.

    Parameters
    ----------
    path : Path
    name : str, optional
        Of the tensor in a safetensors file; of the column of a Parquet file.

    Raises
    ------
    InputError
        If there is no such file, or it is not what its name says.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    opener = OPENERS.get(path.suffix.lower())
    if opener is None:
        known = ", ".join(OPENERS)
        raise InputError(f"{path}: {path.suffix or 'no suffix'}: give {known}")
    return opener(path, name)


def rows_in_files(paths: Sequence[Path], name: str | None = None) -> StoredRows:
    """Return the rows of files of one kind, one after another; see `open_rows`."""
    return stored_rows(list(map(partial(open_rows, name=name), paths)))
