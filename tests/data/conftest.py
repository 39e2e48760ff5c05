"""Files to load, as a test needs them."""

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array: np.ndarray) -> bytes:
    """The IDX file of an array, written from the format's description."""
    code = CODES[array.dtype.str[1:]]
    header = struct.pack(f">4B{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def to_idx() -> Callable[[np.ndarray], bytes]:
    return idx_bytes


@pytest.fixture
def images() -> np.ndarray:
    """Forty images of 3 x 2 bytes, of two classes by turns."""
    return np.random.default_rng(0).integers(0, 256, (40, 3, 2), dtype=np.uint8)


@pytest.fixture
def labels() -> np.ndarray:
    return (np.arange(40) % 2).astype(np.uint8)


@pytest.fixture
def idx_folder(tmp_path: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    """Four files as MNIST has them: a training set, packed, and a test set, plain."""
    folder = tmp_path / "shapes"
    folder.mkdir()
    for name, array in {
        "train-images-idx3-ubyte.gz": images,
        "train-labels-idx1-ubyte.gz": labels,
        "t10k-images-idx3-ubyte": images[:6],
        "t10k-labels-idx1-ubyte": labels[:6],
    }.items():
        content = idx_bytes(array)
        if name.endswith(".gz"):
            content = gzip.compress(content)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    folder = Path(os.environ.get("LAYERWISE_DATA", "")) / "mnist"
    if "LAYERWISE_DATA" not in os.environ or not folder.is_dir():
        pytest.skip("LAYERWISE_DATA names no folder with mnist/ in it")
    return folder
