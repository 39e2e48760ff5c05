"""Which engine trains a network: by its name, or by the problem alone."""

from layerwise import ranks
from layerwise.arrays import require_torch
from layerwise.errors import InputError
from layerwise.model import Network
from layerwise.training.engines._engine import Engine, Problem

__all__ = ["engine_for", "engine_name"]

FEW_OPERATIONS = 1e10
"""Multiply-adds of a training below which NumPy is done before XLA has compiled."""

FEW_STEPS = 9_000
"""Steps times blocks below which NumPy's calls cost less than importing JAX and
compiling: the default training on digits, of three blocks, is just below."""

SHALLOW = 3

FEW_STEPS_OF_A_BLOCK = 2_800
"""What one block more than in a shallow network adds to ``FEW_STEPS``: it takes XLA as
long to compile. A hundred hidden layers take it twenty seconds, by which NumPy is done.
"""


def engine_for(problem: Problem, name: str = "auto") -> Engine:
    """Return the engine of this name.

    ``auto`` decides by the problem alone: torch where the network is a module of torch,
    or where there are several processes; else by the problem's size.

    Raises
    ------
    InputError
        If that engine cannot train this network, or not in several processes.
    """
    name = engine_name(problem, name)
    if name == "torch":
        require_torch("engine torch")
        from layerwise.training.engines._torch import TorchEngine

        return TorchEngine(problem)
    if name == "eager":
        from layerwise.training.engines._eager import EagerEngine

        return EagerEngine(problem)
    from layerwise.training.engines._compiled import CompiledEngine

    return CompiledEngine(problem)


def engine_name(problem: Problem, name: str = "auto", trainings: int = 1) -> str:
    """Return the name of the engine that `engine_for` would return, which see.

    For several ``trainings`` of one shape it is the one that is done with all of them
    first.
    """
    network = problem.network
    is_module = not isinstance(network, Network)
    several = ranks.world_size() > 1
    if name == "auto":
        if is_module or several:
            return "torch"
        tiny = problem.device is None and _is_tiny(problem, network, trainings)
        return "eager" if tiny else "compiled"
    if name != "torch" and (is_module or several):
        what = "a module of torch" if is_module else "a job of several processes"
        raise InputError(f"engine {name!r} cannot train {what}: use torch, or auto")
    return name


def _is_tiny(problem: Problem, network: Network, trainings: int) -> bool:
    depth = len(network.layer.layers)
    steps = problem.total_steps * trainings
    each = 3 * problem.batch_size * network.parameter_count
    compiling = FEW_STEPS + FEW_STEPS_OF_A_BLOCK * max(0, depth - SHALLOW)
    longer = compiling / FEW_STEPS
    return steps * depth < compiling and steps * each < FEW_OPERATIONS * longer
