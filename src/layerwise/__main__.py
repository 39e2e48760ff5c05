"""``python -m layerwise``, and the command ``layerwise``."""

import os
import signal
import sys
from types import FrameType

from layerwise import interrupts

INTERRUPTED = 130


def main() -> int:
    """Load the command line and run it; return its exit status.

    Ctrl-C while it loads ends the process without a word: an exception would pass
    through the imports of others.
    """
    with interrupts.handled([signal.SIGINT], _end):
        from layerwise.cli import main as run
    return run()


def _end(_number: int, _: FrameType | None) -> None:
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
