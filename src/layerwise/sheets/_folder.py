"""Many sheets: each in a process of its own, with a limit of time and of memory.

This is no jail. A sheet is a program: it can do what whoever runs it may do. The limits
keep one that hangs, exits, prints or eats memory from costing any other.
"""

import contextlib
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from layerwise.errors import InputError
from layerwise.files import csv_text, write_atomically
from layerwise.sheets.reading import environment

__all__ = ["Limits", "Row", "marked_folder", "sheets_in", "write_csv"]

ENDED = "it ended its process"
COLUMNS = ("sheet", "status", "points", "of", "right", "parts", "wrong", "sentences")


@dataclass(frozen=True)
class Limits:
    """What a sheet may take.

    Parameters
    ----------
    seconds : float
        Until its process is ended.
    memory : int
        Bytes of address space beyond those of a process that has loaded the libraries;
        limited on Linux only.
    """

    seconds: float = 60.0
    memory: int = 2 << 30


@dataclass(frozen=True)
class Row:
    """What became of one sheet.

    Parameters
    ----------
    sheet : str
        Its file, from the folder on.
    exit_status : int
        0 right, 1 wrong, 2 it could not be run.
    summary : mapping
        As ``Marks.summary``; empty where it could not be run.
    error : str
        Why it could not be run.
    """

    sheet: str
    exit_status: int
    summary: Mapping[str, Any] = field(default_factory=dict[str, Any])
    error: str = ""

    @property
    def status(self) -> str:
        """``right``, ``wrong`` or ``error``."""
        return ("right", "wrong", "error")[self.exit_status]

    def cells(self) -> dict[str, Any]:
        """Return the row of a table."""
        parts = self.summary.get("parts", [])
        wrong = [part["name"] for part in parts if not part["passed"]]
        return {
            "sheet": self.sheet,
            "status": self.status,
            "points": self.summary.get("points", 0),
            "of": self.summary.get("of", 0),
            "right": len(parts) - len(wrong),
            "parts": len(parts),
            "wrong": " ".join(wrong),
            "sentences": self.error or " | ".join(self.summary.get("sentences", [])),
        }


def sheets_in(folder: Path) -> list[Path]:
    """Return the sheets in a folder and those below it, in order.

    Raises
    ------
    InputError
        If there is none.
    """
    found = sorted(
        path
        for kind in ("*.py", "*.ipynb")
        for path in folder.rglob(kind)
        if path.is_file()
        and not any(
            part.startswith((".", "__")) for part in path.relative_to(folder).parts
        )
    )
    if not found:
        raise InputError(f"{folder}: holds no .py or .ipynb file")
    return found


def marked_folder(
    folder: Path,
    options: Mapping[str, Any],
    limits: Limits,
    watch: Callable[[int, int], object] | None = None,
) -> list[Row]:
    """Check every sheet of a folder, as many at a time as there are cores.

    Parameters
    ----------
    folder : Path
    options : mapping
        Arguments of ``checked_sheet``, and ``names``, as JSON has them.
    limits : Limits
        What each may take.
    watch : callable
        Called with the numbers of sheets that are done, and of all.

    Returns
    -------
    list of Row
        In the order of the files.
    """
    paths = sheets_in(folder)
    context = _context(paths)

    def one(path: Path) -> Row:
        name = str(path.relative_to(folder))
        return _apart(context, path, name, options, limits)

    rows: list[Row] = []
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    # Each process has one thread for its products.
    with environment(OMP_NUM_THREADS="1"), pool:
        for row in pool.map(one, paths):
            rows.append(row)
            if watch is not None:
                watch(len(rows), len(paths))
    return rows


def _context(paths: Sequence[Path]) -> Any:
    """Return how processes begin: where it can be, as copies of a loaded one."""
    if sys.platform == "win32":
        return get_context("spawn")
    context = get_context("forkserver")
    libraries = ["layerwise.sheets._marking"]
    if importlib.util.find_spec("torch") and any(map(_names_torch, paths)):
        libraries.append("torch")
    context.set_forkserver_preload(libraries)
    return context


def _names_torch(path: Path) -> bool:
    try:
        return b"torch" in path.read_bytes()
    except OSError:
        # Said of this sheet when it is read, and of no other.
        return False


def _apart(
    context: Any, path: Path, name: str, options: Mapping[str, Any], limits: Limits
) -> Row:
    """Check a sheet in a process of its own."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_work, args=(theirs, str(path), dict(options), limits.memory)
    )
    process.start()
    theirs.close()
    try:
        if not ours.poll(limits.seconds):
            return Row(name, 2, error=f"it took longer than {limits.seconds:g} s")
        exit_status, summary, error = json.loads(ours.recv_bytes())
        return Row(name, exit_status, summary, error)
    except (EOFError, OSError, ValueError, TypeError):
        # It closed the pipe, or wrote into it: there is no result.
        return Row(name, 2, error=ENDED)
    finally:
        ours.close()
        _end(process)


def _end(process: Any) -> None:
    """End a process, and those that it began."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # It made itself the first of a group.
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def _work(pipe: Connection, path: str, options: dict[str, Any], memory: int) -> None:
    """Check a sheet, in a process that is for nothing else."""
    from layerwise.sheets._gradcheck import checked_sheet, own_names
    from layerwise.sheets.reading import read_sheet

    if sys.platform != "win32":
        os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    _limit_memory(memory)
    try:
        names = own_names(options.pop("names", None) or {})
        marks = checked_sheet(read_sheet(Path(path)), names, **options)
        result = (marks.exit_status, marks.summary(), "")
    except MemoryError:
        result = (2, {}, "it needs more memory than the limit")
    except BaseException as error:
        # Whatever a sheet raises is said of it, and costs no other.
        said = " ".join(str(error).split())
        result = (2, {}, said or type(error).__name__)
    pipe.send_bytes(json.dumps(result).encode())
    pipe.close()
    # Threads that the sheet began are not waited for.
    os._exit(0)


def _limit_memory(memory: int) -> None:
    """Let this process have so many bytes more than it has now."""
    if sys.platform == "win32":
        return
    import resource

    now = 0
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        now = pages * resource.getpagesize()
    if now:
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (now + memory, hard))


def write_csv(rows: Sequence[Row], file: Path) -> None:
    """Write a table with one row for each sheet."""
    write_atomically(file, csv_text(COLUMNS, (r.cells() for r in rows)).encode())
