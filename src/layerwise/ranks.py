"""The processes of one job under ``torchrun``: which one this is, and what they share.

A job has ``world_size()`` processes, numbered by ``rank()``; without ``torchrun`` it is
one, and everything here is then the identity. Rank 0 writes and prints.

All ranks must call what exchanges values (``all_summed``, ``gathered``, ``from_first``,
``in_all``, ``opened_by_first``), in the same order. A lost rank ends the others'
waiting with a ``MachineError``: at once where its connections close, and after
``PATIENCE`` where it is merely silent.
"""

import atexit
import importlib
import os
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

from layerwise import interrupts
from layerwise.errors import LayerwiseError, MachineError

__all__ = [
    "PATIENCE",
    "all_summed",
    "alone",
    "from_first",
    "gathered",
    "in_all",
    "is_first",
    "job_size",
    "join",
    "joined",
    "leave",
    "lost_rank",
    "note_said",
    "opened_by_first",
    "own_share",
    "rank",
    "said_by_first",
    "share",
    "stops_noted",
    "world_size",
]

PATIENCE = timedelta(seconds=45)
"""How long a rank waits for the others before it takes one of them for lost."""

LAST_WORDS = timedelta(seconds=10)
"""How long the others wait for rank 0 to say why the job ends."""

Value = TypeVar("Value")


def rank() -> int:
    """Return the number of this process in its job: 0 where there is one only."""
    return _number("RANK", 0)


def world_size() -> int:
    """Return how many processes the job has."""
    return _number("WORLD_SIZE", 1)


def job_size() -> int:
    """Return how many processes were begun, also in a block of `alone`."""
    return _of_launcher("WORLD_SIZE", 1)


def is_first() -> bool:
    """Return whether this is the process that writes and prints."""
    return rank() == 0


def joined() -> bool:
    """Return whether this process is in a group of several."""
    group = _group()
    return group is not None and group.get_world_size() > 1


def join() -> None:
    """Join the group that ``torchrun`` started; nothing where there is one process.

    A group that exists is kept. Arrays on CUDA devices are exchanged over NCCL, where
    each rank takes the device of its own number, and those on the host over gloo.

    Raises
    ------
    InputError
        If torch is not installed.
    MachineError
        If the others do not come.
    """
    if world_size() == 1 or joined():
        return
    from layerwise.arrays import require_torch

    torch = require_torch("a job of several processes")
    import torch.distributed as group
    from torch.distributed.rendezvous import rendezvous

    # Its functions take the group that exists for their default: loaded later, as by
    # DistributedDataParallel, it would keep the group's threads beyond `leave`.
    importlib.import_module("torch.distributed.nn.functional")

    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(_of_launcher("LOCAL_RANK", 0) % torch.cuda.device_count())
    with lost_rank():
        store, number, size = next(rendezvous("env://", timeout=PATIENCE))
        group.init_process_group(
            backend, store=store, rank=number, world_size=size, timeout=PATIENCE
        )
    _stores.append(store)
    # The threads of a group that outlives the interpreter abort it, now and then.
    atexit.register(leave)


def leave() -> None:
    """Leave the group, where this process is in one."""
    group = _group()
    if group is not None:
        group.destroy_process_group()
        _stores.clear()


def note_said() -> None:
    """Note, on rank 0, that it has said why the job ends.

    For the first process that ends a launcher ends the others: they wait for this.
    """
    if _stores:
        with suppress(RuntimeError):
            _stores[-1].set(SAID, "1")


def said_by_first() -> bool:
    """Return, on the others, whether rank 0 has said why the job ends; wait for it."""
    if not _stores:
        return False
    try:
        _stores[-1].wait([SAID], LAST_WORDS)
    except RuntimeError:
        return False
    return True


def own_share(samples: int) -> slice:
    """Return the positions, of so many samples, that this rank takes.

    Consecutive, in the order of ranks; their numbers differ by at most one, and every
    sample has one rank.

    >>> own_share(7)
    slice(0, 7, None)
    """
    return share(samples, rank(), world_size())


def share(samples: int, number: int, parts: int) -> slice:
    """Return the positions, of so many samples, in one of so many parts, from 0.

    >>> [share(7, number, 3) for number in range(3)]
    [slice(0, 2, None), slice(2, 4, None), slice(4, 7, None)]
    """
    return slice(samples * number // parts, samples * (number + 1) // parts)


def all_summed(tree: Value) -> Value:
    """Return the sums of the NumPy arrays of a tree over all ranks, the same on each.

    The tree is of the same form, shapes and dtypes on every rank.
    """
    if not joined():
        return tree
    import numpy as np
    import torch
    import torch.distributed as group

    from layerwise.arrays import leaves, tree_map

    summed = tree_map(lambda leaf: torch.from_numpy(np.array(leaf)), tree)
    with lost_rank():
        for leaf in leaves(summed):
            group.all_reduce(leaf)
    return tree_map(lambda leaf: leaf.numpy(), summed)


def gathered(value: Value) -> list[Value]:
    """Return every rank's value, in the order of ranks; trees of NumPy arrays too."""
    if not joined():
        return [value]
    import torch.distributed as group

    found: list[Any] = [None] * world_size()
    with lost_rank():
        group.all_gather_object(found, value)
    return found


def from_first(make: Callable[[], Value]) -> Value:
    """Return on every rank what ``make`` returns on rank 0, where alone it is called.

    Raises
    ------
    LayerwiseError
        On every rank, if ``make`` raises it on rank 0.
    """
    if not joined():
        return make()
    import torch.distributed as group

    shared: list[Any] = [*_tried(make)] if is_first() else [None, None]
    with lost_rank():
        group.broadcast_object_list(shared, src=0)
    made, failure = shared
    if failure is not None:
        raise failure
    return made


def in_all(make: Callable[[], Value]) -> Value:
    """Return what ``make`` returns on this rank; where it fails on one, it does on all.

    Raises
    ------
    LayerwiseError
        On every rank, that of the first rank on which ``make`` raises one.
    """
    made, failure = _tried(make)
    for found in gathered(failure):
        if found is not None:
            raise found
    return made


def _tried(make: Callable[[], Value]) -> tuple[Any, LayerwiseError | None]:
    """Return what ``make`` returns, or None and the error that it raises."""
    try:
        return make(), None
    except LayerwiseError as error:
        return None, error


@contextmanager
def opened_by_first(opened: AbstractContextManager[Value]) -> Generator[Value]:
    """Enter a context on rank 0 alone; every rank gets its value, or its error."""
    with ExitStack() as stack:
        yield from_first(lambda: stack.enter_context(opened))


@contextmanager
def alone() -> Generator[None]:
    """Work by oneself in this block: the other ranks are elsewhere, or have ended."""
    _by_themselves.append(True)
    try:
        yield
    finally:
        _by_themselves.pop()


_stores: list[Any] = []
"""The store over which the group that `join` made has found together."""

SAID = "layerwise: said"

_by_themselves: list[bool] = []
"""One entry for each block of ``alone`` that this process is in."""


@contextmanager
def lost_rank() -> Generator[None]:
    """Turn the errors of an exchange that a lost rank broke into a `MachineError`."""
    try:
        yield
    except RuntimeError as error:
        if not _is_of_exchange(error):
            raise
        raise MachineError(
            f"rank {rank()} of {world_size()}: another rank is lost or cannot be "
            "reached; saved files are intact: continue with --resume"
        ) from error


@contextmanager
def stops_noted() -> Generator[Callable[[], bool]]:
    """Note SIGINT and SIGTERM in this block, where there are several processes.

    Yields
    ------
    callable
        Returns whether one has come. Ranks have to agree on it, and to stop together.
    """
    if not joined():
        yield lambda: False
        return
    with interrupts.noted() as came:
        yield lambda: bool(came)


def _is_of_exchange(error: RuntimeError) -> bool:
    """Return whether an error comes from the exchange, and not from the mathematics.

    Gloo raises plain RuntimeErrors, which only their text tells apart.
    """
    if type(error).__name__.startswith("Dist"):
        return True
    signs = ("gloo", "NCCL", "Connection", "TCPStore", "Timed out", "Broken pipe")
    return any(sign in str(error) for sign in signs)


def _group() -> Any:
    """Return ``torch.distributed`` where a group of it exists, without loading it."""
    group = sys.modules.get("torch.distributed")
    if _by_themselves or group is None or not group.is_available():
        return None
    return group if group.is_initialized() else None


def _number(name: str, otherwise: int) -> int:
    """Return what ``torchrun`` says; its variables always come together."""
    group = _group()
    if group is not None:
        return group.get_rank() if name == "RANK" else group.get_world_size()
    return otherwise if _by_themselves else _of_launcher(name, otherwise)


def _of_launcher(name: str, otherwise: int) -> int:
    """Return what ``torchrun`` said when it began this process."""
    said = os.environ.get(name) if "MASTER_ADDR" in os.environ else None
    return int(said or otherwise)
