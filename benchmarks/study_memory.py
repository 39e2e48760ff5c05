"""The peak memory of a study, by the number of samples: rows stay in their file.

    python benchmarks/study_memory.py [SAMPLES …]       by default 100000 and 2000000

Makes a file of bytes (1.6 GB for two million samples of 784), and studies it twice in
processes of their own, torch loaded: the activations themselves, and a network that
takes them for inputs. Prints the peak of each, and what it grew by.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

UNITS, CLASSES = 784, 10
BLOCK = 100_000


def make(folder: Path, samples: int) -> None:
    """Write samples of ten classes, block by block."""
    mapped = np.lib.format.open_memmap(
        folder / "X.npy", mode="w+", dtype=np.uint8, shape=(samples, UNITS)
    )
    rng = np.random.default_rng(0)
    centres = rng.integers(60, 190, (CLASSES, UNITS), np.uint8)
    labels = rng.integers(0, CLASSES, samples).astype(np.uint8)
    for start in range(0, samples, BLOCK):
        part = slice(start, min(start + BLOCK, samples))
        noise = rng.integers(0, 66, (part.stop - part.start, UNITS), np.uint8)
        mapped[part] = centres[labels[part]] + noise
    mapped.flush()
    np.save(folder / "y.npy", labels)


def peak() -> int:
    """Return the most memory this process had, in bytes: its own, not its parent's."""
    status = Path("/proc/self/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return 1024 * int(found[1])


def study(what: str, folder: Path) -> None:
    """Study, in this process, and print the peak as JSON."""
    import torch

    import layerwise as lw
    from layerwise.data import Scaling

    torch.zeros(1)
    started, base = time.monotonic(), peak()
    inputs = np.load(folder / "X.npy", mmap_mode="r")
    labels = np.load(folder / "y.npy")
    if what == "activations":
        found = lw.inspect_activations({"inputs": inputs}, labels)
    else:
        network = lw.fit(
            lw.MLP([100, 50]),
            lw.Dataset.from_arrays(np.array(inputs[:2000]), labels[:2000]),
            epochs=1,
            seed=0,
            engine="eager",
        ).network
        assert isinstance(network.scaling, Scaling)
        found = lw.inspect(network, lw.Samples(inputs, labels.astype(np.int32)))
    accuracy = found.layers[-1].separability
    seconds = time.monotonic() - started
    print(json.dumps([base, peak(), seconds, accuracy]))


def main() -> None:
    if len(sys.argv) > 2 and sys.argv[1] == "--study":
        study(sys.argv[2], Path(sys.argv[3]))
        return
    sizes = [int(text) for text in sys.argv[1:]] or [100_000, 2_000_000]
    print(f"{'study of':<14}{'samples':>10}{'at start':>10}{'peak':>10}{'seconds':>9}")
    first: dict[str, int] = {}
    for samples in sizes:
        with TemporaryDirectory() as folder:
            make(Path(folder), samples)
            for what in ("activations", "network"):
                command = [sys.executable, __file__, "--study", what, folder]
                done = subprocess.run(command, capture_output=True, check=True)
                base, most, seconds, _ = json.loads(done.stdout)
                grown = most / first.setdefault(what, most) - 1
                memory = f"{base / 1e6:>7.0f} MB{most / 1e6:>7.0f} MB"
                print(
                    f"{what:<14}{samples:>10,}{memory}{seconds:>9.1f}  {grown:+.1%}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
