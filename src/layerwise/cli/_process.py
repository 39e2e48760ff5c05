"""What a process owes the shell that began it: streams, signals, an exit status."""

import os
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from io import TextIOWrapper
from pathlib import Path
from types import FrameType

from layerwise import ranks

ENDED_BY = 128
"""What a shell adds to the number of a signal: the exit status."""

SOON = 0.02
"""Seconds until it is asked again whether a library has been loaded."""


@contextmanager
def usable_streams() -> Generator[None]:
    """Have standard streams in this block that take any text, be they closed.

    What the terminal's encoding lacks is replaced by a question mark.
    """
    with ExitStack() as stack:
        # Else the next file that is opened is what libraries take for the output.
        while (free := os.open(os.devnull, os.O_RDWR)) <= 2:
            stack.callback(os.close, free)
        os.close(free)
        for stream, redirected in (
            (sys.stdout, redirect_stdout),
            (sys.stderr, redirect_stderr),
        ):
            if stream is None:  # pyright: ignore[reportUnnecessaryComparison]
                nowhere = stack.enter_context(Path(os.devnull).open("w"))
                stack.enter_context(redirected(nowhere))
            elif isinstance(stream, TextIOWrapper):
                stack.callback(stream.reconfigure, errors=stream.errors)
                stream.reconfigure(errors="replace")
        yield


def _is_loading(frame: FrameType | None) -> bool:
    """Return whether something is being imported here."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextmanager
def noted_stops() -> Generator[Sequence[int]]:
    """Have Ctrl-C and SIGTERM interrupt this block, and note which of them came.

    While a library is loading they wait: some crash when they are interrupted then. A
    second SIGTERM ends the process at once. Several processes of a job note signals by
    themselves; see `ranks.stops_noted`.

    Yields
    ------
    sequence of int
        The signals that came.
    """
    came: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if came and number == signal.SIGTERM:
            os._exit(ENDED_BY + number)
        if _is_loading(frame):
            again = threading.Timer(SOON, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return
        came.append(number)
        raise KeyboardInterrupt

    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    on_main = threading.current_thread() is threading.main_thread()
    alone = on_main and ranks.world_size() == 1
    ours = {n: h for n, h in usual.items() if alone and signal.getsignal(n) == h}
    for number in ours:
        signal.signal(number, stop)
    try:
        yield came
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
