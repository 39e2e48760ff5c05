"""Interrupts that wait for a block that must not be left half done."""

import signal
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def handled(
    kinds: Iterable[signal.Signals], handler: Callable[[int, FrameType | None], None]
) -> Generator[None]:
    """Have another handler of signals in this block.

    Python gives signals to the main thread alone: in another one nothing is changed.
    """
    on_main = threading.current_thread() is threading.main_thread()
    before = {n: signal.signal(n, handler) for n in (kinds if on_main else ())}
    try:
        yield
    finally:
        for number, usual in before.items():
            if usual is not None:  # else it is not Python's
                signal.signal(number, usual)


@contextmanager
def noted(kinds: Iterable[signal.Signals] = STOPS) -> Generator[list[int]]:
    """Note Ctrl-C and SIGTERM in this block, in a list, instead of stopping it."""
    came: list[int] = []
    with handled(kinds, lambda number, _: came.append(number)):
        yield came


@contextmanager
def held() -> Generator[None]:
    """Put off Ctrl-C and SIGTERM to the end of this block."""
    came: list[int] = []
    try:
        with noted(n for n in STOPS if callable(signal.getsignal(n))) as came:
            yield
    finally:
        if came:
            signal.raise_signal(came[0])
