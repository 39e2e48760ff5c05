"""Interrupts that wait for a block that must not be left half done."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def held() -> Generator[None]:
    """Put off Ctrl-C and SIGTERM to the end of this block.

    Python gives signals to the main thread alone: in another one nothing is put off.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    kinds = [
        n for n in (signal.SIGINT, signal.SIGTERM) if callable(signal.getsignal(n))
    ]
    before = {n: signal.signal(n, lambda number, _: came.append(number)) for n in kinds}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
