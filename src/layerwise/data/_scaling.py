"""Scaling of inputs: each feature's values summarised, by blocks, and a map fitted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np
from array_api_compat import device
from jaxtyping import Float64, Int64

from layerwise.arrays import Array, namespace
from layerwise.errors import InputError
from layerwise.names import ScalingKind

PIXELS = 16
"""Of fewer features than a picture of 4 x 4 has, a shared range may be chance."""

MOST, NEAR = 0.5, 0.1
"""So many of the features have to come within this share of the range to its ends. Of
MNIST's 784 columns all do so below, and 89 % of those that vary above."""

BLOCK_BYTES = 1 << 20
"""The float64 copy of a block: small enough to stay in a core's cache."""


ALIKE, LARGE = 0.15, 30.0
"""Training inputs, scaled, are of a size of about 1 and differ by as much; so do any
``PIXELS`` numbers of them."""

FITTED_TO = {
    "range": "lie between -1 and 1",
    "unit": "lie between 0 and 1",
    "standard": "have a standard deviation of 1",
}
"""What scalings make of the inputs that they were fitted on."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """The map ``(x - offset) / divisor`` of inputs to what a network sees.

    Parameters
    ----------
    kind : "range", "standard", "unit" or "none"
    offset, divisor : float64 arrays, shape () or the shape of an input
        One number for all entries, or one for each.
    """

    kind: ScalingKind
    offset: Float64[np.ndarray, "*shape"]
    divisor: Float64[np.ndarray, "*shape"]

    def apply(self, inputs: Array, dtype: Any = None) -> Array:
        """Return the inputs, scaled.

        Parameters
        ----------
        inputs : array of any library, shape (samples, *shape)
        dtype : dtype of that library, optional
            The floating dtype to compute in and to return; by default the inputs' own
            where that is floating, else float32.

        Returns
        -------
        array, shape (samples, *shape)
        """
        xp = namespace(inputs)
        if dtype is None:
            floating = xp.isdtype(inputs.dtype, "real floating")
            dtype = inputs.dtype if floating else xp.float32
        constants = tuple(
            xp.asarray(constant, dtype=dtype, device=device(inputs))
            for constant in self.constants()
        )
        return scaled(inputs, constants, dtype)

    def constants(self) -> tuple[()] | tuple[np.ndarray, np.ndarray]:
        """Return offset and divisor; nothing where the inputs stay as they are."""
        return () if self.kind == "none" else (self.offset, self.divisor)

    def out_of_range(self, inputs: Array) -> str:
        """Say that inputs are in other units than what this was fitted on, if they are.

        Scaled, they are nearly one number though they differ, or 30 times as large as
        what this was fitted on: bytes and numbers from 0 to 1 taken for each other.
        """
        if self.kind == "none" or not inputs.shape[0]:
            return ""
        xp = namespace(inputs)
        seen = self.apply(inputs)
        low, high = float(xp.min(seen)), float(xp.max(seen))
        size = float(xp.mean(seen * seen)) ** 0.5
        alike = 0 < high - low < ALIKE and np.prod(seen.shape) >= PIXELS
        if not (alike or size > LARGE):
            return ""
        given = [f"{float(end(inputs)):.4g}" for end in (xp.min, xp.max)]
        return (
            f"inputs from {given[0]} to {given[1]} are in other units than the "
            f"training inputs: scaled as those, they lie between {low:.3g} and "
            f"{high:.3g}, where training inputs {FITTED_TO[self.kind]}. Give them as "
            "in training (bytes as bytes, from 0 to 255)"
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the fields other than the kind, to save them."""
        return {"offset": self.offset, "divisor": self.divisor}

    @classmethod
    def from_arrays(cls, kind: str, arrays: Mapping[str, Array]) -> "Scaling":
        """Return the scaling whose `to_arrays` are ``arrays``.

        Raises
        ------
        InputError
            If the kind is unknown, an array is missing or of another shape, or they
            scale to what is not finite.
        """
        names = ("offset", "divisor")
        if missing := [name for name in names if name not in arrays]:
            raise InputError(f"scaling: {', '.join(missing)} missing: save it again")
        fields = [np.asarray(arrays[name], np.float64) for name in names]
        if len({field.shape for field in fields}) > 1:
            raise InputError("scaling: arrays of different shapes: save it again")
        if not np.isfinite(fields).all() or not fields[1].all():
            raise InputError("scaling: divides by 0, or is not finite: save it again")
        return cls(_checked_kind(kind), *fields)


def scaled(inputs: Array, constants: tuple[Array, ...], dtype: Any) -> Array:
    """Return the inputs in that dtype, scaled by a `Scaling`'s ``constants`` in it."""
    # Cast before the subtraction: in bytes, 0 - 255 would wrap round to 1.
    x = namespace(inputs).astype(inputs, dtype, copy=False)
    if not constants:
        return x
    offset, divisor = constants
    return (x - offset) / divisor


def fit_scaling(inputs: Array, kind: str) -> Scaling:
    """Fit a scaling to training inputs.

    "range" takes the least value to -1 and the greatest to 1, "standard" takes the mean
    to 0 and the standard deviation to 1, "unit" takes the range to 0 and 1 (bytes are
    divided by 255), "none" changes nothing. Bytes, inputs of two
    axes or more, and features that share one range, as the pixels of flattened pictures
    do, share one scale over all their entries; other inputs have one for each feature.
    What is constant becomes 0.

    Parameters
    ----------
    inputs : NumPy array, shape (samples, *shape)
        Real and finite; read by blocks.
    kind : "range", "standard", "unit" or "none"

    Returns
    -------
    Scaling
        With "range", bytes from 0 to 255 reach -1 and 1 exactly, in float32 too; other
        values do to rounding.

    Raises
    ------
    InputError
        If the kind is unknown, or there are no inputs.

    Notes
    -----
    The range is scaled about its middle. About its minimum, (x - min) / half - 1, the
    product and the subtraction become one operation when XLA compiles them, and the
    division a product with 1 / half: 255 then goes to 1.0000001.
    """
    kind = _checked_kind(kind)
    if kind == "none":
        return Scaling(kind, np.zeros(()), np.ones(()))
    if kind == "unit" and inputs.dtype == np.uint8:
        return Scaling(kind, np.zeros(()), np.full((), 255.0))
    one_scale = inputs.dtype == np.uint8 or inputs.ndim > 2
    if kind in ("range", "unit"):
        least, greatest = extremes(inputs, axis=None if one_scale else 0)
        if shared := shared_range(least, greatest):
            least, greatest = map(np.asarray, shared)
        offset, divisor = (least + greatest) / 2, (greatest - least) / 2
        if kind == "unit":
            offset, divisor = least, greatest - least
    else:
        values = summary(inputs)
        if one_scale or shared_range(values.minimum, values.maximum):
            values = values.pooled()
        least, greatest = values.minimum, values.maximum
        offset, divisor = values.mean, values.standard_deviation
    # Squares of differences below 1e-162 are 0 too.
    constant = (least == greatest) | (divisor == 0)
    offset, divisor = np.where(constant, least, offset), np.where(constant, 1, divisor)
    return Scaling(kind, np.asarray(offset), np.asarray(divisor))


def shared_range(
    low: Float64[np.ndarray, "*shape"], high: Float64[np.ndarray, "*shape"]
) -> tuple[float, float] | None:
    """Return the range that the features of a table share, as pixels do, if they do.

    There are sixteen features or more; most come near the least value of all, and most
    of those that vary come near the greatest. Features measured in units of their own,
    or with tails, do not.
    """
    if low.ndim != 1 or len(low) < PIXELS:
        return None
    least, greatest = float(np.fmin.reduce(low)), float(np.fmax.reduce(high))
    varied = low < high
    if not (varied.any() and np.isfinite([least, greatest]).all()):
        return None
    margin = NEAR * (greatest - least)
    below = np.mean(low <= least + margin)
    above = np.mean(high[varied] >= greatest - margin)
    return (least, greatest) if min(below, above) >= MOST else None


def _checked_kind(kind: str) -> ScalingKind:
    if kind not in get_args(ScalingKind):
        known = ", ".join(get_args(ScalingKind))
        raise InputError(f"scaling {kind!r}: give one of {known}")
    return cast("ScalingKind", kind)


@dataclass(frozen=True, eq=False)
class Summary:
    """What a feature's values are like; missing values (NaN) are left out.

    How many there are, the least and greatest (NaN of none), the sum, and the sum of
    squares about the mean.
    """

    counts: Int64[np.ndarray, "*shape"]
    minimum: Float64[np.ndarray, "*shape"]
    maximum: Float64[np.ndarray, "*shape"]
    total: Float64[np.ndarray, "*shape"]
    squares: Float64[np.ndarray, "*shape"]

    @property
    def mean(self) -> Float64[np.ndarray, "*shape"]:
        """The mean; NaN of no values."""
        return np.asarray(_ratio(self.total, self.counts))

    @property
    def standard_deviation(self) -> Float64[np.ndarray, "*shape"]:
        """The root of the mean squared distance from the mean; NaN of no values."""
        return np.asarray(np.sqrt(_ratio(self.squares, self.counts)))

    def __add__(self, other: "Summary") -> "Summary":
        """Return the summary of the samples of both, by the rule of Chan and others."""
        counts, total = self.counts + other.counts, self.total + other.total
        between = np.nan_to_num(self.mean - other.mean) ** 2
        weight = np.nan_to_num(_ratio(self.counts * other.counts, counts))
        return Summary(
            counts=counts,
            minimum=np.fmin(self.minimum, other.minimum),
            maximum=np.fmax(self.maximum, other.maximum),
            total=total,
            squares=self.squares + other.squares + weight * between,
        )

    def pooled(self) -> "Summary":
        """Return the summary of all entries taken together, of shape ()."""
        counts, total = self.counts.sum(), self.total.sum()
        present = self.counts > 0
        between = (self.mean[present] - _ratio(total, counts)) ** 2
        return Summary(
            counts=np.asarray(counts),
            minimum=np.asarray(np.fmin.reduce(self.minimum, axis=None)),
            maximum=np.asarray(np.fmax.reduce(self.maximum, axis=None)),
            total=np.asarray(total),
            squares=np.asarray(
                self.squares.sum() + (self.counts[present] * between).sum()
            ),
        )


@np.errstate(over="ignore", invalid="ignore")  # infinities say so themselves
def summary(inputs: Array) -> Summary:
    """Summarise inputs of shape (samples, *shape), in two passes of small blocks.

    The first pass adds the distances from the first row, the second the squares of
    those from the mean, both in float64: of integers the sums are exact up to 2**53,
    and an offset costs no digits of the spread.
    """
    shape = inputs.shape[1:]
    counts = np.zeros(shape, np.int64)
    minimum, maximum = np.full(shape, np.nan), np.full(shape, np.nan)
    distances, squares = np.zeros(shape), np.zeros(shape)
    origin = np.nan_to_num(_first(inputs).astype(np.float64))
    for rows in _blocks(inputs):
        minimum = np.fmin(minimum, np.fmin.reduce(rows))
        maximum = np.fmax(maximum, np.fmax.reduce(rows))
        present, distance = _about(rows, origin)
        counts += present
        distances += distance.sum(axis=0)
    mean = origin + _ratio(distances, counts)
    for rows in _blocks(inputs):
        distance = _about(rows, mean)[1]
        squares += np.einsum("i...,i...->...", distance, distance)
    return Summary(counts, minimum, maximum, origin * counts + distances, squares)


def extremes(
    inputs: Array, axis: int | None
) -> tuple[Float64[np.ndarray, "*shape"], Float64[np.ndarray, "*shape"]]:
    """Return the least and the greatest value, those that are missing left out.

    Of every feature along the axis 0, of all together with None.
    """
    least = greatest = np.full(inputs.shape[1:] if axis == 0 else (), np.nan)
    for rows in _blocks(inputs):
        least = np.fmin(least, np.fmin.reduce(rows, axis=axis))
        greatest = np.fmax(greatest, np.fmax.reduce(rows, axis=axis))
    return np.asarray(least), np.asarray(greatest)


def _first(inputs: Array) -> np.ndarray:
    """Return the first row, or refuse inputs that have none."""
    if not inputs.size:
        raise InputError(f"inputs have shape {inputs.shape}: give some rows")
    return inputs[0]


def _blocks(inputs: Array) -> Iterator[np.ndarray]:
    size = max(1, BLOCK_BYTES // (8 * _first(inputs).size))
    for start in range(0, len(inputs), size):
        yield inputs[start : start + size]


def _about(
    rows: np.ndarray, origin: Float64[np.ndarray, "*shape"]
) -> tuple[int | Int64[np.ndarray, "*shape"], Float64[np.ndarray, " _ *shape"]]:
    """Return how many values there are, and their distances; 0 for a missing one."""
    distance = np.subtract(rows, origin, dtype=np.float64)
    if rows.dtype.kind != "f":
        return len(rows), distance
    missing = np.isnan(rows)
    distance[missing] = 0
    return len(rows) - missing.sum(axis=0), distance


def _ratio(numerator: Any, counts: Any) -> Any:
    """Divide, with NaN where there is nothing."""
    return numerator / np.where(counts > 0, counts, np.nan)
