"""Schedules: the learning rate of a step, as a share of the peak.

Each is a function of the global step and of the number of steps alone, so that it does
not matter where a training was cut.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Int

from layerwise import names

__all__ = ["SCHEDULES", "Schedule"]

Schedule = Callable[[np.ndarray, int], np.ndarray]
"""From global steps, shape (steps,), and their total number to shares of the peak."""

WARM_UP = 0.3
START = 1 / 25
END = 1e-4


def constant(
    steps: Int[np.ndarray, " steps"], total: int
) -> Float[np.ndarray, " steps"]:
    """Return the peak at every step."""
    del total
    return np.ones(steps.shape)


def cosine(steps: Int[np.ndarray, " steps"], total: int) -> Float[np.ndarray, " steps"]:
    """Fall along half a cosine from the peak to 0 (Loshchilov & Hutter 2017)."""
    return 0.5 * (1 + np.cos(np.pi * steps / total))


def one_cycle(
    steps: Int[np.ndarray, " steps"], total: int
) -> Float[np.ndarray, " steps"]:
    """Rise to the peak over 30 % of the steps, then fall to nearly 0 (Smith 2018).

    Both halves are half cosines, from 1/25 of the peak, and to 1/10,000 of it.
    """
    summit = max(WARM_UP * total, 1.0)
    up = 0.5 * (1 - np.cos(np.pi * np.minimum(steps / summit, 1)))
    fall = np.clip((steps - summit) / max(total - summit, 1.0), 0, 1)
    down = 0.5 * (1 + np.cos(np.pi * fall))
    return np.where(steps < summit, START + (1 - START) * up, END + (1 - END) * down)


SCHEDULES: Mapping[str, Schedule] = MappingProxyType(
    {name: globals()[name.replace("-", "_")] for name in names.SCHEDULES}
)
"""Every schedule by its name."""
