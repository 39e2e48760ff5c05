"""Each sample keeps the row, and the file, that it was read from."""

import numpy as np
import pandas as pd
import pytest

import layerwise as lw
from layerwise.data import Dataset, Origins, Samples, sample_names
from layerwise.errors import InputError

X = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
Y = np.arange(90) % 3
SETS = ("train", "validation", "test")


def test_samples_of_arrays_are_their_rows():
    samples = Samples(X, Y)
    np.testing.assert_array_equal(samples.rows, np.arange(90))
    assert samples.origins is None


@pytest.mark.parametrize(
    "positions", [slice(3, 60, 2), slice(None, None, -1), np.array([5, 2, 80]), Y == 1]
)
def test_some_of_some_samples_keep_their_rows(positions):
    part = Samples(X, Y).at(positions).at(np.array([2, 0]))
    np.testing.assert_array_equal(part.inputs, X[part.rows])


def test_rows_that_are_not_of_the_samples_are_refused():
    with pytest.raises(InputError, match="the rows of 3 samples"):
        Samples(X, Y, origins=Origins(range(3)))


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame])
def test_a_split_keeps_the_rows_of_what_was_given(make):
    data = Dataset.from_arrays(make(X), Y)
    for name in SETS:
        part = getattr(data, name)
        np.testing.assert_array_equal(part.inputs, X[part.rows])
        assert part.where.file(0) is None
    rows = np.concatenate([getattr(data, name).rows for name in SETS])
    assert set(rows.tolist()) == set(range(90))


def test_a_given_test_set_has_rows_of_its_own():
    data = Dataset.from_arrays(X[:60], Y[:60], test=(X[60:], Y[60:]))
    np.testing.assert_array_equal(data.test.rows, np.arange(30))


def written(folder, kind):
    """The data in files, and what the files of training and test rows are called."""
    if kind == "npz":
        np.savez(folder / "mine.npz", X=X, y=Y)
        return folder / "mine.npz", ("X",)
    if kind == "npz with a test set":
        parts = {"x_train": X[:60], "y_train": Y[:60], "x_test": X[60:]}
        np.savez(folder / "mine.npz", **parts, y_test=Y[60:])
        return folder / "mine.npz", ("x_train", "x_test")
    if kind == "npy":
        np.save(folder / "X.npy", X)
        np.save(folder / "y.npy", Y)
        return folder, ("X.npy",)
    pytest.importorskip("pyarrow")
    for number, part in enumerate(np.array_split(np.arange(90), 3)):
        frame = pd.DataFrame(X[part], columns=list("abcd")).assign(label=Y[part])
        frame.to_parquet(folder / f"part-{number}.parquet", index=False)
    return folder, tuple(f"part-{number}.parquet" for number in range(3))


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("kind", ["npz", "npz with a test set", "npy", "parquet"])
def test_every_format_says_file_and_row(kind, stored, tmp_path):
    path, files = written(tmp_path, kind)
    data = lw.load(path, stored=stored)
    starts = {"x_test": 60, "part-1.parquet": 30, "part-2.parquet": 60}
    seen = set()
    for name in SETS:
        part = getattr(data, name)
        inputs = np.asarray(part.inputs)
        for position in range(len(part)):
            file, row = part.where.file(position), part.where.row(position)
            assert row == part.rows[position]
            assert (inputs[position] == X[starts.get(file, 0) + row]).all()
            seen.add(file)
    assert seen == set(files)
    assert data.in_memory().train.rows.tolist() == data.train.rows.tolist()


def test_idx_files_are_named(idx_folder, images):
    data = lw.load(idx_folder)
    assert data.train.where.file(0) == "train-images-idx3-ubyte.gz"
    assert data.test.where.file(0) == "t10k-images-idx3-ubyte"
    np.testing.assert_array_equal(data.train.inputs, images[data.train.rows])


def test_lists_name_the_file_where_there_are_several():
    origins = Origins(np.array([3, 0]), (("a", 2), ("b", 2)))
    assert sample_names(origins, [0, 1]) == ["row 1 of b", "row 0 of a"]
    assert sample_names(Origins(range(1200)), [1150]) == ["row 1,150"]
    assert sample_names(None, [7]) == ["sample 7"]


@pytest.mark.parametrize("name", ["digits", "iris"])
def test_built_in_sets_have_the_rows_of_scikit_learn(name):
    import sklearn.datasets

    rows = getattr(sklearn.datasets, f"load_{name}")().data
    part = lw.load(name).test
    np.testing.assert_allclose(
        np.reshape(part.inputs, (len(part), -1)), rows[part.rows], rtol=1e-6
    )


def test_the_eighth_label_of_mnist_is_a_3(mnist_folder):
    del mnist_folder
    data = lw.load("mnist")
    found = [
        int(part.targets[part.rows == 7][0])
        for part in (data.train, data.validation)
        if (part.rows == 7).any()
    ]
    assert found == [3]
    assert data.train.where.file(0) == "train-images-idx3-ubyte"
