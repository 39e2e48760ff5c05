"""NPZ files: a zip of NPY arrays, read without running what may be pickled in them."""

import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from layerwise.data._bounded import DEFLATE_RATIO, check_size, filled, reading
from layerwise.data.formats._npy import (
    Layout,
    layout_of,
    npy_header,
    paired,
    texts,
    to_predict,
)
from layerwise.data.labelled import Inputs, Labelled, given_sets
from layerwise.errors import InputError

METHODS = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: DEFLATE_RATIO}
"""How far each of the methods that NumPy writes can compress."""


def read_file(path: Path, _stored: bool) -> Labelled:
    """Read the labelled arrays of an NPZ file, whole: they are packed.

    They are called X and y, inputs and targets, or x_train, y_train, x_test and y_test;
    or are the only two that belong together. ``class_names`` is optional.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        members = _members(archive)
        layout, notes = _layout(archive, members, path)
        arrays = {
            name: _read_member(archive, members[name], path)
            for name in (*(name for pair in layout for name in pair), "class_names")
            if name in members
        }
    names = arrays.get("class_names")
    return given_sets(
        str(path),
        *((inputs, arrays[inputs], arrays[labels]) for inputs, labels in layout),
        class_names=() if names is None else texts(names, str(path)),
        notes=notes,
    )


def read_inputs(path: Path) -> Inputs:
    """Read the rows to predict: the test set's, where there is one; see `read_file`.

    Labels may be missing; an array that is alone may have any name, and so may a pair
    that is one of inputs and labels by its shapes.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        members = _members(archive)
        inputs, labels = _to_predict(archive, members, path)
        return Inputs(
            _read_member(archive, members[inputs], path),
            None if labels is None else _read_member(archive, members[labels], path),
        )


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the arrays in a file by their names."""
    return {info.filename.removesuffix(".npy"): info for info in archive.infolist()}


def _to_predict(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path
) -> tuple[str, str | None]:
    """Return the names of the rows to predict, and of their labels if they have any."""
    try:
        return to_predict(members, str(path))
    except InputError:
        with suppress(InputError):
            return _layout(archive, members, path)[0][0]
        raise


def _layout(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path
) -> tuple[Layout, tuple[str, ...]]:
    """Return what the arrays are called, and what is said of names that are guessed."""
    if (layout := layout_of(members)) is not None:
        return layout, ()
    shapes: dict[str, tuple[int, ...]] = {}
    for name, member in members.items():
        if name != "class_names":
            with archive.open(member) as stream:
                shapes[name] = npy_header(stream, f"{path}: {member.filename}")[0]
    inputs, labels, said = paired(shapes, str(path))
    return ((inputs, labels),), (said,)


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
