"""Time a step of training on one core, two, four and eight, by the width of its layers.

    python benchmarks/threads.py
    python benchmarks/threads.py --widths 128,1024 --runs 9 --markdown

Each figure is of a new process that the system keeps on that many cores: XLA has as
many threads as it finds cores, and gives a product to several where it is large enough.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import tyro
from compare import Contest, environment, interleaved, markdown, medians, table
from rich.console import Console

CORES = (1, 2, 4, 8)
BATCH = 128

STEPS = """
import sys
import numpy as np
import layerwise as lw
width, epochs, batch = map(int, sys.argv[1:])
random = np.random.default_rng(0)
inputs = random.normal(size=(64 * batch, 784)).astype("float32")
data = lw.Dataset.from_arrays(inputs, random.integers(0, 10, len(inputs)), seed=0)
settings = {"epochs": epochs, "batch_size": batch, "evaluate_every": 0, "seed": 0}
found = lw.fit(lw.MLP([width, width]), data, engine="compiled", **settings)
print(1e3 / found.steps_per_second)
"""


@dataclass(frozen=True)
class Options:
    """Time a step by the number of cores and print one table for each width."""

    widths: str = "32,64,128,256,512,1024"
    """of the two hidden layers of 784-width-width-10, separated by commas"""
    runs: int = 5
    """measured runs of each number of cores"""
    markdown: bool = False
    """print Markdown, for README.md"""
    quick: bool = False
    """two epochs: to see that everything runs, not how fast"""


def main() -> None:
    options = tyro.cli(Options)
    show = print if options.markdown else Console().print
    show(environment(medians(options.runs)))
    there = sorted(os.sched_getaffinity(0))
    for width in map(int, options.widths.split(",")):
        epochs = 2 if options.quick else max(2, 3000 // width)
        contenders = {
            f"{cores} core{'s' if cores > 1 else ''}": _step(
                there[:cores], width, epochs
            )
            for cores in CORES
            if cores <= len(there)
        }
        title = f"784-{width}-{width}-10, batch {BATCH}"
        contest = Contest(title, "ms a step", contenders)
        drawn = markdown if options.markdown else table
        show(drawn(contest, interleaved(contest, options.runs)))


def _step(cores: list[int], width: int, epochs: int) -> Callable[[], float]:
    arguments = map(str, (width, epochs, BATCH))
    command = [sys.executable, "-c", STEPS, *arguments]
    return partial(_on, cores, command)


def _on(cores: list[int], command: list[str]) -> float:
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        preexec_fn=partial(os.sched_setaffinity, 0, cores),
    )
    return float(done.stdout)


if __name__ == "__main__":
    main()
