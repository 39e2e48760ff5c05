"""Files are written whole or not at all, and say why where they are not."""

import errno
import hashlib
import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from layerwise.errors import DamagedError, InputError, MachineError
from layerwise.files import (
    is_leftover,
    machine_errors,
    make_folder,
    open_atomically,
    read_tensors,
    sole_writer,
    write_atomically,
    write_tensors,
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
    with pytest.raises(InputError, match="file is a file: give a folder"):
        make_folder(folder / "file")


def test_a_machine_error_is_not_told_twice(tmp_path):
    inner = MachineError("inner: no space")
    with pytest.raises(MachineError) as error, machine_errors(tmp_path):
        raise inner
    assert error.value is inner


@pytest.fixture
def tensors(tmp_path):
    """A file of tensors: its path and its content."""
    path = tmp_path / "some.safetensors"
    # What could be mistaken for the digest's place, in a name.
    records = {"format": "some-1", "names": ['"sha256": "' + 64 * "0", 64 * "0"]}
    write_tensors(path, {"W": np.arange(200.0), "b": np.arange(3)}, records)
    return path, path.read_bytes()


class TestDigest:
    def test_what_was_written_is_read(self, tensors):
        path, _ = tensors
        arrays, records = read_tensors(path, "some-1")
        np.testing.assert_array_equal(arrays["W"], np.arange(200.0))
        assert records["names"] == ['"sha256": "' + 64 * "0", 64 * "0"]

    def test_it_is_that_of_the_file_with_zeros_in_its_place(self, tensors):
        path, content = tensors
        _, records = read_tensors(path, "some-1")
        blank = content.replace(records["sha256"].encode(), b"0" * 64)
        assert hashlib.sha256(blank).hexdigest() == records["sha256"]

    @pytest.mark.usefixtures("unchecked")
    def test_every_flipped_bit_is_noticed(self, tensors):
        path, content = tensors
        for place in range(len(content)):
            for bit in (1 << place % 8, 0x20):
                flipped = bytearray(content)
                flipped[place] ^= bit
                path.write_bytes(flipped)
                with pytest.raises(DamagedError) as caught:
                    read_tensors(path, "some-1")
                assert str(caught.value).startswith(f"{path}: ")
                assert "\n" not in str(caught.value)

    @pytest.mark.usefixtures("unchecked")
    def test_every_missing_byte_is_noticed(self, tensors):
        path, content = tensors
        for place in range(len(content)):
            for changed in (content[:place], content[:place] + content[place + 1 :]):
                path.write_bytes(changed)
                with pytest.raises(DamagedError):
                    read_tensors(path, "some-1")

    def test_another_kind_is_whole(self, tensors):
        path, _ = tensors
        with pytest.raises(InputError, match="not a other-1") as caught:
            read_tensors(path, "other-1")
        assert not isinstance(caught.value, DamagedError)


HOLDER = """
import sys, time
from pathlib import Path
from layerwise.files import sole_writer
with sole_writer(Path(sys.argv[1])):
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that is writing to the folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        yield process
        process.kill()


class TestSoleWriter:
    def test_a_second_writer_is_refused_and_told_the_first(self, tmp_path, holder):
        with pytest.raises(InputError) as caught, sole_writer(tmp_path):
            pass
        told = str(caught.value)
        host, year = socket.gethostname(), time.localtime().tm_year
        assert told.startswith(f"{tmp_path}: process {holder.pid} on {host} (since ")
        assert f"(since {year}" in told
        assert "is writing there" in told

    def test_a_killed_writer_is_in_nobodys_way(self, tmp_path, holder):
        holder.kill()
        holder.wait()
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]
        with sole_writer(tmp_path):
            assert str(os.getpid()) in (tmp_path / ".lock").read_text()
        assert not list(tmp_path.iterdir())

    def test_not_twice_in_one_process_either(self, tmp_path):
        with (
            sole_writer(tmp_path),
            pytest.raises(InputError, match=f"process {os.getpid()} "),
            sole_writer(tmp_path),
        ):
            pass
        with sole_writer(tmp_path):
            pass

    def test_it_ends_with_an_error_too(self, tmp_path):
        with pytest.raises(ZeroDivisionError), sole_writer(tmp_path):
            1 / 0  # noqa: B018
        assert not list(tmp_path.iterdir())

    def test_a_lock_that_its_holder_removes_meanwhile_is_not_taken_for_one(
        self, tmp_path, monkeypatch
    ):
        """A file without a name locks nothing: others would lock a new one."""
        path, remove = tmp_path / ".lock", [True]
        really_open = os.open

        def opening(name, *arguments):
            descriptor = really_open(name, *arguments)
            if remove and remove.pop():
                path.unlink()
            return descriptor

        monkeypatch.setattr(os, "open", opening)
        with sole_writer(tmp_path):
            assert str(os.getpid()) in path.read_text()

    def test_what_killed_writers_left_is_removed(self, tmp_path):
        (tmp_path / "deep").mkdir()
        kept = [
            tmp_path / ".hidden",
            tmp_path / "mine.partial",
            tmp_path / "deep" / "x",
        ]
        left = [tmp_path / ".x.0123.partial", tmp_path / "deep" / ".y.4567.partial"]
        for path in kept + left:
            path.touch()
        assert [is_leftover(path) for path in kept + left] == [False] * 3 + [True] * 2
        with sole_writer(tmp_path):
            assert is_leftover(tmp_path / ".lock")
            assert not any(path.exists() for path in left)
        assert all(path.exists() for path in kept)

    def test_a_missing_folder(self, tmp_path):
        with pytest.raises(MachineError, match="gone"), sole_writer(tmp_path / "gone"):
            pass


class TestFullDisk:
    """On a real small file system: see ``small_disk``."""

    def test_no_room_for_the_file(self, small_disk):
        path = small_disk / "state.bin"
        write_atomically(path, b"old")
        with pytest.raises(MachineError, match=f"^{path}: .*No space left on device"):
            write_atomically(path, bytes(2**21))
        assert path.read_bytes() == b"old"
        assert names(path) == ["state.bin"]

    def test_no_room_for_the_name_of_its_writer(self, small_disk, fill):
        fill(small_disk)
        with (
            pytest.raises(MachineError, match=r"\.lock: .*No space left on device"),
            sole_writer(small_disk),
        ):
            pass
        assert [path.name for path in small_disk.iterdir()] == ["filler"]


class TestNoPermission:
    def test_a_folder_that_may_not_be_written_to(self, old, unprivileged):
        old.parent.chmod(0o500)
        done = unprivileged(
            "-c",
            "from pathlib import Path\n"
            "from layerwise.errors import MachineError\n"
            "from layerwise.files import sole_writer, write_atomically\n"
            f"path = Path({str(old)!r})\n"
            "for write in (lambda: write_atomically(path, b'new'),\n"
            "              lambda: sole_writer(path.parent).__enter__()):\n"
            "    try:\n"
            "        write()\n"
            "    except MachineError as error:\n"
            "        print(error.exit_status, error)\n",
        )
        first, second = done.stdout.splitlines()
        assert first.startswith(f"4 {old}: cannot be written (Permission denied)")
        assert second.startswith(f"4 {old.parent / '.lock'}: cannot be written (Perm")
        assert old.read_bytes() == b"old"
        assert names(old) == ["state.bin"]
