"""Files are written whole or not at all, and say why where they are not."""

import errno
import os
import subprocess
import sys

import pytest

from layerwise.errors import InputError, MachineError
from layerwise.files import (
    machine_errors,
    make_folder,
    open_atomically,
    write_atomically,
)


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "state.bin"
    path.write_bytes(b"old")
    return path


def names(path):
    return sorted(entry.name for entry in path.parent.iterdir())


def test_content_is_replaced(old):
    write_atomically(old, b"new")
    assert old.read_bytes() == b"new"
    assert names(old) == ["state.bin"]


def test_a_new_file_is_as_readable_as_any_other(tmp_path):
    plain, atomic = tmp_path / "plain", tmp_path / "atomic"
    plain.write_bytes(b"")
    write_atomically(str(atomic), b"")
    assert plain.stat().st_mode == atomic.stat().st_mode


def test_the_old_state_is_seen_until_the_new_one_is_complete(old):
    with open_atomically(old) as file:
        file.write(b"ne")
        file.flush()
        assert old.read_bytes() == b"old"
        file.write(b"w")
    assert old.read_bytes() == b"new"


def test_content_and_name_are_on_the_disk_in_this_order(old, monkeypatch):
    steps = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (steps.append("fsync"), sync(fd)))

    def replacing(source, target):
        assert old.read_bytes() == b"old"
        steps.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "replace", replacing)
    write_atomically(old, b"new")
    folder_is_synced = ["fsync"] if os.name == "posix" else []
    assert steps == ["fsync", "replace", *folder_is_synced]


class Killed(BaseException):
    """Stands for a signal: no handler of ordinary errors catches it."""


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    "failure", [Killed(), OSError(errno.EIO, "Input/output error")]
)
def test_a_failure_at_any_step_leaves_the_old_state(old, monkeypatch, step, failure):
    def fail(*_arguments):
        raise failure

    monkeypatch.setattr(os, step, fail)
    expected = Killed if isinstance(failure, Killed) else MachineError
    with pytest.raises(expected):
        write_atomically(old, b"new")
    assert old.read_bytes() == b"old"
    assert names(old) == ["state.bin"]


def test_the_writer_s_own_error_leaves_the_old_state(old):
    def write_and_fail():
        with open_atomically(old) as file:
            file.write(b"half")
            raise InputError("the caller's")

    with pytest.raises(InputError, match="the caller's"):
        write_and_fail()
    assert old.read_bytes() == b"old"
    assert names(old) == ["state.bin"]


KILLED = """
import os, signal, sys
from layerwise.files import open_atomically
step = sys.argv[2]
real = getattr(os, step, None)
def die(*arguments):
    if step == "replace":
        real(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
if step == "write":
    with open_atomically(sys.argv[1]) as file:
        file.write(b"ne")
        file.flush()
        die()
setattr(os, step, die)
with open_atomically(sys.argv[1]) as file:
    file.write(b"new")
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize(
    ("step", "content"), [("write", b"old"), ("fsync", b"old"), ("replace", b"new")]
)
def test_a_killed_writer_leaves_the_old_state_or_the_new(old, step, content):
    done = subprocess.run([sys.executable, "-c", KILLED, str(old), step], check=False)
    assert done.returncode == -9
    assert old.read_bytes() == content


FULL = """
import resource, sys
from layerwise.errors import MachineError
from layerwise.files import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(sys.argv[1], bytes(100_000))
except MachineError as error:
    sys.exit(f"{error.exit_status} {error}")
"""


@pytest.mark.skipif(os.name != "posix", reason="a limit for the size of files")
def test_a_full_disk_names_the_path_and_leaves_the_old_state(old):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(old)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.startswith(f"4 {old}: cannot be written (File too large)")
    assert old.read_bytes() == b"old"
    assert names(old) == ["state.bin"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_write_that_finds_no_space_is_told(tmp_path):
    with (
        pytest.raises(MachineError, match=r"results.*No space left on device"),
        machine_errors(tmp_path / "results"),
        open("/dev/full", "wb", buffering=0) as full,  # noqa: PTH123
    ):
        full.write(b"x")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_folder_without_permission_is_told(old):
    """Root may write everywhere: a folder that is a file stands in for it there."""
    if os.getuid():
        old.parent.chmod(0o500)
        path, reason = old, "Permission denied"
    else:
        path, reason = old / "inside", "Not a directory"
    try:
        with pytest.raises(MachineError, match=f"{path}: cannot be written .{reason}"):
            write_atomically(path, b"new")
    finally:
        old.parent.chmod(0o700)
    assert old.read_bytes() == b"old"


def test_a_missing_folder_is_told(tmp_path):
    path = tmp_path / "gone" / "state.bin"
    with pytest.raises(MachineError, match=r"state\.bin: cannot be written") as error:
        write_atomically(path, b"new")
    assert "\n" not in str(error.value)
    assert error.value.exit_status == 4


def test_folders_are_made_with_their_parents(tmp_path):
    folder = make_folder(tmp_path / "runs" / "one")
    assert folder.is_dir()
    assert make_folder(folder) == folder
    (folder / "file").touch()
    with pytest.raises(MachineError, match="file"):
        make_folder(folder / "file" / "inside")


def test_a_machine_error_is_not_told_twice(tmp_path):
    inner = MachineError("inner: no space")
    with pytest.raises(MachineError) as error, machine_errors(tmp_path):
        raise inner
    assert error.value is inner
