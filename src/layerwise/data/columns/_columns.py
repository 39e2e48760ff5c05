"""The record of what became of a table's columns: read, saved, and used again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

import numpy as np

from layerwise.data.columns._kinds import (
    Category,
    Column,
    ColumnFields,
    Encoded,
    LeftOut,
    Number,
    column_from_json,
)
from layerwise.data.columns._table import Table, table_of
from layerwise.errors import DamagedError, InputError
from layerwise.files import Count, as_record
from layerwise.wording import count, first_of, listed

BLOCK_BYTES = 1 << 20
"""Inputs are written by blocks that stay in a core's cache."""

MOST_TOLD = 5
"""So many columns that are left out are named; of a wide table there are dozens."""

NUMERIC = "biuf"


class _Fields(TypedDict):
    """What `Columns.to_json` gives."""

    columns: list[ColumnFields]
    dtype: str
    shape: tuple[Count, ...] | None
    target: str | None
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Columns:
    """What became of each column of a table: how its rows become inputs.

    Everything in it was fitted on training rows alone. It goes with a data set and with
    a network, into its file and a run's ``summary.json``.

    Parameters
    ----------
    columns : tuple of Column
        In the order of the table; those that were left out among them.
    dtype : str
        Of the inputs.
    shape : tuple of int, optional
        Of one input, where columns are the pixels of a picture.
    target : str, optional
        The column of the labels, if they stood in the table.
    labels : tuple of str
        What the labels of the classes are in a table, as text, by class index.
    """

    columns: tuple[Column, ...]
    dtype: str
    shape: tuple[int, ...] | None = None
    target: str | None = None
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if np.dtype(self.dtype).kind not in NUMERIC:
            raise ValueError(f"inputs of dtype {self.dtype}")
        if self.shape is not None and np.prod(self.shape) != len(self.names):
            raise ValueError(f"{len(self.names)} columns for inputs {self.shape}")

    @cached_property
    def used(self) -> tuple[Column, ...]:
        """The columns that make inputs."""
        return tuple(column for column in self.columns if column.inputs)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The columns to be read as text, whatever a file's values look like."""
        return tuple(c.name for c in self.columns if isinstance(c, Category))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The columns to be read as numbers; amounts are read as text."""
        numbers = (c for c in self.columns if isinstance(c, Number))
        return frozenset(c.name for c in numbers if c.sign is None)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the inputs are called, in their order."""
        return tuple(name for column in self.columns for name in column.inputs)

    @cached_property
    def places(self) -> Mapping[str, slice]:
        """Where the inputs of each column that makes any stand."""
        ends = np.cumsum([0, *(len(column.inputs) for column in self.used)])
        return {
            column.name: slice(int(ends[i]), int(ends[i + 1]))
            for i, column in enumerate(self.used)
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of the columns first: those that were left out unasked."""
        left = [column for column in self.columns if isinstance(column, LeftOut)]
        told = [column for column in left if column.what != "dropped"]
        if len(told) == 1:
            return (f"Column {told[0].name!r} is left out: {told[0].why}.",)
        reasons = [f"{column.name!r} ({column.why})" for column in told[:MOST_TOLD]]
        if more := len(told) - len(reasons):
            reasons.append(f"{count(more)} more (layerwise data lists them)")
        return (f"Columns are left out: {listed(reasons)}.",) if told else ()

    def apply(self, table: Any, source: str = "inputs") -> np.ndarray:
        """Return the rows of a table as inputs, shape (rows, *shape).

        Columns are found by their names: their order does not matter, and others are
        passed over. What is missing becomes what it became in training; a category that
        did not occur there counts as other.

        Parameters
        ----------
        table : data frame of any library, pyarrow.Table, or mapping of str to sequence
        source : str
            What errors name.

        Raises
        ------
        InputError
            If a column is missing, or a value is not what its column holds.
        """
        given = table if isinstance(table, Table) else table_of(table, source)
        self.refuse_lacking(given.names, given.source)
        encoded = [one for column in self.used for one in column.encode(given)]
        dtype = self._dtype_for(given, encoded)
        inputs = np.empty((len(given), len(self.names)), dtype)
        size = max(1, BLOCK_BYTES // max(1, inputs[:1].nbytes))
        for start in range(0, len(given), size):
            rows, at = inputs[start : start + size], 0
            for one in encoded:
                one.write(rows[:, at : at + one.width], start, start + size)
                at += one.width
        return inputs if self.shape is None else inputs.reshape(-1, *self.shape)

    def refuse_lacking(self, names: Sequence[str], source: str) -> None:
        """Refuse columns of these names where some that make inputs are not there."""
        there = {*names}
        lacking = [c.name for c in self.used if c.name not in there]
        if lacking:
            named = listed([repr(name) for name in lacking[:5]])
            column, it = ("column", "it") if len(lacking) == 1 else ("columns", "them")
            raise InputError(
                f"{source}: has no {column} {named}, which the network was "
                f"trained with, but {first_of(names)}: add or rename {it}, or train "
                f"without {it} (--drop)"
            )

    def wanted_of(self, names: Sequence[str], source: str) -> list[str]:
        """Return which of a table's columns are read: for inputs, and the labels'."""
        self.refuse_lacking(names, source)
        wanted = {*(column.name for column in self.used), self.target}
        return [name for name in names if name in wanted]

    def _dtype_for(self, table: Table, encoded: list[Encoded]) -> np.dtype[Any]:
        """Return the dtype that holds the rows: what is whole in training may not be.

        A pixel that is no byte is refused where they were in training.
        """
        dtype = np.dtype(self.dtype)
        if dtype.kind not in "biu":
            return dtype
        if self.shape is None or dtype != np.uint8:
            return np.result_type(dtype, *(one.values.dtype for one in encoded))
        for column, one in zip(self.used, encoded, strict=True):
            wrong = (one.values < 0) | (one.values > 255) | (one.values % 1 != 0)
            if wrong.any():
                row = int(np.argmax(wrong))
                raise InputError(
                    f"{table.where(column.name, row)} is {one.values[row]}, no pixel "
                    "from 0 to 255 as in training: correct it"
                )
        return dtype

    def passed_over(self, names: Sequence[str]) -> tuple[str, ...]:
        """Say which of a table's columns were not there in training, if there are."""
        known = {column.name for column in self.columns} | {self.target}
        extra = [repr(name) for name in names if name not in known]
        if not extra:
            return ()
        more = f" and {count(len(extra) - 5)} more" if len(extra) > 5 else ""
        return (f"Not used, since not there in training: {listed(extra[:5])}{more}.",)

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON's types."""
        return {
            "columns": [column.to_json() for column in self.columns],
            "dtype": self.dtype,
            "shape": None if self.shape is None else list(self.shape),
            "target": self.target,
            "labels": list(self.labels),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Columns":
        """Return the record whose `to_json` is ``fields``, or a DamagedError."""
        known = as_record(fields, _Fields, "not a record of columns")
        columns = tuple(column_from_json(column) for column in known["columns"])
        own: dict[str, Any] = {n: known[n] for n in known if n != "columns"}
        try:
            return cls(columns, **own)
        except (TypeError, ValueError) as error:
            raise DamagedError(f"not a record of columns: {error}") from error
