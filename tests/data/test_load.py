"""Loading by name: the toy sets, the embedded sets, and names that do not exist."""

import subprocess
import sys

import numpy as np
import pytest
import sklearn.datasets

from layerwise.data import load, names
from layerwise.errors import InputError

TOYS = {"moons": 2, "circles": 2, "spirals": 3, "blobs": 4}


@pytest.mark.parametrize("name", TOYS)
def test_toy_sets_are_three_independent_draws(name):
    """A test set drawn with the training set's seed holds the training points."""
    data = load(name, seed=3)
    sets = (data.train, data.validation, data.test)
    assert [len(samples) for samples in sets] == [8000, 2000, 2000]
    assert data.classes == TOYS[name] == len(np.unique(data.train.targets))
    assert (data.shape, data.scaling) == ((2,), "standard")
    rows = np.concatenate([samples.inputs for samples in sets])
    assert len(np.unique(rows, axis=0)) == len(rows)
    # Of one distribution: each class has its mean where the training set has it.
    for label in range(data.classes):
        means = [s.inputs[s.targets == label].mean(0) for s in sets]
        np.testing.assert_allclose(means[1:], [means[0]] * 2, atol=0.1)


@pytest.mark.parametrize("name", TOYS)
def test_toy_sets_can_be_told_apart(name):
    """The nearest training point names the class: what a network has to learn."""
    from sklearn.neighbors import KNeighborsClassifier

    data = load(name)
    neighbours = KNeighborsClassifier(5).fit(data.train.inputs, data.train.targets)
    accuracy = neighbours.score(data.test.inputs, data.test.targets)
    assert accuracy > {"moons": 0.999, "circles": 0.995, "spirals": 0.999}.get(
        name, 0.97
    )


@pytest.mark.parametrize("name", ["moons", "circles", "blobs"])
def test_toy_sets_are_scikit_learns_to_the_bit(name):
    """Which would take longer to load than a training on them takes."""
    from layerwise.data import _load

    options = {
        "moons": {"noise": 0.08},
        "circles": {"noise": 0.08, "factor": 0.5},
        "blobs": {"centers": np.array(_load.BLOB_CENTRES), "cluster_std": 0.6},
    }[name]
    make = getattr(sklearn.datasets, f"make_{name}")
    for samples, seed in ((8000, 7), (2000, 2**32 - 1)):
        points, targets = make(samples, random_state=seed, **options)
        ours = getattr(_load, f"_{name}")(samples, seed)
        np.testing.assert_array_equal(ours[0], points)
        np.testing.assert_array_equal(ours[1], targets)


def test_toy_sets_load_without_scikit_learn():
    code = (
        "import sys, layerwise as lw\n"
        "for name in ('moons', 'circles', 'spirals', 'blobs'): lw.load(name)\n"
        "assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["moons", "digits", "iris"])
def test_the_draw_follows_the_seed(name):
    first, again, other = (load(name, seed=seed).test.inputs for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


def test_digits():
    data = load("digits")
    sets = (data.train, data.validation, data.test)
    assert sum(len(samples) for samples in sets) == 1797
    assert [len(samples) for samples in sets] == [1258, 269, 270]
    assert data.train.inputs.dtype == np.uint8
    assert (data.train.inputs.min(), data.train.inputs.max()) == (0, 16)
    assert (data.shape, data.is_image, data.scaling) == ((8, 8), True, "range")
    assert data.class_names == tuple("0123456789")


def test_iris():
    data = load("iris")
    assert data.class_names == ("setosa", "versicolor", "virginica")
    assert data.feature_names is not None
    assert data.feature_names[0] == "sepal length (cm)"
    assert (data.shape, data.scaling) == ((4,), "standard")
    assert np.bincount(data.train.targets).tolist() == [35, 35, 35]


@pytest.mark.parametrize("name", ["digits", "iris"])
def test_packed_sets_are_scikit_learns(name):
    """Every sample once, with its label: the split only changes their order."""
    data, theirs = load(name), getattr(sklearn.datasets, f"load_{name}")()
    sets = (data.train, data.validation, data.test)
    found = [
        np.column_stack([part.inputs.reshape(len(part), -1), part.targets])
        for part in sets
    ]
    expected = np.column_stack([theirs.data, theirs.target])
    ordered = (rows[np.lexsort(rows.T)] for rows in (np.concatenate(found), expected))
    np.testing.assert_array_equal(*ordered)
    assert data.class_names == tuple(map(str, theirs.target_names))
    names = None if data.is_image else tuple(theirs.feature_names)
    assert data.feature_names == names


def test_arrays_are_told_where_they_belong(unchecked):
    line = r"load takes a name or a path, not a numpy.ndarray: .* Dataset\.from_arrays"
    with pytest.raises(InputError, match=line):
        load(np.ones((3, 2)))


def test_a_misspelt_name_is_told():
    with pytest.raises(
        InputError, match=r"mnits: neither .* did you mean mnist\?"
    ) as e:
        load("mnits")
    assert all(name in str(e.value) for name in names())


def test_an_unknown_format_is_told(tmp_path):
    path = tmp_path / "table.xyz"
    path.touch()
    with pytest.raises(InputError, match=r"\.xyz files are not read: give .*\.npz"):
        load(path)


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="seed -1"):
        load("moons", seed=-1)


def test_importing_loads_no_heavy_library():
    code = (
        "import sys, layerwise.data, layerwise.files;"
        "print({'jax', 'torch', 'sklearn', 'scipy', 'pandas', 'matplotlib', 'pooch',"
        " 'requests', 'rich'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
