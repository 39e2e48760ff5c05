"""What is asked of a source of data: columns, sets, shapes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypedDict

from layerwise.data.columns import Missing, refuse_repeated
from layerwise.errors import InputError

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
    class_names: Sequence[str] = ()
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
        """Return the names of the classes, read from their file if they are in one.

        Raises
        ------
        InputError
            If it cannot be read, or holds no two different names.
        """
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
