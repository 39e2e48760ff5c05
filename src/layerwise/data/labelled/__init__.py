"""What comes in as data with labels: tables, frames, arrays, checked at the door."""

from layerwise.data.labelled._labelled import (
    Inputs,
    Labelled,
    Origins,
    checked_set,
    class_indices,
    given_sets,
    refuse_no_text,
    sample_names,
    several_labels,
)
from layerwise.data.labelled._reading import (
    FrameOptions,
    Reading,
    ReadingOptions,
    arrays_of,
    numbers,
    tables_of,
)
from layerwise.data.labelled._table_labels import as_text, called_labels, known_labels
from layerwise.data.labelled._tables import labelled_tables, like_table

__all__ = [
    "FrameOptions",
    "Inputs",
    "Labelled",
    "Origins",
    "Reading",
    "ReadingOptions",
    "arrays_of",
    "as_text",
    "called_labels",
    "checked_set",
    "class_indices",
    "given_sets",
    "known_labels",
    "labelled_tables",
    "like_table",
    "numbers",
    "refuse_no_text",
    "sample_names",
    "several_labels",
    "tables_of",
]
