"""Files of many kinds in, labelled data and rows out.

Each format of `layerwise.names.FORMATS` has a module of its name here, loaded when a
file of it is met, with those of these functions that its entry names:

- ``read_table(path, texts)``: the table in a file, or in a folder of shards, or None
  where it is one of arrays; ``texts`` are columns to be read as text;
- ``read_file(path, stored)``: the labelled arrays of a file;
- ``read_folder(path, stored)``: those of a folder of such files;
- ``read_batches(path, columns)``: the rows of a table, some thousand at a time;
- ``read_inputs(path)``: rows whose labels may be missing, of a file or a folder;
- ``open_rows(path, name)``: a file of rows, its header read alone;
- ``row_names(path)``: what the arrays of rows in a file are called.

All raise an `InputError` where a file is not as it should be, and a `MachineError`
where it cannot be read.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.data._bounded import reading, refuse_web_page
from layerwise.data._pictures import Pictures
from layerwise.data._stored import RowFile, StoredRows, stored_rows
from layerwise.data.columns import Columns, Table, whole_bytes
from layerwise.data.formats._mnist import PUBLISHED, load_published
from layerwise.data.formats._npy import layout_of, read_pair
from layerwise.data.formats._pictures import has_pictures, pictures_in, read_pictures
from layerwise.data.labelled import Inputs, Labelled, Reading, labelled_tables
from layerwise.errors import InputError
from layerwise.files import no_such_file
from layerwise.names import FORMATS, formats_with
from layerwise.wording import listed

__all__ = [
    "PUBLISHED",
    "batches_of",
    "folder_of_arrays",
    "inputs_of",
    "load_published",
    "open_rows",
    "read_labelled",
    "row_names",
    "rows_in_files",
]

IDX = re.compile(r"[-._]idx\d")
"""In the names of IDX files, which end in no certain way."""


def read_labelled(
    path: Path, stored: bool, how: Reading, columns: Columns | None
) -> Labelled:
    """Read the labelled arrays, or the table, of a file or of a folder of files.

    Inputs may be left in their files where the format lets rows be read; ``columns``
    say what is to become of a table's columns, where that is known already.
    """
    given = {"train": path, "validation": how.validation, "test": how.test}
    paths = {name: Path(one) for name, one in given.items() if one is not None}
    _refuse_one_twice(paths)
    found: dict[str, Any] = {}
    if how.labels is not None:
        found["train"] = read_pair(path, Path(how.labels), stored)
    for name, one in paths.items():
        if name not in found:
            found[name] = _source(one, stored, columns, how.size)
    tables = {name: one for name, one in found.items() if isinstance(one, Table)}
    arrays = {name: one for name, one in found.items() if isinstance(one, Labelled)}
    if tables and arrays:
        one, other = next(iter(tables)), next(iter(arrays))
        raise InputError(
            f"{paths[one]} is a table and {paths[other]} holds arrays: give sets of "
            "one form"
        )
    return labelled_tables(tables, how, columns) if tables else _arrays(arrays, how)


def _refuse_one_twice(paths: Mapping[str, Path]) -> None:
    """Refuse one file as two sets: what is reported would be known from training."""
    for (name, one), (other, another) in combinations(paths.items(), 2):
        if one.exists() and another.exists() and one.samefile(another):
            first = "the training data" if name == "train" else f"--{name}"
            raise InputError(
                f"{another}: is {first} and --{other}: give rows of their own, or "
                "leave the option out"
            )


def batches_of(path: Path, columns: Columns) -> Iterator[Table] | None:
    """Return the rows of a table, some thousand at a time; None where it is none.

    Of its columns those are read that ``columns`` need.
    """
    read = _function(_ending(path), "read_batches")
    return None if read is None else read(path, columns)


def inputs_of(path: Path, size: tuple[int, ...] | None = None) -> Inputs:
    """Return rows to predict, with labels or without; of a test set, where it has one.

    Pictures are brought to ``size``, (height, width).
    """
    ending = _ending(path)
    if IDX.search(path.name) and path.is_file():
        ending = ""
    classes = _in_classes(path)
    if not classes and (alone := _unsorted(path)):
        return Inputs(Pictures.opened(alone, str(path), size), None)
    read = None if classes else _function(ending, "read_inputs")
    if read is not None:
        _refuse_web_pages(path)
        return read(path)
    found = _source(path, True, None, size)
    if isinstance(found, Table):
        raise InputError(
            f"{path}: is a table, and the network was trained on arrays or pictures: "
            "give such"
        )
    rows, names = found.apart.get("test", found), np.array(found.class_names)
    return Inputs(rows.inputs, names[rows.labels] if len(names) else rows.labels)


def _arrays(sets: Mapping[str, Labelled], how: Reading) -> Labelled:
    """Return labelled arrays, with sets that are in files of their own."""
    labelled = sets["train"]
    for_tables = {"target": how.target, "drop": how.drop, "group": how.group}
    if asked := [f"--{name}" for name, value in for_tables.items() if value]:
        raise InputError(
            f"{labelled.source}: holds arrays, which have no columns with names: leave "
            f"out {', '.join(asked)}"
        )
    pictures = isinstance(labelled.inputs, Pictures)
    if pictures and how.shape is not None:
        raise InputError(
            f"{labelled.source}: holds pictures, which have a shape: leave out "
            "--shape, or resize them (--size 64x64)"
        )
    if how.size is not None and not pictures:
        raise InputError(
            f"{labelled.source}: holds no picture files to resize: leave out --size"
        )
    if how.shape is not None:
        sets = {name: _shaped(one, how.shape) for name, one in sets.items()}
        labelled = sets["train"]
    if how.class_names:
        labelled = replace(labelled, class_names=how.named_classes())
    apart = {name: one for name, one in sets.items() if name != "train"}
    return replace(labelled, apart={**labelled.apart, **apart})


def _shaped(labelled: Labelled, shape: tuple[int, ...]) -> Labelled:
    """Return arrays whose inputs, a row of numbers each, have that shape."""
    inputs: Any = labelled.inputs
    if math.prod(inputs.shape[1:]) != math.prod(shape):
        raise InputError(
            f"{labelled.source}: inputs have shape {inputs.shape[1:]}, which is "
            f"not {'x'.join(map(str, shape))}: give another shape (--shape)"
        )
    rows = np.asarray(inputs).reshape(-1, *shape)
    if whole_bytes(rows):
        rows = rows.astype(np.uint8)
    apart = {name: _shaped(one, shape) for name, one in labelled.apart.items()}
    return replace(labelled, inputs=rows, apart=apart)


def _source(
    path: Path, stored: bool, columns: Columns | None, size: tuple[int, ...] | None
) -> Any:
    """Return the table in a file, or its labelled arrays."""
    ending = _ending(path)
    if _in_classes(path):
        return read_pictures(path, size)
    table = _function(ending, "read_table")
    read = _function(ending, "read_folder" if path.is_dir() else "read_file")
    if read is None and (table is None or path.is_dir()):
        raise InputError(f"{path}: {_why_not(path.suffix.lower())}")
    _refuse_web_pages(path)
    texts = columns.texts if columns else ()
    found = table(path, texts) if table and not (stored and read) else None
    return read(path, stored) if read and found is None else found


def _in_classes(path: Path) -> bool:
    """Return whether a folder has pictures in sub-folders, and no other data."""
    return path.is_dir() and not _suffix_inside(path) and has_pictures(path)


def _unsorted(path: Path) -> list[Path]:
    """Return a picture, or those that lie in a folder itself and beside no data."""
    if path.is_dir() and (
        _suffix_inside(path) or any(IDX.search(one.name) for one in path.iterdir())
    ):
        return []
    return pictures_in(path)


def _refuse_web_pages(path: Path) -> None:
    """Refuse a file, or a folder with one, that is a web page by its first bytes."""
    suffixes = {kind.suffix for kind in FORMATS.values()} - {""}
    files = [path] if path.is_file() else [*path.iterdir()]
    for file in files:
        if file.suffix.lower() in suffixes and file.is_file():
            with reading(file), file.open("rb") as opened:
                refuse_web_page(opened.read(64), file)


def _why_not(suffix: str) -> str:
    """Say of a file that it is not read, and what is."""
    files = ", ".join(kind.suffix for kind in formats_with("read_file", "read_table"))
    folders = [kind.title for kind in formats_with("read_folder")]
    which = f"{suffix} files are" if suffix else "a file without a suffix is"
    return (
        f"{which} not read: give {files}, or a folder of "
        f"{listed(folders, 'or')} files, or of one sub-folder of pictures per class"
    )


def open_rows(path: Path, name: str | None = None) -> RowFile:
    """Open a file of rows by the end of its name: .npy, .safetensors or .parquet.

    The name is that of the tensor in a safetensors file, of the column of a Parquet
    file.
    """
    if not path.is_file():
        raise no_such_file(path)
    if (opened := _function(path.suffix.lower(), "open_rows")) is None:
        known = ", ".join(kind.suffix for kind in formats_with("open_rows"))
        raise InputError(f"{path}: {path.suffix or 'no suffix'}: give {known}")
    _refuse_web_pages(path)
    return opened(path, name)


def folder_of_arrays(path: Path) -> Path:
    """Return the folder of an NPY file of inputs that lies beside its labels."""
    if layout_of(one.stem for one in path.parent.glob("*.npy")) is None:
        open_rows(path)
        raise InputError(
            f"{path}: holds one array: give the file of its labels too (--labels y.npy)"
        )
    return path.parent


def rows_in_files(paths: Sequence[Path], name: str | None = None) -> StoredRows:
    """Return the rows of files of one kind, one after another; see `open_rows`."""
    return stored_rows([open_rows(path, name) for path in paths])


def row_names(path: Path) -> Sequence[str | None]:
    """Return the names of the arrays in a file of rows; None for one without a name."""
    named = _function(path.suffix.lower(), "row_names")
    return (None,) if named is None else named(path)


def _function(file: str, name: str) -> Callable[..., Any] | None:
    """Return this function of the format whose files end as this does, if it has it."""
    for module, kind in FORMATS.items():
        ends = (kind.suffix, *kind.others) if kind.suffix else ()
        if (file.endswith(ends) if file else not ends) and name in kind.functions:
            return getattr(import_module(f"{__name__}._{module}"), name)
    return None


def _ending(path: Path) -> str:
    """Return how the name of a file ends, or the names of those in a folder do.

    Raises
    ------
    InputError
        If there is no such file or folder.
    """
    if not path.exists():
        raise no_such_file(path)
    return _suffix_inside(path) if path.is_dir() else path.name.lower()


def _suffix_inside(folder: Path) -> str:
    """Return how the files in a folder end; those of IDX do so in no certain way."""
    suffixes = (kind.suffix for kind in formats_with("read_folder"))
    return next((s for s in suffixes if s and any(folder.glob(f"*{s}"))), "")
