"""A small problem with a short last batch, for every engine and precision."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

import layerwise as lw
from layerwise.model import MLP, initial_network
from layerwise.training import (
    OPTIMISERS,
    SCHEDULES,
    Checkpoint,
    Order,
    Problem,
    engine_for,
)


def small_data() -> lw.Dataset:
    """Three classes of four features, hard to part; 50 to train on."""
    rng = np.random.default_rng(7)
    targets = np.arange(72) % 3
    inputs = rng.normal(size=(72, 4)) + rng.normal(size=(3, 4))[targets]
    data = lw.Dataset.from_arrays(inputs, targets, name="small")
    assert len(data.train) == 50
    return data


def at_ends(checkpoints: list[Checkpoint]) -> list[Checkpoint]:
    """Of the checkpoints that a training saved, those at the end of an epoch."""
    return [
        checkpoint
        for checkpoint in checkpoints
        if [epoch.step for epoch in checkpoint.history.epochs[-1:]]
        == [checkpoint.state.step]
    ]


@pytest.fixture(scope="session")
def ends() -> Callable[[list[Checkpoint]], list[Checkpoint]]:
    return at_ends


@pytest.fixture(scope="session")
def small() -> lw.Dataset:
    return small_data()


@pytest.fixture(scope="session")
def problem_of() -> Callable[..., Problem]:
    """Makes a problem on the small data; its batches of 16 leave a last one of 2."""
    data = small_data()

    def make(
        mlp=None,
        *,
        optimizer="adam",
        schedule="one-cycle",
        rate=0.01,
        dtype=np.float64,
        total=100,
    ) -> Problem:
        return Problem(
            network=initial_network(mlp or MLP([6, 6]), data, seed=1, dtype=dtype),
            samples=data.train,
            optimiser=OPTIMISERS[optimizer],
            schedule=SCHEDULES.get(schedule, schedule),
            peak_rate=rate,
            total_steps=total,
            order=Order(len(data.train), 16, seed=5),
        )

    return make


@pytest.fixture(scope="session")
def run() -> Callable:
    """Advances a problem from its start along the places where it is cut."""

    def along(problem, engine, cuts, state=None):
        if isinstance(engine, str):
            engine = engine_for(problem, engine)
        state = state or problem.initial_state()
        records = []
        for start, stop in pairwise(cuts):
            state, steps = engine.advance(state, start, stop)
            records.append(np.stack(steps[:2]))
            if steps.diverged:
                break
        return state, np.concatenate(records, axis=1)

    return along
