"""Load a data set by its name or from a path."""

import difflib
import os
from pathlib import Path

from layerwise.data._builtin import BUILT_IN
from layerwise.data._records import Dataset, dataset
from layerwise.data.formats import PUBLISHED, load_published, read_labelled
from layerwise.errors import InputError

__all__ = ["load", "names"]


def names() -> tuple[str, ...]:
    """Return the names that `load` knows."""
    return (*BUILT_IN, *PUBLISHED)


def load(
    name_or_path: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    stored: bool = False,
) -> Dataset:
    """Load a data set: training, validation and test samples.

    Parameters
    ----------
    name_or_path : str or path
        ``moons``, ``circles``, ``spirals``, ``blobs``, ``digits``, ``iris``, ``mnist``
        or ``fashion-mnist``; or an ``.npz`` file (X and y, inputs and targets, or
        x_train, y_train, x_test and y_test; ``class_names`` if wanted); or a folder
        that holds arrays of these names as ``.npy`` files, or IDX files, plain or gzip;
        or a ``.parquet`` file, or a folder of such (with a column label, labels,
        target, class or y, and a column of lists, or others of numbers).
    data_dir : path, optional
        A folder with one subfolder for each set that is downloaded otherwise. Then
        follow the folder that the environment variable LAYERWISE_DATA names, the user's
        cache, and the download into it.
    seed : int
        The seed of the split, and of the toy sets' draws.
    stored : bool
        Leave inputs in their files, and read them by blocks, as a study does: NPY,
        plain IDX, and Parquet by its row groups; of more than 8 GiB in any case. What
        is packed (NPZ, gzip) is read whole.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        If there is no such name or path, or the data are not as they should be: one
        line that names the file, row and column.
    MachineError
        If a file cannot be read or a download cannot be stored.
    """
    name = os.fspath(name_or_path)
    if seed < 0:
        raise InputError(f"seed {seed}: give 0 or more")
    if name in BUILT_IN:
        return BUILT_IN[name](seed)
    if name in PUBLISHED:
        return load_published(PUBLISHED[name], data_dir, seed)
    path = Path(name)
    if not path.exists():
        raise InputError(_unknown(name))
    if path.suffix.lower() == ".npy" and path.is_file():
        path = path.parent
    called = path.resolve().name if path.is_dir() else path.stem
    return dataset(read_labelled(path, stored), called, seed)


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), names(), n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return (
        f"{name}: neither a file nor a folder, nor one of {', '.join(names())}.{hint}"
    )
