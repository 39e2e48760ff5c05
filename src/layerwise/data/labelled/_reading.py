"""How what is given is read: what is asked of it; tables, arrays and numbers in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np

from layerwise.arrays import to_numpy
from layerwise.data._bounded import MAX_BYTES
from layerwise.data.columns import Table, is_frame, refuse_repeated, table_of
from layerwise.errors import InputError
from layerwise.wording import type_in_words

Missing: TypeAlias = Literal["median", "refuse"]
"""What to do with numbers that are missing."""

MOST_PIXELS = 1 << 15
"""In a row or a column of a picture."""


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
    shape: tuple[int, ...] | None
    size: tuple[int, ...] | None
    labels: str | None


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
    shape : tuple of int, optional
        Of one input, where columns or features are the pixels of a picture.
    size : tuple of int, optional
        The height and width to which pictures are brought.
    labels : str, optional
        The file of labels of a file of inputs alone (NPY).

    Raises
    ------
    InputError
        If ``missing`` is neither, or shape or size are no sizes.
    """

    target: str | None = None
    drop: Sequence[str] = ()
    test: str | None = None
    validation: str | None = None
    group: str | None = None
    class_names: str | Sequence[str] = ()
    missing: Missing = "median"
    shape: tuple[int, ...] | None = None
    size: tuple[int, ...] | None = None
    labels: str | None = None

    def __post_init__(self) -> None:
        drop = (self.drop,) if isinstance(self.drop, str) else tuple(self.drop)
        object.__setattr__(self, "drop", drop)
        if not isinstance(self.class_names, str):
            object.__setattr__(self, "class_names", tuple(self.class_names))
        if self.missing not in ("median", "refuse"):
            raise InputError(f"missing {self.missing!r}: give median or refuse")
        for name, axes in (("shape", (1, 2, 3)), ("size", (2,))):
            value = getattr(self, name)
            if value is None:
                continue
            object.__setattr__(self, name, tuple(value))
            if len(value) not in axes or not all(0 < n <= MOST_PIXELS for n in value):
                raise InputError(
                    f"{name} {'x'.join(map(str, value))}: give height and width, such "
                    f"as 28x28{', or 32x32x3 in colour' if name == 'shape' else ''}"
                )

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of what was asked for."""
        plain = type(self)()
        return tuple(
            field.name
            for field in fields(self)
            if getattr(self, field.name) != getattr(plain, field.name)
        )

    def named_classes(self) -> tuple[str, ...]:
        """Return the names of the classes, read from their file if they are in one."""
        if not isinstance(self.class_names, str):
            return tuple(self.class_names)
        try:
            text = Path(self.class_names).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise InputError(
                f"{self.class_names}: cannot be read as text ({why}): write one name "
                "of a class a line, in UTF-8"
            ) from error
        names = tuple(line.strip() for line in text.splitlines() if line.strip())
        if len(names) < 2:
            raise InputError(
                f"{self.class_names}: has fewer than two names: write them one a line"
            )
        refuse_repeated(names, self.class_names, "classes")
        return names


SETS = {"train": "train", "validation": "validation", "valid": "validation",
        "val": "validation", "dev": "validation", "test": "test"}  # fmt: skip
"""What the sets of a mapping may be called."""


def tables_of(thing: Any, name: str) -> dict[str, Table]:
    """Return the tables of a data frame, or of Hugging Face, by set; none of others."""
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

    Of a pair of arrays or a torch Dataset: what is neither, has no end, or has items
    that are no labelled inputs is refused.
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
            f"{type_in_words(thing)} makes no data set: "
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


DATES = "dates: give numbers instead, such as days since the first"
TEXT = (
    "text: encode it as numbers (pandas.get_dummies is one way), drop it, or give the "
    "frame to layerwise.Dataset.from_frame, which encodes it"
)


def numbers(values: Any, source: str) -> np.ndarray:
    """Return an array, nested lists or a data frame as an array.

    The columns of a frame may differ in their kind of numbers: bool, nullable, floats.
    What is missing becomes NaN; a column that holds no numbers is refused by its name.

    Raises
    ------
    TypeError, ValueError
        If lists differ in length.
    """
    columns = getattr(values, "columns", None)
    if columns is None:
        return to_numpy(values)
    whole = to_numpy(values)
    if whole.dtype.kind in "biuf":
        return whole
    by_place = hasattr(values, "iloc")  # two may have one name
    found = [
        _column(
            values.iloc[:, place] if by_place else values[name],
            f"{source}: column {str(name)!r}",
        )
        for place, name in enumerate(getattr(values, "column_names", columns))
    ]
    return np.column_stack(found)


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
    if isinstance(wrong, list | np.ndarray):
        raise InputError(
            f"{what} holds lists: give the array of rows that numpy.stack makes of "
            "them, or drop it"
        )
    if isinstance(wrong, str | bytes):
        raise InputError(f"{what} holds {TEXT}")
    raise InputError(f"{what} holds a {type(wrong).__name__}: give numbers, or drop it")


def _is_missing(value: Any) -> bool:
    """Return whether this is None or pandas' NA, which answers no question."""
    return value is None or type(value).__name__ in {"NAType", "NaTType"}
