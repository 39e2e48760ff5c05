"""A table and what is asked of it: which columns are inputs, and of what kind."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from layerwise.data._pictures import Pictures
from layerwise.data.columns import (
    Columns,
    Table,
    arrow_functions,
    as_numpy,
    is_frame,
    refuse_missing,
    table_of,
)
from layerwise.data.labelled._labelled import Labelled
from layerwise.data.labelled._reading import Reading, numbers
from layerwise.data.labelled._table_labels import check_there, labels_of, target_of
from layerwise.errors import InputError
from layerwise.wording import count

PIXEL = re.compile(r"pixel_?(\d+)", re.IGNORECASE)
"""What competitions call the columns of pictures."""

SMALLEST_SIDE = 4

FILL = "values of this column are: fill them, drop the column, or give missing 'median'"


def labelled_tables(
    tables: Mapping[str, Table], reading: Reading, columns: Columns | None = None
) -> Labelled:
    """Return tables with their labels, for `dataset`.

    There is ``train``, from which other sets are drawn, and ``validation`` and ``test``
    where they are given; ``columns`` say what is to become of the columns, where that
    is known already.

    Raises
    ------
    InputError
        If there is no such column, or labels are missing.
    """
    table = tables["train"]
    target, guessed = target_of(table, reading, columns)
    left_out = _left_out(table, target, reading)
    inputs, said = _inputs_of(tables, target, left_out, reading)
    names = reading.named_classes() or table.class_names.get(target, ())
    known = columns.labels if columns else ()
    labels, label_texts = labels_of(table, target, names, known)
    apart: dict[str, Labelled] = {}
    for name, own in tables.items():
        if name != "train":
            found, _ = labels_of(own, target, names, label_texts)
            apart[name] = Labelled(own.source, inputs[name], found, files=own.files)
    read = (note for own in tables.values() for note in own.notes)
    return Labelled(
        source=table.source,
        inputs=inputs["train"],
        labels=labels,
        apart=apart,
        groups=None if reading.group is None else _groups(table, reading.group),
        columns=columns,
        class_names=names or label_texts,
        label_texts=label_texts,
        files=table.files,
        notes=(*read, *guessed, *said),
    )


def _left_out(
    table: Table, target: str, reading: Reading
) -> dict[str, tuple[str, str]]:
    """Return the columns that are no inputs because of what was asked."""
    left_out: dict[str, tuple[str, str]] = dict.fromkeys(
        reading.drop, ("dropped", "as asked")
    )
    if reading.group is not None:
        left_out[reading.group] = "group", "it says which rows belong together"
    for name, (role, _) in left_out.items():
        check_there(table, name, "group" if role == "group" else "drop")
    check_there(table, target, "target")
    if target in left_out:
        too = "the group too" if left_out[target][0] == "group" else "left out"
        raise InputError(
            f"{table.source}: column {target!r} is the target, and cannot be {too}"
        )
    if len(table.names) == 1:
        raise InputError(
            f"{table.source}: has labels alone: give columns of inputs too"
        )
    return left_out


def _inputs_of(
    tables: Mapping[str, Table],
    target: str,
    left_out: Mapping[str, tuple[str, str]],
    reading: Reading,
) -> tuple[dict[str, Table | Pictures], tuple[str, ...]]:
    """Return what becomes inputs, of each set, and what is to be said of it."""
    table = tables["train"]
    no_inputs = {target, *table.left_out, *left_out}
    names = [name for name in table.names if name not in no_inputs]
    if column := _column_of_pictures(table, names):
        said = f"Column {column!r} holds pictures; the others are left out."
        return {
            name: _pictures(own, column, reading.size) for name, own in tables.items()
        }, (said,) if len(names) > 1 else ()
    if reading.size is not None:
        raise InputError(
            f"{table.source}: holds no picture files to resize: leave out --size"
        )
    shape, said = _pixels(names, reading)
    inputs: dict[str, Table | Pictures] = {}
    for part, own in tables.items():
        rows = replace(
            own,
            arrow=own.arrow.select([name for name in own.names if name != target]),
            left_out={**own.left_out, **left_out},
            target=target,
            picture=shape,
        )
        if reading.missing == "refuse":
            refuse_missing(rows, rows.only(names).names, FILL)
        inputs[part] = rows
    return inputs, said


def _column_of_pictures(table: Table, names: Collection[str]) -> str | None:
    """Return the column that holds pictures' files, as Hugging Face keeps them."""
    from pyarrow import types

    for name in names:
        kind = table.arrow.schema.field(name).type
        if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            return name
    return None


def _pictures(table: Table, name: str, size: tuple[int, ...] | None) -> Pictures:
    """Return the pictures in a column of their files' bytes."""
    check_there(table, name)
    found = table.column(name).field("bytes").to_pylist()
    if None in found:
        raise InputError(
            f"{table.where(name, found.index(None))} holds no bytes of a picture: "
            "store the pictures themselves, not their paths"
        )
    paths = [Path(f"{table.source} row {row}") for row in range(len(found))]
    return Pictures.opened(paths, table.source, size, found)


def _pixels(
    names: list[str], reading: Reading
) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """Return the shape of pictures whose pixels are columns, and what is said of it.

    Competitions give them as pixel0, pixel1, … or pixel1, pixel2, …
    """
    side, found = math.isqrt(len(names)), [PIXEL.fullmatch(name) for name in names]
    numbers = [int(one[1]) for one in found if one]
    ordered = bool(numbers) and numbers == list(
        range(numbers[0], numbers[0] + len(names))
    )
    square = side * side == len(names) and side >= SMALLEST_SIDE
    if reading.shape is not None or not (ordered and square):
        return reading.shape, ()
    return (side, side), (
        f"The {count(len(names))} columns {names[0]!r} to {names[-1]!r} are taken for "
        f"pictures of {side} × {side} pixels (--shape for another).",
    )


def like_table(values: Any, like: Table, source: str) -> Table:
    """Return further rows as a table; of an array the columns are those of ``like``."""
    if is_frame(values):
        return table_of(values, source)
    rows = numbers(values, source)
    if rows.ndim != 2 or rows.shape[1] != len(like.names):
        raise InputError(
            f"{source}: inputs have shape {rows.shape[1:]} where the training inputs "
            f"have {len(like.names)} columns: give inputs of one shape"
        )
    by_name = dict(zip(like.names, rows.T, strict=True))
    return table_of(by_name, source)


def _groups(table: Table, name: str) -> Int64[np.ndarray, " samples"]:
    """Return a number for the group of each row; what is missing is a group too."""
    compute = arrow_functions()
    array = table.column(name)
    if not hasattr(array, "dictionary"):
        array = compute.dictionary_encode(array, null_encoding="encode")
    codes = as_numpy(array.indices, -1)
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)
