"""What several folders of tests share: array libraries and data sets."""

import contextlib
import functools
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jaxtyping
import numpy as np
import pytest

import layerwise as lw
from layerwise.arrays import Tree, tree_map
from layerwise.cli import main

# Where the suite runs in the background, the shell has it ignore Ctrl-C, and so would
# the processes that it starts: their tests send them one.
signal.signal(signal.SIGINT, signal.default_int_handler)


VARIABLE = "LAYERWISE_CACHE"

LEFT_OUT = pytest.StashKey[Counter[str]]()
"""How many slow tests of each kind were deselected."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = Counter()
    if VARIABLE not in os.environ:
        # Compiled programs, which all processes of this session share.
        os.environ[VARIABLE] = tempfile.mkdtemp(prefix="layerwise-programs-")
        config.add_cleanup(functools.partial(shutil.rmtree, os.environ[VARIABLE]))


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        if slow := item.get_closest_marker("slow"):
            item.config.stash[LEFT_OUT][slow.args[0]] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the process that prints know what this one, a worker of it, left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left out"] = dict(session.config.stash[LEFT_OUT])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[LEFT_OUT] |= Counter(
        getattr(node, "workeroutput", {}).get("left out")
    )


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left out, and how that is done."""
    if left_out := config.stash[LEFT_OUT]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in left_out.most_common())
        terminalreporter.section("left out")
        terminalreporter.line(f"{left_out.total()} slow tests: {kinds}")
        terminalreporter.line("the whole suite: make test-all")


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


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder, and the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(capsys) -> Callable[..., str]:
    """Runs a command that must fail, and returns the one line that it says."""

    def refused(*argv: str, status: int = 2) -> str:
        capsys.readouterr()
        assert main(argv) == status
        out, error = capsys.readouterr()
        (line,) = error.splitlines()
        assert line.startswith("layerwise: ")
        assert out == "" or status != 2
        return line

    return refused


class Run(NamedTuple):
    """A run that is made once, and what was printed; who changes it copies it."""

    folder: Path
    out: str
    error: str


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Callable[[str], Run]:
    """Returns what a command left in ``mine``, in a folder that nothing else is in."""

    @functools.cache
    def made(command: str) -> Run:
        said, complained = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(tmp_path_factory.mktemp("made")),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(complained),
        ):
            assert main([*command.split(), "--out", "mine"]) == 0
            return Run(Path.cwd() / "mine", said.getvalue(), complained.getvalue())

    return made


@pytest.fixture(scope="module")
def unpainted():
    """Figures are made and not painted, for all tests of a file that looks at none."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FigureCanvasAgg, "draw", FigureCanvasAgg.get_renderer)
        yield


@contextlib.contextmanager
def annotations_unchecked() -> Iterator[None]:
    """In this block no annotation is checked, neither is anything made ready for it.

    A function inside another is decorated at each call of the outer one, for longer
    than the checks take.
    """
    decorator = jaxtyping.jaxtyped

    def jaxtyped(*, typechecker: Any) -> Callable[[Any], Any]:
        checked = decorator(typechecker=typechecker)
        return lambda f: (
            f if "<locals>" in getattr(f, "__qualname__", "") else checked(f)
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping, "jaxtyped", jaxtyped)
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        yield


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Annotations are not checked: a training is not eight times as long as it is.

    And arguments of a wrong type reach our own checks.
    """
    with annotations_unchecked():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
    """What several tests share is made unchecked: it is mostly trainings."""
    shared = fixturedef.scope != "function"
    with annotations_unchecked() if shared else contextlib.nullcontext():
        return (yield)


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
