"""Counts, means and scatter of labelled rows: a record that streams and merges."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import device
from jaxtyping import Float, Float64, Int, Int64

from layerwise.arrays import Array, namespace, to_numpy
from layerwise.errors import InputError
from layerwise.statistics._blocks import (
    EXACT_ORIGIN,
    FAST_BOUND,
    Precision,
    Sums,
    checked_labels,
    checked_where_they_are,
    sum_about,
)
from layerwise.statistics._eigen import eigenvalues
from layerwise.statistics._projection import Projection

MAX_UNITS = 2048
"""Up to so many units a study takes a layer's scatter of the units themselves: the
eigensolve takes about a second there, and grows with the cube."""

RESOLUTION = 1e-13
"""A spread below this share of the squares it is the difference of is rounding."""


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments of labelled rows, per class and pooled.

    Everything is kept about ``shift``, a row of the data: far from zero the difference
    of two rows is exact where the difference of two large sums is not, so that data
    at an offset of 1e8 lose nothing. Means and scatters about the mean are derived.
    Memory is units² + classes × units, whatever the number of rows.

    Where there are more units than one wants to square, scatters are those of a
    ``projection``; counts, means and variances are always those of the units. Principal
    components, discriminants and probes are lifted back: they take rows of all units.

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
    projection : Projection or None
        What the scatters are taken of, where it is not of the units: their shape is
        then (width, width).
    fast_error : float or None
        None for the exact mode, float64 throughout. Else rows were added up fast, and
        this is the largest error measured of a product; see `rounding`.

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
    scatter: Float64[np.ndarray, "width width"]
    projection: Projection | None = None
    fast_error: float | None = None

    def __repr__(self) -> str:
        return (
            f"Moments(count={self.count}, classes={len(self.counts)}, "
            f"units={len(self.shift)})"
        )

    @classmethod
    def empty(
        cls,
        units: int,
        classes: int = 1,
        *,
        precision: Precision = "exact",
        max_units: int | None = None,
    ) -> "Moments":
        """Return the moments of no rows; the options are those of `of`.

        ``max_units`` is how many units a scatter is taken of at most; of more, it is
        taken of as many coordinates of a `Projection` with seed 0. By default there
        is no limit.
        """
        if precision not in ("exact", "fast"):
            raise InputError(f"precision {precision!r}: choose exact or fast")
        projection = None
        if max_units is not None and units > max_units:
            projection = Projection(units, max_units)
        width = units if projection is None else projection.width
        return cls(
            shift=np.zeros(units),
            counts=np.zeros(classes, np.int64),
            sums=np.zeros((classes, units)),
            squares=np.zeros((classes, units)),
            scatter=np.zeros((width, width)),
            projection=projection,
            fast_error=None if precision == "exact" else 0.0,
        )

    @classmethod
    def of_factor(
        cls,
        count: int,
        mean: Float64[np.ndarray, " units"],
        factor: Float64[np.ndarray, "rank units"],
    ) -> "Moments":
        """Return the moments of so many rows of one class.

        ``factor.T @ factor`` is their scatter about the mean.
        """
        return cls(
            shift=mean,
            counts=np.array([count]),
            sums=np.zeros((1, len(mean))),
            squares=(factor**2).sum(axis=0, keepdims=True),
            scatter=factor.T @ factor,
        )

    @classmethod
    def of(
        cls,
        rows: Array,
        labels: Array | None = None,
        classes: int = 1,
        *,
        precision: Precision = "exact",
    ) -> "Moments":
        """Return the moments of ``rows``, in one pass, a block at a time.

        Parameters
        ----------
        rows : real array, shape (rows, units)
            Rows of ``uint8`` are added up exactly, others in float64. Torch's tensors
            are added up on their device.
        labels : integer array, shape (rows,), or None
            The class of each row, 0 to ``classes - 1``; None puts all in class 0.
        classes : int
            How many classes there are, those without a row included.
        precision : "exact" or "fast"
            "fast" takes differences and their products, a thousand rows at a time, in
            float32, and adds these up in float64: about twice as fast on a
            processor. What that costs is measured: `rounding`.

        Raises
        ------
        InputError
            If the shapes do not match, a label is not a class, or an entry is not
            finite: the row is named.
        """
        units = checked_where_they_are(rows).shape[1]
        return cls.empty(units, classes, precision=precision).updated(rows, labels)

    def updated(self, rows: Array, labels: Array | None = None) -> "Moments":
        """Return the moments of the rows seen so far and ``rows`` after them.

        Parameters and errors are those of `of`.
        """
        tally = Tally(self)
        tally.add(rows, labels)
        return tally.moments()

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of the rows of both, kept about this record's shift.

        Raises
        ------
        InputError
            If the two differ in units, in classes, or in their projection. Exact and
            fast ones merge, and are fast.
        """
        if self.sums.shape != other.sums.shape:
            raise InputError(
                f"moments of (classes, units) {self.sums.shape} and "
                f"{other.sums.shape} cannot be merged: take both over the same units "
                "and classes"
            )
        if self.projection != other.projection:
            raise InputError(
                f"moments of {self.projection or 'the units themselves'} and of "
                f"{other.projection or 'the units themselves'} cannot be merged: take "
                "both with the same max_units"
            )
        if not self.count:
            return other
        if not other.count:
            return self
        other = other.about(self.shift)
        errors = [e for e in (self.fast_error, other.fast_error) if e is not None]
        return replace(
            self,
            counts=self.counts + other.counts,
            sums=self.sums + other.sums,
            squares=self.squares + other.squares,
            scatter=self.scatter + other.scatter,
            fast_error=max(errors, default=None),
        )

    def regrouped(self, groups: Int64[np.ndarray, " classes"], count: int) -> "Moments":
        """Return the moments of the same rows, several classes taken for one.

        The scatter stays: rows that were counted by the combinations of several labels
        are known by each of the labels. ``groups`` says what each class becomes, 0 to
        ``count - 1``.
        """

        def grouped(array: np.ndarray) -> np.ndarray:
            found = np.zeros((count, *array.shape[1:]), array.dtype)
            np.add.at(found, groups, array)
            return found

        return replace(
            self,
            counts=grouped(self.counts),
            sums=grouped(self.sums),
            squares=grouped(self.squares),
        )

    def relabelled(
        self, rows: Float[np.ndarray, "rows units"], labels: Int[np.ndarray, " rows"]
    ) -> "Moments":
        """Return the moments of the same rows, all that were counted, relabelled.

        What looks at no label stays: the scatter, and its spectrum where it was found
        already.
        """
        classes = len(self.counts)
        offsets = rows - self.shift
        chosen = np.eye(classes)[labels].T
        found = replace(
            self,
            counts=np.bincount(labels, minlength=classes),
            sums=chosen @ offsets,
            squares=chosen @ offsets**2,
        )
        if "spectrum" in vars(self):
            vars(found)["spectrum"] = self.spectrum
        return found

    def about(self, shift: Float64[np.ndarray, " units"]) -> "Moments":
        """Return the same moments with sums taken about another shift."""
        step = self.shift - shift
        if not step.any():
            return self
        counts = self.counts[:, None]
        total, seen = self.seen(self.sums).sum(0), self.seen(step)
        half = np.outer(total + self.count / 2 * seen, seen)
        return replace(
            self,
            shift=shift,
            sums=self.sums + counts * step,
            squares=self.squares + step * (2 * self.sums + counts * step),
            scatter=self.scatter + (half + half.T),
        )

    def seen(
        self, rows: Float64[np.ndarray, "*rows units"]
    ) -> Float64[np.ndarray, "*rows width"]:
        """Return rows as the scatters see them: through the projection, if any."""
        return rows if self.projection is None else self.projection.apply(rows)

    def lifted(
        self, directions: Float64[np.ndarray, "*rows width"]
    ) -> Float64[np.ndarray, "*rows units"]:
        """Return directions in which the scatters were looked at, in all units."""
        if self.projection is None:
            return directions
        return self.projection.lifted(directions)

    def scaled(
        self, offset: Float64[np.ndarray, "*_"], divisor: Float64[np.ndarray, "*_"]
    ) -> "Moments":
        """Return the moments of ``(x - offset) / divisor``, x the rows seen.

        Both are one number for all units, or one for each.

        Raises
        ------
        InputError
            If units of a projection are to be scaled differently.
        """
        if self.projection is not None and np.ndim(divisor):
            raise InputError(
                "moments of a projection cannot be scaled unit by unit: scale the rows"
            )
        factor = np.broadcast_to(1 / divisor, self.shift.shape)
        seen = factor[: len(self.scatter)]
        return replace(
            self,
            shift=(self.shift - offset) / divisor,
            sums=self.sums * factor,
            squares=self.squares * factor**2,
            scatter=self.scatter * np.outer(seen, seen),
        )

    @property
    def count(self) -> int:
        """How many rows were seen."""
        return int(self.counts.sum())

    @property
    def mean(self) -> Float64[np.ndarray, " units"]:
        """The mean of all rows; NaN before there is one."""
        return self.shift + self.offset

    @property
    def offset(self) -> Float64[np.ndarray, " units"]:
        """The mean relative to ``shift``: differences from it lose nothing."""
        return _ratio(self.sums.sum(0), self.count)

    @property
    def class_means(self) -> Float64[np.ndarray, "classes units"]:
        """The mean of each class; NaN for a class without a row."""
        return self.shift + self.class_offsets

    @property
    def class_offsets(self) -> Float64[np.ndarray, "classes units"]:
        """The mean of each class relative to ``shift``, like `offset`."""
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
    def total_scatter(self) -> Float64[np.ndarray, "width width"]:
        """The sum of ``(x - mean)(x - mean)ᵀ`` over all rows; symmetric."""
        total = self.seen(self.sums.sum(0))
        return self.scatter - np.outer(total, total) / max(self.count, 1)

    @property
    def covariance(self) -> Float64[np.ndarray, "width width"]:
        """The total scatter divided by n - 1 (by 1 where there are fewer rows)."""
        return self.total_scatter / max(self.count - 1, 1)

    @cached_property
    def spectrum(self) -> Float64[np.ndarray, " _"]:
        """The eigenvalues of the covariance, ascending; of few rows the last ones."""
        return eigenvalues(self.covariance, self.count - 1)

    @property
    def within_scatter(self) -> Float64[np.ndarray, "width width"]:
        """The sum of ``(x - m)(x - m)ᵀ``, m the mean of the row's own class."""
        scaled = self.seen(self.sums) / np.sqrt(np.maximum(self.counts, 1))[:, None]
        return self.scatter - scaled.T @ scaled

    @property
    def freedom(self) -> int:
        """How many rows are more than one for each class; 1 at least."""
        return max(int(self.count - np.count_nonzero(self.counts)), 1)

    @property
    def between_scatter(self) -> Float64[np.ndarray, "width width"]:
        """The sum over classes of ``n (m - mean)(m - mean)ᵀ``: total minus within."""
        seen = self.counts > 0
        offsets = self.class_offsets[seen] - self.offset
        scaled = self.seen(offsets) * np.sqrt(self.counts[seen])[:, None]
        return scaled.T @ scaled

    @property
    def rounding(self) -> float:
        """How wrong an entry of the total scatter may be, as a share of the largest.

        0 in exact mode, whose rounding is some 1e-15. Else the largest error that was
        measured, on one block of 1,024 rows in 64 and the first, of a product of two
        differences, as a share of the root of its two diagonal entries. By the
        inequality of Cauchy and Schwarz the same share bounds the sum over blocks. An
        outlier as first row makes it larger: the scatter is kept about that row.
        """
        return self._share_of_largest(self.fast_error or 0.0)

    @property
    def rounding_bound(self) -> float:
        """What `rounding` cannot exceed, for any data: 0 in exact mode.

        Infinite behind a projection, whose own rounding in single precision has no
        bound as a share of a direction that varies little.
        """
        if self.fast_error is None:
            return 0.0
        return np.inf if self.projection else self._share_of_largest(FAST_BOUND)

    def _share_of_largest(self, error: float) -> float:
        about_shift = self.scatter.diagonal().max(initial=0)
        about_mean = self.total_scatter.diagonal().max(initial=0)
        return float(error * about_shift / about_mean) if about_mean > 0 else 0.0

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the fields by name, to be saved; those that are None are left out."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.projection is not None:
            drawn = self.projection
            named["projection"] = np.array([drawn.units, drawn.width, drawn.seed])
        if self.fast_error is not None:
            named["fast_error"] = np.array(self.fast_error)
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
        units, classes = arrays["shift"].size, arrays["counts"].size
        projection = _projection(arrays)
        width = units if projection is None else projection.width
        shapes: dict[str, tuple[int, ...]] = {
            "shift": (units,),
            "counts": (classes,),
            "sums": (classes, units),
            "squares": (classes, units),
            "scatter": (width, width),
        }
        if "fast_error" in arrays:
            shapes["fast_error"] = ()
        for name, shape in shapes.items():
            found, dtype = arrays[name], np.int64 if name == "counts" else np.float64
            if found.shape != shape or found.dtype != dtype:
                raise InputError(
                    f"saved moments: {name} is {found.dtype} of shape {found.shape} "
                    f"where {np.dtype(dtype)} of shape {shape} is due"
                )
        taken: dict[str, Any] = {name: arrays[name] for name in shapes}
        if "fast_error" in taken:
            taken["fast_error"] = float(taken["fast_error"])
        return cls(**taken, projection=projection)


class Tally:
    """Moments in the making: rows are added up where they are, and nothing is copied.

    `Moments.updated` gives a new record for every block of rows; a tally has one set of
    sums, in the library of the rows and on their device, until it is asked for them.

    Parameters
    ----------
    before : Moments
        What rows are added to: ``Moments.empty(…)``, which also says how.

    Examples
    --------
    >>> tally = Tally(Moments.empty(2))
    >>> tally.add(np.array([[0.0, 1.0], [2.0, 1.0]]))
    >>> tally.add(np.array([[4.0, 4.0]]))
    >>> tally.moments().mean.tolist()
    [2.0, 2.0]
    """

    def __init__(self, before: Moments) -> None:
        self._before = before
        self._count = before.count
        self._kind: tuple[Any, Any, Any] | None = None  # library, dtype and device

    def add(self, rows: Array, labels: Array | None = None) -> None:
        """Add rows and their labels; parameters and errors are those of `Moments.of`.

        After an error the tally is of no more use.
        """
        classes, units = self._before.sums.shape
        rows = checked_where_they_are(rows, units)
        labels = checked_labels(labels, len(rows), classes)
        if not len(rows):
            return
        kind = (namespace(rows), rows.dtype, device(rows))
        if self._kind != kind:
            self._before, self._kind = self.moments(), kind
            self._first = to_numpy(rows[0]).astype(np.float64)
            self._origin = self._before.shift if self._before.count else self._first
            if rows.dtype == kind[0].uint8:
                self._origin = np.full(units, EXACT_ORIGIN)
            self._sums = self._nothing(rows)
        self._sums = sum_about(
            self._origin, rows, labels, self._sums, self._before.projection, self._count
        )
        self._count += len(rows)

    def _nothing(self, rows: Array) -> Sums:
        """Return the sums of no rows, in the library of these and on their device."""
        xp, place, kept = namespace(rows), device(rows), self._before
        alike = (kept.counts, kept.sums, kept.squares, kept.scatter)
        counts, sums, squares, scatter = (
            xp.asarray(np.zeros_like(array), device=place) for array in alike
        )
        error = None if kept.fast_error is None else 0.0
        return Sums(counts, sums, squares, scatter, error)

    def moments(self) -> Moments:
        """Return the moments of all rows so far; more may be added afterwards."""
        if self._kind is None:
            return self._before
        *found, error = self._sums
        counts, sums, squares, scatter = (to_numpy(array).copy() for array in found)
        part = replace(
            self._before,
            shift=self._origin,
            counts=counts,
            sums=sums,
            squares=squares,
            scatter=scatter,
            fast_error=error,
        )
        # Bytes are summed about a constant; moved to a row of theirs they are still
        # whole numbers, and a unit that never changes has squares of exactly 0.
        whole = self._kind[1] == self._kind[0].uint8
        return self._before.merge(part.about(self._first) if whole else part)


def _projection(arrays: Mapping[str, np.ndarray]) -> Projection | None:
    if "projection" not in arrays:
        return None
    found = arrays["projection"]
    if found.shape != (3,) or found.dtype != np.int64 or found.min() < 0:
        raise InputError("saved moments: the projection is not three whole numbers")
    projection = Projection(*(int(n) for n in found))
    if projection.units != arrays["shift"].size:
        raise InputError("saved moments: the projection is of other units")
    return projection


def _ratio(numerator: np.ndarray, count: np.ndarray | int) -> np.ndarray:
    return numerator / np.where(np.equal(count, 0), np.nan, count)


def _variance(
    squares: np.ndarray, sums: np.ndarray, count: np.ndarray | int
) -> np.ndarray:
    about_mean = squares - sums * _ratio(sums, count)
    about_mean[about_mean < RESOLUTION * squares] = 0
    return about_mean / np.maximum(count - 1, 1)
