"""Samples and data sets made of arrays: checked, split, never changed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import layerwise as lw
from layerwise.data import Dataset, Samples, describe
from layerwise.errors import InputError

X = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
Y = np.arange(100) % 4


def test_samples_keep_their_dtype_and_cannot_be_written():
    inputs = np.zeros((3, 2), np.uint8)
    targets = np.array([0, 1, 0])
    samples = Samples(inputs, targets)
    assert (len(samples), samples.inputs.dtype) == (3, np.uint8)
    assert samples.targets.dtype == np.int32
    assert samples.inputs.base is inputs
    assert inputs.flags.writeable
    assert targets.flags.writeable
    for array in (samples.inputs, samples.targets):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize(
    "positions", [slice(None), slice(0, 9), np.arange(3), slice(0, 3, 1)]
)
def test_all_samples_are_themselves(positions):
    samples = Samples(np.zeros((3, 2)), np.arange(3))
    assert samples.at(positions) is samples


@pytest.mark.parametrize(
    "positions",
    [
        slice(1, None),
        slice(None, None, -1),
        np.array([0, 2, 1]),
        np.array([0, 1]),
        np.array([True, True, False]),
        np.array([False, True, True]),
    ],
)
def test_others_are_not(positions):
    samples = Samples(np.arange(6.0).reshape(3, 2), np.arange(3))
    others = samples.at(positions)
    assert others is not samples
    assert np.array_equal(others.targets, np.arange(3)[positions])
    assert np.array_equal(others.inputs, samples.inputs[positions])


def test_what_is_in_memory_stays_itself():
    data = Dataset.from_arrays(X, Y)
    assert data.in_memory() is data
    assert data.train.in_memory() is data.train


def test_the_scaling_is_fitted_once_and_anew_for_another_kind():
    data = Dataset.from_arrays(X, Y)
    assert data.fitted_scaling is data.fitted_scaling
    assert replace(data, scaling="none").fitted_scaling.kind == "none"


@pytest.mark.parametrize(
    ("targets", "line"),
    [
        (np.zeros(2, np.int64), "inputs have shape"),
        (np.zeros(3), "dtype float64"),
        (np.zeros((3, 1), np.int64), r"targets have shape \(3, 1\)"),
    ],
)
def test_samples_that_do_not_fit_are_refused(targets, line):
    with pytest.raises(InputError, match=line):
        Samples(np.zeros((3, 2)), targets)


def test_they_are_shown_in_one_line():
    data = Dataset.from_arrays(X, Y, name="mine")
    train, others = "Samples(70, {})", "Samples(15, {})"
    shape = "shape=(3,), dtype=float32"
    train, others = train.format(shape), others.format(shape)
    assert repr(data.train) == train
    assert repr(data) == (
        f"Dataset('mine', classes=4, train={train}, validation={others}, "
        f"test={others}, scaling='standard')"
    )


@pytest.mark.parametrize("count", [1, 2, 49, 1000])
@pytest.mark.parametrize("most", [1, 2, 7, 49])
def test_some_samples_evenly_from_all(count, most):
    places = Samples(np.zeros((count, 1)), np.zeros(count, int)).spread(most)
    assert len(places) == min(count, most)
    assert places[0] == 0
    gaps = np.diff(places)
    if most > 1:
        assert places[-1] == count - 1
        assert np.all(gaps >= 1)
        assert np.ptp(gaps) <= 1 if len(gaps) else count == 1


def test_arrays_are_split_in_three():
    data = Dataset.from_arrays(X, Y, seed=4)
    sets = (data.train, data.validation, data.test)
    assert [len(samples) for samples in sets] == [70, 15, 15]
    rows = np.concatenate([samples.inputs for samples in sets])
    assert {row.tobytes() for row in rows} == {row.tobytes() for row in X}
    for samples in sets:
        place = [
            int(np.flatnonzero((row == X).all(axis=1))[0]) for row in samples.inputs
        ]
        np.testing.assert_array_equal(samples.targets, Y[place])
        assert samples.inputs.dtype == np.float32
    assert (data.shape, data.classes, data.is_image) == ((3,), 4, False)
    assert (data.class_names, data.scaling) == (("0", "1", "2", "3"), "standard")
    assert data.origin == (
        "Training, validation and test are a stratified split of 70, 15 and 15 %,"
        " seed 4."
    )


def test_a_given_test_set_stays_whole():
    data = Dataset.from_arrays(X, Y, test=(X[:7], Y[:7]))
    assert [len(data.train), len(data.validation)] == [90, 10]
    np.testing.assert_array_equal(data.test.inputs, X[:7])
    np.testing.assert_array_equal(data.test.targets, Y[:7])


def test_a_share_can_be_held_out_as_the_test_set():
    data = Dataset.from_arrays(X, Y, test=0.4)
    sets = (data.train, data.validation, data.test)
    assert [len(samples) for samples in sets] == [54, 6, 40]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array(["dog", "ant", "cat", "bee"])[Y], ("ant", "bee", "cat", "dog")),
        (
            np.array(["dog", "ant", "cat", "bee"], object)[Y],
            ("ant", "bee", "cat", "dog"),
        ),
        (np.array([b"b", b"a", b"d", b"c"])[Y], ("a", "b", "c", "d")),
        (Y * 10 - 10, ("-10", "0", "10", "20")),
        (Y.astype(float), ("0", "1", "2", "3")),
        ((Y + 1).astype(object), ("1", "2", "3", "4")),
        (Y[:, None] > 1, ("False", "True")),
    ],
)
def test_labels_become_class_indices(labels, names):
    data = Dataset.from_arrays(X, labels, test=(X, labels))
    assert data.class_names == names
    told = [data.class_names[target] for target in data.test.targets]
    plain = [
        label.decode() if isinstance(label, bytes) else label
        for label in np.ravel(labels).tolist()
    ]
    expected = [str(int(v) if isinstance(v, float) else v) for v in plain]
    assert told == expected


def test_class_names_name_integers_and_order_strings():
    numbers = Dataset.from_arrays(X, Y, class_names=list("abcde"), test=(X, Y))
    assert numbers.class_names == tuple("abcde")
    np.testing.assert_array_equal(numbers.test.targets, Y)
    letters = np.array(list("dcba"))[Y]
    strings = Dataset.from_arrays(
        X, letters, class_names=list("dcba"), test=(X, letters)
    )
    np.testing.assert_array_equal(strings.test.targets, Y)


def test_frames_bring_their_feature_names():
    frame = pd.DataFrame({"age": np.arange(100), "height": X[:, 0]})
    labels = pd.Series(np.array(["no", "yes"])[Y % 2])
    data = Dataset.from_arrays(frame, labels)
    assert data.feature_names == ("age", "height")
    assert data.class_names == ("no", "yes")
    frame.loc[5, "height"] = np.nan
    frame["married"] = labels
    with pytest.raises(InputError, match=r"row 5, column 'height' .* is missing"):
        Dataset.from_frame(frame, "married", missing="refuse")


def test_tensors_are_read():
    data = Dataset.from_arrays(torch.from_numpy(X), torch.from_numpy(Y))
    assert isinstance(data.train.inputs, np.ndarray)


@pytest.mark.parametrize(
    ("shape", "dtype", "image"),
    [
        ((8, 8), np.uint8, True),
        ((8, 8), np.float32, False),
        ((8, 8, 3), np.float32, True),
        ((8, 8, 1), np.uint8, True),
        ((3, 8, 8), np.uint8, False),
        ((64,), np.uint8, False),
    ],
)
def test_what_is_an_image(shape, dtype, image):
    data = Dataset.from_arrays(np.ones((100, *shape), dtype), Y)
    assert data.is_image is image
    assert data.scaling == ("range" if dtype == np.uint8 else "standard")


def changed(place, value, array=X):
    array = array.copy()
    array[place] = value
    return array


REFUSED = {
    "nan": (changed((17, 2), np.nan), Y, "row 17, column 2 .* is nan"),
    "inf": (changed((99, 0), -np.inf), Y, "row 99, column 0 .* is -inf"),
    "too large": (
        changed((17, 2), 1e300, X.astype(float)),
        Y,
        r"row 17, column 2 .* is 1e\+300: from 9.2e\+18 on .* scale the column down",
    ),
    "just too large": (changed((17, 2), -(2.0**63)), Y, "row 17, column 2 .* is -9.22"),
    "nan in an image": (
        changed((17, 1, 0), np.nan, np.ones((100, 2, 2))),
        Y,
        "row 17, column 1, 0 ",
    ),
    "objects": (X.astype(object), Y, "dtype object: give numbers, or a data frame"),
    "text": (X.astype(str), Y, r"column 0 holds text \('.*' in row 0\): give numbers"),
    "text in one column": (
        changed((7, 1), "Bern", X.astype(object)),
        Y,
        r"column 1 holds text \('Bern' in row 7\): give numbers, or a data frame",
    ),
    "complex": (X.astype(complex), Y, "column 0 holds what is no number"),
    "ragged": ([[1.0], [1.0, 2.0]], [0, 1], "inputs make no array"),
    "one axis": (X[:, 0], Y, r"shape \(100,\)"),
    "no features": (X[:, :0], Y, "no features"),
    "no rows": (X[:0], Y[:0], "no rows"),
    "lengths": (X, Y[:99], "100 inputs but 99 labels"),
    "one class": (X, np.zeros(100, int), "class '0'"),
    "one hot": (X, np.eye(4)[Y], r"labels have shape \(100, 4\)"),
    "float labels": (X, changed(7, 0.5, Y * 1.0), "row 7 .* is 0.5"),
    "missing label": (X, changed(7, np.nan, Y * 1.0), "row 7 .* is nan"),
    "infinite label": (X, changed(7, np.inf, Y * 1.0), "row 7 .* is inf"),
    "object labels": (
        X,
        changed(7, None, Y.astype(str).astype(object)),
        "row 7 .* None",
    ),
    "too few rows": (X[:3], [0, 1, 0], "3 rows are too few"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_arrays_are_refused_in_one_line(case):
    inputs, labels, line = REFUSED[case]
    with pytest.raises(InputError, match=f"^mine: .*{line}") as error:
        Dataset.from_arrays(inputs, labels, name="mine")
    assert "\n" not in str(error.value)


TEST_REFUSED = {
    "shape": ({"test": (X[:, :2], Y)}, r"\(test set\): .*shape \(2,\)"),
    "class": ({"test": (X[:2], [0, 4])}, r"\(test set\): .* row 1 .* is 4, none of"),
    "kind": ({"test": (X[:2], ["0", "1"])}, r"\(test set\): labels have dtype <U1"),
    "nan": ({"test": (changed((3, 1), np.nan), Y)}, r"\(test set\): row 3, column 1"),
    "no rows": ({"test": (X[:0], Y[:0])}, r"\(test set\): there are no rows"),
    "share": ({"test": 1.0}, "test share 1.0"),
    "seed": ({"seed": -1}, "seed -1"),
    "few names": ({"class_names": ["a", "b", "c"]}, "row 3 .* is 3, none of the 3"),
    "names twice": ({"class_names": ["a", "b", "c", "a"]}, "twice"),
}


@pytest.mark.parametrize("case", TEST_REFUSED)
def test_bad_options_are_refused_in_one_line(case):
    options, line = TEST_REFUSED[case]
    with pytest.raises(InputError, match=line) as error:
        Dataset.from_arrays(X, Y, **options)
    assert "\n" not in str(error.value)


def test_a_late_nan_is_found_in_a_block_of_its_own():
    inputs = np.zeros((100, 200_000), np.float32)
    inputs[99, 5] = np.nan
    with pytest.raises(InputError, match=r"row 99, column 5 .* is nan"):
        Dataset.from_arrays(inputs, Y)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("scaling", ["range", "standard"])
def test_the_largest_numbers_that_are_taken_can_be_described_and_learnt(dtype, scaling):
    largest = np.nextafter(dtype(min(float(np.finfo(dtype).max), 2.0**63)), dtype(0))
    inputs = np.where(Y[:, None] % 2, largest, -largest).astype(dtype)
    data = replace(Dataset.from_arrays(inputs, Y % 2), scaling=scaling)
    assert np.isfinite(describe(data).sets["train"].scaled.standard_deviation)
    result = lw.fit(lw.MLP([4]), data, epochs=20)
    assert result.test.accuracy == 1
    assert lw.inspect(result.network, data).findings


def test_inputs_are_never_changed():
    inputs, labels = X.copy(), Y.copy()
    inputs.flags.writeable = labels.flags.writeable = False
    data = Dataset.from_arrays(inputs, labels, test=(inputs, labels))
    np.testing.assert_array_equal(inputs, X)
    np.testing.assert_array_equal(data.test.targets, Y)
    assert not np.shares_memory(data.train.inputs, inputs)


def test_targets_may_be_rows_of_numbers_and_samples_may_have_weights():
    samples = Samples(np.zeros((3, 2)), np.ones((3, 1)), np.array([1.0, 0.0, 2.0]))
    assert samples.targets.dtype == np.float64
    part = samples.at(np.array([2, 0]))
    assert part.weights.tolist() == [2, 1]
    assert samples.weights_at(np.array([1, 2])).tolist() == [0, 2]
    assert Samples(np.zeros((3, 2)), np.arange(3)).weights_at(
        np.arange(2)
    ).tolist() == [1, 1]
    with pytest.raises(
        InputError, match=r"^weights have shape \(2,\) where there are 3"
    ):
        Samples(np.zeros((3, 2)), np.zeros((3, 1)), np.ones(2))
    with pytest.raises(InputError, match="or a row of real numbers"):
        Samples(np.zeros((3, 2)), np.zeros(3))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_labels_that_are_not_finite_are_named_in_each_precision(dtype, value):
    labels = np.array([0, 1, value, 1], dtype)
    with pytest.raises(InputError, match=r"the label of row 2 .* is (-?inf|nan)"):
        Dataset.from_arrays(np.eye(4), labels)
    whole = np.arange(20, dtype=dtype) % 2
    assert Dataset.from_arrays(np.eye(20), whole).class_names == ("0", "1")
