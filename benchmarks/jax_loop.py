"""The common JAX loop: one jitted step, called from Python for every batch.

A yardstick that owes nothing to layerwise: automatic differentiation, the batch taken
from a NumPy array, plain SGD or Adam by hand.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Setting", "seconds_per_step"]

Parameters = list[tuple[jax.Array, jax.Array]]


class State(NamedTuple):
    """What a step changes; the two moments are Adam's."""

    parameters: Parameters
    mean: Parameters
    square: Parameters
    step: int


@dataclass(frozen=True)
class Setting:
    """A ReLU network of these ``sizes``, and how it is trained."""

    sizes: Sequence[int]
    batch_size: int
    epochs: int
    rate: float
    adam: bool


def seconds_per_step(inputs: np.ndarray, labels: np.ndarray, setting: Setting) -> float:
    """Train a network and return the seconds that a step takes.

    The step is compiled before the clock starts; the last, short batch is left out.
    """
    rng = np.random.default_rng(0)
    step = jax.jit(partial(_adam if setting.adam else _sgd, rate=setting.rate))
    size, batches = setting.batch_size, len(inputs) // setting.batch_size
    state = _initial(rng, setting.sizes)
    for _ in range(2):  # compiled for the count of steps as an int, then as an array
        state = step(state, inputs[:size], labels[:size])
    jax.block_until_ready(state)
    start = time.perf_counter()
    for _ in range(setting.epochs):
        order = rng.permutation(len(inputs))
        for rows in order[: batches * size].reshape(batches, size):
            state = step(state, inputs[rows], labels[rows])
    jax.block_until_ready(state)
    return (time.perf_counter() - start) / (setting.epochs * batches)


def _initial(rng: np.random.Generator, sizes: Sequence[int]) -> State:
    parameters: Any = [
        (
            jnp.asarray(rng.normal(0, (2 / m) ** 0.5, (m, n)), jnp.float32),
            jnp.zeros(n, jnp.float32),
        )
        for m, n in pairwise(sizes)
    ]
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return State(parameters, zeros, zeros, 0)


def _loss(parameters: Parameters, x: jax.Array, labels: jax.Array) -> jax.Array:
    *hidden, (weights, bias) = parameters
    for w, b in hidden:
        x = jax.nn.relu(x @ w + b)
    chosen = jax.nn.log_softmax(x @ weights + bias)[jnp.arange(len(labels)), labels]
    return -chosen.mean()


def _sgd(state: State, x: jax.Array, labels: jax.Array, rate: float) -> State:
    gradient = jax.grad(_loss)(state.parameters, x, labels)
    moved = jax.tree.map(lambda p, g: p - rate * g, state.parameters, gradient)
    return state._replace(parameters=moved)


def _adam(state: State, x: jax.Array, labels: jax.Array, rate: float) -> State:
    gradient = jax.grad(_loss)(state.parameters, x, labels)
    step = state.step + 1
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state.mean, gradient)
    square = jax.tree.map(
        lambda v, g: 0.999 * v + 0.001 * g * g, state.square, gradient
    )

    def moved(p: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
        unbiased = m / (1 - 0.9**step)
        return p - rate * unbiased / (jnp.sqrt(v / (1 - 0.999**step)) + 1e-8)

    parameters = jax.tree.map(moved, state.parameters, mean, square)
    return State(parameters, mean, square, step)
