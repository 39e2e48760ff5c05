"""The compiled engine: the same mathematics as one XLA program.

A whole stretch of steps is one ``while_loop`` with dynamic bounds: it is compiled once,
and no step returns to Python. The training set lies on the device in its own dtype
and is an argument of the program: closed over, it would be compiled in as a constant.
"""

import itertools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from layerwise.arrays import Array, Tree, device_named, one_hot, tree_map
from layerwise.data import Order, Samples
from layerwise.model import Batch, Draw, Noise, flatten, loss_and_gradients
from layerwise.training.engines._engine import (
    Problem,
    Score,
    State,
    Steps,
    all_finite,
)

__all__ = ["CompiledEngine"]

MOST_STEPS = 1024
"""Steps in one call of the program: what its index buffer holds."""

BLOCK_ROWS = 4096
"""Rows evaluated at a time."""

ONE_THREAD = {"xla_cpu_multi_thread_eigen": False}
"""For steps: products this small lose more to the threads' hand-over than they win."""


class _Stretch(NamedTuple):
    """The steps of one call, padded to ``MOST_STEPS`` rows."""

    indices: Array
    weights: Array
    rates: Array


class _Carry(NamedTuple):
    """What goes from step to step inside the program."""

    done: Array
    finite: Array
    state: State
    losses: Array
    accuracies: Array


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
        network = problem.network
        features = int(np.prod(network.shape))
        draws = network.layer.noise(network.parameters, (features,))
        self._device = device_named(problem.device)
        options = ONE_THREAD if self._device.platform == "cpu" else None
        run = partial(_run, problem, draws)
        self._run = jax.jit(run, compiler_options=options)
        self._evaluate = jax.jit(partial(_evaluate, problem))
        self._ahead: dict[tuple[Order, int, int], _Stretch] = {}
        samples = problem.samples
        with self._settings():
            self._data = jax.device_put((samples.inputs, samples.targets))

    def advance(
        self, state: State, order: Order, start: int, stop: int
    ) -> tuple[State, Steps]:
        """Do the global steps from start to stop, or up to the first that diverges."""
        nothing = np.zeros(0, self._problem.dtype)
        losses, accuracies = [nothing], [nothing]
        for first in range(start, stop, MOST_STEPS):
            last = min(first + MOST_STEPS, stop)
            state, steps = self._advance(state, order, first, last)
            losses.append(steps.losses)
            accuracies.append(steps.accuracies)
            if steps.diverged:
                break
        return state, Steps(np.concatenate(losses), np.concatenate(accuracies))

    def evaluate(self, parameters: Tree, samples: Samples) -> Score:
        """Return the mean loss and accuracy over all samples, block by block."""
        size = min(BLOCK_ROWS, len(self._problem.samples))
        parts: list[tuple[Array, Array]] = []
        with self._settings():
            for start in range(0, len(samples), size):
                block = slice(start, start + size)
                rows = _padded(samples.inputs[block], size)
                labels = _padded(samples.targets[block], size)
                counted = np.arange(size) < len(samples) - start
                parts.append(self._evaluate(parameters, rows, labels, counted))
        loss = sum(float(loss) for loss, _ in parts)
        right = sum(int(right) for _, right in parts)
        return Score(loss / len(samples), right / len(samples))

    def _advance(
        self, state: State, order: Order, start: int, stop: int
    ) -> tuple[State, Steps]:
        steps = stop - start
        key = (order, start, stop)
        stretch = self._ahead.pop(key, None) or self._stretch(*key)

        def run(count: int) -> _Carry:
            counted = state._replace(step=np.int32(start))
            return self._run(self._data, counted, stretch, np.int32(count))

        with self._settings():
            carry = run(steps)
            # The program runs by itself; meanwhile what most likely follows is made.
            following = (order, stop, stop + steps)
            self._ahead = {following: self._stretch(*following)}
            updates = int(carry.done)
            taken = min(updates + 1, steps)
            losses = np.asarray(carry.losses)[:taken]
            accuracies = np.asarray(carry.accuracies)[:taken]
            if not bool(carry.finite):
                carry = run(updates)
            if not all_finite(carry.state[:2]):
                updates, carry = _last_finite(run, updates)
                losses = np.append(losses[: updates + 1], losses.dtype.type(np.nan))
                accuracies = np.append(accuracies[: updates + 1], losses[-1])
        parameters, moments, _ = carry.state
        return State(parameters, moments, start + updates), Steps(losses, accuracies)

    def _stretch(self, order: Order, start: int, stop: int) -> _Stretch:
        """Return the samples, weights and rates of the steps from start to stop."""
        indices, weights = order.batches(start, stop)
        return _Stretch(
            _padded(indices, MOST_STEPS),
            _padded(weights.astype(self._problem.dtype), MOST_STEPS),
            _padded(self._problem.rates(start, stop), MOST_STEPS),
        )

    @contextmanager
    def _settings(self) -> Generator[None]:
        """Compute on the problem's device and in its precision, here alone."""
        with jax.default_device(self._device), jax.enable_x64(self._double):
            yield


def _run(
    problem: Problem,
    draws: Any,
    data: tuple[Array, Array],
    state: State,
    stretch: _Stretch,
    count: Array,
) -> _Carry:
    """Do up to ``count`` steps; leave at the first whose loss is not finite.

    ``done`` counts the steps before that one. Its update is made nevertheless: a choice
    between two states in every step costs a third of MNIST's time, and the few that
    diverge are run again, up to ``done``.
    """
    network = problem.network
    inputs, targets = data

    def goes_on(carry: _Carry) -> Array:
        return (carry.done < count) & carry.finite

    def step(carry: _Carry) -> _Carry:
        i, state = carry.done, carry.state
        rows, weights = stretch.indices[i], stretch.weights[i]
        labels = targets[rows]
        batch = _batch(problem, inputs[rows], labels, weights)
        loss, outputs, gradients = loss_and_gradients(
            network.layer,
            network.loss,
            state.parameters,
            batch,
            _noise(problem, draws, state.step),
        )
        moved = problem.optimiser.update(
            gradients, state.moments, state.parameters, stretch.rates[i], state.step
        )
        finite = jnp.isfinite(loss)
        right = (jnp.argmax(outputs, axis=1) == labels) * weights
        return _Carry(
            i + finite,
            finite,
            State(*moved, state.step + 1),
            carry.losses.at[i].set(loss),
            carry.accuracies.at[i].set(right.sum() / jnp.maximum(weights.sum(), 1)),
        )

    nothing = jnp.zeros(MOST_STEPS, problem.dtype)
    first = _Carry(jnp.int32(0), jnp.bool_(True), state, nothing, nothing)
    return jax.lax.while_loop(goes_on, step, first)


def _last_finite(run: Callable[[int], _Carry], updates: int) -> tuple[int, _Carry]:
    """Return after how many updates the state was last finite, and that carry.

    A number that is infinite or NaN stays so; the step at which it became so is
    found by bisection, since looking at every number in every step would slow down
    all trainings for the sake of the few that diverge in this way.
    """
    good, bad = 0, updates
    while bad - good > 1:
        middle = (good + bad) // 2
        if all_finite(run(middle).state[:2]):
            good = middle
        else:
            bad = middle
    return good, run(good)


def _evaluate(
    problem: Problem, parameters: Tree, rows: Array, labels: Array, counted: Array
) -> tuple[Array, Array]:
    """Return the summed loss of the samples counted, and how many of them are right."""
    network = problem.network
    batch = _batch(problem, rows, labels, counted)
    outputs, _ = network.layer.forward(parameters, batch.inputs)
    losses, _ = network.loss.forward(outputs, batch.targets)
    right = jnp.argmax(outputs, axis=1) == labels
    return jnp.where(counted, losses, 0).sum(), (right & counted).sum()


def _batch(problem: Problem, rows: Array, labels: Array, weights: Array) -> Batch:
    network, dtype = problem.network, problem.dtype
    inputs = flatten(network.scaling.apply(rows, dtype))
    like = jnp.zeros(0, dtype)
    return Batch(inputs, one_hot(labels, len(network.class_names), like), weights)


def _noise(problem: Problem, draws: Any, step: Array) -> Noise:
    """Draw the noise of a step, from the seed, the step and the place in the tree."""
    key = jax.random.fold_in(jax.random.key(problem.seed), step)
    places = itertools.count()

    def drawn(declared: Draw | None) -> Array | None:
        if declared is None:
            return None
        own = jax.random.fold_in(key, next(places))
        return jax.random.uniform(
            own, (problem.batch_size, *declared.shape), problem.dtype
        )

    return tree_map(drawn, draws)


def _padded(rows: np.ndarray, length: int) -> np.ndarray:
    """Return the rows followed by zeros up to ``length`` rows."""
    if len(rows) == length:
        return rows
    padded = np.zeros((length, *rows.shape[1:]), rows.dtype)
    padded[: len(rows)] = rows
    return padded
