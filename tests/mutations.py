"""Damaged files of every kind, each read as the package reads it.

``python mutations.py KIND FOLDER COUNT`` makes good files, changes one by each of the
seeds 0, 1, 2, …, reads it, and prints a line: what came of it. It is a process of its
own, since a library may end it; its last line is then the seed that did.
"""

import gzip
import json
import random
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from layerwise.data import load
from layerwise.errors import InputError, MachineError
from layerwise.experiment import (
    Plan,
    axis,
    compare,
    joined_parts,
    open_run,
    open_sweep,
    reopen_sweep,
    restored,
    run_sweep,
    stored_activations,
    train,
    write_comparison,
)
from layerwise.files import read_tensors, write_tensors
from layerwise.model import MLP, load_network, save_network
from layerwise.presentation import comparison_summary, print_comparison
from layerwise.study import Counting, count_activations, save_counted, studies_of
from layerwise.training import Recipe, fit

ROWS = 300
LABELS = np.arange(ROWS) % 3
NAMES = np.array(["one", "two", "three"])
INPUTS = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)

PLAN = Plan(
    data="iris",
    architecture=MLP([4, 4]),
    recipe=Recipe(epochs=2, patience=1, engine="eager", snapshots=1),
)

Change = Callable[[Path, random.Random], None]


class Kind(NamedTuple):
    """Files of one kind: good ones, how they are read, and how one is changed."""

    make: Callable[[Path], list[Path]]
    read: Callable[[Path], object]
    changes: tuple[Change, ...]


def bytes_changed(path: Path, rng: random.Random) -> None:
    """Some of the bytes are others, were left out, or are there twice."""
    changed = bytearray(path.read_bytes())
    # Most formats say at the beginning or the end what is where.
    part = rng.choice([(0, len(changed)), (0, 300), (len(changed) // 2, len(changed))])
    for _ in range(rng.choice([1, 1, 1, 2, 5, 20])):
        at = rng.randrange(part[0], max(min(part[1], len(changed)), part[0] + 1))
        size = rng.choice([1, 1, 4, 40])
        changed[at : at + size] = rng.choice(
            [
                rng.randbytes(len(changed[at : at + size])),
                rng.randbytes(len(changed[at : at + size])),
                bytes(b ^ (1 << rng.randrange(8)) for b in changed[at : at + size]),
                bytes([rng.choice([0, 1, 127, 128, 255])]) * size,
                b"",
                bytes(changed[at : at + size]) * 2,
            ]
        )
    path.write_bytes(changed)


STRANGE = (
    *(None, True, -1, 0, 1, 7, 10**9, 10**30, 0.5, -2.5, 1e300, float("inf")),
    *("", "x", "none", "nan", "\ud800".encode(errors="replace").decode(), "9" * 400),
    *([], [[]], [0, 0], {}, {"x": None}, ["a"] * 3),
)
"""What may stand where another value is due."""


def value_changed(value: Any, rng: random.Random) -> Any:
    """Return JSON with something else at one place, further in more often."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.1:
        return rng.choice(STRANGE)
    inside = [*value] if isinstance(value, dict) else [*range(len(value))]
    changed, key = value.copy(), rng.choice(inside)
    match rng.randrange(8):
        case 0:
            del changed[key]
        case 1 if isinstance(changed, list):
            changed.insert(key, rng.choice([value[key], rng.choice(STRANGE)]))
        case 1:
            changed[str(rng.randrange(9))] = rng.choice(STRANGE)
        case 2 if isinstance(changed, dict):
            changed[key] = value[rng.choice(inside)]
        case _:
            changed[key] = value_changed(value[key], rng)
    return changed


def json_changed(path: Path, rng: random.Random) -> None:
    changed = json.dumps(value_changed(json.loads(path.read_bytes()), rng))
    if rng.random() < 0.05:
        changed = changed.replace("null", "[" * 100_000, 1)
    path.write_text(changed)


def text_changed(path: Path, rng: random.Random) -> None:
    """A field of a table is another, or a line is there twice or not at all."""
    lines = path.read_text().splitlines()
    at = rng.randrange(len(lines))
    fields = lines[at].split(",")
    fields[rng.randrange(len(fields))] = rng.choice(
        ["", "x", "nan", "-1", "1e999", "9" * 5000, "a" * 200_000, '"', "0,0", "\0"]
    )
    changed = [
        ",".join(fields),
        lines[at] + "\n" + lines[at],
        "",
        "\n",
        '"' + lines[at],
    ]
    lines[at] = rng.choice(changed)
    path.write_text("\n".join(lines) + rng.choice(["\n", ""]))


def array_changed(array: np.ndarray, rng: random.Random) -> np.ndarray:
    """Return an array of another length, shape, dtype or content."""
    rows = array if array.ndim else array[None]
    return rng.choice(
        [
            rows[: rng.randrange(len(rows) + 1)],
            rows[::-1],
            np.concatenate([rows, rows]),
            rows.reshape(-1),
            rows[None],
            array.astype(rng.choice(["f8", "f4", "i8", "i4", "u1", "?"])),
            np.full_like(array, rng.choice([0, -1, 1, 100, np.nan, 1e30])),
        ]
    )


def sealed_changed(path: Path, rng: random.Random) -> None:
    """The file is as one of ours has to be, but for what it says."""
    tensors, records = read_tensors(path, *FORMATS)
    sealed = {"sha256", "format"}
    if rng.random() < 0.5:
        said = {n: v for n, v in records.items() if n not in sealed | {"training"}}
        changed = value_changed(said, rng)
        said = changed if isinstance(changed, dict) else {}
        records = {n: records[n] for n in records if n not in said} | said
    else:
        name = rng.choice(list(tensors))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            tensors[name] = array_changed(tensors[name], rng)
        if rng.random() < 0.1:
            del tensors[name]
    write_tensors(path, tensors, {n: v for n, v in records.items() if n != "sha256"})


FORMATS = ("network-1", "checkpoint-6", "counted-1")


def header_changed(path: Path, rng: random.Random) -> None:
    """The header of an NPY or safetensors file says something else."""
    content = path.read_bytes()
    if path.suffix == ".npy":
        size = int.from_bytes(content[8:10], "little")
        header, rest = content[10 : 10 + size].decode(), content[10 + size :]
        numbers = ["-1", "0", "7", "1" + "0" * 30, "1e999", "None", "(1,)", "'a'"]
        changed = header.replace(
            *rng.choice(
                [("300", rng.choice(numbers)), ("4)", rng.choice(numbers) + ")")]
            )
        )
        changed = rng.choice(
            [
                changed,
                header.replace("<f4", rng.choice(["|O", "<f2", "<f8", "V3", "x"])),
            ]
        ).encode()
        content = content[:8] + len(changed).to_bytes(2, "little") + changed + rest
    else:
        size = int.from_bytes(content[:8], "little")
        header = value_changed(json.loads(content[8 : 8 + size]), rng)
        changed = json.dumps(header).replace('"9', '1e999, "').encode()
        content = len(changed).to_bytes(8, "little") + changed + content[8 + size :]
    path.write_bytes(content)


def parquet(folder: Path) -> list[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels = NAMES[LABELS]
    columns = {f"x{i}": INPUTS[:, i] for i in range(4)}
    table = pa.table({**columns, "n": LABELS[::-1] ** 2, "label": labels})
    pixels = pa.FixedSizeListArray.from_arrays(pa.array(INPUTS.ravel() > 0), 4)
    lists = pa.table({"x": INPUTS.tolist(), "y": labels})
    paths = [folder / f"{i}.parquet" for i in range(4)]
    pq.write_table(table, paths[0], compression="none", use_dictionary=False)
    pq.write_table(table, paths[1], data_page_version="2.0", row_group_size=100)
    pq.write_table(lists, paths[2], compression="gzip")
    pq.write_table(pa.table({"x": pixels, "y": labels}), paths[3], compression="zstd")
    return paths


def npz(folder: Path) -> list[Path]:
    np.savez(folder / "plain.npz", X=INPUTS[:, :1], y=NAMES[LABELS], class_names=NAMES)
    np.savez_compressed(folder / "packed.npz", inputs=INPUTS, targets=LABELS)
    return sorted(folder.glob("*.npz"))


def npy(folder: Path) -> list[Path]:
    np.save(folder / "X.npy", INPUTS)
    np.save(folder / "y.npy", LABELS)
    np.save(folder / "class_names.npy", NAMES)
    return sorted(folder.iterdir())


def idx(folder: Path) -> list[Path]:
    images = (INPUTS > 0).astype(np.uint8)
    header = b"\0\0\x08\x02" + ROWS.to_bytes(4, "big") + (4).to_bytes(4, "big")
    (folder / "train-images-idx3-ubyte").write_bytes(header + images.tobytes())
    header = b"\0\0\x08\x01" + ROWS.to_bytes(4, "big")
    packed = gzip.compress(header + LABELS.astype(np.uint8).tobytes())
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(packed)
    return sorted(folder.iterdir())


def activations(folder: Path) -> list[Path]:
    from safetensors.numpy import save_file

    save_file({"a": INPUTS, "b": LABELS}, folder / "acts.safetensors")
    np.save(folder / "rows.npy", INPUTS)
    return [folder / "acts.safetensors", folder / "rows.npy"]


def read_activations(path: Path) -> None:
    for rows in stored_activations(str(path), ROWS).values():
        np.asarray(rows)


TABLE = {
    "size": [1.5, None, *np.arange(58.0)],
    "town": (["Ulm", "Bonn", None] * 20),
    "open": ["yes", "no"] * 30,
    "since": ["2020-01-02", "2021-03-04"] * 30,
    "label": ["a", "b", "c"] * 20,
}


def csv(folder: Path) -> list[Path]:
    lines = [
        ",".join("" if value is None else str(value) for value in row)
        for row in zip(*TABLE.values(), strict=True)
    ]
    (folder / "table.csv").write_text("\n".join([",".join(TABLE), *lines, ""]))
    return [folder / "table.csv"]


def networks(folder: Path) -> list[Path]:
    """Return two networks' files: the one takes rows, the other a table."""
    path = folder / "table.safetensors"
    save_network(fit(PLAN.architecture, load(*csv(folder)), PLAN.recipe).network, path)
    return [run(folder) / "model.safetensors", path]


def read_network(path: Path) -> None:
    network = load_network(path)
    rows = INPUTS if network.columns is None else network.columns.apply(TABLE)
    with warnings.catch_warnings(action="ignore"):  # of units that have changed
        network.predict(rows)


def run(folder: Path) -> Path:
    for name in ("one", "other"):
        with open_run(PLAN, str(folder / name)) as opened:
            train(opened)
    return folder / "one"


def read_run(path: Path) -> None:
    """Compare it with another one, and take it up again."""
    folder = path.parent
    runs = compare([str(folder), str(folder.with_name("other"))])
    print_comparison(Console(quiet=True), runs)
    comparison_summary(runs)
    restored(str(folder))


def read_history(path: Path) -> None:
    runs = compare([str(path.parent), str(path.parent.with_name("other"))])
    write_comparison(runs, str(path.parent.with_name("comparison")))


def read_checkpoint(path: Path) -> None:
    opened, result = restored(str(path.parents[1]))
    result.history.to_csv(), result.history.health_csv(result.network.layer_names)
    fit(
        opened.plan.architecture,
        opened.data,
        opened.plan.recipe,
        resume=replace(result.checkpoint),
    )


def parts(folder: Path) -> list[Path]:
    for number in (1, 2):
        counted = count_activations(
            {"a": INPUTS, "b": INPUTS[:, :2]},
            {"kind": LABELS, "even": LABELS % 2},
            Counting(max_units=3, precision=("exact", "fast")[number - 1]),
            (number, 2),
        )
        save_counted(counted, folder / f"{number}.safetensors")
    return sorted(folder.glob("*.safetensors"))


def read_parts(path: Path) -> None:
    whole = joined_parts([str(p) for p in sorted(path.parent.glob("*.safetensors"))])
    for study in studies_of(whole).values():
        study.summary()


def sweep(folder: Path) -> list[Path]:
    plan = replace(PLAN, recipe=replace(PLAN.recipe, epochs=1))
    with open_sweep(
        plan, [axis("depth=1..2"), axis("seed=0,1")], str(folder / "s")
    ) as s:
        run_sweep(replace(s, sweep=s.sweep), workers=1, watch=lambda _: None)
    return [folder / "s" / "summary.json"]


def read_sweep(path: Path) -> None:
    with reopen_sweep(str(path.parent)) as reopened:
        swept = reopened.sweep
        swept.missing(), swept.best(), swept.phases()


KINDS = {
    "parquet": Kind(parquet, load, (bytes_changed,)),
    "csv": Kind(csv, load, (bytes_changed, text_changed)),
    "npz": Kind(npz, load, (bytes_changed,)),
    "npy": Kind(npy, lambda p: load(p.parent), (bytes_changed, header_changed)),
    "idx": Kind(idx, lambda path: load(path.parent), (bytes_changed,)),
    "activations": Kind(activations, read_activations, (bytes_changed, header_changed)),
    "network": Kind(
        networks, read_network, (sealed_changed, sealed_changed, bytes_changed)
    ),
    "checkpoint": Kind(
        lambda folder: [*(run(folder) / "checkpoints").glob("*.safetensors")][-1:],
        read_checkpoint,
        (sealed_changed,),
    ),
    "part": Kind(parts, read_parts, (sealed_changed, sealed_changed, bytes_changed)),
    "summary": Kind(
        lambda folder: [run(folder) / "summary.json"],
        read_run,
        (json_changed, json_changed, bytes_changed),
    ),
    "history": Kind(
        lambda folder: [run(folder) / "history.csv"],
        read_history,
        (text_changed, bytes_changed),
    ),
    "sweep": Kind(sweep, read_sweep, (json_changed, json_changed, bytes_changed)),
}


def main(kind: str, folder: str, count: str) -> None:
    """Print what came of every seed."""
    make, read, changes = KINDS[kind]
    good = make(Path(folder))
    for path in good:
        read(path)  # else it would be refused for another reason
    whole = {path: path.read_bytes() for path in good}
    for seed in range(int(count)):
        rng, path = random.Random(seed), good[seed % len(good)]
        rng.choice(changes)(path, rng)
        print(seed, path.name, end=" ", flush=True)
        try:
            read(path)
            print("read")
        except (InputError, MachineError) as error:
            print("refused" if "\n" not in str(error) else f"two lines: {error!r}")
        except Exception as error:  # what a fault would be
            print(f"{type(error).__name__}: {error!r}"[:500].replace("\n", " "))
        path.write_bytes(whole[path])


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(*sys.argv[1:])
