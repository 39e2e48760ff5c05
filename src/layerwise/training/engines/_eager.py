"""The eager engine: NumPy, one line of the mathematics at a time.

Made to be read and stepped through in a debugger; also the faster one where a problem
is so small that compiling it would take longer than solving it.
"""

from typing import Any

import numpy as np

from layerwise.arrays import Tree, one_hot, tree_map
from layerwise.data import Order, Samples
from layerwise.model import Batch, Draw, Noise, flatten, loss_and_gradients
from layerwise.training._health import (
    greatest_slopes,
    health_of_step,
    silent_shares,
)
from layerwise.training.engines._engine import (
    Problem,
    Score,
    State,
    Steps,
    all_finite,
)

__all__ = ["EagerEngine"]

BLOCK_ROWS = 4096


class EagerEngine:
    """Advances in NumPy.

    Parameters
    ----------
    problem : Problem
        The network, its training set, and how to follow the gradient.
    """

    name = "eager"

    def __init__(self, problem: Problem) -> None:
        from threadpoolctl import ThreadpoolController

        self._problem = problem
        # Products of small batches are done before a second thread has woken up.
        self._threads = ThreadpoolController()
        network = problem.network
        features = int(np.prod(network.shape))
        self._draws = network.layer.noise(network.parameters, (features,))

    def advance(
        self, state: State, order: Order, start: int, stop: int
    ) -> tuple[State, Steps]:
        """Do the global steps from start to stop, or up to the first that diverges."""
        indices, weights = order.batches(start, stop)
        rates = self._problem.rates(start, stop)
        losses: list[float] = []
        accuracies: list[float] = []
        health = [self._problem.no_health()]
        quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
        with quiet, self._threads.limit(limits=1, user_api="blas"):
            for rows, weight, rate in zip(indices, weights, rates, strict=True):
                advanced, loss, accuracy, taken = self._step(state, rows, weight, rate)
                losses.append(loss)
                accuracies.append(accuracy)
                health.append(taken)
                if not np.isfinite(loss):
                    break
                if not all_finite(advanced[:2]):
                    # The next loss would show it, but the finite state be gone.
                    losses.append(np.nan)
                    accuracies.append(np.nan)
                    break
                state = advanced
        dtype = self._problem.dtype
        steps = np.array(losses, dtype), np.array(accuracies, dtype)
        return state, Steps(*steps, np.concatenate(health))

    def evaluate(self, parameters: Tree, samples: Samples) -> Score:
        """Return the mean loss and accuracy over all samples, block by block."""
        network = self._problem.network
        loss, right = 0.0, 0
        slopes: list[tuple[np.ndarray, ...]] = []
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for start in range(0, len(samples), BLOCK_ROWS):
                rows = np.arange(start, min(start + BLOCK_ROWS, len(samples)))
                batch = self._batch(samples, rows, np.ones(len(rows)))
                outputs, traces = network.layer.forward(parameters, batch.inputs)
                counted = np.ones(len(rows), bool)
                slopes.append(greatest_slopes(network.layer, traces, counted))
                losses, _ = network.loss.forward(outputs, batch.targets)
                loss += float(np.sum(losses, dtype=np.float64))
                labels = samples.targets[rows]
                right += int(np.sum(np.argmax(outputs, axis=1) == labels))
        dead = silent_shares([np.max(s, axis=0) for s in zip(*slopes, strict=True)])
        return Score(loss / len(samples), right / len(samples), dead)

    def _step(
        self, state: State, rows: np.ndarray, weights: np.ndarray, rate: Any
    ) -> tuple[State, float, float, np.ndarray]:
        """Return the state after a step; the loss, accuracy and health before it."""
        problem = self._problem
        network = problem.network
        batch = self._batch(problem.samples, rows, weights)
        found = loss_and_gradients(
            network.layer,
            network.loss,
            state.parameters,
            batch,
            self._noise(state.step, len(rows)),
        )
        parameters, moments = problem.optimiser.update(
            found.gradients, state.moments, state.parameters, rate, state.step
        )
        right = np.argmax(found.outputs, axis=1) == problem.samples.targets[rows]
        accuracy = np.sum(right * weights) / max(np.sum(weights), 1)
        advanced = State(parameters, moments, state.step + 1)
        health = problem.no_health()
        if problem.takes_health(state.step):
            health = health_of_step(
                network.layer, batch, found, state.parameters, parameters
            )[None]
        return advanced, float(found.loss), float(accuracy), health

    def _batch(self, samples: Samples, rows: np.ndarray, weights: np.ndarray) -> Batch:
        network, dtype = self._problem.network, self._problem.dtype
        inputs = flatten(network.scaling.apply(samples.inputs[rows], dtype))
        like = np.zeros(0, dtype)
        targets = one_hot(samples.targets[rows], len(network.class_names), like)
        return Batch(inputs, targets, weights.astype(dtype))

    def _noise(self, step: int, batch_size: int) -> Noise:
        rng = np.random.default_rng([self._problem.seed, step])

        def drawn(declared: Draw | None) -> np.ndarray | None:
            if declared is None:
                return None
            shape = (batch_size, *declared.shape)
            return rng.uniform(size=shape).astype(self._problem.dtype)

        return tree_map(drawn, self._draws)
