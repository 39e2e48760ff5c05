"""The compiled engine: the same mathematics as one XLA program."""

from bisect import bisect_left
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext

import jax
import numpy as np

from layerwise import interrupts
from layerwise.arrays import Tree, device_named
from layerwise.data import Samples
from layerwise.model import BLOCK_ROWS
from layerwise.training._history import silent_shares
from layerwise.training.engines._engine import Problem, Score, State, Steps, all_finite
from layerwise.training.engines._kept import kept_programs
from layerwise.training.engines._program import (
    Carry,
    Segment,
    Shape,
    Sums,
    given_of,
    padded,
    programs_of,
    records_within,
    segment_length,
    segment_of,
    shared_length,
)


class CompiledEngine:
    """Advances in one XLA program."""

    name = "compiled"

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._double = problem.dtype == np.float64
        self._device = device_named(problem.device)
        shape = Shape.of(problem, self._device.platform)
        self._segments: dict[int, Segment] = {}
        self._length = segment_length(problem)
        self._rows = shared_length(min(BLOCK_ROWS, len(problem.samples)))
        with self._settings():
            self._programs = programs_of(shape)
            self._given = jax.device_put(given_of(problem))

    def advance(self, state: State, start: int, stop: int) -> tuple[State, Steps]:
        """Do the global steps from start to stop, or up to the first that diverges."""
        nothing = np.zeros(0, self._problem.dtype)
        parts = [Steps(nothing, nothing, self._problem.no_health())]
        while start < stop:
            number, first = divmod(start, self._length)
            last = min(first + stop - start, self._length)
            state, steps = self._advance(state, number, first, last)
            parts.append(steps)
            if steps.diverged:
                break
            start += last - first
        return state, Steps(*map(np.concatenate, zip(*parts, strict=True)))

    def evaluate(self, parameters: Tree, samples: Samples) -> Score:
        """Return the mean loss and accuracy over all samples, block by block."""
        size = self._rows
        parts: list[Sums] = []
        with self._settings():
            for start in range(0, len(samples), size):
                block = slice(start, start + size)
                rows = padded(samples.inputs[block], size)
                labels = padded(samples.targets[block], size)
                positions = np.arange(start, min(start + size, len(samples)))
                counted = padded(samples.weights_at(positions), size)
                scores = self._programs.evaluate(
                    parameters, self._given.constants, rows, labels, counted
                )
                parts.append(scores)
        *sums, slopes = zip(*parts, strict=True)
        loss, right, total = (sum(map(float, column)) for column in sums)
        return Score(loss / total, right / total, silent_shares(slopes))

    def _advance(
        self, state: State, number: int, first: int, last: int
    ) -> tuple[State, Steps]:
        """Do the steps first … last - 1 of a segment."""
        segment = self._segment(number)
        start = number * self._length + first

        def run(count: int) -> Carry:
            begun = state._replace(step=np.int32(start))
            span = np.int32(first), np.int32(first + count)
            return self._programs.run(self._given, begun, segment, span)

        with self._settings():
            carry = run(last - first)
            # The program runs by itself; meanwhile the segment that follows is made.
            following = self._segment(number + 1)
            self._segments = {number: segment, number + 1: following}
            reached = int(carry.reached)
            losses = np.asarray(carry.losses)[first:reached]
            accuracies = np.asarray(carry.accuracies)[first:reached]
            health = np.asarray(carry.health)
            updates = reached - first
            if not np.isfinite(losses[-1]):
                updates -= 1
                carry = run(updates)
            if not all_finite((carry.parameters, carry.slots)):
                updates, carry = _last_finite(run, updates)
                losses = np.append(losses[: updates + 1], losses.dtype.type(np.nan))
                accuracies = np.append(accuracies[: updates + 1], losses[-1])
                reached = first + updates + 1
        begin = number * self._length
        taken = records_within(
            self._problem.health_every, begin, begin + first, begin + reached
        )
        reached_state = State(carry.parameters, carry.slots, start + updates)
        return reached_state, Steps(losses, accuracies, health[taken])

    def _segment(self, number: int) -> Segment:
        """Return a segment of steps, on the device; the latest two are kept."""
        if number in self._segments:
            return self._segments[number]
        start = number * self._length
        with self._settings():
            return jax.device_put(segment_of(self._problem, start, self._length))

    @contextmanager
    def _settings(self) -> Generator[None]:
        """Compute on the problem's device and in its precision, here alone.

        What an interrupt leaves half traced, JAX takes for a recursion from then on.
        """
        with (
            interrupts.held(),
            jax.default_device(self._device),
            jax.enable_x64(self._double),
            kept_programs() if self._device.platform == "cpu" else nullcontext(),
        ):
            yield


def _last_finite(run: Callable[[int], Carry], updates: int) -> tuple[int, Carry]:
    """Return after how many updates the state was last finite, and that carry.

    A number that is infinite or NaN stays so; the step at which it became so is
    found by bisection, since looking at every number in every step would slow down
    all trainings for the sake of the few that diverge in this way.
    """

    def is_lost(count: int) -> bool:
        carry = run(count)
        return not all_finite((carry.parameters, carry.slots))

    good = bisect_left(range(updates), True, lo=1, key=is_lost) - 1
    return good, run(good)
