"""Scaling of inputs: fitted on training inputs, kept with the network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np
from array_api_compat import device
from jaxtyping import Float64

from layerwise.arrays import Array, namespace
from layerwise.data._summary import extremes, summary
from layerwise.errors import InputError
from layerwise.names import ScalingKind

__all__ = ["Scaling", "fit_scaling", "scaled"]


@dataclass(frozen=True, eq=False)
class Scaling:
    """The map ``(x - offset) / divisor`` of inputs to what a network sees.

    Parameters
    ----------
    kind : "range", "standard" or "none"
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

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the fields other than the kind, to save them."""
        return {"offset": self.offset, "divisor": self.divisor}

    @classmethod
    def from_arrays(cls, kind: str, arrays: Mapping[str, Array]) -> "Scaling":
        """Return the scaling whose `to_arrays` are ``arrays``.

        Raises
        ------
        InputError
            If the kind is unknown, or an array is missing or of another shape.
        """
        names = ("offset", "divisor")
        if missing := [name for name in names if name not in arrays]:
            raise InputError(f"scaling: {', '.join(missing)} missing: save it again")
        fields = [np.asarray(arrays[name], np.float64) for name in names]
        if len({field.shape for field in fields}) > 1:
            raise InputError("scaling: arrays of different shapes: save it again")
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
    to 0 and the standard deviation to 1, "none" changes nothing. Bytes, and inputs of
    two axes or more, share one scale over all their entries; other inputs have one for
    each feature. What is constant becomes 0.

    Parameters
    ----------
    inputs : NumPy array, shape (samples, *shape)
        Real and finite; read by blocks.
    kind : "range", "standard" or "none"

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
    pooled = inputs.dtype == np.uint8 or inputs.ndim > 2
    if kind == "range":
        least, greatest = extremes(inputs, axis=None if pooled else 0)
        offset, divisor = (least + greatest) / 2, (greatest - least) / 2
    else:
        values = summary(inputs).pooled() if pooled else summary(inputs)
        least, greatest = values.minimum, values.maximum
        offset, divisor = values.mean, values.standard_deviation
    # Squares of differences below 1e-162 are 0 too.
    constant = (least == greatest) | (divisor == 0)
    offset, divisor = np.where(constant, least, offset), np.where(constant, 1, divisor)
    return Scaling(kind, np.asarray(offset), np.asarray(divisor))


def _checked_kind(kind: str) -> ScalingKind:
    if kind not in get_args(ScalingKind):
        known = ", ".join(get_args(ScalingKind))
        raise InputError(f"scaling {kind!r}: give one of {known}")
    return cast("ScalingKind", kind)
