"""Worker processes: on all cores, and none is left when their parent has gone."""

import gc
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import Any, TypeVar

from layerwise import interrupts

T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def workers(count: int) -> Generator[Executor]:
    """Keep some workers in this block; when it is left, they are stopped.

    Workers are new processes, not forks: XLA has threads, which do not survive a fork.
    They hold one end of a pipe that nobody writes to, and end when the other end is
    closed, because we were killed. On the way out they are not asked: whether they are
    loading a library or have nothing to do, ending in order would take them long.
    """
    context = get_context("spawn")
    alive, ours = context.Pipe(duplex=False)
    others = active_children()
    given = alive, gc.get_threshold()
    with ProcessPoolExecutor(count, context, _begin, given) as pool:
        try:
            yield pool
        finally:
            for process in active_children():
                if process not in others:
                    process.terminate()
    ours.close()
    alive.close()


def in_workers(
    function: Callable[[T], R], items: Sequence[T], count: int
) -> Iterator[R]:
    """Yield what a function makes of each item, as they get done.

    If a worker dies that is a BrokenProcessPool.
    """
    with workers(count) as pool:
        # New processes have the mask of the thread that begins them, and so ignore
        # Ctrl-C; other threads of ours may still take the signal, which is put off.
        with interrupts.held():
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                futures: list[Future[R]] = [pool.submit(function, i) for i in items]
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for future in as_completed(futures):
            yield future.result()


def _begin(alive: Any, collected: tuple[int, int, int]) -> None:
    """Make a process a worker: it leaves Ctrl-C to its parent, and ends with it.

    It looks for garbage as often as its parent.
    """
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(*collected)
    threadpool_limits(1)  # the workers are the threads

    def end_with_parent() -> None:
        alive.poll(None)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
