"""The eager engine: NumPy, one line of the mathematics at a time.

Made to be read and stepped through in a debugger; also the faster one where a problem
is so small that compiling it would take longer than solving it.
"""

import math
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from layerwise.arrays import Tree, one_blas_thread, ravelled, tree_map, unravelled
from layerwise.data import Samples
from layerwise.model import (
    BLOCK_ROWS,
    Batch,
    Draw,
    Noise,
    flatten,
    hits,
    loss_and_gradients,
    target_rows,
)
from layerwise.training._history import greatest_slopes, health_of_step, silent_shares
from layerwise.training.engines._engine import Problem, Score, State, Steps, all_finite

_Step = tuple[np.ndarray, np.ndarray, Any]
"""Which samples a step sees, how much each counts, and at what rate."""


def _quiet() -> AbstractContextManager[Any]:
    """Let numbers overflow: a loss that is not finite is found afterwards."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


class EagerEngine:
    """Advances in NumPy."""

    name = "eager"

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._targets = self._rows_of(problem.samples.targets)

    def advance(self, state: State, start: int, stop: int) -> tuple[State, Steps]:
        """Do the global steps from start to stop, or up to the first that diverges."""
        batches = zip(
            *self._problem.batches(start, stop),
            self._problem.rates(start, stop),
            strict=True,
        )
        steps = list(batches)
        with _quiet(), one_blas_thread(of_scipy=False):
            reached, records = self._followed(state, steps)
            # An update that overflows is rare, and the state before it then gone:
            # looking for it in every step is left to a second attempt.
            if not all_finite(reached[:2]):
                reached, records = self._followed(state, steps, careful=True)
        return reached, records

    def _followed(
        self, state: State, steps: list[_Step], *, careful: bool = False
    ) -> tuple[State, Steps]:
        """Return the state after these steps; ``careful`` stops before one overflows.

        Meanwhile all parameters lie in one vector: to update one large array takes
        less time than several small ones.
        """
        tree = state.parameters
        vector = ravelled(tree)
        like = self._problem.optimiser.init(vector)
        state = state._replace(
            parameters=vector,
            slots=tree_map(
                lambda v, t: ravelled(t) if v.ndim else t, like, state.slots
            ),
        )
        losses: list[float] = []
        accuracies: list[float] = []
        health = [self._problem.no_health()]
        for step in steps:
            advanced, loss, accuracy, taken = self._step(state, step)
            losses.append(loss)
            accuracies.append(accuracy)
            health.append(taken)
            if not math.isfinite(loss):
                break
            if careful and not all_finite(advanced[:2]):
                losses.append(math.nan)
                accuracies.append(math.nan)
                break
            state = advanced
        dtype = self._problem.dtype
        records = Steps(
            np.array(losses, dtype), np.array(accuracies, dtype), np.concatenate(health)
        )
        slots = tree_map(lambda v: unravelled(v, tree) if v.ndim else v, state.slots)
        parameters = unravelled(state.parameters, tree)
        return State(parameters, slots, state.step), records

    def evaluate(self, parameters: Tree, samples: Samples) -> Score:
        """Return the mean loss and accuracy over all samples, block by block."""
        network = self._problem.by_hand
        loss, right, total = 0.0, 0.0, 0.0
        slopes: list[tuple[np.ndarray, ...]] = []
        with _quiet(), one_blas_thread(of_scipy=False):
            for start in range(0, len(samples), BLOCK_ROWS):
                rows = np.arange(start, min(start + BLOCK_ROWS, len(samples)))
                weights = samples.weights_at(rows)
                targets = self._rows_of(samples.targets[rows])
                batch = Batch(self._inputs(samples, rows), targets, weights)
                outputs, traces = network.layer.forward(parameters, batch.inputs)
                slopes.append(greatest_slopes(network.layer, traces, weights > 0))
                losses, _ = network.loss.forward(outputs, batch.targets)
                loss += float(np.sum(losses * weights, dtype=np.float64))
                right += float(np.sum(hits(outputs, samples.targets[rows]) * weights))
                total += float(np.sum(weights))
        return Score(loss / total, right / total, silent_shares(slopes))

    def _step(
        self, state: State, step: _Step
    ) -> tuple[State, float, float, np.ndarray]:
        """Return the state after a step; the loss, accuracy and health before it."""
        rows, weights, rate = step
        problem = self._problem
        total = weights.sum()
        taken = int(problem.takes_health(state.step))
        if not total:
            empty = problem.no_health(taken)
            return state._replace(step=state.step + 1), 0.0, 0.0, empty
        network = problem.by_hand
        before = unravelled(state.parameters, network.parameters)
        batch = Batch(self._inputs(problem.samples, rows), self._targets[rows], weights)
        found = loss_and_gradients(
            network.layer,
            network.loss,
            before,
            batch,
            self._noise(state.step, len(rows)),
            problem.l2 or None,
        )
        parameters, slots = problem.optimiser.update(
            ravelled(found.gradients), state.slots, state.parameters, rate
        )
        right = hits(found.outputs, problem.samples.targets[rows])
        health = problem.no_health()
        if taken:
            after = unravelled(parameters, before)
            health = health_of_step(network.layer, batch, found, before, after)[None]
        advanced = State(parameters, slots, state.step + 1)
        return advanced, float(found.loss), float(right @ weights / total), health

    def _inputs(self, samples: Samples, rows: np.ndarray) -> np.ndarray:
        scaled = self._problem.network.scaling.apply(
            samples.inputs[rows], self._problem.dtype
        )
        return flatten(scaled)

    def _rows_of(self, targets: np.ndarray) -> np.ndarray:
        outputs = len(self._problem.network.class_names)
        return target_rows(targets, outputs, np.zeros(0, self._problem.dtype))

    def _noise(self, step: int, batch_size: int) -> Noise:
        if self._problem.draws is None:
            return None
        rng = np.random.default_rng([self._problem.order.seed, step])

        def drawn(declared: Draw | None) -> np.ndarray | None:
            if declared is None:
                return None
            shape = (batch_size, *declared.shape)
            return rng.uniform(size=shape).astype(self._problem.dtype)

        return tree_map(drawn, self._problem.draws)
