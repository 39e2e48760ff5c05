"""Which engine trains a network: by its name, or by the problem alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple

from layerwise import names, ranks
from layerwise.arrays import device_named, require_torch, torch_device_name
from layerwise.errors import InputError
from layerwise.model import Network
from layerwise.training.engines._engine import Engine, Problem

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


class Task(NamedTuple):
    """What an engine is chosen for; to know it no network need be drawn.

    ``steps`` are those of all trainings together; ``blocks`` and ``parameters`` are of
    a network by hand.
    """

    is_module: bool = False
    device: str | None = None
    steps: int = 0
    batch_size: int = 1
    blocks: int = 0
    parameters: int = 0

    @classmethod
    def of(cls, problem: Problem) -> "Task":
        """Return the task that a problem is."""
        network = problem.network
        task = cls(False, problem.device, problem.total_steps, problem.order.batch_size)
        if not isinstance(network, Network):
            return task._replace(is_module=True)
        blocks, parameters = len(network.layer.layers), network.parameter_count
        return task._replace(blocks=blocks, parameters=parameters)


@dataclass(frozen=True)
class EngineKind:
    """What an engine can do, known before it and its library are loaded.

    Parameters
    ----------
    name : str
        A key of ``names.ENGINES``; its module and its class are called by it.
    suits : callable
        Whether it is a good choice for a task, where it can do that at all.
    device_name : callable
        From a device that is asked for to what its maker calls it, a CPU perhaps cpu;
        an ``InputError`` if this machine has none.
    by_hand : bool
        Whether it follows gradients derived by hand, in one process; else it trains any
        module of torch, and several processes share a training.
    """

    name: str
    suits: Callable[[Task], bool]
    device_name: Callable[[str | None], str]
    by_hand: bool = True

    def load(self, problem: Problem) -> Engine:
        """Return the engine made for a problem, its library loaded.

        Raises
        ------
        InputError
            If that or the device is missing.
        """
        if not self.by_hand:
            require_torch(f"engine {self.name}")
        module = import_module(f"layerwise.training.engines._{self.name}")
        return getattr(module, f"{self.name.capitalize()}Engine")(problem)

    def check_device(self, device: str | None) -> None:
        """Say that it cannot compute there.

        Raises
        ------
        InputError
            If that is so by its nature, or this machine has no such device.
        """
        places = names.ENGINES[self.name].devices
        if device is not None and device not in places:
            raise InputError(
                f"engine {self.name} computes on {' or '.join(places)}, not on {device}"
            )
        # A CPU is everywhere, but torch need not be installed.
        if device not in (None, "cpu") or not self.by_hand:
            self.device_name(device)

    def refuses(self, task: Task) -> str:
        """Return what it cannot train about a task, or nothing."""
        if self.by_hand and task.is_module:
            return "a module of torch"
        if self.by_hand and ranks.world_size() > 1:
            return "a job of several processes"
        return ""


COMPILED = EngineKind(
    name="compiled",
    suits=lambda _: True,
    device_name=lambda device: str(device_named(device).device_kind),
)


def _is_tiny(task: Task) -> bool:
    """Return whether NumPy is done before XLA has compiled."""
    operations = 3 * task.steps * task.batch_size * task.parameters
    compiling = FEW_STEPS + FEW_STEPS_OF_A_BLOCK * max(0, task.blocks - SHALLOW)
    few = FEW_OPERATIONS * compiling / FEW_STEPS
    return task.steps * task.blocks < compiling and operations < few


EAGER = EngineKind(
    name="eager",
    suits=lambda task: task.device is None and _is_tiny(task),
    device_name=lambda _: "cpu",
)

TORCH = EngineKind(
    name="torch",
    suits=lambda task: task.is_module or ranks.world_size() > 1,
    device_name=torch_device_name,
    by_hand=False,
)

ENGINES: Mapping[str, EngineKind] = MappingProxyType(
    {kind.name: kind for kind in (COMPILED, EAGER, TORCH)}
)
"""What is known of every engine, by its name: of those that suit the last is taken."""


def engine_for(problem: Problem, name: str = names.AUTO) -> Engine:
    """Return the engine of this name, made for the problem; see `engine_kind`."""
    return engine_kind(Task.of(problem), name).load(problem)


def engine_kind(task: Task, name: str = names.AUTO) -> EngineKind:
    """Return what is known of the engine of this name.

    ``auto`` decides by the task alone, of several that suit it for the last in the
    table: torch where the network is a module of torch, or where there are several
    processes; else by the problem's size.

    Raises
    ------
    InputError
        If that engine cannot train this network, or not in several processes.
    """
    able = [kind for kind in ENGINES.values() if not kind.refuses(task)]
    if name == names.AUTO:
        return next(kind for kind in reversed(able) if kind.suits(task))
    if ENGINES[name] not in able:
        use = ", or ".join([*(kind.name for kind in able), names.AUTO])
        what = ENGINES[name].refuses(task)
        raise InputError(f"engine {name!r} cannot train {what}: use {use}")
    return ENGINES[name]
