"""Arrays out of files that may lie: no more memory than there are bytes to fill it."""

import errno
import gzip
import math
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from layerwise.errors import InputError, MachineError

MAX_BYTES = 8 << 30
"""The largest array that is read, 8 GiB."""

DEFLATE_RATIO = 1032
"""A byte of DEFLATE is at most this many bytes (zlib's technical notes)."""

CHUNK_BYTES = 1 << 20

DAMAGE = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    NotImplementedError,  # of zipfile: a version or a method that does not exist
    UnicodeDecodeError,  # of zipfile: a member's name
)
"""What gzip, zlib and zipfile raise where the bytes are not theirs."""


@contextmanager
def reading(path: Path) -> Generator[None]:
    """Say in one line, with the file's name, why ``path`` could not be read.

    Raises
    ------
    InputError
        If what is compressed in it is damaged.
    MachineError
        If the system does not let us read.
    """
    try:
        yield
    except MachineError:
        raise
    except DAMAGE as error:
        raise InputError(
            f"{path}: truncated or damaged ({error}): get it again"
        ) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # a zip's directory points out of the file
            raise InputError(f"{path}: truncated or damaged: get it again") from error
        raise MachineError(f"{path}: cannot be read ({error.strerror})") from error


def refuse_web_page(head: bytes, source: str | Path) -> None:
    """Refuse a file that begins as HTML or XML does: no data file does."""
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<!", b"<h", b"<H", b"<?")):
        raise InputError(
            f"{source}: is a web page, not data: the address it was saved from answered"
            " with a page; get the file itself"
        )


def check_size(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    most: int,
    source: str,
    instead: str = "the file is damaged, or has to be cut into parts",
) -> None:
    """Refuse a size that the file cannot hold, or beyond the limit, or nothing at all.

    The rest of the file can hold ``most`` bytes; ``instead`` says what to do where the
    size is beyond the limit.
    """
    declared = math.prod(shape) * dtype.itemsize
    if not declared:
        lacking = "columns" if shape[0] else "rows"
        raise InputError(f"{source}: the header declares no {lacking}: give some")
    if declared > MAX_BYTES:
        raise InputError(
            f"{source}: the header declares {declared:,} bytes, more than the limit of"
            f" {MAX_BYTES:,}: {instead}"
        )
    if declared > most:
        raise InputError(
            f"{source}: the header declares {declared:,} bytes, the file holds"
            f" {most:,} at most: it is truncated or damaged, get it again"
        )


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], source: str) -> np.ndarray:
    """Return an array to be filled; a MachineError where there is no memory for it."""
    try:
        return np.empty(shape, dtype)
    except MemoryError as error:
        size = math.prod(shape) * dtype.itemsize
        raise MachineError(f"{source}: no memory for its {size:,} bytes") from error


def filled(
    stream: BinaryIO | Any, shape: tuple[int, ...], dtype: np.dtype[Any], source: str
) -> np.ndarray:
    """Read the rest of ``stream`` into an array that it fills exactly.

    Decompression stops one byte after the array, so that a bomb costs one chunk.

    Raises
    ------
    InputError
        If there are fewer bytes, or more.
    MachineError
        If there is no memory for the array.
    """
    array = empty((math.prod(shape) * dtype.itemsize,), np.dtype(np.uint8), source)
    size = len(array)
    target, done = array.data, 0
    while done < size:
        chunk = stream.read(min(CHUNK_BYTES, size - done))
        if not chunk:
            raise InputError(
                f"{source}: ends after {done:,} of the {size:,} bytes that its header"
                " declares: it is truncated, get it again"
            )
        target[done : done + len(chunk)] = chunk
        done += len(chunk)
    if stream.read(1):
        raise InputError(
            f"{source}: holds more than the {size:,} bytes that its header declares:"
            " it is damaged, get it again"
        )
    return array.view(dtype).reshape(shape)
