"""Activations that are there already: their study, at once or in parts."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
from jaxtyping import Int, Shaped

from layerwise import ranks
from layerwise.arrays import Array, to_numpy
from layerwise.data import StoredRows, class_indices, of_memory_map
from layerwise.errors import DamagedError, InputError
from layerwise.files import Count, as_record, read_tensors, tensor, write_tensors
from layerwise.statistics import MAX_UNITS, Moments, Precision
from layerwise.study._inspect import studied
from layerwise.study.passes import (
    Columns,
    Counted,
    CountedLayer,
    Counting,
    count_rows,
    joined,
)
from layerwise.study.records import Study
from layerwise.study.subjects import Activations, Block, Case, Subject

FORMAT = "counted-1"


class _Records(TypedDict):
    """What a file of what was counted says beside its tensors."""

    rows: Count
    digest: str
    spans: tuple[tuple[Count, Count], ...]
    class_names: dict[str, tuple[str, ...]]
    layers: tuple[str, ...]
    columns: tuple[str, ...]


LABELS = "labels"
"""What a column without a name is called."""

BLOCK_ROWS = 2048


def inspect_activations(
    layers: Mapping[str, Array],
    y: Array | Mapping[str, Array],
    *,
    precision: Precision = "exact",
    max_units: int = MAX_UNITS,
    watch: Callable[[int, int], None] | None = None,
) -> Any:
    """Study stored activations: what they tell about the labels.

    Ten thousand rows, or half of fewer, are held out by a stratified draw and scored;
    everything is fitted on all others, in one pass over them. Memory does not grow with
    their number. Under ``torchrun`` each process passes its share of the rows.

    Parameters
    ----------
    layers : mapping of str to array, shape (rows, ...)
        By name, in forward order: arrays of NumPy or torch, memory maps, or
        `StoredRows` in files; of finite real numbers. More than one axis is laid out
        flat.
    y : array, shape (rows,), or mapping of str to array
        The labels, whole numbers or strings; several columns of them by name.
    precision : "exact" or "fast"
        "fast" takes products in float32, and measures what that costs; see
        `Moments.of`.
    max_units : int
        The scatter of a layer of more units is taken of as many coordinates in a seeded
        orthogonal basis; the study says so, and its class means stay exact.
    watch : callable, optional
        Told now and then how many rows were counted, over all layers, and of how many.

    Returns
    -------
    Study, or dict of str to Study
        One for every column of labels, where several were given.

    Raises
    ------
    InputError
        If layers and labels differ in length, labels are no classes, there are too few
        rows, or an entry is not finite: file and row are named.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, 400)
    >>> study = inspect_activations({"fc1": rng.normal(size=(400, 3))}, labels)
    >>> study.layers[0].name, study.scored_on
    ('fc1', '200 rows held out')
    """
    counting = Counting(precision, max_units, watch)
    counted = ranks.in_all(lambda: count_activations(layers, y, counting))
    whole = joined(ranks.gathered(counted))
    found = studies_of(whole)
    return found if isinstance(y, Mapping) else found[LABELS]


def count_activations(
    layers: Mapping[str, Array],
    y: Array | Mapping[str, Array],
    counting: Counting,
    part: tuple[int, int] | None = None,
) -> Counted:
    """Count one part of the rows: what an array of jobs does, and each rank of one.

    Layers and labels are all of `inspect_activations`; ``part`` is (number, of how
    many), counted from 1, and by default this process's share.

    Raises
    ------
    InputError
        As `inspect_activations`, and if there is no such part.
    """
    if not layers:
        raise InputError("there are no layers: give some, {'name': array}")
    rows = {name: _rows(name, array) for name, array in layers.items()}
    total = len(next(iter(rows.values())))
    for name, array in rows.items():
        if len(array) != total:
            raise InputError(
                f"layer {name} has {len(array):,} rows where {next(iter(rows))} has "
                f"{total:,}: give the same samples in the same order"
            )
    given = y if isinstance(y, Mapping) else {LABELS: y}
    if not given:
        raise InputError("there are no labels: give some")
    found = {name: class_indices(v, total, name) for name, v in given.items()}
    columns = Columns.of(
        {name: indices for name, (indices, _) in found.items()},
        {name: names for name, (_, names) in found.items()},
    )
    return count_rows(rows, columns, _span(total, part), counting)


def _rows(name: str, array: Array) -> Array:
    rows = of_memory_map(array)
    if not isinstance(rows, StoredRows):
        try:
            rows = np.asarray(to_numpy(rows))
        except (TypeError, ValueError) as error:
            raise InputError(f"layer {name}: not an array ({error})") from error
    if rows.dtype.kind not in "biuf" or not rows.ndim:
        raise InputError(
            f"layer {name} has shape {rows.shape} and dtype {rows.dtype}: give rows of "
            "real numbers"
        )
    return rows


def _span(total: int, part: tuple[int, int] | None) -> slice:
    if part is None:
        return ranks.own_share(total)
    number, parts = part
    if not 1 <= number <= parts:
        raise InputError(f"part {number} of {parts}: count from 1 to {parts}")
    return ranks.share(total, number - 1, parts)


def studies_of(counted: Counted, name: str = "activations") -> dict[str, Study]:
    """Return a study for every column of labels, of what was counted of all rows.

    Raises
    ------
    InputError
        If a row was not counted.
    """
    counted.refuse_missing()
    # The rows scored go through the same projection: the widest scatter is its width.
    width = max(len(layer.moments.scatter) for layer in counted.layers.values())
    counting = Counting(max_units=width)
    return {
        column: studied(_case(counted, column, place, name), counting=counting)
        for place, column in enumerate(counted.class_names)
    }


def _case(counted: Counted, column: str, place: int, name: str) -> Case:
    """Return what was counted, as one column of labels sees it."""
    class_names = counted.class_names[column]
    groups = counted.combinations[:, place]

    def kept(which: str) -> Activations:
        rows = [getattr(layer, which) for layer in counted.layers.values()]
        return _in_memory(rows, groups[counted.targets[which]])

    return Case(
        name=name if column == LABELS else f"{name}: {column}",
        subject=Subject(tuple(counted.layers), class_names),
        scored=kept("scored"),
        fit_on=kept("fitted"),
        words=("rows", "rows held out"),
        part="rows",
        moments=[
            layer.moments.regrouped(groups.astype(np.int64), len(class_names))
            for layer in counted.layers.values()
        ],
    )


def _in_memory(
    layers: Sequence[Shaped[np.ndarray, "rows _"]], targets: Int[np.ndarray, " rows"]
) -> Activations:
    """Return rows of every layer, each block of this rank's share a part of its own."""

    def parts() -> list[list[Block]]:
        own = ranks.own_share(len(targets))
        return [
            [block(slice(start, min(start + BLOCK_ROWS, own.stop)))]
            for start in range(own.start, own.stop, BLOCK_ROWS)
        ]

    def block(part: slice) -> Block:
        rows = (layer[part] for layer in layers)
        floating = (r if r.dtype.kind == "f" else r.astype(np.float32) for r in rows)
        return Block(np.arange(part.start, part.stop), tuple(floating))

    return Activations(targets, None, parts)


def save_counted(counted: Counted, path: str | os.PathLike[str]) -> None:
    """Write what was counted, with a digest, whole or not at all.

    Raises
    ------
    MachineError
        If the file cannot be written.
    """
    tensors: dict[str, np.ndarray] = {"combinations": counted.combinations}
    for which, positions in counted.positions.items():
        tensors[f"positions.{which}"] = positions
        tensors[f"targets.{which}"] = counted.targets[which]
    for place, layer in enumerate(counted.layers.values()):
        tensors[f"{place}.fitted"] = layer.fitted
        tensors[f"{place}.scored"] = layer.scored
        for field, array in layer.moments.to_arrays().items():
            tensors[f"{place}.moments.{field}"] = array
    records = {
        "format": FORMAT,
        "rows": counted.rows,
        "digest": counted.digest,
        "spans": counted.spans,
        "class_names": counted.class_names,
        "layers": list(counted.layers),
        # JSON sorts them, and their order is that of the combinations' columns.
        "columns": list(counted.class_names),
    }
    write_tensors(path, tensors, records)


def load_counted(path: str | os.PathLike[str]) -> Counted:
    """Return what `save_counted` wrote. No code is run.

    Raises
    ------
    DamagedError
        If the file is not, to the byte, what was written.
    InputError
        If it is missing or holds something else.
    """
    tensors, records = read_tensors(path, FORMAT)
    wrong = f"{os.fspath(path)}: not a part of a study"
    known = as_record(records, _Records, wrong)
    try:
        return _counted(known, tensors)
    except ValueError as error:
        raise DamagedError(f"{wrong}: {error}") from error


def _counted(records: _Records, tensors: Mapping[str, np.ndarray]) -> Counted:
    columns, names = records["columns"], records["class_names"]
    if {*columns} != names.keys() or not columns or not records["layers"]:
        raise ValueError("columns or layers are missing")
    kept = ("fitted", "scored")
    positions = {
        which: tensor(tensors, f"positions.{which}", "i", None) for which in kept
    }
    counted = Counted(
        rows=records["rows"],
        digest=records["digest"],
        spans=records["spans"],
        class_names={name: names[name] for name in columns},
        combinations=tensor(tensors, "combinations", "i", None, len(columns)),
        positions=positions,
        targets={
            which: tensor(tensors, f"targets.{which}", "i", len(positions[which]))
            for which in kept
        },
        layers={
            name: CountedLayer(
                moments=Moments.from_arrays(_named(tensors, f"{place}.moments.")),
                **{
                    which: tensor(tensors, f"{place}.{which}", "biuf", len(own), None)
                    for which, own in positions.items()
                },
            )
            for place, name in enumerate(records["layers"])
        },
    )
    counted.refuse_impossible()
    return counted


def _named(tensors: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): array
        for name, array in tensors.items()
        if name.startswith(prefix)
    }
