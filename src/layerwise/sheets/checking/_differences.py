"""Gradients by central differences, entry by entry, and where there is none."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from layerwise.sheets.recognising import Case, Part

__all__ = ["Slopes", "slopes", "step_for"]

STEP = 5e-4
"""h: with Richardson's extrapolation truncation and rounding are both near 1e-12."""

SINGLE = 3e-2
"""The same for numbers of 32 bits, where both are near 1e-5."""

KINK = 1e-3
"""Where slopes from h and h/2 differ by more, relative to themselves, there is a kink:
smooth functions differ by h² f''' / 8."""


@dataclass(frozen=True)
class Slopes:
    """How outputs change with each array.

    Jacobians are of shape (entries, outputs); ``smooth`` are the entries with a
    derivative.
    """

    outputs: np.ndarray
    jacobians: dict[str, np.ndarray]
    smooth: dict[str, np.ndarray]

    def gradients(self, cotangent: np.ndarray) -> dict[str, np.ndarray]:
        """Return the gradients of Σ cotangent ∘ outputs."""
        return {
            key: (jacobian @ cotangent.ravel()).reshape(self.smooth[key].shape)
            for key, jacobian in self.jacobians.items()
        }


def step_for(bits: int) -> float:
    """Return the step of differences in numbers of some precision."""
    return STEP if bits > 32 else SINGLE


def slopes(part: Part, case: Case, step: float) -> Slopes:
    """Return the derivatives of a part's outputs, by Richardson's extrapolation."""
    outputs = part.outputs(case)
    jacobians: dict[str, np.ndarray] = {}
    smooth: dict[str, np.ndarray] = {}
    for key, array in case.arrays.items():
        if part.scalar and key == "input" and part.kind == "network":
            continue
        directions = _directions(array)
        if part.kind == "scalar":
            directions = [np.ones(array.shape)]
        rows: list[np.ndarray] = []
        fits: list[np.ndarray] = []
        for direction in directions:
            row, fit = _along(_moved(part, case, key, direction), outputs, step)
            rows.append(row)
            fits.append(fit)
        if part.kind == "scalar":
            jacobians[key], smooth[key] = _each_alone(rows[0], fits[0], array)
        else:
            jacobians[key] = np.array([row.ravel() for row in rows])
            # An entry counts where no output has a kink.
            flags = np.array([bool(np.all(fit)) for fit in fits])
            smooth[key] = flags.reshape(array.shape)
    return Slopes(outputs, jacobians, smooth)


def _directions(array: np.ndarray) -> list[np.ndarray]:
    """Return the unit arrays of a shape, one for each entry."""
    return [row.reshape(array.shape) for row in np.eye(array.size)]


def _moved(
    part: Part, case: Case, key: str, direction: np.ndarray
) -> Callable[[float], np.ndarray]:
    def moved(t: float) -> np.ndarray:
        arrays = case.arrays | {key: case.arrays[key] + t * direction}
        return part.outputs(replace(case, arrays=arrays))

    return moved


def _along(
    moved: Callable[[float], np.ndarray], middle: np.ndarray, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the outputs' slopes along a direction, and which are smooth there."""
    up, down = moved(step), moved(-step)
    upper, lower = moved(step / 2), moved(-step / 2)
    coarse, fine = (up - down) / (2 * step), (upper - lower) / step
    bent = (up + down - 2 * middle) / step
    finer = (upper + lower - 2 * middle) / (step / 2)
    size = np.maximum(1.0, np.abs(fine)) * KINK
    smooth = (np.abs(coarse - fine) <= size) & (np.abs(bent - 2 * finer) <= size)
    # Of one number each is a scalar of NumPy's, not an array.
    return np.asarray((4 * fine - coarse) / 3), np.asarray(smooth)


def _each_alone(
    row: np.ndarray, fit: np.ndarray, array: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a Jacobian of outputs of which each column belongs to one entry."""
    jacobian = np.zeros((array.size, *row.shape))
    for n in range(array.size):
        jacobian[n, :, n] = row[:, n]
    return jacobian.reshape(array.size, -1), np.all(fit, axis=0)
