"""Validation and test rows change nothing that is fitted, in any form of data."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.io import savemat

import layerwise as lw

ROWS = 120
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 200, (ROWS, 16))
LABELS = np.arange(ROWS) % 3


def columns(values):
    """Numbers of three kinds: whole, with decimals, and few."""
    return pd.DataFrame(
        {"age": values[:, 0], "size": values[:, 1] / 8, "rooms": values[:, 2] % 4}
    ).assign(label=LABELS)


def of_csv(values, folder):
    columns(values).to_csv(folder / "t.csv", index=False)
    return lw.load(folder / "t.csv")


def of_parquet(values, folder):
    columns(values).to_parquet(folder / "t.parquet")
    return lw.load(folder / "t.parquet")


def of_frame(values, _folder):
    return lw.Dataset.from_frame(columns(values))


def of_pixels(values, folder):
    table = pd.DataFrame(values, columns=[f"pixel{n}" for n in range(16)])
    table.assign(label=LABELS).to_csv(folder / "p.csv", index=False)
    return lw.load(folder / "p.csv")


def of_npz(values, folder):
    np.savez(folder / "a.npz", X=values, y=LABELS)
    return lw.load(folder / "a.npz")


def of_pair(values, folder):
    np.save(folder / "X.npy", values)
    np.save(folder / "y.npy", LABELS)
    return lw.load(folder / "X.npy", labels=str(folder / "y.npy"), shape=(4, 4))


def of_matlab(values, folder):
    savemat(folder / "a.mat", {"X": values, "y": LABELS})
    return lw.load(folder / "a.mat")


def of_torch(values, _folder):
    pairs = zip(torch.tensor(values), LABELS, strict=True)
    return lw.Dataset.of([(x, int(y)) for x, y in pairs])


def of_hugging_face(values, _folder):
    datasets = pytest.importorskip("datasets")
    return lw.Dataset.of(datasets.Dataset.from_pandas(columns(values)))


def of_pictures(values, folder):
    for row, value in enumerate(values):
        path = folder / "pictures" / f"class {LABELS[row]}" / f"{row:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = value.clip(0, 255).astype(np.uint8).reshape(4, 4)
        # What is out of the bytes' range stands for a picture of another size.
        picture = picture if value.max() < 256 else np.zeros((40, 40, 3), np.uint8)
        Image.fromarray(picture).save(path)
    return lw.load(folder / "pictures")


FORMS = (of_csv, of_parquet, of_frame, of_pixels, of_npz, of_pair, of_matlab, of_torch,
         of_hugging_face, of_pictures)  # fmt: skip
CASES = [
    (form, value)
    for form in FORMS
    for value in ((0, 255) if form in (of_pixels, of_pair) else (0, 255, 7.5, 9e6))
]


@pytest.mark.parametrize(("form", "value"), CASES)
def test_what_is_fitted_stays_as_it_is(form, value, tmp_path):
    data = form(PIXELS, tmp_path)
    outside = np.concatenate([data.validation.rows, data.test.rows])
    if form is of_pictures:
        names = [part.where.file(i) for part in (data.validation, data.test)
                 for i in range(len(part))]  # fmt: skip
        outside = np.array([int(name[-7:-4]) for name in names])
    changed = PIXELS * 1.0 if value % 1 else PIXELS.copy()
    changed[outside] = value
    other = form(changed, tmp_path)
    assert (other.shape, other.columns) == (data.shape, data.columns)
    np.testing.assert_array_equal(other.train.inputs, data.train.inputs)
    for name, array in data.fitted_scaling.to_arrays().items():
        np.testing.assert_array_equal(other.fitted_scaling.to_arrays()[name], array)
    assert not np.array_equal(other.test.inputs, data.test.inputs)


def test_what_is_no_pixel_is_refused_in_other_sets_too(tmp_path):
    data = of_pixels(PIXELS, tmp_path)
    changed = PIXELS.copy()
    changed[data.test.rows[0], 3] = 256
    with pytest.raises(lw.InputError, match=r"'pixel3' .* is 256, no pixel from 0 to"):
        of_pixels(changed, tmp_path)


def test_a_column_of_a_file_is_what_its_training_rows_are(tmp_path):
    """Arrow says of all rows what they are: whole, or with decimals."""
    frame = columns(PIXELS).assign(id=np.arange(ROWS) + 1000)
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    data = lw.load(path)
    lines = path.read_text().splitlines()
    for row in data.test.rows:
        lines[row + 1] = f"0.5,0.5,0.5,{LABELS[row]},0.5"
    path.write_text("\n".join(lines))
    assert lw.load(path).columns.columns == data.columns.columns
    assert data.columns.columns[-1].kind == "left out"
