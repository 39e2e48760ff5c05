"""NPY files: an array in each, read without running what may be pickled in it."""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from layerwise.data._bounded import reading
from layerwise.data._stored import RawFile, held, raw_file, stored_rows
from layerwise.data.labelled import Inputs, Labelled, one_file, refuse_no_text
from layerwise.errors import InputError
from layerwise.files import no_such_file
from layerwise.wording import first_of

LAYOUTS = (
    ("X", "y", None, None),
    ("inputs", "targets", None, None),
    ("x_train", "y_train", "x_test", "y_test"),
)
"""The arrays' names: inputs and labels, then those of the test set."""

PREDICTED = (("x_test", "y_test"), ("X", "y"), ("inputs", "targets"))
"""Rows to predict and their labels, which may be missing."""

MAX_AXES = 32

SAVE = "save X and y, inputs and targets, or x_train, y_train, x_test and y_test"


def read_folder(folder: Path, stored: bool) -> Labelled:
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
        None if name is None else stored_rows([open_rows(paths[name])])
        for name in layout
    )
    names = paths.get("class_names")
    found = None if names is None else np.asarray(stored_rows([open_rows(names)]))
    return Labelled(
        source=str(folder),
        inputs=held(inputs, stored),
        labels=np.asarray(labels),
        test=None if test[0] is None else (held(test[0], stored), np.asarray(test[1])),
        class_names=() if found is None else texts(found, str(folder)),
        files=one_file(f"{layout[0]}.npy", inputs),
        test_files=one_file(f"{layout[2]}.npy", test[0]),
    )


def is_laid_out(folder: Path) -> bool:
    """Return whether a folder's NPY files have names that `read_folder` reads."""
    there = {one.stem for one in folder.glob("*.npy")}
    return any(there.issuperset(filter(None, layout)) for layout in LAYOUTS)


def read_inputs(path: Path) -> Inputs:
    """Return the rows to predict of an NPY file, or of a folder of such.

    Of a folder those of the test set, where there is one; labels may be missing.
    """
    if path.is_file():
        return Inputs(stored_rows([open_rows(path)]), None)
    paths = {one.stem: one for one in sorted(path.glob("*.npy"))}
    inputs, labels = to_predict(paths, str(path))
    return Inputs(
        stored_rows([open_rows(paths[inputs])]),
        None if labels is None else np.asarray(stored_rows([open_rows(paths[labels])])),
    )


def to_predict(names: Iterable[str], source: str) -> tuple[str, str | None]:
    """Return which of the arrays are the rows to predict, and which their labels.

    Raises
    ------
    InputError
        If several may be.
    """
    there = [name for name in names if name != "class_names"]
    for inputs, labels in PREDICTED:
        if inputs in there:
            return inputs, labels if labels in there else None
    if len(there) == 1:
        return there[0], None
    raise InputError(
        f"{source}: holds {listed(there)}: call the array of the rows to predict X"
    )


def read_pair(path: Path, labels: Path, stored: bool) -> Labelled:
    """Read inputs and labels, each in an NPY file.

    Raises
    ------
    InputError
        If one of them is not there, or not as it should be.
    """
    for one in (path, labels):
        if not one.exists():
            raise no_such_file(one)
        if one.suffix.lower() != ".npy" or not one.is_file():
            raise InputError(f"{one}: no NPY file: labels go with inputs in NPY files")
    inputs = stored_rows([open_rows(path)])
    return Labelled(
        source=str(path),
        inputs=held(inputs, stored),
        labels=np.asarray(stored_rows([open_rows(labels)])),
        files=one_file(path.name, inputs),
    )


def open_rows(path: Path, _name: str | None = None) -> RawFile:
    """Return the rows of an NPY file; only its header is read.

    Parameters
    ----------
    path : Path
    _name : str, optional
        Has no meaning: there is one array.

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


def texts(names: np.ndarray, source: str) -> tuple[str, ...]:
    """Return an array of names as strings, be they bytes or numbers.

    Raises
    ------
    InputError
        If they are no text.
    """
    if names.dtype.kind == "S":
        names = np.char.decode(names, "utf-8", errors="replace")
    refuse_no_text(names, f"{source}: a class name")
    return tuple(str(name) for name in names.ravel().tolist())


def listed(members: Iterable[str]) -> str:
    """Return the names of arrays in a sentence, the first eight of them."""
    return first_of([repr(name) for name in sorted(members)]) or "no arrays"


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
