"""Mark a folder of sheets, half of them in torch and some of them hostile.

    python benchmarks/sheets.py --sheets 200

The sheets are those of the tests, right ones and ones with a slip planted, over and
over; the hostile ones hang, exit, read standard input, print megabytes or eat memory.
Says the time by the clock, and that of all processes on a core: the first follows from
the second and the cores where nothing else runs, plus what hanging sheets are waited
for.
"""

import argparse
import ctypes
import itertools
import os
import resource
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests" / "sheets"
SUBREAPER = 36


def sheets() -> dict[str, list[str]]:
    """Return the texts of the tests' sheets, by library."""
    planted = runpy.run_path(str(TESTS / "test_planted.py"))["PLANTED"]
    right = {path.stem: path.read_text("utf-8") for path in TESTS.glob("right/*.py")}
    texts = [*right.values()]
    texts += [right[p.sheet].replace(p.old, p.new, 1) for p in planted]
    found: dict[str, list[str]] = {"torch": [], "numpy": []}
    for text in texts:
        found["torch" if "import torch" in text else "numpy"].append(text)
    return found


def hand_in(folder: Path, many: int) -> None:
    """Write a folder of sheets, the hostile ones among them."""
    hostile = runpy.run_path(str(TESTS / "test_folder.py"))["HOSTILE"]
    for name, text in hostile.items():
        (folder / f"hostile_{name}.py").write_text(text, "utf-8")
    kinds = [itertools.cycle(texts) for texts in sheets().values()]
    for n in range(many - len(hostile)):
        (folder / f"student{n:03}.py").write_text(next(kinds[n % 2]), "utf-8")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheets", type=int, default=200)
    parser.add_argument("--time-limit", type=float, default=20.0)
    arguments = parser.parse_args()
    # What the command leaves behind is waited for here, so that its time counts.
    ctypes.CDLL(None).prctl(SUBREAPER, 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "handed-in"
        folder.mkdir()
        hand_in(folder, arguments.sheets)
        begin = time.perf_counter()
        command = [
            sys.executable, "-m", "layerwise", "gradcheck", str(folder),
            "--out", f"{name}/marks.csv", "--time-limit", str(arguments.time_limit),
        ]  # fmt: skip
        subprocess.run(command, check=False)
        elapsed = time.perf_counter() - begin
        while True:
            try:
                os.wait()
            except ChildProcessError:
                break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{arguments.sheets} sheets: {elapsed:.0f} s by the clock, "
          f"{used.ru_utime + used.ru_stime:.0f} s on a core")  # fmt: skip


if __name__ == "__main__":
    main()
