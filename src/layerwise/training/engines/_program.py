"""The program that XLA compiles: many steps of training, and the score of a block.

A whole stretch of steps is one ``while_loop`` with dynamic bounds: it is compiled once,
and no step returns to Python. The training set lies on the device in its own dtype
and is an argument of the program: closed over, it would be compiled in as a constant.
So is all else in which trainings of one shape differ, and they share one program: of a
sweep, of folds, of a second attempt in a notebook only the first is compiled.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from layerwise.arrays import Array, Tree, tree_map
from layerwise.data import scaled
from layerwise.model import (
    Batch,
    Draw,
    Loss,
    LossAndGradients,
    Noise,
    Sequential,
    flatten,
    hits,
    loss_and_gradients,
    target_rows,
)
from layerwise.training._history import greatest_slopes, health_of_step, no_health
from layerwise.training._recipe import Optimiser
from layerwise.training.engines._engine import Problem, State
from layerwise.training.engines._xla import step_options

MOST_STEPS = 1024
"""Steps in a segment: what one call of the program can do without new indices."""

MOST_INDICES = 2**16
"""Samples named in a segment, which is shorter where the batches are large."""

MOST_COPIED = 2**28
"""Bytes of a training set that may be copied to fill it up; a larger one is not."""

PROGRAMS = 32
"""Kept, those used last: a network of a hundred layers has some megabytes of code."""


@dataclass(frozen=True)
class Shape:
    """What a program is compiled for: all else it is given."""

    layer: Sequential
    loss: Loss
    optimiser: Optimiser
    outputs: int
    draws: Any
    dtype: np.dtype
    batch_size: int
    weighted: bool
    health_every: int
    platform: str

    @classmethod
    def of(cls, problem: Problem, platform: str) -> "Shape":
        network = problem.by_hand
        return cls(
            layer=network.layer,
            loss=network.loss,
            optimiser=problem.optimiser,
            outputs=len(network.class_names),
            draws=problem.draws,
            dtype=problem.dtype,
            batch_size=problem.order.batch_size,
            weighted=problem.samples.weights is not None,
            health_every=problem.health_every,
            platform=platform,
        )


class Programs(NamedTuple):
    """The two compiled functions of a shape."""

    run: Callable[..., Any]
    evaluate: Callable[..., Any]


class Given(NamedTuple):
    """What a training brings: samples, how they are scaled, what its noise is from."""

    inputs: Array
    targets: Array
    constants: tuple[Array, ...]
    key: Array | None
    l2: Array | None


class Segment(NamedTuple):
    """The steps of a segment: which samples, how they count, at what rate."""

    indices: Array
    weights: Array
    rates: Array


class Carry(NamedTuple):
    """What goes from step to step inside the program."""

    reached: Array
    loss: Array
    parameters: Tree
    slots: Tree
    losses: Array
    accuracies: Array
    health: Array


class Sums(NamedTuple):
    """What a block of samples adds to a score."""

    loss: Array
    right: Array
    weight: Array
    slopes: tuple[Array, ...]


def programs_of(shape: Shape) -> Programs:
    """Return the programs of a shape: one pair for all trainings that have it."""
    return _shared(shape) if is_constant(shape) else _programs(shape)


def _programs(shape: Shape) -> Programs:
    run = jax.jit(partial(_run, shape), compiler_options=step_options(shape.platform))
    return Programs(run, jax.jit(partial(_evaluate, shape)))


_shared = lru_cache(maxsize=PROGRAMS)(_programs)


@lru_cache(maxsize=PROGRAMS)
def is_constant(value: Any) -> bool:
    """Return whether a program for this value is one for all that equals it.

    Our layers, losses and optimisers are frozen records, and look at nothing but their
    fields. What somebody else wrote may look at anything, which may have changed since
    the program was compiled.
    """
    if isinstance(value, tuple):
        return all(map(is_constant, value))
    if is_dataclass(value) and type(value).__module__.startswith("layerwise."):
        return all(is_constant(getattr(value, field.name)) for field in fields(value))
    return value is None or isinstance(value, bool | int | float | str | np.dtype)


def _run(
    shape: Shape,
    given: Given,
    state: State,
    segment: Segment,
    span: tuple[Array, Array],
) -> Carry:
    """Do the steps first … last - 1; leave at the first whose loss is not finite.

    The update of that one is made nevertheless: a choice between two states in every
    step costs a third of MNIST's time, and the few that diverge are run again.
    """
    inputs, targets = given.inputs, given.targets
    first, last = span
    every, begun = shape.health_every, state.step - first
    loop = jax.lax.while_loop

    def until(stop: Array) -> Callable[[Carry], Array]:
        return lambda carry: (carry.reached < stop) & jnp.isfinite(carry.loss)

    def moved(carry: Carry) -> _Moved:
        i = carry.reached
        rows, weights = segment.indices[i], segment.weights[i]
        batch = _batch(shape, given.constants, inputs[rows], targets[rows], weights)
        noise = _noise(shape, given.key, begun + i)
        found = loss_and_gradients(
            shape.layer, shape.loss, carry.parameters, batch, noise, given.l2
        )
        return _moved(shape, carry, batch, found, segment.rates[i])

    def step(carry: Carry) -> Carry:
        i, to = carry.reached, moved(carry)
        # From the outputs before the update, as the loss is: nothing is passed twice.
        right = hits(to.found.outputs, targets[segment.indices[i]]) * to.batch.weights
        total = to.batch.weights.sum()
        accuracy = right.sum() / jnp.where(total > 0, total, 1)
        return Carry(
            i + 1,
            to.loss,
            to.parameters,
            to.slots,
            carry.losses.at[i].set(to.loss),
            carry.accuracies.at[i].set(accuracy),
            carry.health,
        )

    def watched(carry: Carry) -> Array:
        to, number = moved(carry), begun + carry.reached
        measured = health_of_step(
            shape.layer, to.batch, to.found, carry.parameters, to.parameters
        )
        # The first of a segment's records is its first watched step's: rounded up.
        place = number // every - (begun + every - 1) // every
        return carry.health.at[place].set(measured)

    def stretch(carry: Carry) -> Carry:
        # The step that is watched is made twice: to keep, in every step, what its
        # record needs would cost all the others more.
        over = (begun + carry.reached) % every
        health = jax.lax.cond(over == 0, watched, lambda carry: carry.health, carry)
        stop = jnp.minimum(last, carry.reached + every - over)
        return loop(until(stop), step, carry._replace(health=health))

    nothing = jnp.zeros(len(segment.rates), shape.dtype)
    zero = jnp.zeros((), shape.dtype)
    count = len(segment.rates) // every + 1 if every else 0
    records = no_health(count, len(shape.layer.layers), shape.dtype)
    begin = Carry(first, zero, state.parameters, state.slots, nothing, nothing, records)
    return loop(until(last), stretch if every else step, begin)


class _Moved(NamedTuple):
    """What a step comes to."""

    batch: Batch
    found: LossAndGradients
    loss: Array
    parameters: Tree
    slots: Tree


def _moved(
    shape: Shape, carry: Carry, batch: Batch, found: LossAndGradients, rate: Array
) -> _Moved:
    """Return what one step comes to; a batch without weight changes nothing."""
    loss = found.loss
    parameters, slots = shape.optimiser.update(
        found.gradients, carry.slots, carry.parameters, rate
    )
    if shape.weighted:
        unless_empty = partial(jnp.where, batch.weights.sum() > 0)
        parameters = tree_map(unless_empty, parameters, carry.parameters)
        slots = tree_map(unless_empty, slots, carry.slots)
        loss = unless_empty(loss, 0)
    return _Moved(batch, found, loss, parameters, slots)


def _evaluate(
    shape: Shape,
    parameters: Tree,
    constants: tuple[Array, ...],
    rows: Array,
    labels: Array,
    counted: Array,
) -> Sums:
    """Return the sums over a block of samples, each as often as it counts.

    Last comes the greatest slope of every unit of every layer.
    """
    batch = _batch(shape, constants, rows, labels, counted)
    outputs, traces = shape.layer.forward(parameters, batch.inputs)
    losses, _ = shape.loss.forward(outputs, batch.targets)
    right = hits(outputs, labels)
    # Not a product: what does not count may be infinite.
    loss, hit = (jnp.where(counted > 0, part * counted, 0) for part in (losses, right))
    slopes = greatest_slopes(shape.layer, traces, counted > 0)
    return Sums(loss.sum(), hit.sum(), counted.sum(), slopes)


def _batch(
    shape: Shape,
    constants: tuple[Array, ...],
    rows: Array,
    labels: Array,
    weights: Array,
) -> Batch:
    inputs = flatten(scaled(rows, constants, shape.dtype))
    like = jnp.zeros(0, shape.dtype)
    return Batch(inputs, target_rows(labels, shape.outputs, like), weights)


def _noise(shape: Shape, key: Array | None, step: Array) -> Noise:
    """Draw the noise of a step, from the key, the step and the place in the tree."""
    if key is None:
        return None
    of_step = jax.random.fold_in(key, step)
    places = itertools.count()  # at tracing: constants in the program

    def drawn(declared: Draw | None) -> Array | None:
        if declared is None:
            return None
        own = jax.random.fold_in(of_step, next(places))
        return jax.random.uniform(own, (shape.batch_size, *declared.shape), shape.dtype)

    return tree_map(drawn, shape.draws)


def segment_length(problem: Problem) -> int:
    """Return how many steps a segment has: where an epoch fits, it is one segment."""
    largest = max(1, MOST_INDICES // problem.order.batch_size)
    return min(MOST_STEPS, largest, problem.order.steps_per_epoch)


def segment_of(problem: Problem, start: int, length: int) -> Segment:
    """Return the segment of so many steps that begins with step ``start``, on the host.

    Its arrays are filled up to a length that other trainings share.
    """
    stop = start + length
    arrays = *problem.batches(start, stop), problem.rates(start, stop)
    return Segment(*(padded(array, shared_length(length)) for array in arrays))


def records_within(every: int, begin: int, start: int, stop: int) -> slice:
    """Return where the records of the steps from start to stop lie in a segment's.

    Of every segment, which begins at step ``begin``, the first record is that of its
    first step that has one.
    """
    if not every:
        return slice(0)
    before = -(-begin // every)
    return slice(-(-start // every) - before, -(-stop // every) - before)


def given_of(problem: Problem) -> Given:
    """Return what a training brings, its samples filled up where that is cheap."""
    samples, dtype = problem.samples, problem.dtype
    rows = len(samples)
    if samples.inputs.nbytes <= MOST_COPIED:
        rows = shared_length(rows)
    return Given(
        padded(samples.inputs, rows),
        padded(samples.targets, rows),
        tuple(c.astype(dtype) for c in problem.by_hand.scaling.constants()),
        # To make a key, and to trace what is drawn from it, takes some 50 ms.
        None if problem.draws is None else jax.random.key(problem.order.seed),
        np.asarray(problem.l2, dtype) if problem.l2 else None,
    )


def shared_length(count: int) -> int:
    """Return the length of arrays for so many items: at most a sixteenth more.

    XLA compiles for lengths. Folds, whose numbers of samples differ by a few, share
    one program so.
    """
    grain = 1 << max(0, count.bit_length() - 5)
    return -(-count // grain) * grain


def padded(rows: np.ndarray, length: int) -> np.ndarray:
    """Return the rows followed by zeros up to ``length`` rows."""
    if len(rows) == length:
        return rows
    filled = np.zeros((length, *rows.shape[1:]), rows.dtype)
    filled[: len(rows)] = rows
    return filled
