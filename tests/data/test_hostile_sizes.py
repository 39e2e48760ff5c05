"""Files that declare more than they hold, read by a process limited to 1 GB."""

import gzip
import io
import json
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="RLIMIT_AS limits the address space on Linux"
)

LOADER = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))
from layerwise.data import load
from layerwise.errors import LayerwiseError
try:
    load(sys.argv[1])
except LayerwiseError as error:
    print(json.dumps([type(error).__name__, str(error), "jax" in sys.modules]))
"""

MEGABYTE = 1 << 20
BOMB_MEGABYTES = 1200


def gzip_bomb(start):
    """More than 1 GB of zeros after ``start``: packed, 1.2 MB."""
    return gzip.compress(start) + gzip.compress(bytes(MEGABYTE)) * BOMB_MEGABYTES


def idx_header(*sizes):
    return struct.pack(f">4B{len(sizes)}I", 0, 0, 8, len(sizes), *sizes)


def npy_header(shape):
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text


IDX = {
    "2**32 - 1 items": (idx_header(2**32 - 1), "the file holds 0 at most"),
    "2**32 - 1 images": (idx_header(2**32 - 1, 28, 28), "more than the limit"),
    "packed": (gzip.compress(idx_header(2**32 - 1)), "the file holds"),
    "gzip bomb": (gzip_bomb(idx_header(4, 2, 2) + bytes(16)), "more than the 16 bytes"),
}


def refusal(path):
    done = subprocess.run(
        [sys.executable, "-c", LOADER, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    kind, line, jax_loaded = json.loads(done.stdout)
    assert not jax_loaded
    assert "\n" not in line
    return kind, line


@pytest.mark.parametrize("case", IDX)
def test_idx(idx_folder, case):
    content, expected = IDX[case]
    (idx_folder / "train-images-idx3-ubyte").write_bytes(content)
    kind, line = refusal(idx_folder)
    assert kind == "InputError"
    assert "train-images-idx3-ubyte" in line
    assert expected in line


def write_npz(path, start, zeros=0, method=zipfile.ZIP_DEFLATED):
    labels = io.BytesIO()
    np.save(labels, np.arange(4) % 2)
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
        archive.writestr("y.npy", labels.getvalue())
        with archive.open("X.npy", "w") as member:
            member.write(start)
            for _ in range(zeros):
                member.write(bytes(MEGABYTE))


def test_an_array_of_4_terabytes(tmp_path):
    path = tmp_path / "huge.npz"
    write_npz(path, npy_header((4, 10**12)))
    kind, line = refusal(path)
    assert (kind, "more than the limit" in line) == ("InputError", True)


def test_a_stored_array_of_2_gigabytes(tmp_path):
    path = tmp_path / "huge.npz"
    write_npz(path, npy_header((4, 5 * 10**8)), method=zipfile.ZIP_STORED)
    kind, line = refusal(path)
    assert (kind, "the file holds" in line) == ("InputError", True)


def test_a_zip_bomb(tmp_path):
    path = tmp_path / "bomb.npz"
    write_npz(path, npy_header((4, 4)) + bytes(16), zeros=BOMB_MEGABYTES)
    assert path.stat().st_size < 8 * MEGABYTE
    kind, line = refusal(path)
    assert (kind, "more than the 16 bytes" in line) == ("InputError", True)


def test_a_header_that_is_a_bomb(tmp_path):
    """Version 2 of the format has four bytes for the length of its header."""
    path = tmp_path / "bomb.npz"
    start = b"\x93NUMPY\2\0" + (BOMB_MEGABYTES * MEGABYTE).to_bytes(4, "little")
    write_npz(path, start, zeros=BOMB_MEGABYTES)
    kind, line = refusal(path)
    assert (kind, "not an array" in line) == ("InputError", True)


def test_an_honest_array_beyond_the_memory(tmp_path):
    path = tmp_path / "large.npz"
    size = BOMB_MEGABYTES * MEGABYTE
    write_npz(path, npy_header((4, size // 4)), zeros=BOMB_MEGABYTES)
    kind, line = refusal(path)
    assert (kind, "no memory for its" in line) == ("MachineError", True)
