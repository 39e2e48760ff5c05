"""The pieces of a study of 10⁹ samples × 4,096 units, measured, and their sum.

    python benchmarks/scale.py [--rows 8192] [--units 4096] [--processes 64]

Takes a minute or two. What is measured: adding rows up exactly and fast, with and
without the projection to 2,048 coordinates, on the processor and, where PyTorch finds
one, on a GPU; reading a file; and the work on what was added up, which is done once.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from layerwise.data import rows_in_files
from layerwise.statistics import (
    MAX_UNITS,
    Moments,
    Tally,
    discriminants,
    least_squares_probe,
    principal_components,
)

SAMPLES = 10**9
CLASSES = 1000
KEPT = 13_000
"""Rows that a study keeps: 3,000 fitted on, 10,000 scored."""


def quickest(function: Callable[[], object], times: int = 3) -> float:
    """Return the seconds of the quickest call, the first left out."""
    function()
    found: list[float] = []
    for _ in range(times):
        begun = time.perf_counter()
        function()
        found.append(time.perf_counter() - begun)
    return min(found)


def adding(rows, labels, precision: str, width: int | None) -> float:
    """Return the seconds that a row takes."""
    none = Moments.empty(rows.shape[1], CLASSES, precision=precision, max_units=width)
    tally = Tally(none)

    def add() -> None:
        tally.add(rows, labels)
        if hasattr(rows, "is_cuda") and rows.is_cuda:
            import torch

            torch.cuda.synchronize()

    return quickest(add) / len(rows)


def reading(rows: np.ndarray) -> float:
    """Return the bytes a second that a file is read at: out of the page cache."""
    with NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, rows)
        file.flush()
        stored = rows_in_files([Path(file.name)])
        return rows.nbytes / quickest(lambda: np.asarray(stored))


def devices(rows: np.ndarray) -> dict[str, object]:
    """Return the rows on the processor, and on a GPU where there is one."""
    found: dict[str, object] = {f"{os.cpu_count()} cores": rows}
    try:
        import torch
    except ImportError:
        return found
    if torch.cuda.is_available():
        found[torch.cuda.get_device_name()] = torch.from_numpy(rows).cuda()
    return found


def duration(seconds: float) -> str:
    """Return a time in the largest unit that leaves 1 or more."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2g} s"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=8192)
    parser.add_argument("--units", type=int, default=4096)
    parser.add_argument("--processes", type=int, default=64)
    options = parser.parse_args()
    units, processes = options.units, options.processes
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(options.rows, units)).astype(np.float32)
    labels = rng.integers(0, CLASSES, len(rows))

    print(f"adding up rows of {units:,} units, float32, {CLASSES:,} classes")
    head = ("", "precision", "scatter of", "a row", f"{SAMPLES:.0e} rows", "among all")
    print("{:<24}{:<11}{:>10}{:>12}{:>14}{:>12}".format(*head))
    for place, there in devices(rows).items():
        for width in (min(MAX_UNITS, units), units):
            for precision in ("exact", "fast"):
                each = adding(there, labels, precision, width)
                whole = each * SAMPLES
                print(
                    f"{place:<24}{precision:<11}{width:>10,}{each * 1e6:>9.1f} µs"
                    f"{duration(whole):>14}{duration(whole / processes):>12}",
                    flush=True,
                )
    speed = reading(rows)
    print(f"\nreading: {speed / 1e9:.1f} GB/s (cached), so that {SAMPLES:.0e} rows of")
    for name, size in (("float32", 4), ("float16", 2), ("uint8", 1)):
        total = SAMPLES * units * size
        print(
            f"  {name:<8} are {total / 1e12:.1f} TB and take {duration(total / speed)} "
            f"by one process, {duration(total / 1e9)} at 1 GB/s from all disks together"
        )
    width = min(MAX_UNITS, units)
    sums = 8 * (width**2 + 2 * CLASSES * units)
    kept = KEPT * units * 4
    print(f"\nof one layer, a process holds {3 * sums / 1e6:.0f} MB of sums at most")
    print(f"  and {kept / 1e6:.0f} MB of rows that are kept, among all processes")
    sent = sums * processes + kept
    print(f"  each of {processes} receives {sent / 1e9:.1f} GB, once, at the end")
    whole = Moments.empty(units, CLASSES, max_units=width).updated(rows, labels)
    once = {
        "merging two": lambda: whole.merge(whole),
        "components": lambda: principal_components(whole, 10),
        "discriminants": lambda: discriminants(whole),
        "probe": lambda: least_squares_probe(whole),
    }
    print("\ndone once for a layer, whatever the number of rows")
    for name, function in once.items():
        print(f"  {name:<14}{quickest(function, 1):>6.1f} s", flush=True)


if __name__ == "__main__":
    main()
