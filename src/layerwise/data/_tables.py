"""A table and what is asked of it: which column holds the labels, which are inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from jaxtyping import Int64

from layerwise.data._frames import numbers
from layerwise.data._labelled import Labelled
from layerwise.data.columns import (
    Columns,
    Missing,
    Table,
    arrow_functions,
    is_frame,
    missing_rows,
    table_of,
    texts,
)
from layerwise.errors import InputError
from layerwise.wording import count, listed

LABELS = ("label", "labels", "target", "class", "y")
"""Names of the column that holds the labels, in any case; the first is looked for
first: ``y`` may be a coordinate."""

OFTEN = 2
"""Texts that stand in so many rows each, on average, may be classes."""

MANY, ONCE = 20, 0.5
"""More than so many texts, of which more than this share occur once, name rows."""


class FrameOptions(TypedDict, total=False):
    """What `Dataset.from_frame` is told of a table; see `Reading`."""

    drop: Sequence[str]
    group: str | None
    class_names: Sequence[str]
    missing: Missing


class ReadingOptions(FrameOptions, total=False):
    """What `load` is told of a source; see `Reading`."""

    target: str | None
    test: str | None
    validation: str | None


@dataclass(frozen=True)
class Reading:
    """How a source of data is to be read, where it does not say so itself.

    Parameters
    ----------
    target : str, optional
        The column of the labels.
    drop : tuple of str
        Columns that are no inputs.
    test, validation : str, optional
        Files of the same form with the samples of these sets.
    group : str, optional
        The column that says which rows belong together: they stay in one set.
    class_names : tuple of str, or str
        The names of the classes 0, 1, …, or the order of labels that are text; or a
        text file that holds them, one a line.
    missing : "median" or "refuse"
        What becomes of numbers that are missing.

    Raises
    ------
    InputError
        If ``missing`` is neither.
    """

    target: str | None = None
    drop: Sequence[str] = ()
    test: str | None = None
    validation: str | None = None
    group: str | None = None
    class_names: Sequence[str] | str = ()
    missing: Missing = "median"

    def __post_init__(self) -> None:
        drop = (self.drop,) if isinstance(self.drop, str) else tuple(self.drop)
        object.__setattr__(self, "drop", drop)
        if not isinstance(self.class_names, str):
            object.__setattr__(self, "class_names", tuple(self.class_names))
        if self.missing not in ("median", "refuse"):
            raise InputError(f"missing {self.missing!r}: give median or refuse")

    def named_classes(self) -> tuple[str, ...]:
        """Return the names of the classes, read from their file if they are in one.

        Raises
        ------
        InputError
            If it cannot be read, or is empty.
        """
        if not isinstance(self.class_names, str):
            return tuple(self.class_names)
        try:
            text = Path(self.class_names).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{self.class_names}: cannot be read as text ({error}): write one name "
                "of a class a line, in UTF-8"
            ) from error
        names = tuple(line.strip() for line in text.splitlines() if line.strip())
        if not names:
            raise InputError(f"{self.class_names}: is empty: write one name a line")
        return names


def labelled_tables(
    tables: Mapping[str, Table], reading: Reading, columns: Columns | None = None
) -> Labelled:
    """Return tables with their labels, for `dataset`.

    Parameters
    ----------
    tables : mapping of str to Table
        By the name of the set: ``train``, from which others are drawn, and
        ``validation`` and ``test`` where they are given.
    reading : Reading
    columns : Columns, optional
        What is to become of the columns, where that is known already.

    Raises
    ------
    InputError
        If there is no such column, or labels are missing.
    """
    table = tables["train"]
    target, notes = _target(table, reading, columns)
    left_out: dict[str, tuple[str, str]] = dict.fromkeys(
        reading.drop, ("dropped", "as asked")
    )
    if reading.group is not None:
        left_out[reading.group] = "group", "it says which rows belong together"
    for name in (*left_out, target):
        _check_there(table, name)
    if target in left_out:
        raise InputError(
            f"{table.source}: column {target!r} is the target, and cannot be left out"
        )
    if len(table.names) == 1:
        raise InputError(
            f"{table.source}: has labels alone: give columns of inputs too"
        )
    inputs = {
        name: replace(
            own,
            arrow=own.arrow.select([n for n in own.names if n != target]),
            left_out={**own.left_out, **left_out},
            target=target,
            missing=reading.missing,
        )
        for name, own in tables.items()
    }
    names = reading.named_classes()
    known = columns.labels if columns else ()
    labels, label_texts = _labels(table, target, names, known)
    pairs = {
        name: (inputs[name], _labels(own, target, names, label_texts)[0])
        for name, own in tables.items()
        if name != "train"
    }
    files: dict[str, Any] = {f"{name}_files": tables[name].files for name in pairs}
    return Labelled(
        source=table.source,
        inputs=inputs["train"],
        labels=labels,
        validation=pairs.get("validation"),
        test=pairs.get("test"),
        groups=None if reading.group is None else _groups(table, reading.group),
        columns=columns,
        class_names=names or label_texts,
        label_texts=label_texts,
        files=table.files,
        **files,
        notes=(*(note for own in tables.values() for note in own.notes), *notes),
    )


def known_labels(table: Table, columns: Columns) -> Int64[np.ndarray, " rows"] | None:
    """Return the classes of a table's labels, -1 where there is none or another one.

    None where the table has no such column.
    """
    if columns.target is None or columns.target not in table.names:
        return None
    array = table.column(columns.target)
    if hasattr(array, "dictionary"):
        words, codes = texts(array)
    else:
        found, codes = np.unique(
            array.to_numpy(zero_copy_only=False), return_inverse=True
        )
        words = _as_text(found)
    place = {name: number for number, name in enumerate(columns.labels)}
    # The last entry is for -1, what is missing.
    known = [place.get(word, place.get(_whole(word), -1)) for word in words]
    return np.array([*known, -1], np.int64)[codes]


def _whole(word: str) -> str:
    """Return a number that is whole as a class is called: 3.0 as 3."""
    return word.removesuffix(".0")


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


def _check_there(table: Table, name: str) -> None:
    if name not in table.names:
        raise InputError(f"{table.source}: {_no_such(table, name)}")


def _no_such(table: Table, name: str) -> str:
    names = table.names
    more = ", …" if len(names) > 8 else ""
    return f"there is no column {name!r}, but {', '.join(names[:8])}{more}"


def _target(
    table: Table, reading: Reading, columns: Columns | None
) -> tuple[str, tuple[str, ...]]:
    """Return the column of the labels, and what is to be said where it was guessed."""
    if reading.target is not None:
        return reading.target, ()
    if columns is not None and columns.target in table.names:
        return str(columns.target), ()
    for known in (LABELS[:-1], LABELS[-1:]):
        found = [name for name in table.names if name.lower() in known]
        if len(found) == 1:
            return found[0], (f"Column {found[0]!r} is taken for the labels.",)
        if found:
            raise InputError(
                f"{table.source}: columns {', '.join(found)} may all be labels: name "
                "one with target (--target), leave out others with drop (--drop)"
            )
    repeated = [
        name
        for name in table.names
        if name not in reading.drop and _repeats(table.column(name))
    ]
    if len(repeated) == 1:
        return repeated[0], (
            f"Column {repeated[0]!r} is taken for the labels: it is the only one of "
            "texts that repeat.",
        )
    raise InputError(
        f"{table.source}: {_which(table)}: name the column of the labels with target "
        "(--target)"
    )


def _which(table: Table) -> str:
    names = table.names
    more = ", …" if len(names) > 8 else ""
    return f"has columns {', '.join(names[:8])}{more}"


def _repeats(array: Any) -> bool:
    if not hasattr(array, "dictionary"):
        return False
    return OFTEN * len(array.dictionary) <= len(array) - array.null_count


def _labels(
    table: Table, target: str, names: tuple[str, ...], known: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the labels of a table, and what those of its classes are as text.

    Parameters
    ----------
    names : tuple of str
        Of the classes, where the user gave them: of labels that are text the order.
    known : tuple of str
        What labels may be, where that is known: those of the training set.
    """
    _check_there(table, target)
    _refuse_missing_labels(table, target)
    array = table.column(target)
    if hasattr(array, "dictionary"):
        words, codes = texts(array)
        there, counts = np.unique(codes, return_counts=True)
        if not (known or names):
            _refuse_names(table, target, counts)
        known = known or names or tuple(sorted(words[int(one)] for one in there))
        return _coded(table, target, words, codes, known), known
    values = _plain(array, table, target)
    if known:
        found, codes = np.unique(values, return_inverse=True)
        return _coded(table, target, _as_text(found), codes, known), known
    return values, tuple(map(str, range(len(names))))


def _refuse_names(table: Table, target: str, counts: np.ndarray) -> None:
    """Refuse texts that mostly occur once: they name rows, not classes."""
    if len(counts) > MANY and np.mean(counts == 1) > ONCE:
        raise InputError(
            f"{table.source}: column {target!r} has {count(len(counts))} different "
            f"values in {count(len(table))} rows, most of them once: these are no "
            "classes, name another column with target (--target)"
        )


def _as_text(values: np.ndarray) -> list[str]:
    """Return labels as class names have them: 3, 3.0 and "3" are one class."""
    if values.dtype.kind == "f" and np.all(values == np.floor(values)):
        values = values.astype(np.int64)
    return [str(value) for value in values.tolist()]


def _plain(array: Any, table: Table, target: str) -> np.ndarray:
    """Return labels that are numbers, or yes and no."""
    values = array.to_numpy(zero_copy_only=False)
    if values.dtype.kind not in "biuf":
        raise InputError(
            f"{table.source}: column {target!r} holds {array.type}: labels are whole "
            "numbers or text"
        )
    return values


def _coded(
    table: Table,
    target: str,
    words: Sequence[str],
    codes: np.ndarray,
    known: tuple[str, ...],
) -> np.ndarray:
    """Return the place of each label among the known ones."""
    place = {name: number for number, name in enumerate(known)}
    of_word = np.array([place.get(word, -1) for word in words], np.int32)
    labels = of_word[codes]
    if (labels < 0).any():
        row = int(np.argmax(labels < 0))
        raise InputError(
            f"{table.where(target, row)} is {words[codes[row]]!r}, none of the "
            f"{count(len(known))} classes {listed(known[:5])}"
            f"{', …' if len(known) > 5 else ''}: correct it or add its class"
        )
    return labels


def _refuse_missing_labels(table: Table, target: str) -> None:
    absent = missing_rows(table.column(target))
    if absent.any():
        raise InputError(
            f"{table.where(target, int(np.argmax(absent)))} is missing, and "
            f"{count(int(absent.sum()))} of {count(len(table))} rows have no label: "
            "fill them in, or leave these rows out"
        )


def _groups(table: Table, name: str) -> Int64[np.ndarray, " samples"]:
    """Return a number for the group of each row; what is missing is a group too."""
    compute = arrow_functions()
    array = table.column(name)
    if not hasattr(array, "dictionary"):
        array = compute.dictionary_encode(array, null_encoding="encode")
    codes = compute.fill_null(array.indices, -1).to_numpy(zero_copy_only=False)
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)
