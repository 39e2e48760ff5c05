"""Files of many kinds in, labelled data out."""

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
    "load_published",
    "open_rows",
    "read_idx_folder",
    "read_npy_folder",
    "read_npz",
    "read_parquet",
    "rows_in_files",
    "tensor_names",
]
