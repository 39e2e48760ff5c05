"""Load a data set: drawn from a seed, packed with the package, or from files."""

import difflib
import errno
import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Unpack

import numpy as np
from jaxtyping import Float64, Int64

from layerwise.data._records import Dataset, Samples, dataset
from layerwise.data.columns import Columns
from layerwise.data.formats import (
    PUBLISHED,
    folder_of_arrays,
    load_published,
    read_labelled,
)
from layerwise.data.labelled import Labelled, Reading, ReadingOptions
from layerwise.errors import InputError, MachineError
from layerwise.files import no_such_file
from layerwise.wording import type_in_words

SIZES = (8000, 2000, 2000)
"""Training, validation and test samples of a toy set."""

NOISE = 0.08
"""The standard deviation about moons and circles: they touch, they do not overlap."""

ARMS = 3
TURNS = 0.75
SPIRAL_NOISE = 0.03

BLOB_CENTRES = ((2.0, 0.0), (0.0, 2.0), (-2.0, 0.0), (0.0, -2.0))
BLOB_NOISE = 0.6

Points = tuple[Float64[np.ndarray, "samples 2"], Int64[np.ndarray, " samples"]]

Draw = Callable[[int, int], Points]
"""Draw so many labelled points from a seed."""

BuiltIn = Callable[[int], Dataset]
"""Make a data set from a seed."""


def _moons(samples: int, seed: int) -> Points:
    """Draw two half-moons: scikit-learn's ``make_moons``, to the bit.

    Its import takes a second, which is longer than a training on them; so do
    `_circles` and `_blobs` without it.
    """
    upper, lower = (np.linspace(0, np.pi, count) for count in _shares(samples, 2))
    turned = (1 - np.cos(lower), 1 - np.sin(lower) - 0.5)
    return _noisy([(np.cos(upper), np.sin(upper)), turned], seed)


def _circles(samples: int, seed: int) -> Points:
    """Draw circles of radius 1 and 0.5: scikit-learn's ``make_circles``."""
    outer, inner = (
        np.linspace(0, 2 * np.pi, count, endpoint=False)
        for count in _shares(samples, 2)
    )
    within = (0.5 * np.cos(inner), 0.5 * np.sin(inner))
    return _noisy([(np.cos(outer), np.sin(outer)), within], seed)


def _noisy(curves: list[tuple[np.ndarray, np.ndarray]], seed: int) -> Points:
    """Return the curves' points, a class each, in disorder and with `NOISE`."""
    rng = np.random.RandomState(seed)
    points = np.concatenate([np.stack(curve, axis=1) for curve in curves])
    targets = np.repeat(np.arange(len(curves)), [len(curve[0]) for curve in curves])
    order = rng.permutation(len(points))
    return points[order] + rng.normal(scale=NOISE, size=points.shape), targets[order]


def _spirals(samples: int, seed: int) -> Points:
    """Draw points along arms that wind from the centre out to radius 1."""
    rng = np.random.default_rng(seed)
    targets = np.arange(samples) % ARMS
    # The root makes the points as dense outside as inside.
    radius = np.sqrt(rng.uniform(0.01, 1, samples))
    angle = 2 * np.pi * (targets / ARMS + TURNS * radius)
    points = radius * np.stack([np.cos(angle), np.sin(angle)])
    return points.T + rng.normal(0, SPIRAL_NOISE, (samples, 2)), targets


def _blobs(samples: int, seed: int) -> Points:
    """Draw normal clusters about fixed centres: scikit-learn's ``make_blobs``.

    Drawn centres would differ between training and test.
    """
    rng = np.random.RandomState(seed)
    shares = _shares(samples, len(BLOB_CENTRES))
    points = np.concatenate(
        [
            rng.normal(centre, BLOB_NOISE, (count, 2))
            for centre, count in zip(BLOB_CENTRES, shares, strict=True)
        ]
    )
    order = rng.permutation(samples)
    return points[order], np.repeat(np.arange(len(shares)), shares)[order]


def _shares(samples: int, parts: int) -> list[int]:
    """Return how many samples each class gets."""
    return [samples // parts + (part < samples % parts) for part in range(parts)]


def _drawn(name: str, draw: Draw, class_names: tuple[str, ...]) -> BuiltIn:
    """Return the maker of a toy set: three independent draws, one seed for each."""

    def make(seed: int) -> Dataset:
        streams = np.random.SeedSequence(seed).spawn(len(SIZES))
        train, validation, test = (
            Samples(*draw(size, int(stream.generate_state(1)[0])))
            for size, stream in zip(SIZES, streams, strict=True)
        )
        return Dataset(
            name=name,
            train=train,
            validation=validation,
            test=test,
            class_names=class_names,
            feature_names=("x", "y"),
            origin=f"Training, validation and test are independent draws, seed {seed}.",
            scaling="standard",
        )

    return make


def _packed(name: str) -> BuiltIn:
    """Return the maker of a real set, which comes with the package.

    From scikit-learn it would take a second to import, a fifth of a run on digits.
    """

    def make(seed: int) -> Dataset:
        file = files("layerwise.data") / "assets" / f"{name}.npz"
        with file.open("rb") as opened, np.load(opened) as arrays:
            labelled = Labelled(
                source=name,
                inputs=arrays["inputs"],
                labels=arrays["targets"],
                class_names=tuple(arrays["class_names"].tolist()),
                feature_names=tuple(arrays["feature_names"].tolist()) or None,
            )
        return dataset(labelled, name, seed)

    return make


BUILT_IN: dict[str, BuiltIn] = {
    "moons": _drawn("moons", _moons, ("upper", "lower")),
    "circles": _drawn("circles", _circles, ("outer", "inner")),
    "spirals": _drawn("spirals", _spirals, ("first", "second", "third")),
    "blobs": _drawn("blobs", _blobs, ("east", "north", "west", "south")),
    "digits": _packed("digits"),
    "iris": _packed("iris"),
}


def names() -> tuple[str, ...]:
    """Return the names that `load` knows."""
    return (*BUILT_IN, *PUBLISHED)


def load(
    name_or_path: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    stored: bool = False,
    columns: Columns | None = None,
    **how: Unpack[ReadingOptions],
) -> Dataset:
    """Load a data set: training, validation and test samples.

    Parameters
    ----------
    name_or_path : str or path
        ``moons``, ``circles``, ``spirals``, ``blobs``, ``digits``, ``iris``, ``mnist``
        or ``fashion-mnist``; or a table, ``.csv``, ``.tsv`` (or these with ``.gz``) or
        ``.parquet``, whose columns may be of any kind; or an ``.npz`` file (X and y,
        inputs and targets, or x_train, y_train, x_test and y_test; ``class_names`` if
        wanted); or a folder that holds arrays of these names as ``.npy`` files, or IDX
        files, plain or gzip, or ``.parquet`` files; of Parquet one column may be of
        lists, and is then the input.
    data_dir : path, optional
        The folder of a set that is downloaded otherwise, or one with a subfolder for
        each. Without it: the folder that the environment variable LAYERWISE_DATA names,
        the user's cache, and the download into it.
    seed : int
        The seed of the split, and of the toy sets' draws.
    stored : bool
        Leave inputs in their files, and read them by blocks, as a study does: NPY,
        plain IDX, and Parquet by its row groups; of more than 8 GiB in any case. What
        is packed (NPZ, gzip) is read whole.
    columns : Columns, optional
        What is to become of a table's columns, as a network has it: by default it is
        fitted on the training set.
    **how
        Of a table ``target`` (the column of labels: by default one called label,
        labels, target, class or y, or the only one of texts that repeat), ``drop``
        (columns that are no inputs), ``group`` (a column: rows of one group stay in
        one set) and ``missing`` ("median" or "refuse"); of any file ``test`` and
        ``validation`` (files with these sets) and ``class_names`` (or a text file of
        them); ``shape``, of pictures whose pixels are columns or features; ``size``,
        that pictures are resized to; ``labels``, the NPY file of those of another.

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
    try:
        name = os.fspath(name_or_path)
    except TypeError as error:
        raise InputError(
            f"load takes a name or a path, not {type_in_words(name_or_path)}: arrays "
            "are for Dataset.from_arrays, data frames for Dataset.from_frame"
        ) from error
    if seed < 0:
        raise InputError(f"seed {seed}: give 0 or more")
    reading = Reading(**how)
    if name in names() and (asked := reading.asked):
        options = (f"{one} (--{one.replace('_', '-')})" for one in asked)
        raise InputError(
            f"{name} comes with its labels and its sets: leave out {', '.join(options)}"
        )
    if name in BUILT_IN:
        return BUILT_IN[name](seed)
    if name in PUBLISHED:
        return load_published(PUBLISHED[name], data_dir, seed)
    path = Path(name)
    if not name or not _exists(path):
        raise _unknown(name)
    if path.suffix.lower() == ".npy" and path.is_file() and not reading.labels:
        path = folder_of_arrays(path)
    called = path.resolve().name if path.is_dir() else path.name.partition(".")[0]
    labelled = read_labelled(path, stored, reading, columns)
    return dataset(labelled, called or path.stem, seed)


def _exists(path: Path) -> bool:
    """Return whether there is such a file or folder; names too long have none."""
    try:
        return path.exists()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise MachineError(f"{path}: cannot be read ({error.strerror})") from error


def _unknown(name: str) -> InputError:
    path = Path(name)
    if path.suffix or len(path.parts) > 1:
        return no_such_file(name)
    close = difflib.get_close_matches(name.lower(), names(), n=1)
    hint = f"did you mean {close[0]}?" if close else "check the name"
    return InputError(
        f"{name or repr(name)}: neither a file nor a folder, nor one of "
        f"{', '.join(names())}: {hint}"
    )
