"""Figures about a data set: what its values are like, and what is odd about them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from layerwise.data._records import Dataset, Samples
from layerwise.data._scaling import Scaling, Summary, summary
from layerwise.data.columns import ABSENT_INPUT as ABSENT, Category, Column, YesNo
from layerwise.wording import number, percent

COMMONEST = 3
"""So many values of a category are named."""


@dataclass(frozen=True)
class ValueStatistics:
    """What all the values of a set are like, missing ones left out.

    The standard deviation is about the mean, divided by n.
    """

    minimum: float
    maximum: float
    mean: float
    standard_deviation: float
    dtype: str


@dataclass(frozen=True)
class SetStatistics:
    """Figures of one set of samples.

    The shape is that of the array, the number of samples first; ``scaled`` are the
    values as the network sees them. Constant features are the entries of an input that
    are the same in all samples; duplicates equal an earlier input, byte by byte;
    missing values are NaN.
    """

    shape: tuple[int, ...]
    values: ValueStatistics
    scaled: ValueStatistics
    class_counts: tuple[int, ...]
    constant_features: int
    duplicates: int
    missing: int


@dataclass(frozen=True)
class ColumnStatistics:
    """What a column of a table is like in the training set, and what became of it.

    The share of missing values is None of a column that was left out; ``values`` are
    its range, or its commonest values.
    """

    name: str
    kind: str
    missing: float | None
    values: str
    done: str


@dataclass(frozen=True)
class DataStatistics:
    """Figures of a data set.

    The sets are train, validation and test. Counted are the test and the validation
    samples that are training inputs too, byte by byte, and the samples of all sets
    whose input is there with another label. ``given_training`` are training and
    validation samples together, where they are all the rows of one source: a training
    set as it was given. Columns are those of a table that hold no pixels.
    """

    name: str
    class_names: tuple[str, ...]
    sets: Mapping[str, SetStatistics]
    test_in_training: int
    validation_in_training: int
    conflicting: int
    given_training: ValueStatistics | None = None
    columns: tuple[ColumnStatistics, ...] = ()


def describe(data: Dataset) -> DataStatistics:
    """Describe a data set.

    The values are read by blocks and the figures are right to float64's precision; the
    scaling is the data set's, fitted on its training inputs. A set without samples is
    refused.
    """
    repeats = data.repeats
    raw = {name: summary(samples.inputs) for name, samples in data.sets.items()}
    return DataStatistics(
        name=data.name,
        class_names=data.class_names,
        sets={
            name: _set_statistics(samples, raw[name], data, repeats.within[name])
            for name, samples in data.sets.items()
        },
        test_in_training=len(repeats.in_training["test"]),
        validation_in_training=len(repeats.in_training["validation"]),
        conflicting=sum(map(len, repeats.conflicting.values())),
        given_training=_given_training(data, raw),
        columns=tuple(_columns(data)),
    )


def _columns(data: Dataset) -> Iterator[ColumnStatistics]:
    """Describe the columns of a table by the inputs that they became."""
    columns = data.columns
    if columns is None or columns.shape is not None:
        return
    for column in columns.columns:
        missing, values = None, ""
        if column.inputs:
            rows = data.train.inputs[:, columns.places[column.name]]
            absent = [i for i, n in enumerate(column.inputs) if n.endswith(ABSENT)]
            missing = float(rows[:, absent[0]].mean()) if absent else 0.0
            values = _value_words(column, rows)
        yield ColumnStatistics(column.name, column.kind, missing, values, column.done)


def _value_words(column: Column, rows: np.ndarray) -> str:
    """Return the range of a column, or its commonest values and their shares."""
    if isinstance(column, Category):
        shares = rows.mean(axis=0)
        names = [name.removeprefix(f"{column.name} ").removeprefix("= ")
                 for name in column.inputs]  # fmt: skip
        first = np.argsort(-shares, kind="stable")[:COMMONEST]
        return ", ".join(f"{names[i]} {percent(float(shares[i]), 0)}" for i in first)
    if isinstance(column, YesNo):
        return f"yes {percent(float(rows[:, 0].mean()), 0)}"
    low, high = rows[:, 0].min(), rows[:, 0].max()
    return f"{number(low, 4)} to {number(high, 4)}"


def _given_training(
    data: Dataset, raw: Mapping[str, Summary]
) -> ValueStatistics | None:
    """Describe training and validation samples together, if both were given as one."""
    rows = np.concatenate([data.train.where.places, data.validation.where.places])
    if not np.array_equal(np.sort(rows), np.arange(len(rows))):
        return None
    both = raw["train"] + raw["validation"]
    return _values(both, str(data.train.inputs.dtype))


def _set_statistics(
    samples: Samples, raw: Summary, data: Dataset, duplicates: int
) -> SetStatistics:
    counts = np.bincount(samples.targets, minlength=data.classes)
    return SetStatistics(
        shape=samples.inputs.shape,
        values=_values(raw, str(samples.inputs.dtype)),
        scaled=_scaled(raw, data.fitted_scaling),
        class_counts=tuple(counts.tolist()),
        constant_features=int((raw.minimum == raw.maximum).sum()),
        duplicates=duplicates,
        missing=samples.inputs.size - int(raw.counts.sum()),
    )


def _values(features: Summary, dtype: str) -> ValueStatistics:
    pooled = features.pooled()
    return ValueStatistics(
        minimum=float(pooled.minimum),
        maximum=float(pooled.maximum),
        mean=float(pooled.mean),
        standard_deviation=float(pooled.standard_deviation),
        dtype=dtype,
    )


def _scaled(features: Summary, scaling: Scaling) -> ValueStatistics:
    """Scale a summary: an affine map that grows needs no second pass."""
    mean = scaling.apply(features.mean)
    return _values(
        Summary(
            counts=features.counts,
            minimum=scaling.apply(features.minimum),
            maximum=scaling.apply(features.maximum),
            total=mean * features.counts,
            squares=features.squares / np.square(scaling.divisor),
        ),
        "float32",
    )
