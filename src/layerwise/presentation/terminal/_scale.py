"""What the command line prints of what studies cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from layerwise.presentation._tables import Table
from layerwise.presentation._text import duration
from layerwise.presentation.terminal._terminal import print_table, say
from layerwise.study import Forecast
from layerwise.wording import count

if TYPE_CHECKING:
    import rich.console

__all__ = ["print_forecast"]


def print_forecast(
    console: "rich.console.Console", costs: Sequence[Forecast], processes: int
) -> None:
    """Print what counting each layer costs, and all of them together.

    Parameters
    ----------
    console : rich Console
    costs : sequence of Forecast
    processes : int
        Among how many the rows are shared.
    """
    head = ("layer", "rows", "units", "scatter of", "to read", "time", "memory")
    body = [
        (
            cost.layer,
            count(cost.rows),
            count(cost.units),
            count(cost.width),
            size(cost.read_bytes),
            duration(cost.seconds),
            size(cost.memory_bytes),
        )
        for cost in costs
    ]
    print_table(console, Table(head, body))
    seconds = sum(cost.seconds for cost in costs)
    kept = sum(cost.part_bytes for cost in costs)
    most = max(cost.memory_bytes for cost in costs) + kept
    among = f", among {count(processes)}: {duration(seconds / processes)} each"
    say(
        console,
        f"one pass: {duration(seconds)} for one process like this one"
        f"{among if processes > 1 else ''}; {size(sum(c.read_bytes for c in costs))} "
        f"to read; about {size(most)} of memory in each process\n"
        f"what is kept, and sent or written once by each of several: {size(kept)} at "
        "most",
    )


def size(total: int | float) -> str:
    """Return bytes in the largest unit that leaves a number of 1 or more.

    >>> size(999), size(2_350_000), size(1.6e13)
    ('999 B', '2.4 MB', '16 TB')
    """
    units = ("B", "kB", "MB", "GB", "TB")
    place = 0
    while total >= 999.5 and place < len(units) - 1:
        total, place = total / 1000, place + 1
    digits = 1 if total < 9.95 and place else 0
    return f"{total:.{digits}f} {units[place]}"
