"""Counts, means and scatter of labelled rows: a record that streams and merges."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Float64, Int64

from layerwise.arrays import Array
from layerwise.errors import InputError
from layerwise.statistics._blocks import (
    EXACT_ORIGIN,
    checked_labels,
    checked_rows,
    sum_about,
)

__all__ = ["RESOLUTION", "Moments"]

RESOLUTION = 1e-13
"""A spread below this share of the squares it is the difference of is rounding."""


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments of labelled rows, per class and pooled.

    Everything is kept about ``shift``, a row of the data: far from zero the difference
    of two rows is exact where the difference of two large sums is not, so that data
    at an offset of 1e8 lose nothing. Means and scatters about the mean are derived.
    Memory is units² + classes × units, whatever the number of rows.

    Parameters
    ----------
    shift : float64, shape (units,)
        The first row seen; zeros before there is one.
    counts : int64, shape (classes,)
        How many rows each class has.
    sums : float64, shape (classes, units)
        The sum of ``x - shift`` over the rows x of each class.
    squares : float64, shape (classes, units)
        The sum of ``(x - shift)²``, unit by unit.
    scatter : float64, shape (units, units)
        The sum of ``(x - shift)(x - shift)ᵀ`` over all rows.
    class_scatters : float64, shape (classes, units, units), or None
        The same for each class, where it was asked for.

    Notes
    -----
    Centring by ``S - n m mᵀ``, m the mean relative to a row of the data, loses at most
    a factor n of precision (when that row is an outlier), and usually none: Chan, Golub
    and LeVeque, "Algorithms for computing the sample variance", The American
    Statistician 37 (1983), section 3 (shifted data).

    Examples
    --------
    >>> first = Moments.of(np.array([[0.0, 1.0], [2.0, 1.0]]))
    >>> both = first.updated(np.array([[4.0, 4.0]]))
    >>> both.count, both.mean.tolist()
    (3, [2.0, 2.0])
    """

    shift: Float64[np.ndarray, " units"]
    counts: Int64[np.ndarray, " classes"]
    sums: Float64[np.ndarray, "classes units"]
    squares: Float64[np.ndarray, "classes units"]
    scatter: Float64[np.ndarray, "units units"]
    class_scatters: Float64[np.ndarray, "classes units units"] | None = None

    @classmethod
    def empty(
        cls, units: int, classes: int = 1, *, per_class: bool = False
    ) -> "Moments":
        """Return the moments of no rows."""
        return cls(
            shift=np.zeros(units),
            counts=np.zeros(classes, np.int64),
            sums=np.zeros((classes, units)),
            squares=np.zeros((classes, units)),
            scatter=np.zeros((units, units)),
            class_scatters=np.zeros((classes, units, units)) if per_class else None,
        )

    @classmethod
    def of(
        cls,
        rows: Array,
        labels: Array | None = None,
        classes: int = 1,
        *,
        per_class: bool = False,
    ) -> "Moments":
        """Return the moments of ``rows``, in one pass, a block at a time.

        Parameters
        ----------
        rows : real array, shape (rows, units)
            Rows of ``uint8`` are added up exactly, others in float64.
        labels : integer array, shape (rows,), or None
            The class of each row, 0 to ``classes - 1``; None puts all in class 0.
        classes : int
            How many classes there are, those without a row included.
        per_class : bool
            Also keep each class's scatter: classes × units² more memory.

        Raises
        ------
        InputError
            If the shapes do not match, a label is not a class, or an entry is not
            finite: the row is named.
        """
        units = checked_rows(rows).shape[1]
        return cls.empty(units, classes, per_class=per_class).updated(rows, labels)

    def updated(self, rows: Array, labels: Array | None = None) -> "Moments":
        """Return the moments of the rows seen so far and ``rows`` after them.

        Parameters and errors are those of `of`.
        """
        classes, units = self.sums.shape
        rows = checked_rows(rows, units)
        labels = checked_labels(labels, len(rows), classes)
        if not len(rows):
            return self
        first = rows[0].astype(np.float64)
        if rows.dtype == np.uint8:
            origin = np.full(units, EXACT_ORIGIN)
        else:
            origin = self.shift if self.count else first
        per_class = self.class_scatters is not None
        part = Moments(origin, *sum_about(origin, rows, labels, classes, per_class))
        # Bytes are summed about a constant; moved to a row of theirs they are still
        # whole numbers, and a unit that never changes has squares of exactly 0.
        return self.merge(part._about(first) if rows.dtype == np.uint8 else part)

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of the rows of both, kept about this record's shift.

        Raises
        ------
        InputError
            If the two differ in units, in classes, or in what they keep per class.
        """
        mine = None if self.class_scatters is None else self.class_scatters.shape
        theirs = None if other.class_scatters is None else other.class_scatters.shape
        if self.sums.shape != other.sums.shape or mine != theirs:
            raise InputError(
                f"moments of (classes, units) {self.sums.shape} and "
                f"{other.sums.shape}, scatters per class {mine} and {theirs}, cannot "
                "be merged: take both over the same units and classes"
            )
        if not self.count:
            return other
        if not other.count:
            return self
        other = other._about(self.shift)
        return replace(
            self,
            counts=self.counts + other.counts,
            sums=self.sums + other.sums,
            squares=self.squares + other.squares,
            scatter=self.scatter + other.scatter,
            class_scatters=None
            if self.class_scatters is None or other.class_scatters is None
            else self.class_scatters + other.class_scatters,
        )

    def _about(self, shift: Float64[np.ndarray, " units"]) -> "Moments":
        step = self.shift - shift
        if not step.any():
            return self
        counts = self.counts[:, None]
        scatters = self.class_scatters
        return replace(
            self,
            shift=shift,
            sums=self.sums + counts * step,
            squares=self.squares + step * (2 * self.sums + counts * step),
            scatter=_moved(self.scatter, self.sums.sum(0), self.count, step),
            class_scatters=None
            if scatters is None
            else np.stack(
                [
                    _moved(*of_class, step)
                    for of_class in zip(scatters, self.sums, self.counts, strict=True)
                ]
            ),
        )

    def scaled(
        self, offset: Float64[np.ndarray, "*_"], divisor: Float64[np.ndarray, "*_"]
    ) -> "Moments":
        """Return the moments of ``(x - offset) / divisor``, x the rows seen.

        Parameters
        ----------
        offset, divisor : float64 arrays, shape () or (units,)
            One number for all units, or one for each.
        """
        factor = np.broadcast_to(1 / divisor, self.shift.shape)
        products = np.outer(factor, factor)
        scatters = self.class_scatters
        return replace(
            self,
            shift=(self.shift - offset) / divisor,
            sums=self.sums * factor,
            squares=self.squares * factor**2,
            scatter=self.scatter * products,
            class_scatters=None if scatters is None else scatters * products,
        )

    @property
    def count(self) -> int:
        """How many rows were seen."""
        return int(self.counts.sum())

    @property
    def mean(self) -> Float64[np.ndarray, " units"]:
        """The mean of all rows; NaN before there is one."""
        return self.shift + _ratio(self.sums.sum(0), self.count)

    @property
    def class_means(self) -> Float64[np.ndarray, "classes units"]:
        """The mean of each class; NaN for a class without a row."""
        return self.shift + self.class_offsets

    @property
    def class_offsets(self) -> Float64[np.ndarray, "classes units"]:
        """The mean of each class relative to ``shift``: differences lose nothing."""
        return _ratio(self.sums, self.counts[:, None])

    @property
    def variances(self) -> Float64[np.ndarray, " units"]:
        """The variance of each unit: divided by n - 1; 0 for one row, NaN for none."""
        squares, sums = self.squares.sum(0), self.sums.sum(0)
        return _variance(squares, sums, self.count)

    @property
    def class_variances(self) -> Float64[np.ndarray, "classes units"]:
        """The variance of each unit in each class, like `variances`."""
        return _variance(self.squares, self.sums, self.counts[:, None])

    @property
    def total_scatter(self) -> Float64[np.ndarray, "units units"]:
        """The sum of ``(x - mean)(x - mean)ᵀ`` over all rows; symmetric."""
        total = self.sums.sum(0)
        return self.scatter - np.outer(total, total) / max(self.count, 1)

    @property
    def covariance(self) -> Float64[np.ndarray, "units units"]:
        """The total scatter divided by n - 1 (by 1 where there are fewer rows)."""
        return self.total_scatter / max(self.count - 1, 1)

    @property
    def within_scatter(self) -> Float64[np.ndarray, "units units"]:
        """The sum of ``(x - m)(x - m)ᵀ``, m the mean of the row's own class."""
        scaled = self.sums / np.sqrt(np.maximum(self.counts, 1))[:, None]
        return self.scatter - scaled.T @ scaled

    @property
    def between_scatter(self) -> Float64[np.ndarray, "units units"]:
        """The sum over classes of ``n (m - mean)(m - mean)ᵀ``: total minus within."""
        seen = self.counts > 0
        offsets = self.class_offsets[seen] - self.sums.sum(0) / max(self.count, 1)
        scaled = offsets * np.sqrt(self.counts[seen])[:, None]
        return scaled.T @ scaled

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the fields by name, to be saved; those that are None are left out."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: array for name, array in named.items() if array is not None}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Moments":
        """Return the record that `to_arrays` took apart.

        Raises
        ------
        InputError
            If an array is missing or its shape or dtype does not fit the others.
        """
        missing = cls.empty(0).to_arrays().keys() - arrays.keys()
        if missing:
            raise InputError(f"saved moments lack {', '.join(sorted(missing))}")
        template = cls.empty(
            units=arrays["shift"].size,
            classes=arrays["counts"].size,
            per_class="class_scatters" in arrays,
        ).to_arrays()
        for name, due in template.items():
            found = arrays[name]
            if found.shape != due.shape or found.dtype != due.dtype:
                raise InputError(
                    f"saved moments: {name} is {found.dtype} of shape {found.shape} "
                    f"where {due.dtype} of shape {due.shape} is due"
                )
        return cls(**{name: arrays[name] for name in template})


def _moved(
    scatter: Float64[np.ndarray, "units units"],
    total: Float64[np.ndarray, " units"],
    count: int | np.integer,
    step: Float64[np.ndarray, " units"],
) -> Float64[np.ndarray, "units units"]:
    half = np.outer(total + count / 2 * step, step)
    return scatter + (half + half.T)


def _ratio(numerator: np.ndarray, count: np.ndarray | int) -> np.ndarray:
    return numerator / np.where(np.equal(count, 0), np.nan, count)


def _variance(
    squares: np.ndarray, sums: np.ndarray, count: np.ndarray | int
) -> np.ndarray:
    about_mean = squares - sums * _ratio(sums, count)
    about_mean[about_mean < RESOLUTION * squares] = 0
    return about_mean / np.maximum(count - 1, 1)
