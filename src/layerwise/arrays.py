"""Array libraries: which namespace, which device, how many threads; trees of arrays."""

import importlib
import importlib.util
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array

from layerwise import interrupts
from layerwise.errors import InputError

__all__ = [
    "Array",
    "Tree",
    "automatic_gradient",
    "device_named",
    "each",
    "has_accelerator",
    "leaves",
    "named_leaves",
    "namespace",
    "numpy_or_torch",
    "one_blas_thread",
    "one_hot",
    "ravelled",
    "require_torch",
    "to_numpy",
    "torch_device_name",
    "torch_device_named",
    "tree_like",
    "tree_map",
    "unravelled",
]

Array: TypeAlias = Any
"""An array of NumPy, JAX, torch or another library of the array-API standard."""

ACCELERATED_BY = ("jax_plugins", "libtpu")
"""The packages of which one is installed where JAX has more than a CPU."""

Tree: TypeAlias = Any
"""An array, or a dict or tuple of trees: parameters, gradients, moments."""


def namespace(*arrays: Array) -> Any:
    """Return the array-API namespace that ``arrays`` belong to.

    Raises
    ------
    TypeError
        If the arrays come from different libraries, or from none.
    """
    # Asking costs more than adding two small arrays; NumPy's can be told at once. It
    # follows the standard by itself: a layer between would take 0.1 s to load.
    for array in arrays:
        if not isinstance(array, np.ndarray | np.generic):
            return array_namespace(*arrays)
    return np


def to_numpy(array: Array) -> np.ndarray:
    """Return ``array`` as a NumPy array on the host, without a copy where possible."""
    if is_torch_array(array):
        array = array.detach().cpu()
    return np.asarray(array)


def numpy_or_torch(array: Array) -> Array:
    """Return a torch tensor as it is, on its device, and all else as a NumPy array.

    The two libraries whose double precision needs no switch.
    """
    return array.detach() if is_torch_array(array) else np.asarray(array)


def one_hot(labels: Array, classes: int, like: Array) -> Array:
    """Return the rows of the identity that integer ``labels`` name.

    Its library and dtype are those of ``like``; its shape is (batch, classes).
    """
    xp = namespace(labels, like)
    columns = xp.arange(classes, dtype=labels.dtype, device=device(like))
    return xp.astype(labels[:, None] == columns[None, :], like.dtype)


def tree_map(function: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    """Apply ``function`` to every leaf of ``tree``, and of ``others`` beside it.

    >>> tree_map(lambda a, b: a + b, {"w": 1, "b": (2, 3)}, {"w": 10, "b": (20, 30)})
    {'w': 11, 'b': (22, 33)}
    """
    if isinstance(tree, dict):
        return {
            key: tree_map(function, branch, *(other[key] for other in others))
            for key, branch in tree.items()
        }
    if isinstance(tree, tuple):
        return tuple(
            tree_map(function, *branches)
            for branches in zip(tree, *others, strict=True)
        )
    return function(tree, *others)


def named_leaves(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Array]]:
    """Yield every leaf with its path, keys and positions joined by dots.

    >>> list(named_leaves({"hidden1": ({"W": 1, "b": 2}, {})}))
    [('hidden1.0.W', 1), ('hidden1.0.b', 2)]
    """
    if isinstance(tree, dict):
        branches = list(tree.items())
    elif isinstance(tree, tuple):
        branches = list(enumerate(tree))
    else:
        yield prefix, tree
        return
    for key, branch in branches:
        yield from named_leaves(branch, f"{prefix}.{key}" if prefix else str(key))


def leaves(tree: Tree) -> list[Array]:
    """Return the leaves of ``tree`` in order."""
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    if isinstance(tree, tuple):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def ravelled(tree: Tree) -> Array:
    """Return all numbers of a tree in one vector, leaf after leaf.

    >>> ravelled({"W": np.ones((2, 1)), "b": np.zeros(1)})
    array([1., 1., 0.])
    """
    flat = leaves(tree)
    xp = namespace(*flat)
    return xp.concat([xp.reshape(leaf, (-1,)) for leaf in flat])


def unravelled(vector: Array, like: Tree) -> Tree:
    """Return the tree of which ``vector`` is ``ravelled``, shaped as ``like``."""
    end = 0

    def taken(leaf: Array) -> Array:
        nonlocal end
        end += leaf.size
        return vector[end - leaf.size : end].reshape(leaf.shape)

    return tree_map(taken, like)


def tree_like(tree: Tree, named: Mapping[str, Array]) -> Tree:
    """Return a tree of the form of ``tree`` whose leaves are taken from ``named``.

    The inverse of ``named_leaves``: ``named`` has the paths that it yields.

    Raises
    ------
    ValueError
        If a leaf is missing, or has another shape than in ``tree``.

    >>> tree_like({"b": np.zeros(2)}, {"b": np.array([1.0, 2.0])})
    {'b': array([1., 2.])}
    """
    paths = (path for path, _ in named_leaves(tree))

    def taken(leaf: Array) -> Array:
        path = next(paths)
        if path not in named:
            raise ValueError(f"{path} is missing")
        found = named[path]
        if found.shape != leaf.shape:
            raise ValueError(f"{path} has shape {found.shape}, expected {leaf.shape}")
        return found

    return tree_map(taken, tree)


def device_named(name: str | None) -> Any:
    """Return JAX's first device of this kind, ``None`` meaning its default.

    Raises
    ------
    InputError
        If this machine has none.
    """
    import jax

    try:
        return jax.devices(name)[0]
    except RuntimeError as error:
        found = ", ".join(sorted({device.platform for device in jax.devices()}))
        raise InputError(
            f"device {name!r} is not on this machine, which has {found}"
        ) from error


def has_accelerator(name: str | None) -> bool:
    """Return whether JAX computes for this kind of device elsewhere than on a CPU.

    Where nothing is installed that could be one, JAX is not loaded to ask.

    Raises
    ------
    InputError
        If this machine has no device of a kind that is named.
    """
    if name == "cpu":
        return False
    if name is None and not any(map(importlib.util.find_spec, ACCELERATED_BY)):
        return False
    return device_named(name).platform != "cpu"


def require_torch(purpose: str) -> Any:
    """Return torch, which is loaded here where it was not.

    Raises
    ------
    InputError
        If it is not installed; ``purpose`` says what needs it.
    """
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f"{purpose} needs PyTorch: pip install 'layerwise[torch]'"
        ) from error
    return torch


def torch_device_named(name: str | None) -> Any:
    """Return torch's device of this kind, ``None`` meaning a GPU where there is one.

    Raises
    ------
    InputError
        If this machine has none, or torch is not installed.
    """
    torch = require_torch("engine torch")
    on_gpu = torch.cuda.is_available()
    if name is None:
        name = "gpu" if on_gpu else "cpu"
    if name not in ("cpu", "gpu") or (name == "gpu" and not on_gpu):
        found = "cpu, gpu" if on_gpu else "cpu"
        raise InputError(
            f"device {name!r} is not on this machine, where torch has {found}"
        )
    return torch.device("cuda" if name == "gpu" else "cpu")


def torch_device_name(name: str | None) -> str:
    """Return what the device that torch takes is called by its maker; a CPU is cpu."""
    device = torch_device_named(name)
    on_gpu = device.type == "cuda"
    return require_torch("engine torch").cuda.get_device_name() if on_gpu else "cpu"


def automatic_gradient(function: Callable[[Tree], Array], tree: Tree) -> Tree | None:
    """Return the gradient of a scalar function by automatic differentiation, float64.

    Returns
    -------
    tree of NumPy arrays, or None
        None where JAX cannot trace the function, because it calls NumPy by name,
        changes an array in place or branches on a value.
    """
    import jax

    # What an interrupt leaves half traced, JAX takes for a recursion from then on.
    with interrupts.held(), jax.enable_x64(True):
        try:
            gradient = jax.jit(jax.grad(function))(tree_map(jax.numpy.asarray, tree))
        except (jax.errors.JAXIndexError, TypeError, AttributeError):
            return None
        return tree_map(np.asarray, gradient)


Item = TypeVar("Item")
Answer = TypeVar("Answer")


def each(function: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """Return what the function gives for each item, in order.

    A single item stays in the caller's thread, and so in its contexts (a module may be
    run under ``torch.autocast``).
    """
    items = list(items)
    if len(items) == 1:
        return [function(items[0])]
    with one_blas_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


_limited = threading.Lock()


@contextmanager
def one_blas_thread(of_scipy: bool = True) -> Generator[None]:
    """Give every product to one thread, in this block and in all that run beside it.

    Products of a few thousand rows lose more to the hand-over between threads than they
    win: those of small batches are done before a second one has woken up, and when it
    is done it keeps its core busy for 0.1 seconds, in case there is more to do. Threads
    of threads wait for each other. A block within a block leaves it at that.

    Parameters
    ----------
    of_scipy : bool
        SciPy has a BLAS of its own, which can be told once it is loaded; where nothing
        of it is used there is nothing to tell.
    """
    if not _limited.acquire(blocking=False):
        yield
        return
    try:
        with _blas(of_scipy).limit(limits=1, user_api="blas"):
            yield
    finally:
        _limited.release()


@cache
def _blas(of_scipy: bool) -> Any:
    """Return what limits the libraries that are loaded: to find them takes 5 ms."""
    if of_scipy:
        importlib.import_module("scipy.linalg")
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
