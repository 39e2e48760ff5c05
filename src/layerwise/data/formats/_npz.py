"""NPZ files: a zip of NPY arrays, read without running what may be pickled in them."""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from layerwise.data._bounded import DEFLATE_RATIO, check_size, filled, reading
from layerwise.data._labelled import Labelled
from layerwise.errors import InputError

__all__ = ["LAYOUTS", "SAVE", "listed", "npy_header", "read_npz"]

LAYOUTS = (
    ("X", "y", None, None),
    ("inputs", "targets", None, None),
    ("x_train", "y_train", "x_test", "y_test"),
)
"""The arrays' names: inputs and labels, then those of the test set."""

METHODS = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: DEFLATE_RATIO}
"""How far each of the methods that NumPy writes can compress."""

MAX_AXES = 32

SAVE = "save X and y, inputs and targets, or x_train, y_train, x_test and y_test"


def read_npz(path: Path) -> Labelled:
    """Read the labelled arrays of an NPZ file.

    They are called X and y, inputs and targets, or x_train, y_train, x_test and y_test;
    ``class_names`` is optional.

    Raises
    ------
    InputError
        If it is no NPZ file, truncated, lacks these arrays, or one of them is of
        objects, larger than its bytes, or beyond the limit.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        members = {
            info.filename.removesuffix(".npy"): info for info in archive.infolist()
        }
        for layout in LAYOUTS:
            if members.keys() >= {name for name in layout if name is not None}:
                break
        else:
            raise InputError(f"{path}: holds {listed(members)}: {SAVE}")
        names = [*layout, "class_names" if "class_names" in members else None]
        inputs, labels, test_inputs, test_labels, class_names = (
            None if name is None else _read_member(archive, members[name], path)
            for name in names
        )
    return Labelled(
        source=str(path),
        inputs=inputs,
        labels=labels,
        test=None if test_inputs is None else (test_inputs, test_labels),
        class_names=None
        if class_names is None
        else tuple(str(name) for name in class_names.ravel().tolist()),
    )


def listed(members: Iterable[str]) -> str:
    """Return the names of arrays in a sentence, the first eight of them."""
    names = [repr(name) for name in sorted(members)]
    shown = ", ".join(names[:8]) or "no arrays"
    return f"{shown}, …" if len(names) > 8 else shown


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path
) -> np.ndarray:
    source = f"{path}: {member.filename}"
    if member.compress_type not in METHODS or member.flag_bits & 1:
        raise InputError(
            f"{source}: encrypted, or packed in another way than NumPy's: save it with"
            " numpy.savez_compressed"
        )
    with archive.open(member) as stream:
        shape, by_columns, dtype = npy_header(stream, source)
        # What the zip's directory says of the size is as little to be trusted.
        most = member.compress_size * METHODS[member.compress_type]
        check_size(
            shape,
            dtype,
            most,
            source,
            "a zip is read whole: save X.npy and y.npy into a folder, which are not",
        )
        if by_columns:
            return filled(stream, shape[::-1], dtype, source).T
        return filled(stream, shape, dtype, source)


def npy_header(
    stream: BinaryIO | Any, source: str
) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, order (whether by columns) and dtype that an NPY file declares."""
    try:
        # Version 1 alone: its header has 64 KiB at most, that of version 2 up to 4 GiB,
        # and arrays of numbers or strings never need it.
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("not version 1.0")
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    except (zipfile.BadZipFile, OSError, EOFError):
        raise
    except Exception as error:
        # A made-up header meets many parsers: each fails in ways of its own.
        raise InputError(
            f"{source}: not an array in NumPy's format: save it again"
        ) from error
    if len(shape) > MAX_AXES or any(n < 0 for n in shape):
        raise InputError(f"{source}: declares the shape {shape}: save it again")
    if dtype.hasobject:
        raise InputError(
            f"{source}: holds Python objects, which could run code when read: save"
            " an array of numbers or strings"
        )
    if dtype.kind not in "biufSU" or not dtype.itemsize:
        raise InputError(
            f"{source}: has dtype {dtype}: save an array of numbers or strings"
        )
    return shape, by_columns, dtype
