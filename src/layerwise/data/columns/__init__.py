"""A table's columns: what kind each is, and how its rows become inputs."""

from layerwise.data.columns._beside import Beside, columns_beside
from layerwise.data.columns._columns import Columns
from layerwise.data.columns._cuts import Cut, cuts
from layerwise.data.columns._fit import are_amounts, fit_columns
from layerwise.data.columns._kinds import (
    ABSENT as ABSENT_INPUT,
    Category,
    Column,
    Date,
    Number,
    YesNo,
    whole_bytes,
)
from layerwise.data.columns._table import (
    ABSENT,
    Table,
    arrow_functions,
    as_numpy,
    as_table,
    column_names,
    is_frame,
    missing_rows,
    refuse_missing,
    refuse_repeated,
    table_of,
    tables_of_batches,
    texts,
)

__all__ = [
    "ABSENT",
    "ABSENT_INPUT",
    "Beside",
    "Category",
    "Column",
    "Columns",
    "Cut",
    "Date",
    "Number",
    "Table",
    "YesNo",
    "are_amounts",
    "arrow_functions",
    "as_numpy",
    "as_table",
    "column_names",
    "columns_beside",
    "cuts",
    "fit_columns",
    "is_frame",
    "missing_rows",
    "refuse_missing",
    "refuse_repeated",
    "table_of",
    "tables_of_batches",
    "texts",
    "whole_bytes",
]
