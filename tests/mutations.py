"""Damaged files of every kind, each read as the package reads it.

``python mutations.py KIND FOLDER COUNT`` makes good files, changes one by each of the
seeds 0, 1, 2, …, reads it, and prints a line: what came of it. It is a process of its
own, since a library may end it; its last line is then the seed that did.
"""

import random
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from layerwise.data import load
from layerwise.errors import InputError


class Kind(NamedTuple):
    """Files of one kind: how good ones are made, and how one is read."""

    make: Callable[[Path], Iterator[Path]]
    read: Callable[[Path], object]


def bytes_changed(content: bytes, rng: random.Random) -> bytes:
    """Return bytes some of which are others, were left out, or are there twice."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5, 20])):
        # The second half more often: Parquet and zip say there what is where.
        start = rng.choice([0, len(changed) // 2])
        at = rng.randrange(start, len(changed)) if len(changed) > start else 0
        size = rng.choice([1, 1, 4, 40])
        changed[at : at + size] = rng.choice(
            [
                rng.randbytes(size),
                bytes(b ^ (1 << rng.randrange(8)) for b in changed[at : at + size]),
                bytes([rng.choice([0, 1, 127, 128, 255])]) * size,
                b"",
                bytes(changed[at : at + size]) * 2,
            ]
        )
    return bytes(changed)


def parquet(folder: Path) -> Iterator[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 4)).astype(np.float32)
    labels = np.array(["one", "two", "three"])[np.arange(300) % 3]
    columns = {f"x{i}": rows[:, i] for i in range(4)}
    table = pa.table({**columns, "n": rng.integers(0, 9, 300), "label": labels})
    pixels = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel() > 0), 4)
    for name, content, options in (
        ("plain", table, {"compression": "none", "use_dictionary": False}),
        ("pages", table, {"data_page_version": "2.0", "row_group_size": 100}),
        ("lists", pa.table({"x": rows.tolist(), "y": labels}), {"compression": "gzip"}),
        ("sized", pa.table({"x": pixels, "y": labels}), {"compression": "zstd"}),
    ):
        path = folder / f"{name}.parquet"
        pq.write_table(content, path, **options)
        yield path


KINDS = {"parquet": Kind(parquet, load)}


def main(kind: str, folder: str, count: str) -> None:
    """Print what came of every seed."""
    make, read = KINDS[kind]
    good = list(make(Path(folder)))
    for path in good:
        read(path)  # else it would be refused for another reason
    whole = {path: path.read_bytes() for path in good}
    for seed in range(int(count)):
        path = good[seed % len(good)]
        print(seed, path.name, end=" ", flush=True)
        path.write_bytes(bytes_changed(whole[path], random.Random(seed)))
        try:
            read(path)
            print("read")
        except InputError as error:
            print("refused" if "\n" not in str(error) else f"two lines: {error!r}")
        except Exception as error:  # what a fault would be
            print(f"{type(error).__name__}: {error!r}")
        path.write_bytes(whole[path])


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(*sys.argv[1:])
