"""NPY files: an array in each, read without running what may be pickled in it."""

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from layerwise.data._bounded import reading
from layerwise.data._stored import RawFile, StoredRows, held, raw_file, stored_rows
from layerwise.data.labelled import Inputs, Labelled, given_sets, refuse_no_text
from layerwise.errors import InputError
from layerwise.files import no_such_file
from layerwise.wording import first_of

Layout: TypeAlias = tuple[tuple[str, str], ...]
"""What inputs and labels are called, then those of the test set."""

LAYOUTS: tuple[Layout, ...] = (
    (("X", "y"),),
    (("inputs", "targets"),),
    (("x_train", "y_train"), ("x_test", "y_test")),
)

PREDICTED = (("x_test", "y_test"), ("X", "y"), ("inputs", "targets"))
"""Rows to predict and their labels, which may be missing."""

MAX_AXES = 32

SAVE = "save X and y, inputs and targets, or x_train, y_train, x_test and y_test"


def layout_of(names: Iterable[str]) -> Layout | None:
    """Return the first layout all of whose arrays are there."""
    there = {*names}
    for layout in LAYOUTS:
        if there.issuperset(name for pair in layout for name in pair):
            return layout
    return None


def paired(
    shapes: Mapping[str, tuple[int, ...]], source: str, either_end: bool = False
) -> tuple[str, str, str]:
    """Return the only array of labels, the only one of as many inputs, and a sentence.

    ``either_end``: samples may stand in the last axis too, and labels in a row.

    Raises
    ------
    InputError
        If there is no such pair, or several.
    """
    labels = {name: size for name, shape in shapes.items() if (size := _length(shape))}
    pairs = [
        (name, label)
        for name, shape in shapes.items()
        for label, size in labels.items()
        if name not in labels
        and len(shape) > 1
        and size in (shape[:1] + shape[-1:] if either_end else shape[:1])
    ]
    if len(pairs) == 1:
        ((inputs, label),) = pairs
        said = f"{inputs!r} is taken for the inputs, {label!r} for the labels."
        return inputs, label, said
    told = ", ".join(f"{name!r} {shape}" for name, shape in sorted(shapes.items())[:8])
    problem = (
        "of which several may be inputs or labels"
        if pairs
        else "no two of which are inputs and as many labels"
    )
    raise InputError(f"{source}: holds {told or 'no arrays'}, {problem}: {SAVE}")


def _length(shape: tuple[int, ...]) -> int:
    """Return how many labels an array of that shape can be; 0 for one that is none."""
    if len(shape) == 1:
        return shape[0]
    return max(shape) if len(shape) == 2 and 1 in shape else 0


def read_folder(folder: Path, stored: bool) -> Labelled:
    """Read the labelled arrays of a folder of NPY files, named as in an NPZ file."""
    paths = {path.stem: path for path in folder.glob("*.npy")}
    if (layout := layout_of(paths)) is None:
        raise InputError(f"{folder}: holds {listed(paths)}: {SAVE} as .npy files")
    sets = [
        (f"{inputs}.npy", held(_rows(paths[inputs]), stored), _array(paths[labels]))
        for inputs, labels in layout
    ]
    names = paths.get("class_names")
    found = () if names is None else texts(_array(names), str(folder))
    return given_sets(str(folder), *sets, class_names=found)


def read_inputs(path: Path) -> Inputs:
    """Return the rows to predict of an NPY file, or of a folder of such.

    Of a folder those of the test set, where there is one; labels may be missing.
    """
    if path.is_file():
        return Inputs(_rows(path), None)
    paths = {one.stem: one for one in path.glob("*.npy")}
    inputs, labels = to_predict(paths, str(path))
    there = None if labels is None else _array(paths[labels])
    return Inputs(_rows(paths[inputs]), there)


def to_predict(names: Iterable[str], source: str) -> tuple[str, str | None]:
    """Return which of the arrays are the rows to predict, and which their labels."""
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
    """Read inputs and labels, each in an NPY file."""
    for one in (path, labels):
        if not one.exists():
            raise no_such_file(one)
        if one.suffix.lower() != ".npy" or not one.is_file():
            raise InputError(f"{one}: no NPY file: labels go with inputs in NPY files")
    return given_sets(str(path), (path.name, held(_rows(path), stored), _array(labels)))


def _rows(path: Path) -> StoredRows:
    return stored_rows([open_rows(path)])


def _array(path: Path) -> np.ndarray:
    return np.asarray(_rows(path))


def open_rows(path: Path, _name: str | None = None) -> RawFile:
    """Return the rows of an NPY file; only its header is read."""
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
    """Return an array of names as strings, be they bytes or numbers."""
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
