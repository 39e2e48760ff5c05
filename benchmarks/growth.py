"""How cost grows: time and memory against samples, width, depth and units.

    python benchmarks/growth.py --out growth.png

Each quantity is changed alone, each point is the best of a few runs in one process, and
the exponent is that of a line through the logarithms of the upper half of the points,
where what a call costs whatever its size counts no longer. Linux.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tyro
from compare import environment

import layerwise as lw


@dataclass(frozen=True)
class Options:
    """Measure how cost grows; print the exponents and draw one figure."""

    out: Path = Path("growth.png")
    """file of the figure"""
    runs: int = 3
    """runs of each point; the fastest counts"""
    quick: bool = False
    """two small points of each curve: to see that everything runs"""


@dataclass(frozen=True)
class Curve:
    """One quantity that grows, and what it costs."""

    title: str
    unit: str
    sizes: tuple[int, ...]
    cost: Callable[[int], float]


def made(samples: int, features: int = 64, classes: int = 10) -> lw.Dataset:
    """Return normal inputs about a centre for each class."""
    rng = np.random.default_rng(0)
    targets = np.arange(samples) % classes
    centres = rng.normal(size=(classes, features))
    inputs = rng.normal(size=(samples, features)) + centres[targets]
    return lw.Dataset.from_arrays(inputs.astype(np.float32), targets)


def training(samples: int = 16_384, width: int = 128, depth: int = 3) -> float:
    """Return the seconds of an epoch's steps."""
    data = made(samples)
    found = lw.fit(
        lw.MLP([width] * depth),
        data,
        epochs=2,
        batch_size=128,
        engine="compiled",
        evaluate_every=0,
    )
    return len(data.train) / 128 / found.steps_per_second


def study(samples: int = 4096, units: int = 128) -> float:
    """Return the seconds of looking into a network of three layers."""
    data = made(samples)
    network = lw.fit(lw.MLP([units] * 3), data, epochs=1, engine="eager").network
    start = time.perf_counter()
    lw.inspect(network, data)
    return time.perf_counter() - start


def memory(samples: int) -> float:
    """Return the peak of a new process that trains and looks, in MB."""
    code = (
        "import re, pathlib, layerwise as lw; from growth import made;"
        f"data = made({samples}); found = lw.fit(lw.MLP([128] * 3), data, epochs=1);"
        "lw.inspect(found.network, data);"
        # Not resource.getrusage: a new process begins with its parent's peak there.
        "status = pathlib.Path('/proc/self/status').read_text();"
        "print(int(re.search(r'VmHWM:\\s*(\\d+)', status)[1]) / 1024)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
    )
    return float(said.stdout)


def doubled(first: int, last: int) -> tuple[int, ...]:
    return tuple(2**n for n in range(first, last + 1))


CURVES = (
    Curve("training: samples", "s an epoch", doubled(12, 18), training),
    Curve(
        "training: width of 3 layers",
        "s an epoch",
        doubled(5, 11),
        lambda width: training(width=width),
    ),
    Curve(
        "training: hidden layers of 128",
        "s an epoch",
        doubled(0, 5),
        lambda depth: training(depth=depth),
    ),
    Curve("study: samples", "s", doubled(10, 16), study),
    Curve(
        "study: units of 3 layers",
        "s",
        doubled(5, 10),
        lambda units: study(units=units),
    ),
    Curve("peak memory: samples", "MB", doubled(12, 19), memory),
)


def exponent(sizes: tuple[int, ...], costs: list[float]) -> float:
    """Return the slope between logarithms, over the upper half of the points."""
    half = len(sizes) // 2
    slope, _ = np.polyfit(np.log(sizes[half:]), np.log(costs[half:]), 1)
    return float(slope)


def main() -> None:
    options = tyro.cli(Options)
    print(environment(f"the best of {options.runs} runs"))
    print("| what grows | from – to | cost | grows as |\n| --- | --: | --: | --: |")
    figure, axes = plt.subplots(2, 3, figsize=(9, 5), layout="constrained")
    for ax, curve in zip(axes.flat, CURVES, strict=True):
        sizes = curve.sizes[:4] if options.quick else curve.sizes
        measures = [partial(curve.cost, size) for size in sizes]
        costs = [min(measure() for _ in range(options.runs)) for measure in measures]
        power = exponent(sizes, costs)
        span = f"{sizes[0]:,} – {sizes[-1]:,}"
        cost = f"{costs[0]:.3g} – {costs[-1]:.3g} {curve.unit}"
        print(f"| {curve.title} | {span} | {cost} | n^{power:.2f} |", flush=True)
        ax.loglog(sizes, costs, "o-", base=2, markersize=4, color="#4477aa")
        ax.set_title(f"{curve.title}, n$^{{{power:.2f}}}$", fontsize=9, loc="left")
        ax.set_ylabel(curve.unit, fontsize=8)
        ax.tick_params(labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(options.out, dpi=120)


if __name__ == "__main__":
    main()
