"""Figures of a data set, against the same figures taken in one go."""

import dataclasses

import numpy as np
import pytest

from layerwise.data import Dataset, Samples, SetStatistics, describe, fit_scaling, load
from layerwise.data._scaling import BLOCK_BYTES
from layerwise.errors import InputError


def test_figures_of_a_split_set():
    data = load("digits")
    statistics = describe(data)
    assert list(statistics.sets) == ["train", "validation", "test"]
    scaling = fit_scaling(data.train.inputs, data.scaling)
    for name, figures in statistics.sets.items():
        inputs = getattr(data, name).inputs
        assert figures.shape == inputs.shape
        assert figures.values.dtype == "uint8"
        assert figures.scaled.dtype == "float32"
        for array, values in (
            (inputs, figures.values),
            (scaling.apply(inputs, np.float64), figures.scaled),
        ):
            assert (values.minimum, values.maximum) == (array.min(), array.max())
            assert values.mean == pytest.approx(array.mean(), rel=1e-14)
            assert values.standard_deviation == pytest.approx(array.std(), rel=1e-14)
        targets = getattr(data, name).targets
        assert figures.class_counts == tuple(np.bincount(targets, minlength=10))
        flat = inputs.reshape(len(inputs), -1)
        assert figures.constant_features == int((np.ptp(flat, axis=0) == 0).sum())
        assert figures.duplicates == len(flat) - len(np.unique(flat, axis=0))
        assert figures.missing == 0
    assert statistics.class_names == data.class_names


def figures_of(samples: Samples) -> SetStatistics:
    """The figures of samples as a training set."""
    data = Dataset.from_arrays(np.eye(20), np.arange(20) % 2)
    data = dataclasses.replace(data, train=samples, validation=samples, test=samples)
    return describe(data).sets["train"]


def test_figures_of_more_than_one_block_with_an_offset():
    rows = BLOCK_BYTES // (8 * 4) * 2 + 17
    inputs = np.random.default_rng(0).normal(1e6, 2, (rows, 4))
    values = figures_of(Samples(inputs, np.arange(rows) % 2)).values
    assert (values.minimum, values.maximum) == (inputs.min(), inputs.max())
    assert values.mean == pytest.approx(inputs.mean(), rel=1e-14)
    shifted = (inputs - 1e6).std()
    assert values.standard_deviation == pytest.approx(shifted, rel=1e-12)


def test_a_scaled_table_has_unit_variance():
    scaled = describe(load("iris")).sets["train"].scaled
    assert scaled.mean == pytest.approx(0, abs=1e-14)
    assert scaled.standard_deviation == pytest.approx(1, rel=1e-14)


def test_duplicates_and_leaks_are_counted():
    a, b, c = np.eye(3, dtype=np.float32)
    data = Dataset.from_arrays(np.eye(20), np.arange(20) % 2)
    data = dataclasses.replace(
        data,
        train=Samples(np.stack([a, b, a, a]), np.array([0, 1, 0, 1])),
        test=Samples(np.stack([c, a, a]), np.array([0, 0, 1])),
        validation=Samples(np.stack([b]), np.array([1])),
    )
    statistics = describe(data)
    duplicates = {name: s.duplicates for name, s in statistics.sets.items()}
    assert duplicates == {"train": 2, "validation": 0, "test": 1}
    assert statistics.test_in_training == 2
    assert statistics.validation_in_training == 1
    assert statistics.conflicting == 5  # all that have a for an input


def test_missing_values_are_counted_and_left_out():
    inputs = np.array([[1.0, np.nan, 5.0], [3.0, np.nan, 5.0]])
    figures = figures_of(Samples(inputs, np.array([0, 2])))
    assert figures.missing == 2
    assert figures.constant_features == 1
    assert figures.class_counts == (1, 0, 1)
    values = figures.values
    assert (values.minimum, values.maximum, values.mean) == (1.0, 5.0, 3.5)
    assert values.standard_deviation == pytest.approx(np.std([1, 3, 5, 5]), rel=1e-15)


def test_inputs_in_any_memory_order_hash_alike():
    inputs = np.asfortranarray(np.random.default_rng(0).normal(size=(6, 4, 4)))
    inputs[3] = inputs[0]
    figures = figures_of(Samples(inputs, np.arange(6)))
    assert figures.duplicates == 1


def test_no_samples_are_refused():
    with pytest.raises(InputError, match="give some rows"):
        figures_of(Samples(np.zeros((0, 2)), np.zeros(0, np.int32)))


def test_the_training_set_as_it_was_given():
    inputs = np.random.default_rng(0).normal(3, 2, (70, 5))
    data = Dataset.from_arrays(inputs, np.arange(70) % 2, test=(inputs, [0, 1] * 35))
    given = describe(data).given_training
    assert given is not None
    assert given.mean == pytest.approx(inputs.mean(), rel=1e-14)
    assert given.standard_deviation == pytest.approx(inputs.std(), rel=1e-14)
    assert (given.minimum, given.maximum) == (inputs.min(), inputs.max())
    for name in ("iris", "moons"):
        assert describe(load(name)).given_training is None


def test_the_60_000_of_mnist(mnist_folder):
    given = describe(load("mnist", data_dir=mnist_folder)).given_training
    assert given is not None
    assert given.mean == pytest.approx(33.318421449829934, rel=1e-15)
