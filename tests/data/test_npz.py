"""NPZ files: the names they use, and every way in which they can be wrong."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from layerwise.data import load
from layerwise.errors import InputError

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 2


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(("inputs", "targets"), [("X", "y"), ("inputs", "targets")])
def test_inputs_and_labels(tmp_path, save, inputs, targets):
    path = tmp_path / "points.npz"
    save(path, **{inputs: X, targets: Y}, other=np.zeros(3))
    data = load(path)
    assert (data.name, data.class_names, data.shape) == ("points", ("0", "1"), (3,))
    rows = np.concatenate([s.inputs for s in (data.train, data.validation, data.test)])
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(X, axis=0))


def test_a_test_set_and_class_names(tmp_path):
    path = tmp_path / "images.npz"
    images = np.random.default_rng(1).integers(0, 9, (40, 4, 4), dtype=np.uint8)
    np.savez(
        path,
        x_train=images,
        y_train=Y[:, None],
        x_test=images[:5],
        y_test=Y[:5, None],
        class_names=np.array(["no", "yes"]),
    )
    data = load(str(path))
    assert data.class_names == ("no", "yes")
    assert (len(data.train), len(data.validation)) == (36, 4)
    np.testing.assert_array_equal(data.test.inputs, images[:5])
    np.testing.assert_array_equal(data.test.targets, Y[:5])


@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">i2", "?"])
def test_columns_first_and_foreign_byte_orders(tmp_path, dtype):
    path = tmp_path / "points.npz"
    inputs = np.asfortranarray((X * 9).astype(dtype))
    np.savez(path, x_train=inputs, y_train=Y, x_test=inputs, y_test=Y)
    np.testing.assert_array_equal(load(path).test.inputs, inputs)


def saved(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def archive(content, method=zipfile.ZIP_STORED):
    """A zip with these bytes as X and proper labels as y."""
    buffer, labels = io.BytesIO(), io.BytesIO()
    np.save(labels, Y)
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr("X.npy", content)
        file.writestr("y.npy", labels.getvalue())
    return buffer.getvalue()


def npy(header, payload=b"", version=1):
    size = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + payload


def header(shape, descr="<f8"):
    return (
        f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    )


class Canary:
    """Unpickled, it would raise: a file must not run code."""

    def __reduce__(self):
        return exec, ("raise SystemExit('code of a data file ran')",)


WRONG = {
    "not a zip": (b"hello", "not a zip"),
    "empty file": (b"", "not a zip"),
    "other keys": (saved(a=X, b=X), "holds 'a' .*, 'b' .*: save X and y"),
    "no arrays": (saved(), "holds no arrays"),
    "truncated": (saved(X=X, y=Y)[:-30], "truncated or damaged"),
    "objects": (
        saved(X=X, y=np.array([Canary()] * 40, object)),
        r"y\.npy: holds Python objects",
    ),
    "pickle": (archive(pickle.dumps(Canary())), r"X\.npy: not an array"),
    "records": (
        archive(npy(header((40,), [("a", "<f8")]), bytes(320))),
        r"X\.npy: has dtype",
    ),
    "no bytes": (archive(npy(header((10**12,), "<U0"))), r"X\.npy: has dtype <U0"),
    "negative": (archive(npy(header((-1, -5)))), r"shape \(-1, -5\)"),
    "axes": (archive(npy(header((1,) * 65))), r"declares the shape"),
    "nesting": (archive(npy(b"(" * 5000)), "not an array"),
    "long header": (archive(npy(header((40, 1)), bytes(320), 2)), "not an array"),
    "short payload": (
        archive(npy(header((40, 1)), bytes(300))),
        "ends after 300 of the 320",
    ),
    "short, packed": (
        archive(npy(header((40, 1)), bytes(319)), zipfile.ZIP_DEFLATED),
        "ends after 319 of the 320 bytes",
    ),
    "long payload": (archive(npy(header((40, 1)), bytes(321))), "more than the 320"),
    "method": (archive(npy(header((40, 1))), zipfile.ZIP_BZIP2), "another way"),
    "nan": (saved(X=np.where(X[7, 1] == X, np.nan, X), y=Y), "row 7, column 1 .* nan"),
    "inf": (saved(X=np.where(X[7, 1] == X, np.inf, X), y=Y), "row 7, column 1 .* inf"),
    "large": (saved(X=X * 1e300, y=Y), r"row 0, column 0 .*e\+299: from 9.2e\+18 on"),
    "float labels": (saved(X=X, y=Y + 0.5), "row 0 .* is 0.5"),
    "lengths": (saved(X=X, y=Y[:9]), "40 inputs but 9 labels"),
    "one class": (saved(X=X, y=Y * 0), "all rows are of class '0'"),
    "no rows": (saved(X=X[:0], y=Y[:0]), "no rows"),
    "no columns": (saved(X=X[:, :0], y=Y), r"X\.npy: the header declares no columns"),
    "no axes": (saved(X=X[0, 0], y=Y), r"inputs have shape \(\): give one row for"),
    "few names": (
        saved(X=X, y=Y, class_names=np.array(["a"])),
        "row 1 .* is 1, none of the 1",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_refused_in_one_line_with_their_name(tmp_path, case):
    content, line = WRONG[case]
    path = tmp_path / "wrong.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"wrong\.npz.*{line}") as error:
        load(path)
    assert "\n" not in str(error.value)


def test_no_flipped_byte_gives_a_traceback(tmp_path):
    """Every byte of a small file, set to other values: it loads or is refused."""
    content = saved(X=X[:, :1], y=Y)
    path = tmp_path / "flipped.npz"
    lines: list[str] = []
    for place in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            load(path)
        except InputError as error:
            lines.append(str(error))
    assert not [line for line in lines if "\n" in line]
    # Dates and attributes in the zip's directory are nobody's business.
    assert len(lines) > 0.6 * len(content) / 3


@pytest.mark.parametrize("code", [0x110000, 0x7FFFFFFF, 0xD800, 0xDFFF])
@pytest.mark.parametrize("named", [True, False])
def test_characters_that_do_not_exist(tmp_path, code, named):
    """An array of strings holds four bytes for each character, whatever they are."""
    names = np.array(["one", "two"])
    names.view(np.uint32)[1] = code
    given = {"y": Y, "class_names": names} if named else {"y": names[Y]}
    np.savez(tmp_path / "a.npz", X=X, **given)
    what = "class name" if named else "label"
    with pytest.raises(InputError, match=rf"a\.npz: a {what} has characters that do n"):
        load(tmp_path / "a.npz")


def test_names_in_bytes_are_text(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, y=Y, class_names=np.array([b"no", b"yes"]))
    assert load(tmp_path / "a.npz").class_names == ("no", "yes")
