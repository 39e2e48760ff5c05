"""Folders of IDX files: plain and packed, and every way in which they can be wrong."""

import gzip
import struct

import numpy as np
import pytest

from layerwise.data import load
from layerwise.data.formats._idx import read_idx
from layerwise.errors import InputError


def test_a_folder_as_mnist_has_it(idx_folder, images, labels):
    data = load(idx_folder)
    assert (data.name, data.shape, data.is_image) == ("shapes", (3, 2), True)
    assert (len(data.train), len(data.validation)) == (36, 4)
    np.testing.assert_array_equal(data.test.inputs, images[:6])
    np.testing.assert_array_equal(data.test.targets, labels[:6])


def test_one_pair_is_split_in_three(idx_folder):
    for path in idx_folder.glob("t10k*"):
        path.unlink()
    (idx_folder / "readme.txt").write_text("not data")
    data = load(idx_folder)
    assert [len(data.train), len(data.validation), len(data.test)] == [28, 6, 6]


def test_names_with_a_dot(idx_folder):
    for path in list(idx_folder.iterdir()):
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert len(load(idx_folder).test) == 6


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_type_in_the_machine_s_byte_order(tmp_path, to_idx, dtype, pack):
    array = (np.arange(24) * 5 - 3).astype(dtype).reshape(2, 3, 4)
    path = tmp_path / "array"
    path.write_bytes(pack(to_idx(array)))
    read = read_idx(path)
    assert read.dtype == np.dtype(dtype)
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, array)


def test_the_digest_is_of_the_unpacked_bytes(tmp_path, to_idx, images):
    import hashlib

    content = to_idx(images)
    digest = hashlib.sha256(content).hexdigest()
    path = tmp_path / "images"
    for packed in (content, gzip.compress(content, 1), gzip.compress(content, 9)):
        path.write_bytes(packed)
        np.testing.assert_array_equal(read_idx(path, digest), images)
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(InputError, match="not the published file"):
        read_idx(path, digest)


def head(*sizes, magic=(0, 0, 8)):
    return struct.pack(f">4B{len(sizes)}I", *magic, len(sizes), *sizes)


BODY = bytes(range(240))
WHOLE = head(40, 3, 2) + BODY

WRONG = {
    "empty": (b"", "not an IDX file"),
    "text": (b"hello world", r"not an IDX file \(it begins with 68 65"),
    "type": (head(40, 3, 2, magic=(0, 0, 7)) + BODY, "data type 0x07"),
    "no axes": (bytes([0, 0, 8, 0, 5]), "0 axes"),
    "many axes": (head(*[1] * 9) + b"x", "9 axes"),
    "header": (head(40, 3, 2)[:-2], "ends within its header"),
    "truncated": (WHOLE[:-1], "declares 240 bytes, the file holds 239"),
    "trailing": (WHOLE + b"x", "more than the 240 bytes"),
    "no rows": (head(0, 3, 2), "no rows"),
    "no columns": (head(40, 3, 0), "no columns"),
    "no rows, huge": (head(0, 2**32 - 1, 2**32 - 1), "no rows"),
    "huge": (head(2**32 - 1), "declares 4,294,967,295 bytes, the file holds 0"),
    "beyond the limit": (head(*[2**32 - 1] * 3), "more than the limit"),
    "gzip, truncated": (gzip.compress(WHOLE)[:-20], "truncated or damaged"),
    "gzip, no end": (gzip.compress(WHOLE)[:-4], "truncated or damaged"),
    "gzip, checksum": (gzip.compress(WHOLE)[:-8] + bytes(8), "truncated or damaged"),
    "gzip, garbage": (gzip.compress(WHOLE)[:10] + b"\xff" * 20, "truncated or damaged"),
    "gzip, short": (gzip.compress(WHOLE[:-1]), "ends after 239 of the 240"),
    "gzip, long": (gzip.compress(WHOLE + b"x"), "more than the 240 bytes"),
    "gzip, huge": (gzip.compress(head(2**32 - 1)), "the file holds"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_images_are_refused_in_one_line_with_their_name(idx_folder, case):
    content, line = WRONG[case]
    (idx_folder / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(InputError, match=f"train-images-idx3-ubyte.*{line}") as error:
        load(idx_folder)
    assert "\n" not in str(error.value)


def test_labels_that_are_too_few_are_refused(idx_folder, to_idx, labels):
    (idx_folder / "train-labels-idx1-ubyte").write_bytes(to_idx(labels[:39]))
    with pytest.raises(InputError, match="shapes: 40 inputs but 39 labels"):
        load(idx_folder)


def test_labels_that_are_images_are_refused(idx_folder, to_idx, images):
    (idx_folder / "train-labels-idx1-ubyte").write_bytes(to_idx(images))
    with pytest.raises(InputError, match=r"labels have shape \(40, 3, 2\)"):
        load(idx_folder)


def test_a_test_label_out_of_range_is_refused(idx_folder, to_idx, labels):
    wrong = labels[:6].copy()
    wrong[4] = 9
    (idx_folder / "t10k-labels-idx1-ubyte").write_bytes(to_idx(wrong))
    with pytest.raises(InputError, match=r"shapes \(test set\): .* row 4 .* is 9"):
        load(idx_folder)


def test_images_without_labels_are_refused(idx_folder):
    (idx_folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match="t10k-images-idx3-ubyte has no labels"):
        load(idx_folder)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no data .* X\.npy .* Parquet .* IDX"):
        load(tmp_path)


def test_two_training_sets_are_refused(idx_folder, to_idx, images, labels):
    (idx_folder / "more-images-idx3-ubyte").write_bytes(to_idx(images))
    (idx_folder / "more-labels-idx1-ubyte").write_bytes(to_idx(labels))
    with pytest.raises(InputError, match="which images are for training"):
        load(idx_folder)


def test_files_in_folders_of_their_names(tmp_path, images, labels, to_idx):
    for name, array in {
        "train-images-idx3-ubyte": images,
        "train-labels-idx1-ubyte": labels,
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_bytes(to_idx(array))
    (tmp_path / "t10k-images-idx3-ubyte").mkdir()  # and nothing in it
    data = load(tmp_path)
    assert data.train.where.file(0) == "train-images-idx3-ubyte"
    assert sum(map(len, (data.train, data.validation, data.test))) == len(images)


def test_swapped_images_and_labels_are_named(tmp_path, images, labels, to_idx):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(to_idx(labels))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(to_idx(images))
    line = (
        "train-images-idx3-ubyte holds labels and train-labels-idx1-ubyte images: "
        "they are swapped"
    )
    with pytest.raises(InputError, match=line):
        load(tmp_path)


PAGE = b"<!DOCTYPE html>\n<html><head><title>Not found</title></head></html>"


@pytest.mark.parametrize(
    "name",
    ["train-images-idx3-ubyte.gz", "mine.npz", "X.npy", "f.parquet", "a/f.parquet"],
)
def test_a_web_page_is_said_to_be_one(name, tmp_path, labels, to_idx):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(PAGE)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(to_idx(labels))
    given = tmp_path if name.startswith("train") else path
    given = path.parent if name.startswith("a/") else given
    with pytest.raises(InputError, match=f"{path.name}: is a web page, not data"):
        load(given)
