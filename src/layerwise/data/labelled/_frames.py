"""Data frames of any library as arrays of numbers, or the column that holds none."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from layerwise.arrays import to_numpy
from layerwise.errors import InputError

DATES = "dates: give numbers instead, such as days since the first"
TEXT = (
    "text: encode it as numbers (pandas.get_dummies is one way), drop it, or give the "
    "frame to layerwise.Dataset.from_frame, which encodes it"
)


def numbers(values: Any, source: str) -> np.ndarray:
    """Return an array, nested lists or a data frame as an array.

    The columns of a frame may differ in their kind of numbers: bool, nullable, floats.
    What is missing becomes NaN.

    Raises
    ------
    InputError
        If a column holds no numbers: it is named, with what to do.
    TypeError, ValueError
        If lists differ in length.
    """
    columns = getattr(values, "columns", None)
    if columns is None:
        return to_numpy(values)
    whole = to_numpy(values)
    if whole.dtype.kind in "biuf":
        return whole
    found = [
        _column(column, f"{source}: column {name!r}")
        for name, column in _columns(values, getattr(values, "column_names", columns))
    ]
    return np.column_stack(found)


def _columns(frame: Any, names: Any) -> Iterator[tuple[str, Any]]:
    """Yield the columns by place where that is possible: two may have one name."""
    for place, name in enumerate(names):
        by_place = hasattr(frame, "iloc")
        yield str(name), frame.iloc[:, place] if by_place else frame[name]


def _column(column: Any, what: str) -> np.ndarray:
    values = np.asarray(column)
    if values.dtype.kind in "biuf":
        return values
    if values.dtype.kind in "Mm":
        raise InputError(f"{what} holds {DATES}")
    given = values.tolist()
    listed = [np.nan if _is_missing(value) else value for value in given]
    wrong = next((v for v in listed if not isinstance(v, bool | int | float)), None)
    if wrong is None:
        return np.array(listed, np.float64 if any(map(_is_missing, given)) else None)
    if hasattr(wrong, "year"):
        raise InputError(f"{what} holds {DATES}")
    if isinstance(wrong, str | bytes):
        raise InputError(f"{what} holds {TEXT}")
    raise InputError(f"{what} holds a {type(wrong).__name__}: give numbers, or drop it")


def _is_missing(value: Any) -> bool:
    """Return whether this is None or pandas' NA, which answers no question."""
    return value is None or type(value).__name__ in {"NAType", "NaTType"}
