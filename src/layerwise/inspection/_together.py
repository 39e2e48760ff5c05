"""Layers are independent of each other: as many at a time as there are cores."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

__all__ = ["each"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def each(function: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """Return what the function gives for each item, in order.

    A single item stays in the caller's thread, and so in its contexts (a module may be
    run under ``torch.autocast``). One BLAS thread each: products of a few thousand rows
    lose more to the hand-over between threads than they win, and threads of threads
    wait for each other.
    """
    items = list(items)
    if len(items) == 1:
        return [function(items[0])]
    with (
        threadpool_limits(1, user_api="blas"),
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        return list(pool.map(function, items))
