"""Durable files: what is written is there whole or not at all, after a crash too."""

import json
import os
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from layerwise.errors import InputError, MachineError

__all__ = [
    "machine_errors",
    "make_folder",
    "open_atomically",
    "read_tensors",
    "write_atomically",
    "write_tensors",
]


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


def write_tensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, np.ndarray],
    records: Mapping[str, Any],
) -> None:
    """Write arrays as safetensors, with ``records`` as JSON beside them, atomically.

    The same arrays and records give the same bytes.

    Raises
    ------
    MachineError
        If the file cannot be written.
    """
    from safetensors.numpy import save

    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    # One entry: safetensors writes several in an order that changes from run to run.
    metadata = {"layerwise": json.dumps(records, sort_keys=True)}
    write_atomically(path, save(contiguous, metadata))


def read_tensors(
    path: str | os.PathLike[str], kind: str
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and records that `write_tensors` wrote. No code is run.

    Parameters
    ----------
    path : path
    kind : str
        What the records' ``format`` must be.

    Raises
    ------
    InputError
        If the file is missing, damaged, or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise InputError(f"{os.fspath(path)}: no such file") from error
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{os.fspath(path)}: not a safetensors file: {error}"
        ) from error
    try:
        records = dict(json.loads(metadata.get("layerwise", "{}")))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{os.fspath(path)}: unreadable records: {error}") from error
    if records.get("format") != kind:
        raise InputError(f"{os.fspath(path)}: not a {kind} written by layerwise")
    return tensors, records


def _sync_folder(folder: Path) -> None:
    """Put the folder's entries, thus the new name, on the disk."""
    if os.name == "nt":  # Windows opens no folders; NTFS journals the rename
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
