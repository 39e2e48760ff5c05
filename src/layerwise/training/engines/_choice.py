"""Which engine trains a network: by its name, or by the problem alone."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal, NamedTuple

from layerwise import names, ranks
from layerwise.arrays import (
    device_named,
    require_torch,
    torch_device_name,
    torch_device_named,
)
from layerwise.errors import InputError
from layerwise.model import Network
from layerwise.training.engines._engine import Engine, Problem

__all__ = ["ENGINES", "EngineKind", "Task", "engine_for", "engine_kind"]

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

    Parameters
    ----------
    is_module : bool
        Whether the network is a module of torch.
    device : str, optional
        Where to compute.
    steps, batch_size : int
        Of all trainings together; samples in a step.
    blocks, parameters : int
        Of the network, where it is one by hand.
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
        size = (0, 0)
        if isinstance(network, Network):
            size = len(network.layer.layers), network.parameter_count
        steps, batch_size = problem.total_steps, problem.batch_size
        is_module = not isinstance(network, Network)
        return cls(is_module, problem.device, steps, batch_size, *size)


@dataclass(frozen=True)
class EngineKind(ABC):
    """What an engine can do, known before it and its library are loaded.

    Parameters
    ----------
    name : str
        A key of ``names.ENGINES``.
    """

    name: str

    by_hand: ClassVar[bool] = True
    """Whether it follows gradients derived by hand, in one process; else it trains any
    module of torch, and several processes share a training."""

    meanwhile: ClassVar[Literal["thread", "process"] | None] = None
    """What may compute beside it: a thread of this process, another process, or, as it
    takes all cores, neither."""

    @abstractmethod
    def suits(self, task: Task) -> bool:
        """Return whether it is a good choice, where it can do the task at all."""

    @abstractmethod
    def load(self, problem: Problem) -> Engine:
        """Return the engine made for a problem, its library loaded.

        Raises
        ------
        InputError
            If the library is not installed, or there is no such device.
        """

    @abstractmethod
    def device_name(self, device: str | None) -> str:
        """Return what the device is called by its maker; a CPU may be cpu.

        Raises
        ------
        InputError
            If this machine has none.
        """

    def check_device(self, device: str | None) -> None:
        """Say that there is no such device, without a library asked for a CPU.

        Raises
        ------
        InputError
            If this machine has none, or the engine cannot compute there.
        """
        if device not in (None, "cpu"):
            self.device_name(device)

    def refuses(self, task: Task) -> str:
        """Return what it cannot train about a task, or nothing."""
        if self.by_hand and task.is_module:
            return "a module of torch"
        if self.by_hand and ranks.world_size() > 1:
            return "a job of several processes"
        return ""


class Compiled(EngineKind):
    """The mathematics by hand as one XLA program; takes one core of a CPU."""

    meanwhile = "thread"

    def suits(self, task: Task) -> bool:
        """Return True."""
        del task
        return True

    def load(self, problem: Problem) -> Engine:
        """Return the engine; this loads JAX."""
        from layerwise.training.engines._compiled import CompiledEngine

        return CompiledEngine(problem)

    def device_name(self, device: str | None) -> str:
        """Return what JAX calls the device."""
        return str(device_named(device).device_kind)


class Eager(EngineKind):
    """The mathematics by hand, line by line in NumPy, on one core."""

    meanwhile = "process"

    def suits(self, task: Task) -> bool:
        """Return whether it is done before XLA has compiled."""
        if task.device is not None:
            return False
        operations = 3 * task.steps * task.batch_size * task.parameters
        compiling = FEW_STEPS + FEW_STEPS_OF_A_BLOCK * max(0, task.blocks - SHALLOW)
        few = FEW_OPERATIONS * compiling / FEW_STEPS
        return task.steps * task.blocks < compiling and operations < few

    def load(self, problem: Problem) -> Engine:
        """Return the engine."""
        from layerwise.training.engines._eager import EagerEngine

        return EagerEngine(problem)

    def device_name(self, device: str | None) -> str:
        """Return cpu."""
        del device
        return "cpu"

    def check_device(self, device: str | None) -> None:
        """Raise an error for anything but a CPU."""
        if device not in (None, "cpu"):
            raise InputError(f"engine {self.name} computes on the cpu, not on {device}")


class Torch(EngineKind):
    """Torch and its automatic differentiation, on all cores, GPUs and processes."""

    by_hand = False

    def suits(self, task: Task) -> bool:
        """Return whether no other can do it."""
        return task.is_module or ranks.world_size() > 1

    def load(self, problem: Problem) -> Engine:
        """Return the engine; this loads torch."""
        require_torch("engine torch")
        from layerwise.training.engines._torch import TorchEngine

        return TorchEngine(problem)

    def device_name(self, device: str | None) -> str:
        """Return what the maker of torch's device calls it."""
        return torch_device_name(device)

    def check_device(self, device: str | None) -> None:
        """Raise an error also if torch is not installed."""
        torch_device_named(device)


ENGINES: Mapping[str, EngineKind] = MappingProxyType(
    {name: globals()[entry.kind](name) for name, entry in names.ENGINES.items()}
)
"""What is known of every engine, by its name."""


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
