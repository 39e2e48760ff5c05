"""What several folders of tests share: array libraries and data sets."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest

import layerwise as lw
from layerwise.arrays import Tree, tree_map

# Where the suite runs in the background, the shell has it ignore Ctrl-C, and so would
# the processes that it starts: their tests send them one.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first: no process is to begin one as the last."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@dataclass(frozen=True)
class Library:
    """An array library: how NumPy's arrays enter it, and how its code is run."""

    name: str
    asarray: Callable[[np.ndarray], Any]
    run: Callable[..., Any] = lambda function, *arguments: function(*arguments)

    def enter(self, tree: Tree) -> Tree:
        """The tree with this library's arrays; what is no array stays."""
        return tree_map(
            lambda leaf: self.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf,
            tree,
        )


def read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def library(name: str) -> Library:
    if name == "numpy":
        return Library(name, read_only)
    if name == "array_api_strict":
        import array_api_strict

        return Library(name, array_api_strict.asarray)
    if name == "torch":
        import torch

        return Library(name, lambda array: torch.from_numpy(array.copy()))
    import jax

    def run_jitted(function, *arguments):
        with jax.enable_x64(True):
            return jax.jit(function)(*arguments)

    def asarray(array):
        with jax.enable_x64(True):
            return jax.numpy.asarray(array)

    return Library(name, asarray, run_jitted)


@pytest.fixture(params=["numpy", "array_api_strict", "torch", "jax"])
def xp(request) -> Library:
    """Every array library in turn: NumPy read-only, JAX under jit."""
    return library(request.param)


@pytest.fixture(autouse=True)
def by_itself(monkeypatch):
    """A run in this process begins no other to help it: that takes longer to load."""
    monkeypatch.setattr("layerwise.experiment._path._has_spare_core", lambda: False)


@pytest.fixture
def unchecked(monkeypatch):
    """Annotations are not checked: arguments of a wrong type reach our own checks."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of its own, of one megabyte, mounted on a folder.

    Root makes it, as on CI; who may not mount has no such test, but those with a limit
    for the size of files.
    """
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "layerwise", str(folder)]
    if not sys.platform.startswith("linux") or os.geteuid():
        pytest.skip("mounting a small disk needs root on Linux")
    subprocess.run(mount, check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def fill() -> Callable[..., None]:
    """Leaves no more than some pages free in a small file system."""

    def fill(disk: Path, spare: int = 0) -> None:
        page = os.statvfs(disk).f_bsize
        (disk / "filler").write_bytes(bytes(os.statvfs(disk).f_bavail * page))
        os.truncate(disk / "filler", (disk / "filler").stat().st_size - spare * page)

    return fill


WITHOUT_PRIVILEGE = """
import ctypes, os, sys
# Root passes over permissions by these two capabilities; a new program has no others
# than those in the bounding set (prctl 24).
if sys.platform.startswith("linux"):
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.fixture
def unprivileged() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs Python code in a process that permissions of files bind, root's too."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", WITHOUT_PRIVILEGE, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def moons() -> lw.Dataset:
    return lw.load("moons")


@pytest.fixture(scope="session")
def digits() -> lw.Dataset:
    return lw.load("digits")


@pytest.fixture(scope="session")
def iris() -> lw.Dataset:
    return lw.load("iris")


@pytest.fixture(scope="session")
def mnist() -> lw.Dataset:
    """MNIST; a test that needs it skips only where no folder is named."""
    if "LAYERWISE_DATA" not in os.environ:
        pytest.skip("LAYERWISE_DATA names no folder of data sets")
    return lw.load("mnist")
