"""IDX files, MNIST's format: a magic number, the sizes, the bytes; plain or gzip.

The format: http://yann.lecun.com/exdb/mnist/, "THE IDX FILE FORMAT".
"""

import gzip
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from layerwise.data._bounded import (
    DEFLATE_RATIO,
    MAX_BYTES,
    check_size,
    filled,
    reading,
    refuse_web_page,
)
from layerwise.data._stored import StoredRows, raw_file, stored_rows
from layerwise.data.labelled import Inputs, Labelled, given_sets
from layerwise.errors import InputError

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_AXES = 8
GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: Path, sha256: str | None = None) -> np.ndarray:
    """Read one IDX file, plain or gzip (told by its first bytes, not its name).

    Its unpacked bytes have to have the digest, where one is given.

    Returns
    -------
    array in the machine's byte order, of the shape and dtype that the file declares

    Raises
    ------
    InputError
        If it is no IDX file, truncated, too long, or has another digest.
    """
    with reading(path):
        size = path.stat().st_size
        if not _is_packed(path):
            with path.open("rb") as file:
                return _read(file, size, path, sha256)
        with gzip.open(path) as unpacked:
            return _read(unpacked, size * DEFLATE_RATIO, path, sha256)


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def _read(
    stream: BinaryIO | Any, most: int, path: Path, sha256: str | None
) -> np.ndarray:
    source = str(path)
    shape, dtype, header = _header(stream, source)
    check_size(shape, dtype, most - len(header), source)
    array = filled(stream, shape, dtype, source)
    if sha256 is not None:
        digest = hashlib.sha256(header)
        digest.update(array.data)
        if digest.hexdigest() != sha256:
            raise InputError(
                f"{source}: not the published file (its unpacked bytes have another"
                " SHA-256): remove it, or give its folder as the data"
            )
    return array.astype(dtype.newbyteorder("="), copy=False)


def _header(
    stream: BinaryIO | Any, source: str
) -> tuple[tuple[int, ...], np.dtype[Any], bytes]:
    """Return the shape and dtype that an IDX file declares, and its header's bytes."""
    magic = stream.read(4)
    refuse_web_page(magic, source)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise InputError(
            f"{source}: not an IDX file (it begins with {magic.hex(' ') or 'nothing'}):"
            " give files as MNIST has them"
        )
    if magic[2] not in DTYPES:
        raise InputError(
            f"{source}: the IDX data type 0x{magic[2]:02x} does not exist: the file is"
            " damaged, get it again"
        )
    if not 1 <= magic[3] <= MAX_AXES:
        raise InputError(
            f"{source}: {magic[3]} axes: give an IDX file of 1 to {MAX_AXES}"
        )
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise InputError(f"{source}: ends within its header: get it again")
    shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
    return shape, np.dtype(DTYPES[magic[2]]), magic + sizes


def unpacked(path: Path) -> Path | None:
    """Return a file, or the one of the same name in a folder of that name.

    So some programs unpack an archive of single files. None where there is neither.
    """
    inside = path / path.name.removesuffix(".gz")
    return next((one for one in (path, inside) if one.is_file()), None)


def _pairs(folder: Path) -> dict[str, dict[str, Path]]:
    """Find the images and labels in a folder, by what the names of a pair begin with.

    Of a file that is there plain and packed, the plain one is taken.
    """
    found: dict[str, dict[str, Path]] = {}
    # Sorted, x comes before x.gz, and setdefault keeps the first.
    for path in sorted(folder.iterdir()):
        match = re.fullmatch(
            r"(?P<start>.*?)(?P<kind>images|labels)[-._]idx\d[^.]*(\.gz)?", path.name
        )
        if match and (file := unpacked(path)):
            found.setdefault(match["start"], {}).setdefault(match["kind"], file)
    for start, kinds in found.items():
        if len(kinds) < 2:
            missing = ({"images", "labels"} - kinds.keys()).pop()
            raise InputError(
                f"{folder}: {next(iter(kinds.values())).name} has no {missing}: add"
                f" {start}{missing}-idx… beside it"
            )
    if not found:
        raise InputError(
            f"{folder}: no data in this folder: name a table in it, or give pictures "
            "in one sub-folder per class, X.npy and y.npy, Parquet with a column "
            "'label', or IDX files (train-images-idx3-ubyte and "
            "train-labels-idx1-ubyte, plain or .gz)"
        )
    return found


def _of_test(pairs: Iterable[str]) -> list[str]:
    return [start for start in pairs if re.search("t10k|test", start)]


def read_folder(folder: Path, stored: bool) -> Labelled:
    """Read a folder of IDX files: one pair, or a pair to train on and one to test.

    The images may stay in their files where these are plain.
    """
    pairs = _pairs(folder)
    test = _of_test(pairs)
    train = [start for start in pairs if start not in test]
    if len(pairs) == 1:
        train, test = list(pairs), []
    if len(train) != 1 or len(test) > 1:
        names = ", ".join(pair["images"].name for pair in pairs.values())
        raise InputError(
            f"{folder}: which images are for training ({names})? Leave one pair, or one"
            " pair train-… and one t10k-…"
        )
    sets: list[tuple[str, Any, np.ndarray]] = []
    for start in train + test:
        first, second = pairs[start]["images"], pairs[start]["labels"]
        images, labels = _images(first, stored), read_idx(second)
        if images.ndim == 1 < labels.ndim:
            raise InputError(
                f"{folder}: {first.name} holds labels and {second.name} images: they "
                "are swapped, rename them"
            )
        sets.append((first.name, images, labels))
    return given_sets(str(folder), *sets)


def read_inputs(path: Path) -> Inputs:
    """Return the images of an IDX file, or of a folder of such; see `read_folder`.

    Of a folder those for the test where there are such, with their labels.
    """
    if path.is_file():
        return Inputs(_images(path, stored=True), None)
    pairs = _pairs(path)
    pair = pairs[next(iter(_of_test(pairs) or pairs))]
    return Inputs(_images(pair["images"], stored=True), read_idx(pair["labels"]))


def _images(path: Path, stored: bool) -> np.ndarray | StoredRows:
    """Return the images; those too many to be held are left in their file."""
    with reading(path):
        size = path.stat().st_size
        if _is_packed(path) or not (stored or size > MAX_BYTES):
            return read_idx(path)
        with path.open("rb") as file:
            shape, dtype, header = _header(file, str(path))
    there = size - len(header)
    return stored_rows([raw_file(path, len(header), shape, dtype, there)])
