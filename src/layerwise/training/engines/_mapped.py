"""Many trainings of one shape at once, on an accelerator that a single one leaves idle.

The compiled engine's program of steps, mapped over trainings: where that multiplies a
batch by a matrix, this multiplies many batches by as many matrices. Sums are formed in
another order, so that figures agree to rounding only.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import jax
import numpy as np

from layerwise.arrays import Tree, device_named, tree_map
from layerwise.data import Order
from layerwise.training.engines._engine import Problem, State, Steps, all_finite
from layerwise.training.engines._program import (
    Shape,
    block_length,
    block_of,
    given_of,
    is_constant,
    records_within,
    shared_length,
    steps_together,
)

__all__ = ["all_steps_together", "in_common"]


def in_common(problem: Problem) -> Hashable:
    """Return what trainings that are done at once must have in common.

    None of a training that has to be done alone: its layers may look at anything.
    """
    shape = Shape.of(problem, device_named(problem.device).platform)
    if not is_constant(shape):
        return None
    inputs = problem.samples.inputs
    rows = shared_length(len(inputs)), inputs.shape[1:], inputs.dtype
    steps = problem.total_steps, block_length(problem)
    constants = tuple(c.shape for c in problem.by_hand.scaling.constants())
    return shape, rows, steps, constants, bool(problem.l2)


def all_steps_together(
    problems: Sequence[Problem], orders: Sequence[Order]
) -> list[tuple[State, Steps] | None]:
    """Do every step of some trainings that have `in_common` what it takes.

    Parameters
    ----------
    problems : sequence of Problem
        With as many samples each, to a sixteenth.
    orders : sequence of Order
        Of each.

    Returns
    -------
    list
        Of each training its last state, on the host, and the records of all its steps;
        None of one that has diverged: the compiled engine finds out where.
    """
    first = problems[0]
    device = device_named(first.device)
    double = first.dtype == np.float64
    length, every = block_length(first), first.health_every
    steps: list[list[Steps]] = [[] for _ in problems]
    with jax.default_device(device), jax.enable_x64(double):
        run = steps_together(Shape.of(first, device.platform))
        given = jax.device_put(_stacked([given_of(p) for p in problems]))
        state = _stacked([p.initial_state()._replace(step=()) for p in problems])
        for start in range(0, first.total_steps, length):
            stop = min(start + length, first.total_steps)
            pairs = zip(problems, orders, strict=True)
            block = _stacked([block_of(p, o, start, length) for p, o in pairs])
            span = np.int32(0), np.int32(stop - start)
            carry = run(given, state._replace(step=np.int32(start)), block, span)
            state = State(carry.parameters, carry.moments, ())
            taken = records_within(every, start, start, stop)
            done = slice(stop - start)
            losses = np.asarray(carry.losses)[:, done]
            accuracies = np.asarray(carry.accuracies)[:, done]
            health = np.asarray(carry.health)[:, taken]
            for own, *records in zip(steps, losses, accuracies, health, strict=True):
                own.append(Steps(*records))
        trees = jax.device_get((state.parameters, state.moments))
    return [
        _ended(tree_map(lambda a, place=place: a[place], trees), own, first.total_steps)
        for place, own in enumerate(steps)
    ]


def _ended(
    trees: tuple[Tree, Tree], parts: Sequence[Steps], total: int
) -> tuple[State, Steps] | None:
    """Return one training's end; None where a number is not finite."""
    steps = Steps(*map(np.concatenate, zip(*parts, strict=True)))
    if not (np.isfinite(steps.losses).all() and all_finite(trees)):
        return None
    return State(*trees, total), steps


def _stacked(trees: Sequence[Any]) -> Any:
    """Return trees of one form as one, its arrays stacked."""
    return jax.tree.map(lambda *arrays: _stack(arrays), *trees)


def _stack(arrays: Sequence[Any]) -> Any:
    if isinstance(arrays[0], jax.Array):  # a key of random numbers has no NumPy form
        return jax.numpy.stack(arrays)
    return np.stack(arrays)
