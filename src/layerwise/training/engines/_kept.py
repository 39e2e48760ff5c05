"""Compiled programs on the disk: the second process need not compile them again.

JAX keeps them (its persistent compilation cache); what is here decides where, and when
it can be trusted. A program is machine code, which fits one processor and one build of
XLA, and whoever can write it can run anything as the user. So there is a folder for
each processor and build, which belongs to the user alone, each file in it has a digest
beside it, and what JAX makes of one is tried on a program of nothing first: on some
processors it refuses each file and says so at length (jax issue 38445).

The environment variable ``LAYERWISE_CACHE`` names another folder; ``off`` means none.
"""

import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import jax
from jax.experimental.compilation_cache import compilation_cache

from layerwise.files import write_atomically

VARIABLE = "LAYERWISE_CACHE"
PROCESSOR = Path("/proc/cpuinfo")
MOST_BYTES = 32 << 20
"""A program takes 20 to 200 kB: this is some hundred shapes of networks."""

UNUSED_DAYS = 30
"""After so many days without use, a folder of another processor or build is removed."""

FOLDER = "jax_compilation_cache_dir"

SETTINGS = {
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    "jax_persistent_cache_enable_xla_caches": "none",
    "jax_raise_persistent_cache_errors": False,
}


@contextmanager
def kept_programs() -> Generator[None]:
    """Let programs that are compiled in here be kept, and those kept be loaded.

    Where the user has JAX keep its programs, it stays with that. Outside, JAX is as it
    was: the user's own programs are not kept here.
    """
    folder = None if getattr(jax.config, FOLDER) else _folder()
    if folder is None:
        yield
        return
    seen = _changed(folder)
    with _kept_in(folder):
        yield
    if _changed(folder) != seen:
        with suppress(OSError):
            _seal(folder)


@contextmanager
def _kept_in(folder: Path) -> Generator[None]:
    settings = {**SETTINGS, FOLDER: str(folder)}
    before = {name: getattr(jax.config, name) for name in settings}
    for name, value in settings.items():
        jax.config.update(name, value)
    # JAX looks at its settings once; from then on it keeps what it found.
    compilation_cache.reset_cache()
    try:
        with warnings.catch_warnings():
            # A file that cannot be read or written: the program is compiled.
            warnings.filterwarnings("ignore", "Error .* persistent compilation cache")
            yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()


@cache
def _folder() -> Path | None:
    """Return the folder for this processor and build; None where there can be none."""
    try:
        root, name = _root(), _name()
        if root is None or name is None:
            return None
        folder = root / name
        for made in (root, folder):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (_is_private(root) and _is_private(folder)):
            return None
        os.utime(folder)
        _discard(root, folder)
        return folder if _is_trusted(folder) else None
    except OSError:
        return None


def _root() -> Path | None:
    from platformdirs import user_cache_path

    given = os.environ.get(VARIABLE, "")
    if given.lower() == "off":
        return None
    return Path(given) if given else user_cache_path("layerwise") / "programs"


def _name() -> str | None:
    """Return a digest of all that a compiled program fits; None if it is not known."""
    described = re.search(
        r"^(flags|Features)\s*:.*$", PROCESSOR.read_text(), re.MULTILINE
    )
    if described is None:
        return None
    place = find_spec("jaxlib")
    if place is None or place.origin is None:
        return None
    libraries = Path(place.origin).parent.glob("*.so")
    library = max((path.stat() for path in libraries), key=lambda stat: stat.st_size)
    build = (version("layerwise"), jax.__version__, version("jaxlib"))
    told = (described[0], *build, str(library.st_size), str(library.st_mtime_ns))
    whole = "\n".join(told).encode()
    return hashlib.sha256(whole).hexdigest()[:16]


def _is_private(folder: Path) -> bool:
    """Return whether it is a folder of the user's own that nobody else can write to."""
    found = folder.lstat()
    return (
        not folder.is_symlink()
        and found.st_uid == os.getuid()
        and not found.st_mode & 0o022
    )


def _discard(root: Path, folder: Path) -> None:
    """Remove folders unused for long, files without their digest, and the oldest."""
    for other in root.iterdir():
        unused = time.time() - other.stat().st_mtime
        if other != folder and unused > UNUSED_DAYS * 86400:
            shutil.rmtree(other, ignore_errors=True)
    left = MOST_BYTES
    for entry in sorted(_entries(folder), key=_changed, reverse=True):
        content = entry.read_bytes()
        left -= len(content)
        seal = _seal_of(entry)
        sealed = seal.is_file() and seal.read_text() == _digest(content)
        if left < 0 or not sealed:
            entry.unlink(missing_ok=True)
            seal.unlink(missing_ok=True)


def _is_trusted(folder: Path) -> bool:
    """Return whether JAX loads here what it has written here, without a word.

    It is tried once. Until it has gone well the verdict is no: loading may end the
    process.
    """
    verdict = folder / "verdict"
    if verdict.is_file():
        return verdict.read_text() == "yes"
    write_atomically(verdict, b"no")
    hits: list[str] = []

    def note(event: str, **_: str | int) -> None:
        if event == "/jax/compilation_cache/cache_hits":
            hits.append(event)

    jax.monitoring.register_event_listener(note)
    try:
        with _kept_in(folder), tempfile.TemporaryFile() as said:
            with _errors_into(said):
                for _ in range(2):
                    jax.jit(lambda: jax.numpy.zeros(3) + 1)().block_until_ready()
            trusted = bool(hits) and said.tell() == 0
    except KeyboardInterrupt:
        verdict.unlink()
        raise
    finally:
        jax.monitoring.unregister_event_listener(note)
    if trusted:
        write_atomically(verdict, b"yes")
        _seal(folder)
    return trusted


@contextmanager
def _errors_into(file: IO[bytes]) -> Generator[None]:
    """Send what is written to standard error to a file: XLA writes past Python."""
    sys.stderr.flush()
    terminal = os.dup(2)
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)


def _seal(folder: Path) -> None:
    """Write the digest of each new program beside it."""
    for entry in _entries(folder):
        seal = _seal_of(entry)
        if not seal.is_file():
            write_atomically(seal, _digest(entry.read_bytes()).encode())


def _entries(folder: Path) -> list[Path]:
    return list(folder.glob("*-cache"))


def _seal_of(entry: Path) -> Path:
    return entry.with_name(f"{entry.name}.sha256")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns
