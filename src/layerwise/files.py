"""Durable files: what is written is there whole or not at all, after a crash too."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from layerwise.errors import MachineError

__all__ = ["machine_errors", "make_folder", "open_atomically", "write_atomically"]


@contextmanager
def machine_errors(path: str | os.PathLike[str]) -> Generator[None]:
    """Turn the operating system's errors into a `MachineError` that names ``path``."""
    try:
        yield
    except MachineError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise MachineError(
            f"{os.fspath(path)}: cannot be written ({reason}): free some space there,"
            " check the permissions, or choose another folder"
        ) from error


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Create the folder ``path`` and its parents where they do not exist.

    Raises
    ------
    MachineError
        If the folder cannot be created.
    """
    folder = Path(path)
    with machine_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def open_atomically(path: str | os.PathLike[str]) -> Generator[BinaryIO]:
    """Open ``path`` for writing; it takes its name once it is complete and on the disk.

    Whoever reads ``path`` sees the old content or the new one, whenever the writer is
    killed. Where the block raises, the old content stays and nothing is left behind.

    Raises
    ------
    MachineError
        If the disk is full, the folder is missing or read-only, …
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    with machine_errors(path):
        try:
            with partial.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all; see `open_atomically`."""
    with open_atomically(path) as file:
        file.write(content)


def _sync_folder(folder: Path) -> None:
    """Put the folder's entries, thus the new name, on the disk."""
    if os.name == "nt":  # Windows opens no folders; NTFS journals the rename
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
