"""Engines: each advances a network by the same mathematics, in its own way."""

from layerwise.training.engines._engine import (
    Engine,
    Problem,
    Score,
    State,
    Steps,
    all_finite,
    on_host,
)

__all__ = [
    "Engine",
    "Problem",
    "Score",
    "State",
    "Steps",
    "all_finite",
    "engine_for",
    "on_host",
]

FEW_OPERATIONS = 1e10
"""Multiply-adds of a training below which NumPy is done before XLA has compiled."""

FEW_STEPS = 9_000
"""Steps times blocks below which NumPy's calls cost less than importing JAX and
compiling: the default training on digits is just below."""


def engine_for(problem: Problem, name: str = "auto") -> Engine:
    """Return the engine of this name; ``auto`` decides by the problem's size alone."""
    if name == "auto":
        tiny = problem.device is None and _is_tiny(problem)
        name = "eager" if tiny else "compiled"
    if name == "eager":
        from layerwise.training.engines._eager import EagerEngine

        return EagerEngine(problem)
    from layerwise.training.engines._compiled import CompiledEngine

    return CompiledEngine(problem)


def _is_tiny(problem: Problem) -> bool:
    depth = len(problem.network.layer.layers)
    steps = problem.total_steps
    each = 3 * problem.batch_size * problem.network.parameter_count
    return steps * depth < FEW_STEPS and steps * each < FEW_OPERATIONS
