"""Durable files: what is written is there whole or not at all, after a crash too.

A file of tensors carries a digest of its own bytes, and a folder has one writer at a
time. What is read is held against what it has to be: see `as_record`.
"""

import csv
import hashlib
import io
import json
import os
import secrets
import socket
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from datetime import datetime
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeAlias, TypeVar

import msgspec
import numpy as np

from layerwise.errors import DamagedError, InputError, MachineError

__all__ = [
    "Count",
    "Seconds",
    "as_record",
    "csv_text",
    "is_leftover",
    "json_text",
    "json_types",
    "machine_errors",
    "make_folder",
    "no_such_file",
    "open_atomically",
    "read_json",
    "read_tensors",
    "refuse_no_file",
    "sole_writer",
    "tensor",
    "write_atomically",
    "write_json",
    "write_tensors",
]

Record = TypeVar("Record")

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
"""Fields of records."""

LOCK = ".lock"
NAME_BEGINS = 1
"""Windows lets nobody else read the first byte, which is the one that is locked."""

PARTIAL = ".partial"

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run as a formula by some spreadsheets."""

UNSEALED = "0" * 64
"""Stands in a file for its digest while the digest is taken."""


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
    """Create a folder and its parents; an InputError says that a file has its name."""
    folder = Path(path)
    if folder.is_file():
        raise InputError(f"{folder} is a file: give a folder")
    with machine_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


NEAR = 0.85
"""How alike a name is that was meant, by difflib's ratio: a letter of ten differs."""


def no_such_file(path: str | os.PathLike[str]) -> InputError:
    """Return the error that says so, with a name there that is nearly the same.

    A folder is no file either.
    """
    given, near = Path(path), "check the name"
    if given.is_dir():
        return InputError(f"{os.fspath(path)}: is a folder: name a file in it")
    if given.is_symlink():
        return InputError(
            f"{os.fspath(path)}: is a link to {given.readlink()}, which is not there: "
            "name another file"
        )
    with suppress(OSError):
        there = [one.name for one in islice(given.parent.iterdir(), 1000)]
        if close := get_close_matches(given.name, there, 1, NEAR):
            near = f"did you mean {given.with_name(close[0])}?"
    return InputError(f"{os.fspath(path)}: no such file or folder: {near}")


def refuse_no_file(path: str | os.PathLike[str], option: str) -> Path:
    """Return where an option says to write; an InputError says that no file can be."""
    file = Path(path)
    if file.is_dir():
        raise InputError(f"{option} {path}: is a folder: name a file in it")
    if not file.parent.is_dir():
        raise InputError(
            f"{option} {path}: there is no folder {file.parent}: make it, or name "
            "another file"
        )
    return file


@contextmanager
def open_atomically(path: str | os.PathLike[str]) -> Generator[BinaryIO]:
    """Open ``path`` for writing; it takes its name once it is complete and on the disk.

    Whoever reads ``path`` sees the old content or the new one, whenever the writer is
    killed. Where the block raises, the old content stays and nothing is left behind.
    """
    path = Path(path)
    # Beside its place: a rename is whole or not at all within one file system alone.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    with machine_errors(path):
        try:
            with partial.open("xb") as file:
                yield file
                file.flush()
                # Before the name is given: after a power cut it may be there first.
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


def csv_text(
    columns: Sequence[str], rows: Iterable[Mapping[str, object]], end: str = "\r\n"
) -> str:
    """Return a table as CSV, with lines that end as RFC 4180 asks, with CR and LF.

    Text that a spreadsheet could take for a formula gets an apostrophe in front.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    risky = isinstance(value, str) and value.startswith(FORMULA)
    return f"'{value}" if risky else value


def write_tensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, np.ndarray],
    records: Mapping[str, Any],
) -> None:
    """Write arrays as safetensors, with ``records`` as JSON beside them, atomically.

    The same arrays and records give the same bytes. Among the records stands the
    SHA-256 of the whole file, taken while zeros stood in its place. In a file of its
    own it could fall out of step: a process may be killed between the two.
    """
    from safetensors.numpy import save

    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    # One entry: safetensors writes several in an order that changes from run to run.
    sealed = json.dumps({**records, "sha256": UNSEALED}, sort_keys=True)
    content = save(contiguous, {"layerwise": sealed})
    digest = hashlib.sha256(content).hexdigest()
    # As long as the zeros it takes the place of: the header's offsets stay right.
    place = content.index(_seal(UNSEALED))
    with open_atomically(path) as file:
        file.write(content[:place] + _seal(digest))
        file.write(memoryview(content)[place + len(_seal(digest)) :])


def read_tensors(
    path: str | os.PathLike[str], *kinds: str
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and records that `write_tensors` wrote. No code is run.

    The records' ``format`` has to be one of ``kinds``.

    Raises
    ------
    DamagedError
        If the file is not, to the byte, what `write_tensors` wrote.
    InputError
        If the file is missing or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    name, kind = os.fspath(path), kinds[0]
    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            records = dict(json.loads(metadata.get("layerwise", "{}")))
            if "sha256" not in records:
                raise DamagedError(f"{name}: not a {kind} written by layerwise")
            if _digest(path, str(records["sha256"])) != records["sha256"]:
                raise DamagedError(f"{name}: damaged, these are not the bytes written")
            found = records.get("format")
            if found not in kinds:
                raise InputError(
                    f"{name}: not a {kind} written by layerwise, but a {found}"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise no_such_file(path) from error
    except (SafetensorError, OSError) as error:
        raise DamagedError(f"{name}: not a safetensors file: {error}") from error
    except InputError:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise DamagedError(f"{name}: unreadable records: {error}") from error
    return tensors, records


def read_json(path: Path, kind: str) -> Any:
    """Return what a file of JSON holds; a folder with one is a ``kind``: "a run".

    Where there is none that is an InputError, and a DamagedError where it is no JSON.
    """
    try:
        return msgspec.json.decode(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path.parent}: not {kind}, it has no {path.name}") from error
    except OSError as error:
        raise MachineError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path}: not {kind}'s, no JSON: {error}") from error


def as_record(value: Any, kind: Callable[..., Record], wrong: str) -> Record:
    """Return JSON's types as the record that they have to be.

    Of a dataclass the annotations and its own checks hold, and it has a field for each
    key; a ``TypedDict`` is returned with the keys that it names. Else a DamagedError
    begins with ``wrong``, the file and what it is not, and names the place in it.
    """
    try:
        record = msgspec.convert(value, kind)
        _refuse_unknown(value, record)
    except (ValueError, RecursionError) as error:
        said, _, place = str(error).replace("`", "").partition(" - at $")
        where = f"{place.lstrip('.')}: " if place else ""
        raise DamagedError(f"{wrong}: {where}{said}") from error
    return record


def _refuse_unknown(value: Any, record: Any) -> None:
    """Refuse keys that are no field of a dataclass: settings of another version."""
    if not isinstance(value, dict):
        return
    if is_dataclass(record):
        record = {f.name: getattr(record, f.name) for f in fields(record)}
        if unknown := value.keys() - record.keys():
            raise ValueError(f"there is no {min(unknown)!r}")
    for name, own in record.items():
        _refuse_unknown(value.get(name), own)


def tensor(
    tensors: Mapping[str, np.ndarray], name: str, kinds: str, *shape: int | None
) -> np.ndarray:
    """Return one of a file's tensors; a ValueError says that it is another or missing.

    ``kinds`` are those of dtype that it may have: "i" for whole numbers, "f" for
    floats, …; in ``shape`` None stands where any length is right.
    """
    if name not in tensors:
        raise ValueError(f"{name} is missing")
    found = tensors[name]
    fits = len(found.shape) == len(shape) and all(
        due in (None, there) for due, there in zip(shape, found.shape, strict=True)
    )
    if not fits or found.dtype.kind not in kinds:
        raise ValueError(f"{name} is {found.dtype} of shape {found.shape}")
    return found


def _seal(digest: str) -> bytes:
    r"""Return how a digest stands in a header: JSON in a string of JSON.

    It stands there once: in a name, the quotation marks would be ``\\\"``.
    """
    return json.dumps(f'"sha256": "{digest}"')[1:-1].encode()


def _digest(path: str | os.PathLike[str], stated: str) -> str:
    """Return the digest of a file, with zeros where the stated one stands."""
    with Path(path).open("rb") as file:
        prefix = file.read(8)
        header = file.read(int.from_bytes(prefix, "little"))
        unsealed = header.replace(_seal(stated), _seal(UNSEALED))
        digest = hashlib.sha256(prefix + unsealed)
        return hashlib.file_digest(file, lambda: digest).hexdigest()


@contextmanager
def sole_writer(folder: Path) -> Generator[None]:
    """Be the one writer of ``folder`` in this block.

    The lock is the operating system's and goes with its process, however that ends.
    What a killed writer left half written is removed first.

    Raises
    ------
    InputError
        If another process is writing there: it is named.
    MachineError
        If the folder cannot be written to.
    """
    path = folder / LOCK
    with machine_errors(path):
        lock = _locked(path)
    try:
        with machine_errors(path):
            _sign(lock)
        with machine_errors(folder):
            # Locked, nobody else is writing: what is half written, nobody finishes.
            for partial in folder.rglob(f".*{PARTIAL}"):
                partial.unlink(missing_ok=True)
        yield
    finally:
        # While it is locked: afterwards it may be the next writer's already. Windows
        # removes no open file; a lock file that nobody has locked locks nothing.
        with suppress(OSError):
            path.unlink()
        os.close(lock)


def is_leftover(path: Path) -> bool:
    """Return whether a file is one that only a killed writer leaves behind."""
    name = path.name
    return name == LOCK or (name.startswith(".") and name.endswith(PARTIAL))


def _locked(path: Path) -> int:
    """Return the descriptor of the lock file, locked."""
    from filelock import lock_descriptor

    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not lock_descriptor(lock, blocking=False):
            os.lseek(lock, NAME_BEGINS, os.SEEK_SET)
            holder = os.read(lock, 1000).decode(errors="replace")
            os.close(lock)
            raise InputError(
                f"{path.parent}: {holder or 'another process'} is writing there: "
                "wait for it, or end it first"
            )
        # Its holder may have removed it between our opening and our locking it.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), path.stat()):
                return lock
        os.close(lock)


def _sign(lock: int) -> None:
    """Write into a lock file who holds it."""
    since = datetime.now().astimezone().isoformat(" ", "seconds")
    holder = f"process {os.getpid()} on {socket.gethostname()} (since {since})"
    # It may be a killed writer's, with a longer name.
    os.ftruncate(lock, NAME_BEGINS)
    os.lseek(lock, NAME_BEGINS, os.SEEK_SET)
    os.write(lock, holder.encode())


def _sync_folder(folder: Path) -> None:
    """Put the folder's entries, thus the new name, on the disk."""
    if os.name == "nt":  # Windows opens no folders; NTFS journals the rename
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def json_text(value: Any) -> str:
    """Return a value as JSON, indented; see `json_types`."""
    return json.dumps(json_types(value), indent=2, allow_nan=False)


def write_json(path: Path, value: Any) -> Any:
    """Write a value as JSON's types, indented, and return these."""
    own = json_types(value)
    write_atomically(path, json_text(own).encode())
    return own


def json_types(value: Any) -> Any:
    """Return a value as JSON's types; what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): json_types(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [json_types(own) for own in value]
    if hasattr(value, "tolist"):
        return json_types(value.tolist())
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
