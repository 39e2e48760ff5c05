"""The compiled engine: the same mathematics as one XLA program.

A whole stretch of steps is one ``while_loop`` with dynamic bounds: it is compiled once,
and no step returns to Python. The training set lies on the device in its own dtype
and is an argument of the program: closed over, it would be compiled in as a constant.
So is all else in which trainings of one shape differ, and they share one program: of a
sweep, of folds, of a second attempt in a notebook only the first is compiled.
"""

import itertools
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from layerwise.arrays import Array, Tree, device_named, tree_map
from layerwise.data import Order, Samples, scaled
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
from layerwise.training._health import (
    greatest_slopes,
    health_of_step,
    no_health,
    silent_shares,
)
from layerwise.training._optimisers import Optimiser
from layerwise.training.engines._engine import (
    Problem,
    Score,
    State,
    Steps,
    all_finite,
)

__all__ = ["CompiledEngine"]

MOST_STEPS = 1024
"""Steps in a block: what one call of the program can do without new indices."""

MOST_INDICES = 2**16
"""Samples named in a block, which is shorter where the batches are large."""

BLOCK_ROWS = 4096
"""Rows evaluated at a time."""

MOST_COPIED = 2**28
"""Bytes of a training set that may be copied to fill it up; a larger one is not."""

FOR_STEPS: dict[str, bool | int | str] = {
    "xla_cpu_multi_thread_eigen": False,
    "xla_cpu_experimental_ynn_fusion_type": "",
    "xla_backend_optimization_level": 1,
}
"""Products this small lose more to the hand-over, to threads or to a library, than
they win; and what LLVM does beyond its first level takes a quarter of the compilation
and speeds up no step."""

TILES = "--xla_backend_extra_options=xla_llvm_ir_gemm_tile_size=8:2:2*vectwidth"
"""How XLA unrolls a small product: its own tiles of 11 x 9 make half a megabyte of code
of each, which takes three times as long to compile and is slower. The sums are formed
in the same order, so that no number depends on it."""

TILES_KNOWN_IN = ((0, 7), (0, 11))
"""The releases of jaxlib, from and before, whose XLA reads tiles of this form: another
would end the process where it cannot read them."""

PROGRAMS = 32
"""Kept, those used last: a network of a hundred layers has some megabytes of code."""


@dataclass(frozen=True)
class _Shape:
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
    def of(cls, problem: Problem, platform: str) -> "_Shape":
        network = problem.by_hand
        features = int(np.prod(network.shape))
        return cls(
            layer=network.layer,
            loss=network.loss,
            optimiser=problem.optimiser,
            outputs=len(network.class_names),
            draws=network.layer.noise(network.parameters, (features,)),
            dtype=problem.dtype,
            batch_size=problem.batch_size,
            weighted=problem.samples.weights is not None,
            health_every=problem.health_every,
            platform=platform,
        )


class _Programs(NamedTuple):
    """The two compiled functions of a shape."""

    run: Callable[..., Any]
    evaluate: Callable[..., Any]


class _Given(NamedTuple):
    """What a training brings: samples, how they are scaled, what its noise is from."""

    inputs: Array
    targets: Array
    constants: tuple[Array, ...]
    key: Array
    l2: Array | None


class _Block(NamedTuple):
    """The steps of a block: which samples, how they count, at what rate."""

    indices: Array
    weights: Array
    rates: Array


class _Carry(NamedTuple):
    """What goes from step to step inside the program."""

    reached: Array
    loss: Array
    parameters: Tree
    moments: Tree
    losses: Array
    accuracies: Array
    health: Array


class _Sums(NamedTuple):
    """What a block of samples adds to a score."""

    loss: Array
    right: Array
    weight: Array
    slopes: tuple[Array, ...]


class CompiledEngine:
    """Advances in one XLA program.

    Parameters
    ----------
    problem : Problem
        The network, its training set, and how to follow the gradient.
    """

    name = "compiled"

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._double = problem.dtype == np.float64
        self._device = device_named(problem.device)
        shape = _Shape.of(problem, self._device.platform)
        self._programs = _shared(shape) if _is_constant(shape) else _programs(shape)
        self._blocks: dict[tuple[Order, int], _Block] = {}
        # Where an epoch fits, it is one block, and one call of the program.
        epoch = -(-len(problem.samples) // problem.batch_size)
        largest = max(1, MOST_INDICES // problem.batch_size)
        self._length = min(MOST_STEPS, largest, epoch)
        self._rows = _shared_length(min(BLOCK_ROWS, len(problem.samples)))
        with self._settings():
            self._given = jax.device_put(_given(problem))

    def advance(
        self, state: State, order: Order, start: int, stop: int
    ) -> tuple[State, Steps]:
        """Do the global steps from start to stop, or up to the first that diverges."""
        nothing = np.zeros(0, self._problem.dtype)
        losses, accuracies = [nothing], [nothing]
        health = [self._problem.no_health()]
        while start < stop:
            number, first = divmod(start, self._length)
            last = min(first + stop - start, self._length)
            state, steps = self._advance(state, order, number, first, last)
            losses.append(steps.losses)
            accuracies.append(steps.accuracies)
            health.append(steps.health)
            if steps.diverged:
                break
            start += last - first
        return state, Steps(*map(np.concatenate, (losses, accuracies, health)))

    def evaluate(self, parameters: Tree, samples: Samples) -> Score:
        """Return the mean loss and accuracy over all samples, block by block."""
        size = self._rows
        parts: list[_Sums] = []
        with self._settings():
            for start in range(0, len(samples), size):
                block = slice(start, start + size)
                rows = _padded(samples.inputs[block], size)
                labels = _padded(samples.targets[block], size)
                positions = np.arange(start, min(start + size, len(samples)))
                counted = _padded(samples.weights_at(positions), size)
                scores = self._programs.evaluate(
                    parameters, self._given.constants, rows, labels, counted
                )
                parts.append(scores)
        *sums, slopes = zip(*parts, strict=True)
        loss, right, total = (sum(map(float, column)) for column in sums)
        dead = silent_shares([np.max(s, axis=0) for s in zip(*slopes, strict=True)])
        return Score(loss / total, right / total, dead)

    def _advance(
        self, state: State, order: Order, number: int, first: int, last: int
    ) -> tuple[State, Steps]:
        """Do the steps first … last - 1 of a block."""
        block = self._block(order, number)
        start = number * self._length + first

        def run(count: int) -> _Carry:
            begun = state._replace(step=np.int32(start))
            span = np.int32(first), np.int32(first + count)
            return self._programs.run(self._given, begun, block, span)

        with self._settings():
            carry = run(last - first)
            # The program runs by itself; meanwhile the block that follows is made.
            following = self._block(order, number + 1)
            self._blocks = {(order, number): block, (order, number + 1): following}
            reached = int(carry.reached)
            losses = np.asarray(carry.losses)[first:reached]
            accuracies = np.asarray(carry.accuracies)[first:reached]
            health = np.asarray(carry.health)
            updates = reached - first
            if not np.isfinite(losses[-1]):
                updates -= 1
                carry = run(updates)
            if not all_finite((carry.parameters, carry.moments)):
                updates, carry = _last_finite(run, updates)
                losses = np.append(losses[: updates + 1], losses.dtype.type(np.nan))
                accuracies = np.append(accuracies[: updates + 1], losses[-1])
                reached = first + updates + 1
        offset = number * self._length
        taken = self._records(offset, offset + first, offset + reached)
        reached_state = State(carry.parameters, carry.moments, start + updates)
        return reached_state, Steps(losses, accuracies, health[taken])

    def _records(self, begin: int, start: int, stop: int) -> slice:
        """Return where the records of the steps from start to stop lie in a block.

        Of every block the first record is that of its first step that has one.
        """
        every = self._problem.health_every
        if not every:
            return slice(0)
        before = -(-begin // every)
        return slice(-(-start // every) - before, -(-stop // every) - before)

    def _block(self, order: Order, number: int) -> _Block:
        """Return a block of steps, on the device; the latest two are kept."""
        if (order, number) in self._blocks:
            return self._blocks[order, number]
        start = number * self._length
        stop = start + self._length
        length = _shared_length(self._length)
        rates = self._problem.rates(start, stop)
        arrays = *self._problem.batches(order, start, stop), rates
        with self._settings():
            return jax.device_put(_Block(*(_padded(a, length) for a in arrays)))

    @contextmanager
    def _settings(self) -> Generator[None]:
        """Compute on the problem's device and in its precision, here alone."""
        with jax.default_device(self._device), jax.enable_x64(self._double):
            yield


def _set_tiles() -> None:
    """Have XLA read `TILES` with its flags; what the user has set stands.

    XLA reads its flags once, when its first client is made, and takes this one from
    nowhere else. The environment, which child processes inherit, stays as it was.
    """
    earliest, first_unknown = TILES_KNOWN_IN
    given = os.environ.get("XLA_FLAGS")
    known = earliest <= jax.__version_info__[:2] < first_unknown
    if not known or "xla_backend_extra_options" in (given or ""):
        return
    os.environ["XLA_FLAGS"] = f"{given or ''} {TILES}".strip()
    try:
        jax.local_devices(backend="cpu")
    finally:
        if given is None:
            del os.environ["XLA_FLAGS"]
        else:
            os.environ["XLA_FLAGS"] = given


_set_tiles()


@cache
def _is_known(name: str, value: bool | int | str) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def _known(options: dict[str, bool | int | str]) -> dict[str, bool | int | str]:
    """Return those options that this release of XLA has: they come and go."""
    return {name: value for name, value in options.items() if _is_known(name, value)}


def _programs(shape: _Shape) -> _Programs:
    options = _known(FOR_STEPS) if shape.platform == "cpu" else None
    run = jax.jit(partial(_run, shape), compiler_options=options)
    return _Programs(run, jax.jit(partial(_evaluate, shape)))


_shared = lru_cache(maxsize=PROGRAMS)(_programs)


def _is_constant(value: Any) -> bool:
    """Return whether a program for this value is one for all that equals it.

    Our layers, losses and optimisers are frozen records, and look at nothing but their
    fields. What somebody else wrote may look at anything, which may have changed since
    the program was compiled.
    """
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    if is_dataclass(value) and type(value).__module__.startswith("layerwise."):
        return all(_is_constant(getattr(value, field.name)) for field in fields(value))
    return value is None or isinstance(value, bool | int | float | str | np.dtype)


def _run(
    shape: _Shape,
    given: _Given,
    state: State,
    block: _Block,
    span: tuple[Array, Array],
) -> _Carry:
    """Do the steps first … last - 1; leave at the first whose loss is not finite.

    The update of that one is made nevertheless: a choice between two states in every
    step costs a third of MNIST's time, and the few that diverge are run again.
    """
    inputs, targets = given.inputs, given.targets
    first, last = span
    every, begun = shape.health_every, state.step - first
    loop = jax.lax.while_loop

    def until(stop: Array) -> Callable[[_Carry], Array]:
        return lambda carry: (carry.reached < stop) & jnp.isfinite(carry.loss)

    def moved(carry: _Carry) -> _Moved:
        i = carry.reached
        rows, weights = block.indices[i], block.weights[i]
        batch = _batch(shape, given.constants, inputs[rows], targets[rows], weights)
        noise = _noise(shape, given.key, begun + i)
        found = loss_and_gradients(
            shape.layer, shape.loss, carry.parameters, batch, noise, given.l2
        )
        return _moved(shape, carry, batch, found, block.rates[i])

    def step(carry: _Carry) -> _Carry:
        i, to = carry.reached, moved(carry)
        right = hits(to.found.outputs, targets[block.indices[i]]) * to.batch.weights
        total = to.batch.weights.sum()
        accuracy = right.sum() / jnp.where(total > 0, total, 1)
        return _Carry(
            i + 1,
            to.loss,
            to.parameters,
            to.moments,
            carry.losses.at[i].set(to.loss),
            carry.accuracies.at[i].set(accuracy),
            carry.health,
        )

    def watched(carry: _Carry) -> Array:
        to, number = moved(carry), begun + carry.reached
        measured = health_of_step(
            shape.layer, to.batch, to.found, carry.parameters, to.parameters
        )
        place = number // every - (begun + every - 1) // every
        return carry.health.at[place].set(measured)

    def stretch(carry: _Carry) -> _Carry:
        # The step that is watched is made twice: to keep, in every step, what its
        # record needs would cost all the others more.
        over = (begun + carry.reached) % every
        health = jax.lax.cond(over == 0, watched, lambda carry: carry.health, carry)
        stop = jnp.minimum(last, carry.reached + every - over)
        return loop(until(stop), step, carry._replace(health=health))

    nothing = jnp.zeros(len(block.rates), shape.dtype)
    zero = jnp.zeros((), shape.dtype)
    count = len(block.rates) // every + 1 if every else 0
    records = no_health(count, len(shape.layer.layers), shape.dtype)
    begin = _Carry(
        first, zero, state.parameters, state.moments, nothing, nothing, records
    )
    return loop(until(last), stretch if every else step, begin)


class _Moved(NamedTuple):
    """What a step comes to."""

    batch: Batch
    found: LossAndGradients
    loss: Array
    parameters: Tree
    moments: Tree


def _moved(
    shape: _Shape, carry: _Carry, batch: Batch, found: LossAndGradients, rate: Array
) -> _Moved:
    """Return what one step comes to; a batch without weight changes nothing."""
    loss = found.loss
    parameters, moments = shape.optimiser.update(
        found.gradients, carry.moments, carry.parameters, rate
    )
    if shape.weighted:
        unless_empty = partial(jnp.where, batch.weights.sum() > 0)
        parameters = tree_map(unless_empty, parameters, carry.parameters)
        moments = tree_map(unless_empty, moments, carry.moments)
        loss = unless_empty(loss, 0)
    return _Moved(batch, found, loss, parameters, moments)


def _last_finite(run: Callable[[int], _Carry], updates: int) -> tuple[int, _Carry]:
    """Return after how many updates the state was last finite, and that carry.

    A number that is infinite or NaN stays so; the step at which it became so is
    found by bisection, since looking at every number in every step would slow down
    all trainings for the sake of the few that diverge in this way.
    """
    good, bad = 0, updates
    while bad - good > 1:
        middle = (good + bad) // 2
        carry = run(middle)
        if all_finite((carry.parameters, carry.moments)):
            good = middle
        else:
            bad = middle
    return good, run(good)


def _evaluate(
    shape: _Shape,
    parameters: Tree,
    constants: tuple[Array, ...],
    rows: Array,
    labels: Array,
    counted: Array,
) -> _Sums:
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
    return _Sums(loss.sum(), hit.sum(), counted.sum(), slopes)


def _batch(
    shape: _Shape,
    constants: tuple[Array, ...],
    rows: Array,
    labels: Array,
    weights: Array,
) -> Batch:
    inputs = flatten(scaled(rows, constants, shape.dtype))
    like = jnp.zeros(0, shape.dtype)
    return Batch(inputs, target_rows(labels, shape.outputs, like), weights)


def _noise(shape: _Shape, key: Array, step: Array) -> Noise:
    """Draw the noise of a step, from the key, the step and the place in the tree."""
    of_step = jax.random.fold_in(key, step)
    places = itertools.count()

    def drawn(declared: Draw | None) -> Array | None:
        if declared is None:
            return None
        own = jax.random.fold_in(of_step, next(places))
        return jax.random.uniform(own, (shape.batch_size, *declared.shape), shape.dtype)

    return tree_map(drawn, shape.draws)


def _given(problem: Problem) -> _Given:
    """Return what a training brings, its samples filled up where that is cheap."""
    samples, dtype = problem.samples, problem.dtype
    rows = len(samples)
    if samples.inputs.nbytes <= MOST_COPIED:
        rows = _shared_length(rows)
    return _Given(
        _padded(samples.inputs, rows),
        _padded(samples.targets, rows),
        tuple(c.astype(dtype) for c in problem.by_hand.scaling.constants()),
        jax.random.key(problem.seed),
        np.asarray(problem.l2, dtype) if problem.l2 else None,
    )


def _shared_length(count: int) -> int:
    """Return the length of arrays for so many items: at most a sixteenth more.

    XLA compiles for lengths. Folds, whose numbers of samples differ by a few, share
    one program so.
    """
    grain = 1 << max(0, count.bit_length() - 5)
    return -(-count // grain) * grain


def _padded(rows: np.ndarray, length: int) -> np.ndarray:
    """Return the rows followed by zeros up to ``length`` rows."""
    if len(rows) == length:
        return rows
    padded = np.zeros((length, *rows.shape[1:]), rows.dtype)
    padded[: len(rows)] = rows
    return padded
