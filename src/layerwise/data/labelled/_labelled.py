"""Labelled data as they come in: where each sample is from, and checks at the door."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from numbers import Real
from typing import Any, NamedTuple, SupportsIndex

import numpy as np
from jaxtyping import Int64

from layerwise.arrays import Array, to_numpy
from layerwise.data._pictures import Pictures
from layerwise.data._stored import LARGEST, StoredRows, first_unusable
from layerwise.data.columns import Beside, Columns, Table
from layerwise.data.labelled._reading import numbers
from layerwise.errors import InputError
from layerwise.wording import count


@dataclass(frozen=True, eq=False)
class Origins:
    """Where samples stand in what they were read from: file and row, from 0.

    Parameters
    ----------
    places : range or int64 array, shape (samples,)
        The rows, counted through all files.
    files : tuple of (str, int)
        The files' names and their numbers of rows, in order; none for arrays that were
        given without a file.
    ids : tuple of str, optional
        What names each sample in lists instead of its row, where its batches say so.
    beside : tuple of Beside
        Columns of a table that are no inputs.
    """

    places: range | Int64[np.ndarray, " samples"]
    files: tuple[tuple[str, int], ...] = ()
    ids: tuple[str, ...] = ()
    beside: tuple[Beside, ...] = ()

    @cached_property
    def _starts(self) -> Int64[np.ndarray, " files"]:
        sizes = [rows for _, rows in self.files] or [0]
        return np.cumsum([0, *sizes[:-1]], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.places)

    def at(self, positions: slice | np.ndarray) -> "Origins":
        """Return where the samples at these positions stand."""
        places = self.places
        if isinstance(places, range) and not isinstance(positions, slice):
            places = np.arange(places.start, places.stop, places.step)
        ids = np.array(self.ids, object)[positions] if self.ids else ()
        beside = tuple(column.at(positions) for column in self.beside)
        return replace(self, places=places[positions], ids=tuple(ids), beside=beside)

    @property
    def rows(self) -> Int64[np.ndarray, " samples"]:
        """The samples' rows, each in its own file."""
        places = np.asarray(self.places, np.int64)
        return places - self._starts[self._number(places)]

    @property
    def file_numbers(self) -> Int64[np.ndarray, " samples"]:
        """Which of the files each sample is in."""
        return np.asarray(self._number(np.asarray(self.places, np.int64)))

    def row(self, position: SupportsIndex) -> int:
        """Return the row of one sample in its file."""
        place = int(self.places[position])
        return place - int(self._starts[self._number(place)])

    def file(self, position: SupportsIndex) -> str | None:
        """Return the name of one sample's file, where there is one."""
        if not self.files:
            return None
        return self.files[int(self._number(int(self.places[position])))][0]

    def named(self, position: int) -> str:
        """Return one sample's id, or its row, and its file where there are several.

        >>> Origins(range(4), (("a.parquet", 2), ("b.parquet", 2))).named(3)
        'row 1 of b.parquet'
        """
        if self.ids:
            return f"id {self.ids[position]}"
        row = f"row {count(self.row(position))}"
        return f"{row} of {self.file(position)}" if len(self.files) > 1 else row

    def _number(
        self, places: int | Int64[np.ndarray, " _"]
    ) -> np.integer | Int64[np.ndarray, " _"]:
        return np.searchsorted(self._starts, places, side="right") - 1


def sample_names(
    origins: Origins | None, positions: Iterable[int] | np.ndarray
) -> list[str]:
    """Return what samples are called in lists: their rows, or else their positions."""
    if origins is None:
        return [f"sample {count(int(position))}" for position in positions]
    return [origins.named(int(position)) for position in positions]


IGNORED = " (labels to ignore, ignore_label=, are not supported: drop such rows)"

SURROGATES = 0xD800 >> 11
"""How halves of characters begin: text with one alone cannot be written anywhere."""

MANY, FEW, ONCE = 20, 5, 0.1
"""Whole numbers with gaps look like amounts where more than ``MANY`` differ and there
are fewer than ``FEW`` of each, or more than this share of them occurs once: the
targets of scikit-learn's diabetes are 214 values in 442 rows, 39 % of them once."""

BLOCK_BYTES = 1 << 24
"""Inputs are looked through in blocks of about this size."""


class Inputs(NamedTuple):
    """Rows to predict, and their labels where they are there.

    Arrays of shape (rows, *shape) and (rows,); ``either_end`` where the rows may stand
    in the last axis as well, which the shape of one of them tells.
    """

    inputs: Array
    labels: np.ndarray | None
    either_end: bool = False


@dataclass(frozen=True, eq=False)
class Labelled:
    """Inputs and labels as a reader or a user gives them, unchecked.

    Parameters
    ----------
    source : str
        What errors name: the file, or the name of the data set.
    inputs : array, Table or Pictures
    labels : array
    apart : mapping of str to Labelled
        The ``test`` set and the ``validation`` set, where they are given: their inputs,
        labels and files.
    groups : integer array, shape (samples,), optional
        Samples of one group are to stay in one set.
    columns : Columns, optional
        What is to become of a table's columns, where that is known already.
    class_names : tuple of str
        By default the labels themselves.
    label_texts : tuple of str
        What the labels of the classes are in a table; by default the class names.
    feature_names : tuple of str or None
    files : tuple of (str, int)
        The names of the files that the inputs are in, or of the arrays in one file, and
        how many rows each has; none where they are in no file.
    notes : tuple of str
        Sentences on what was left out, or stands out.
    """

    source: str
    inputs: Array | Table | Pictures
    labels: Array
    apart: Mapping[str, "Labelled"] = field(default_factory=dict[str, "Labelled"])
    groups: Int64[np.ndarray, " samples"] | None = None
    columns: Columns | None = None
    class_names: tuple[str, ...] = ()
    label_texts: tuple[str, ...] = ()
    feature_names: tuple[str, ...] | None = None
    files: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()


def given_sets(
    source: str, *sets: tuple[str, Array, Array], **settings: Any
) -> Labelled:
    """Return a training set, and perhaps a test set, that are each in one file.

    Of each set the name of its file, or of the array in one, its inputs and labels;
    ``settings`` are further fields of `Labelled`.
    """
    train, *test = (
        # Inputs without axes are refused later, in a sentence.
        Labelled(source, inputs, labels, files=((name, prod(inputs.shape[:1])),))
        for name, inputs, labels in sets
    )
    apart = {"test": test[0]} if test else {}
    return replace(train, apart=apart, **settings)


def checked_set(labelled: Labelled) -> Labelled:
    """Return the arrays of ``labelled``, usable, with class indices for labels.

    The names of the classes are filled in. What cannot be used is refused in one line
    that names the source, and the row and column where it applies.
    """
    source = labelled.source
    feature_names = labelled.feature_names
    refuse_no_text(np.array(feature_names or (), np.str_), f"{source}: a column's name")
    shapes: list[tuple[int, ...]] = [
        getattr(one, "shape", ()) for one in (labelled.inputs, labelled.labels)
    ]
    if len(shapes[0]) == 1 < len(shapes[1]) and shapes[1][1] > 1:
        raise InputError(
            f"{source}: inputs have shape {shapes[0]} and labels {shapes[1]}: they are"
            " swapped, inputs come first"
        )
    inputs = _checked_inputs(labelled.inputs, source, feature_names)
    labels = _checked_labels(labelled.labels, len(inputs), source)
    if not labelled.class_names:
        _refuse_amounts(labels, source)
    class_values, class_names = _classes(labels, labelled.class_names, source)
    targets = _indices(labels, class_values, source)
    if len(np.unique(targets)) < 2:
        raise InputError(
            f"{source}: all rows are of class {class_names[targets[0]]!r}: give rows of"
            " two classes or more"
        )

    def checked(given: Labelled, named: str) -> Labelled:
        """Return a set that was given apart, checked, of the same shape and classes."""
        own = _checked_inputs(given.inputs, named, feature_names)
        if (
            not isinstance(own, Table | Pictures)
            and not isinstance(inputs, Table | Pictures)
            and own.shape[1:] != inputs.shape[1:]
        ):
            raise InputError(
                f"{named}: inputs have shape {own.shape[1:]} where the"
                f" training inputs have {inputs.shape[1:]}: give inputs of one shape"
            )
        own_labels = _checked_labels(given.labels, len(own), named)
        own_targets = _indices(own_labels, class_values, named)
        return replace(given, inputs=own, labels=own_targets)

    return replace(
        labelled,
        inputs=inputs,
        labels=targets,
        apart={
            name: checked(given, f"{source} ({name} set)")
            for name, given in labelled.apart.items()
        },
        class_names=class_names,
    )


def class_indices(
    labels: Array, samples: int, source: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the class index of every label, int32, and the names of the classes.

    Raises
    ------
    InputError
        If there are not as many as samples, they are no classes, or one class only.
    """
    checked = _checked_labels(labels, samples, source)
    values, names = _classes(checked, (), source)
    if len(values) < 2:
        raise InputError(
            f"{source}: all rows are of class {names[0]!r}: give two classes or more"
        )
    return _indices(checked, values, source), names


def _checked_inputs(
    inputs: Array | Table | Pictures, source: str, feature_names: tuple[str, ...] | None
) -> np.ndarray | StoredRows | Table | Pictures:
    """Return ``inputs`` as an array of usable numbers, shape (samples, *shape).

    They are finite, and below `LARGEST` in size. Rows that stay in their files are
    checked as they are read, and those of a table as they are encoded.
    """
    if isinstance(inputs, Table | Pictures):
        if not len(inputs):
            raise InputError(f"{source}: there are no rows: give some")
        return inputs
    array = inputs
    if not isinstance(inputs, StoredRows):
        array = _array(inputs, source, "inputs", numbers)
    _refuse_shape(array, source, feature_names)
    if isinstance(array, StoredRows):
        return replace(array, limit=LARGEST)
    _refuse_unusable(array, source, feature_names)
    return array


def _refuse_shape(
    array: np.ndarray | StoredRows, source: str, feature_names: tuple[str, ...] | None
) -> None:
    """Refuse arrays that hold no numbers, or no rows of them."""
    if array.dtype.kind not in "biuf":
        found = f"inputs have dtype {array.dtype}"
        if not isinstance(array, StoredRows):
            found = _no_number(array, feature_names) or found
        raise InputError(
            f"{source}: {found}: give numbers, or a data frame "
            "(Dataset.from_frame), whose columns of text become inputs"
        )
    if len(array.shape) < 2:
        raise InputError(
            f"{source}: inputs have shape {array.shape}: give one row for each sample,"
            " shape (samples, features)"
        )
    if not len(array):
        raise InputError(f"{source}: there are no rows: give some")
    if not array.size:
        raise InputError(f"{source}: inputs have shape {array.shape}: no features")


def _no_number(array: np.ndarray, feature_names: tuple[str, ...] | None) -> str:
    """Name the first column of rows that holds something else than numbers."""
    if array.ndim != 2:
        return ""
    for at, column in enumerate(array.T):
        for row, cell in enumerate(column):
            if not isinstance(cell, Real | np.bool_):
                name = repr(feature_names[at]) if feature_names else str(at)
                kind = "text" if isinstance(cell, str) else "what is no number"
                shown = repr(str(cell) if isinstance(cell, str) else cell)
                return f"column {name} holds {kind} ({shown:.40} in row {row})"
    return ""


def _refuse_unusable(
    inputs: np.ndarray, source: str, feature_names: tuple[str, ...] | None
) -> None:
    rows = max(1, BLOCK_BYTES // inputs[0].nbytes)
    for start in range(0, len(inputs), rows):
        block = inputs[start : start + rows]
        if wrong := first_unusable(block, start, feature_names, LARGEST):
            raise InputError(f"{source}: {wrong}")


def _checked_labels(labels: Array, samples: int, source: str) -> np.ndarray:
    """Return ``labels`` as integers or strings, one for each of the samples."""
    array = _array(labels, source, "labels")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(
            f"{source}: labels have shape {array.shape}: {several_labels(array)}"
        )
    if len(array) != samples:
        raise InputError(
            f"{source}: {samples} inputs but {len(array)} labels: give as many labels"
            " as inputs"
        )
    if array.dtype.kind == "f":
        return _whole(array, source)
    if array.dtype.kind == "b":
        return array.astype(np.str_)
    if array.dtype.kind not in "iuU":
        array = _text(array, source)
    refuse_no_text(array, f"{source}: a label")
    return array


def _whole(labels: np.ndarray, source: str) -> np.ndarray:
    """Return float labels as integers: data frames make floats of whole numbers."""
    # 2**53: above it floats are all whole, and no longer exact. Half precision ends
    # before it.
    labels = labels.astype(np.float64)
    wrong = ~(np.abs(labels) <= 2.0**53) | (np.floor(labels) != labels)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{source}: the label of row {row} (counted from 0) is {labels[row]}: give"
            " classes, as whole numbers or strings; amounts are for"
            " layerwise.MLPRegressor"
        )
    return labels.astype(np.int64)


def _refuse_amounts(labels: np.ndarray, source: str) -> None:
    """Refuse whole numbers that look like amounts: each would become a class.

    Numbers of classes leave no gaps, or are few, or have many samples each.
    """
    if labels.dtype.kind not in "iu" or not len(labels):
        return
    values, counts = np.unique(labels, return_counts=True)
    gaps = int(values[-1]) - int(values[0]) + 1 > len(values)
    few_each = len(labels) < FEW * len(values) or np.mean(counts == 1) > ONCE
    if len(values) > MANY and gaps and few_each:
        raise InputError(
            f"{source}: the labels are {len(values):,} different numbers, from"
            f" {values[0]} to {values[-1]}, in {len(labels):,} rows: they look like"
            " amounts, not classes. Predict amounts with layerwise.MLPRegressor; if"
            " they are classes, give them as text (labels.astype(str))"
        )


def several_labels(labels: np.ndarray) -> str:
    """Say what labels are that are not one for each sample, and what to do."""
    if labels.ndim > 2:
        return (
            "a label for each position (segmentation) is not supported, give one for"
            " each sample"
        )
    if labels.ndim == 2 and labels.dtype.kind in "biuf":
        ones = (labels == 1).sum(axis=1)
        if np.all((labels == 0) | (labels == 1)) and np.any(ones != 1):
            return (
                "several labels for each sample (multi-label) are not supported, train"
                " one network for each column"
            )
        if np.all(ones == 1):
            return "one-hot rows are not read, give labels.argmax(axis=1)"
    return "several columns of labels are not supported, give one of them"


def _text(labels: np.ndarray, source: str) -> np.ndarray:
    """Return labels of text in other dtypes (object, bytes, StringDType) as str."""
    values = labels.tolist()
    if all(isinstance(value, int) for value in values):
        return np.array(values)
    for row, value in enumerate(values):
        if not isinstance(value, str | bytes):
            raise InputError(
                f"{source}: the label of row {row} (counted from 0) is {value!r}: give"
                " whole numbers or strings throughout"
            )
    texts = [v if isinstance(v, str) else v.decode(errors="replace") for v in values]
    return np.array(texts, np.str_)


def _classes(
    labels: np.ndarray, class_names: tuple[str, ...], source: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the label and the name of every class, by class index."""
    if not class_names:
        values = np.unique(labels)
        return values, tuple(str(value) for value in values.tolist())
    refuse_no_text(np.array(class_names, np.str_), f"{source}: a class name")
    if len(set(class_names)) != len(class_names):
        raise InputError(f"{source}: a class name is there twice: give each once")
    if labels.dtype.kind in "iu":
        return np.arange(len(class_names)), class_names
    return np.array(class_names, np.str_), class_names


def refuse_no_text(names: np.ndarray, what: str) -> None:
    """Refuse characters that do not exist, or are half of one.

    An array of strings in a file can hold any number in place of a character.
    """
    if names.dtype.kind != "U" or not names.itemsize:
        return
    codes = np.ascontiguousarray(names).reshape(-1).view(np.uint32)
    if ((codes > sys.maxunicode) | ((codes >> 11) == SURROGATES)).any():
        raise InputError(
            f"{what} has characters that do not exist: the file is damaged, or has "
            "another encoding"
        )


def _indices(labels: np.ndarray, values: np.ndarray, source: str) -> np.ndarray:
    """Return the class index of every label."""
    if (labels.dtype.kind == "U") != (values.dtype.kind == "U"):
        raise InputError(
            f"{source}: labels have dtype {labels.dtype}, the classes"
            f" {values.dtype}: give whole numbers or strings in both"
        )
    order = np.argsort(values, kind="stable")
    place = np.searchsorted(values, labels, sorter=order)
    indices = order[np.minimum(place, len(values) - 1)].astype(np.int32)
    unknown = values[indices] != labels
    if unknown.any():
        row = int(np.argmax(unknown))
        label = labels[row].item()
        raise InputError(
            f"{source}: the label of row {row} (counted from 0) is {label!r}, none of"
            f" the {len(values)} classes: correct it or add its class"
            f"{IGNORED if label == -1 else ''}"
        )
    return indices


def _array(
    values: Array,
    source: str,
    what: str,
    read: Callable[..., np.ndarray] = lambda values, _: to_numpy(values),
) -> np.ndarray:
    try:
        return read(values, source)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{source}: the {what} make no array ({error}): give rows of one length"
        ) from error
