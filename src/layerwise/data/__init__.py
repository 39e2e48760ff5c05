"""Labelled data in: built-in sets, files, splits, scaling, order and statistics."""

from layerwise.data._describe import (
    ColumnStatistics,
    DataStatistics,
    SetStatistics,
    ValueStatistics,
    describe,
)
from layerwise.data._load import load, names
from layerwise.data._records import Dataset, Samples
from layerwise.data._remarks import codes_in_words, missing_codes
from layerwise.data._scaling import Scaling, fit_scaling, scaled
from layerwise.data._split import drawn, stratified_split
from layerwise.data._stored import (
    KeptInputs,
    StoredRows,
    are_pictures,
    of_memory_map,
    read_ahead,
)
from layerwise.data._unlabelled import Rows, rows_to_predict
from layerwise.data.columns import (
    Beside,
    Column,
    Columns,
    Cut,
    as_table,
    column_names,
    cuts,
    is_frame,
)
from layerwise.data.formats import open_rows, row_names, rows_in_files
from layerwise.data.labelled import (
    Origins,
    Reading,
    ReadingOptions,
    arrays_of,
    class_indices,
    numbers as numbers_of,
    sample_names,
    several_labels,
)

__all__ = [
    "Beside",
    "Column",
    "ColumnStatistics",
    "Columns",
    "Cut",
    "DataStatistics",
    "Dataset",
    "KeptInputs",
    "Origins",
    "Reading",
    "ReadingOptions",
    "Rows",
    "Samples",
    "Scaling",
    "SetStatistics",
    "StoredRows",
    "ValueStatistics",
    "are_pictures",
    "arrays_of",
    "as_table",
    "class_indices",
    "codes_in_words",
    "column_names",
    "cuts",
    "describe",
    "drawn",
    "fit_scaling",
    "is_frame",
    "load",
    "missing_codes",
    "names",
    "numbers_of",
    "of_memory_map",
    "open_rows",
    "read_ahead",
    "row_names",
    "rows_in_files",
    "rows_to_predict",
    "sample_names",
    "scaled",
    "several_labels",
    "stratified_split",
]
