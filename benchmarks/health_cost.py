"""What health costs: steps of the compiled engine with and without it, in turn.

python benchmarks/health_cost.py
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import layerwise as lw
from layerwise.model import initial_network
from layerwise.training import OPTIMISERS, SCHEDULES, Order, Problem, engine_for

EVERY = 40
TASKS = {
    "moons": (lw.MLP([30, 30]), 32, "sgd", 2500, 15),
    "mnist": (lw.MLP([100] * 4), 128, "adamw", 422, 9),
}
"""Network, batch size, optimiser, steps of a run, runs."""


def problem_of(name: str) -> Problem:
    """Return the training whose steps are timed."""
    mlp, batch_size, optimizer, _, _ = TASKS[name]
    data = lw.load(name)
    return Problem(
        network=initial_network(mlp, data, seed=0),
        samples=data.train,
        optimiser=OPTIMISERS[optimizer],
        schedule=SCHEDULES["constant"],
        peak_rate=1e-3,
        total_steps=10**6,
        order=Order(len(data.train), batch_size, seed=0),
    )


def seconds(name: str) -> Iterator[tuple[float, float]]:
    """Yield a run's processor time without health and with it, in turn."""
    problem = problem_of(name)
    _, _, _, steps, runs = TASKS[name]
    engines = [
        engine_for(replace(problem, health_every=every), "compiled")
        for every in (0, EVERY)
    ]
    for run in range(runs + 1):
        taken = []
        for engine in engines:
            begun = time.process_time()
            engine.advance(problem.initial_state(), 0, steps)
            taken.append(time.process_time() - begun)
        if run:  # the first compiles
            yield taken[0], taken[1]


if __name__ == "__main__":
    for name in TASKS:
        without, beside = np.median([*seconds(name)], axis=0)
        each = 1e6 * without / TASKS[name][3]
        print(
            f"{name}: {each:.1f} µs a step without health, {beside / without:.3f} with"
        )
