"""Layers are independent of each other: as many at a time as there are cores."""

import importlib
import os
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["each", "one_blas_thread"]

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
def one_blas_thread() -> Generator[None]:
    """Give every product to one thread, in this block and in all that run beside it.

    Products of a few thousand rows lose more to the hand-over between threads than they
    win, and threads of threads wait for each other. To find the libraries takes 5 ms,
    so a block within a block leaves it at that.
    """
    if not _limited.acquire(blocking=False):
        yield
        return
    try:
        # SciPy has a BLAS of its own, which can be told once it is loaded.
        importlib.import_module("scipy.linalg")
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        _limited.release()
