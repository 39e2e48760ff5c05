"""Files of many kinds in, labelled data out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from layerwise.data._labelled import Labelled
from layerwise.data.formats._idx import read_idx_folder
from layerwise.data.formats._mnist import PUBLISHED, load_published
from layerwise.data.formats._npz import read_npz
from layerwise.data.formats._stored_rows import (
    open_rows,
    read_npy_folder,
    read_parquet,
    rows_in_files,
    tensor_names,
)

__all__ = [
    "PUBLISHED",
    "READERS",
    "load_published",
    "open_rows",
    "read_idx_folder",
    "read_npy_folder",
    "read_parquet",
    "rows_in_files",
    "tensor_names",
]

READERS: Mapping[str, Callable[[Path, bool], Labelled]] = MappingProxyType(
    {
        ".npz": lambda path, _: read_npz(path),
        ".parquet": lambda path, stored: read_parquet(path, stored=stored),
    }
)
"""How to read a file, by the end of its name, and whether to leave its inputs there."""
