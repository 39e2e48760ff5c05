"""A table of 1,000,000 rows × 14 columns (4 of text): reading and preparing it.

    python benchmarks/tables.py [ROWS]

Each of the two is done in a process of its own, which also says its greatest memory:
the reading library alone, and `lw.load`. What is asked for: at most about twice the
time, and less than 1.5 GB.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 1_000_000
REPEATS = 3


def write(path: Path, rows: int) -> None:
    """Write the table: nine columns of numbers, four of text, and the label."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    rng = np.random.default_rng(0)
    columns = {f"amount{n}": rng.normal(100, 30, rows).round(3) for n in range(6)}
    columns |= {f"count{n}": rng.integers(0, 500, rows) for n in range(3)}
    towns = np.array([f"town {n}" for n in range(500)])
    columns["town"] = towns[np.minimum(rng.exponential(8, rows).astype(int), 499)]
    columns["plan"] = np.array(["basic", "plus", "family"])[rng.integers(0, 3, rows)]
    columns["device"] = np.array([f"d{n:02}" for n in range(25)])[
        rng.integers(0, 25, rows)
    ]
    columns["customer"] = np.char.add("C", np.arange(rows).astype(str))
    columns["churn"] = np.where(columns["amount0"] > 100, "yes", "no")
    missing = rng.random(rows) < 0.05
    columns["amount1"] = pa.array(columns["amount1"], mask=missing)
    csv.write_csv(pa.table(columns), path)


def read_alone(path: str) -> None:
    """Read the table, and nothing else."""
    from pyarrow import csv

    csv.read_csv(path)


def prepare(path: str) -> None:
    """Read the table, and make training, validation and test inputs of it."""
    import layerwise as lw

    data = lw.load(path, target="churn")
    assert data.train.inputs.shape[1] > 40


def measured(what: str, path: str) -> dict[str, float]:
    """Do one of the two in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, what, path], capture_output=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure both, and print the figures."""
    if sys.argv[1:] and sys.argv[1] in ("read_alone", "prepare"):
        began, used = time.perf_counter(), time.process_time()
        globals()[sys.argv[1]](sys.argv[2])
        seconds = time.perf_counter() - began
        used = time.process_time() - used
        # Not ru_maxrss: a process begins with that of the one that started it.
        status = Path("/proc/self/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024**2
        print(json.dumps({"seconds": seconds, "CPU": used, "GiB": peak}))
        return
    rows = int(sys.argv[1]) if sys.argv[1:] else ROWS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write(path, rows)
        print(f"{rows:,} rows, {path.stat().st_size / 1e6:.0f} MB of text")
        for what in ("read_alone", "prepare"):
            runs = [measured(what, str(path)) for _ in range(REPEATS)]
            best, used = (min(run[key] for run in runs) for key in ("seconds", "CPU"))
            peak = max(run["GiB"] for run in runs)
            print(f"{what:<12} {best:6.2f} s   {used:6.2f} s of CPU   {peak:.2f} GiB")


if __name__ == "__main__":
    main()
