"""Files of many kinds in, labelled data and rows out.

Each format of `layerwise.names.FORMATS` has a module of its name here, loaded when a
file of it is met, with those of these functions that its entry names:

- ``read_file(path, stored)``: the labelled arrays of a file;
- ``read_folder(path, stored)``: those of a folder of such files;
- ``open_rows(path, name)``: a file of rows, its header read alone;
- ``row_names(path)``: what the arrays of rows in a file are called.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from layerwise.data._bounded import reading, refuse_web_page
from layerwise.data._labelled import Labelled
from layerwise.data._stored import RowFile, StoredRows, stored_rows
from layerwise.data.formats._mnist import PUBLISHED, load_published
from layerwise.errors import InputError
from layerwise.names import FORMATS, formats_with
from layerwise.wording import listed

__all__ = [
    "PUBLISHED",
    "load_published",
    "open_rows",
    "read_labelled",
    "row_names",
    "rows_in_files",
]

PLANNED = {".csv"}


def read_labelled(path: Path, stored: bool) -> Labelled:
    """Read the labelled arrays of a file, or of a folder of files.

    Parameters
    ----------
    path : Path
    stored : bool
        Leave inputs in their files, where the format lets rows be read.

    Raises
    ------
    InputError
        If no format has such files, or they are not as they should be.
    """
    if path.is_dir():
        read = _function(_suffix_inside(path), "read_folder")
    else:
        read = _function(path.suffix.lower(), "read_file")
    if read is None:
        raise InputError(f"{path}: {_why_not(path.suffix.lower())}")
    _refuse_web_pages(path)
    return read(path, stored)


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
    files = ", ".join(kind.suffix for kind in formats_with("read_file"))
    folders = [kind.title for kind in formats_with("read_folder")]
    return (
        f"{suffix or 'this kind of'} files are not read"
        f"{' yet' if suffix in PLANNED else ''}: give {files}, or a folder of "
        f"{listed(folders, 'or')} files"
    )


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
    if (opened := _function(path.suffix.lower(), "open_rows")) is None:
        known = ", ".join(kind.suffix for kind in formats_with("open_rows"))
        raise InputError(f"{path}: {path.suffix or 'no suffix'}: give {known}")
    _refuse_web_pages(path)
    return opened(path, name)


def rows_in_files(paths: Sequence[Path], name: str | None = None) -> StoredRows:
    """Return the rows of files of one kind, one after another; see `open_rows`."""
    return stored_rows([open_rows(path, name) for path in paths])


def row_names(path: Path) -> Sequence[str | None]:
    """Return the names of the arrays in a file of rows; None for one without a name."""
    named = _function(path.suffix.lower(), "row_names")
    return (None,) if named is None else named(path)


def _function(suffix: str, name: str) -> Callable[..., Any] | None:
    """Return this function of the format whose files end so, if it has it."""
    for module, kind in FORMATS.items():
        if kind.suffix == suffix and name in kind.functions:
            return getattr(import_module(f"{__name__}._{module}"), name)
    return None


def _suffix_inside(folder: Path) -> str:
    """Return how the files in a folder end; those of IDX do so in no certain way."""
    suffixes = (kind.suffix for kind in formats_with("read_folder"))
    return next((s for s in suffixes if s and any(folder.glob(f"*{s}"))), "")
