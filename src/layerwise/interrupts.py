"""Interrupts that wait for a block that must not be left half done."""

import signal
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def noted(kinds: Iterable[signal.Signals] = STOPS) -> Generator[list[int]]:
    """Note Ctrl-C and SIGTERM in this block, in a list, instead of stopping it.

    Python gives signals to the main thread alone: in another one nothing is noted.
    """
    came: list[int] = []
    on_main = threading.current_thread() is threading.main_thread()
    before = {
        kind: signal.signal(kind, lambda number, _: came.append(number))
        for kind in (kinds if on_main else ())
    }
    try:
        yield came
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


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
