"""Stored activations by the names of their files: which are layers, which labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from layerwise.data import StoredRows, open_rows, row_names, rows_in_files
from layerwise.errors import InputError
from layerwise.study import Counted, Counting, Forecast, forecast, joined, load_counted
from layerwise.wording import listed


def stored_labels(text: str) -> dict[str, np.ndarray]:
    """Read columns of labels: ``[NAME=]FILE[:COLUMN]``, one or several with commas.

    Files are NPY, Parquet (with the column) or safetensors (with the tensor). The
    arrays, of shape (rows,), are by the name given, else the column's, else the file's.
    """
    found: dict[str, np.ndarray] = {}
    for entry in text.split(","):
        name, given, place = entry.rpartition("=")
        path, column = _split(place)
        name = name if given else (column or path.stem)
        rows = rows_in_files([path], column)
        labels = np.asarray(rows)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1:
            raise InputError(
                f"{place}: labels have shape {labels.shape}: give one for each row"
            )
        if name in found:
            raise InputError(f"--labels: {name} is there twice: write NAME=FILE")
        found[name] = labels
    return found


def _split(place: str) -> tuple[Path, str | None]:
    """Return the path and the column of ``FILE:COLUMN``; a path may have a colon."""
    path, colon, column = place.rpartition(":")
    if colon and not Path(place).exists():
        return Path(path), column
    return Path(place), None


def stored_activations(pattern: str, rows: int) -> dict[str, StoredRows]:
    """Find the layers that a pattern of file names stands for.

    A file with as many rows as there are labels is a layer of its name. Files with
    fewer are parts of a layer, in the order of their names: those of one folder, which
    names it; or, of safetensors, tensors of one name.

    The pattern is one that a shell would expand: ``acts/*/*.parquet``; and ``rows`` is
    how many labels there are.
    """
    anchor = Path(pattern).anchor
    paths = sorted(Path(anchor).glob(str(Path(pattern).relative_to(anchor))))
    layers: dict[str, list[tuple[Path, str | None, int]]] = {}
    for path in filter(Path.is_file, paths):
        for array in row_names(path):
            own = open_rows(path, array).rows
            name = array or (path.stem if own == rows else path.parent.name)
            layers.setdefault(name, []).append((path, array, own))
    if not layers:
        raise InputError(f"--activations {pattern}: no such files")
    for parts in layers.values():
        there = sum(own for *_, own in parts)
        if there != rows:
            named = listed([str(path) for path, *_ in parts], most=1)
            raise InputError(
                f"{named}: {there:,} rows where there are {rows:,} labels: "
                "give the same samples in the same order"
            )
    return {
        name: rows_in_files([path for path, *_ in parts], parts[0][1])
        for name, parts in layers.items()
    }


def stored_forecast(
    layers: Mapping[str, StoredRows],
    labels: Mapping[str, np.ndarray],
    counting: Counting,
) -> list[Forecast]:
    """Return what the study of stored activations will cost; see `forecast`."""
    codes = [np.unique(own, return_inverse=True)[1] for own in labels.values()]
    kinds = np.unique(np.stack(codes, axis=1), axis=0)
    return forecast(layers, len(kinds), counting)


def joined_parts(paths: Sequence[str]) -> Counted:
    """Read the parts that jobs have written, and join them."""
    if not paths:
        raise InputError("there are no parts: give some")
    return joined([load_counted(path) for path in paths])
