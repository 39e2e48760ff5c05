"""``python -m layerwise``, and the command ``layerwise``."""

import os
import signal
import sys
import threading
from types import FrameType

INTERRUPTED = 130


def main() -> int:
    """Load the command line and run it; return its exit status.

    Ctrl-C while it loads ends the process without a word: an exception would pass
    through the imports of others.
    """
    on_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, _end) if on_main else None
    from layerwise.cli import main as run

    if before is not None:
        signal.signal(signal.SIGINT, before)
    return run()


def _end(_number: int, _: FrameType | None) -> None:
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
