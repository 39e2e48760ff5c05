"""What other libraries call a data set, as tables or as arrays."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from layerwise.arrays import to_numpy
from layerwise.data._bounded import MAX_BYTES
from layerwise.data.columns import Table, is_frame, table_of
from layerwise.errors import InputError

SETS = {"train": "train", "validation": "validation", "valid": "validation",
        "val": "validation", "dev": "validation", "test": "test"}  # fmt: skip
"""What the sets of a mapping may be called."""


def tables_of(thing: Any, name: str) -> dict[str, Table]:
    """Return the tables of a data frame, or of Hugging Face, by set; none of others.

    Raises
    ------
    InputError
        If a mapping of them has no training set, or one has no end.
    """
    if isinstance(thing, Mapping):
        named = {SETS[key]: one for key, one in thing.items() if key in SETS}
        if not all(is_frame(one) for one in named.values()):
            return {}
        if "train" not in named:
            raise InputError(
                f"{name}: has {', '.join(map(str, thing))}: give a mapping with train"
            )
        return {part: table_of(one, f"{name} ({part})") for part, one in named.items()}
    return {"train": table_of(thing, name)} if is_frame(thing) else {}


def arrays_of(thing: Any, name: str) -> tuple[Any, Any, list[str] | None]:
    """Return inputs, labels and perhaps the names of the classes.

    Parameters
    ----------
    thing : pair of arrays, or torch Dataset
    name : str
        What errors name.

    Raises
    ------
    InputError
        If it is neither, has no end, or its items are no labelled inputs.
    """
    if isinstance(thing, tuple) and len(thing) == 2:
        return thing[0], thing[1], None
    _refuse_unlisted(thing)
    inputs: list[np.ndarray] = []
    labels: list[Any] = []
    size = 0
    for place in range(len(thing)):
        item = thing[place]
        if not isinstance(item, Sequence) or len(item) != 2:
            raise InputError(
                f"{name}: item {place} is a {type(item).__name__}: give pairs of an "
                "input and its label"
            )
        one = to_numpy(item[0])
        if one.dtype.kind not in "biuf" or (inputs and one.shape != inputs[0].shape):
            raise InputError(
                f"{name}: the input of item {place} has shape {one.shape} and dtype "
                f"{one.dtype}: give numbers of one shape"
            )
        size += one.nbytes
        if size > MAX_BYTES:
            raise InputError(
                f"{name}: takes more than {MAX_BYTES >> 30} GiB in memory: save it as "
                "NPY files, which are read by blocks"
            )
        inputs.append(one)
        labels.append(_label(item[1], f"{name}: item {place}", thing))
    if not inputs:
        raise InputError(f"{name}: there are no rows: give some")
    classes = getattr(thing, "classes", None)
    named = list(map(str, classes)) if classes is not None else None
    return np.stack(inputs), np.array(labels), named


def _refuse_unlisted(thing: Any) -> None:
    """Refuse what has no length or no items in order."""
    if isinstance(thing, str | PathLike):
        raise InputError(f"{thing}: files and folders are for layerwise.load")
    listed = hasattr(thing, "__getitem__") and hasattr(thing, "__len__")
    if isinstance(thing, Mapping) or not listed:
        raise InputError(
            f"a {type(thing).__module__}.{type(thing).__qualname__} makes no data set: "
            "give arrays (Dataset.from_arrays), a data frame, or what has a length and "
            "labelled items"
        )


def _label(label: Any, what: str, thing: Any) -> Any:
    """Return the one label of an item."""
    found = np.asarray(to_numpy(label))
    if found.size != 1:
        raise InputError(
            f"{what} has labels of shape {found.shape}: a data set is a Dataset, not a "
            f"{type(thing).__name__} of batches: give the data set that these are "
            "drawn from, or arrays"
        )
    return found.item()
