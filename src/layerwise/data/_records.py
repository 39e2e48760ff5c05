"""Labelled data as records: samples, and the three sets that they are split into."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple, Unpack

import numpy as np
from jaxtyping import Int64

from layerwise.arrays import Array
from layerwise.data._pictures import Pictures
from layerwise.data._remarks import (
    Repeats,
    column_sentences,
    leak_sentences,
    repeats_of,
)
from layerwise.data._scaling import Scaling, fit_scaling
from layerwise.data._split import grouped_split, shares_of, stratified_split
from layerwise.data._stored import StoredRows, are_pictures
from layerwise.data.columns import (
    Beside,
    Columns,
    Table,
    columns_beside,
    fit_columns,
    is_frame,
    table_of,
)
from layerwise.data.labelled import (
    FrameOptions,
    Labelled,
    Origins,
    Reading,
    arrays_of,
    checked_set,
    labelled_tables,
    like_table,
    tables_of,
)
from layerwise.errors import InputError
from layerwise.names import ScalingKind


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs with their classes, or with the numbers that they are to give.

    Parameters
    ----------
    inputs : array or StoredRows, shape (samples, *shape)
        In their own dtype; kept as a read-only view, or left in their files. For torch:
        ``torch.tensor(samples.inputs)``, a copy; ``torch.from_numpy`` warns of what
        cannot be written.
    targets : integer array, shape (samples,), or real array, shape (samples, outputs)
        The index of each input's class, kept as int32; or its numbers.
    weights : real array, shape (samples,), optional
        How much each sample counts, at least 0; by default all count alike.
    origins : Origins, optional
        Where each sample stands in what it was read from; by default these are all of
        its rows, in order.

    Raises
    ------
    InputError
        If these differ in length, or the targets are neither of the two.
    """

    inputs: Array
    targets: np.ndarray
    weights: np.ndarray | None = None
    origins: Origins | None = None

    def __post_init__(self) -> None:
        inputs, targets = self.inputs, np.asarray(self.targets)
        if not isinstance(inputs, StoredRows):
            inputs = _read_only(np.asarray(inputs))
        if (targets.ndim, targets.dtype.kind) not in {(1, "i"), (1, "u"), (2, "f")}:
            raise InputError(
                f"targets have shape {targets.shape} and dtype {targets.dtype}:"
                " give one class index for each sample, or a row of real numbers"
            )
        if len(inputs.shape) < 1 or len(inputs) != len(targets):
            raise InputError(
                f"inputs have shape {inputs.shape} where there are {len(targets)}"
                " targets: give as many rows as targets"
            )
        if targets.dtype.kind == "i" and targets.min(initial=0) < 0:
            raise InputError(
                f"targets hold {targets.min()}: class indices are 0 or more; labels to "
                "ignore (ignore_label=) are not supported, leave such samples out"
            )
        if self.weights is not None:
            weights = _checked_weights(self.weights, len(targets))
            object.__setattr__(self, "weights", weights)
        if self.origins is not None and len(self.origins) != len(targets):
            raise InputError(
                f"there are the rows of {len(self.origins)} samples where there are "
                f"{len(targets)} targets: give one for each sample"
            )
        if targets.dtype.kind != "f":
            targets = targets.astype(np.int32, copy=False)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "targets", _read_only(targets))

    def __len__(self) -> int:
        return len(self.targets)

    def __repr__(self) -> str:
        return (
            f"Samples({len(self)}, shape={self.inputs.shape[1:]}, "
            f"dtype={self.inputs.dtype})"
        )

    @property
    def where(self) -> Origins:
        """Where each sample stands in what it was read from."""
        return Origins(range(len(self))) if self.origins is None else self.origins

    @property
    def rows(self) -> Int64[np.ndarray, " samples"]:
        """The row of each sample in its file, or in the array given; from 0."""
        return self.where.rows

    def weights_at(self, positions: np.ndarray) -> np.ndarray:
        """Return how much the samples at these positions count, shape of positions."""
        if self.weights is None:
            return np.ones(positions.shape, np.float32)
        return self.weights[positions]

    def at(self, positions: np.ndarray | slice) -> "Samples":
        """Return the samples at these positions, in their order; of all, themselves."""
        if _is_all(positions, len(self)):
            return self
        weights = None if self.weights is None else self.weights[positions]
        stored = isinstance(self.inputs, StoredRows)
        inputs = self.inputs.at(positions) if stored else self.inputs[positions]
        own = self.where.at(positions)
        return Samples(inputs, self.targets[positions], weights, own)

    def spread(self, most: int) -> Int64[np.ndarray, " positions"]:
        """Return the positions of at most so many samples, evenly from all of them.

        Parameters
        ----------
        most : int
            At least 1.

        Returns
        -------
        numpy.ndarray
            Ascending and distinct; from 2 on, the first and the last are among them.
        """
        count = len(self)
        return np.linspace(0, count - 1, min(most, count)).astype(np.int64)

    def in_memory(self) -> "Samples":
        """Return the samples with their inputs read, where they are in files."""
        if not isinstance(self.inputs, StoredRows):
            return self
        return replace(self, inputs=np.asarray(self.inputs))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training, validation and test samples of one problem.

    Parameters
    ----------
    name : str
        What to call it.
    train, validation, test : Samples
        What is fitted, what choices look at, and what is scored once at the end.
    class_names : tuple of str
        By class index.
    feature_names : tuple of str or None
        The names of a table's columns.
    origin : str
        One sentence on how the three sets were drawn.
    scaling : "range", "standard" or "none"
        The scaling that suits the inputs; see `fit_scaling`.
    notes : tuple of str
        Sentences on what was left out, or stands out, while reading.
    columns : Columns or None
        What became of each column of a table.
    """

    name: str
    train: Samples
    validation: Samples
    test: Samples
    class_names: tuple[str, ...]
    feature_names: tuple[str, ...] | None
    origin: str
    scaling: ScalingKind
    notes: tuple[str, ...] = ()
    columns: Columns | None = None

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name!r}, classes={self.classes}, train={self.train}, "
            f"validation={self.validation}, test={self.test}, scaling={self.scaling!r})"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: samples of each class, and figures."""
        from layerwise.presentation import dataset_html

        return dataset_html(self)

    def in_memory(self) -> "Dataset":
        """Return the data set with its inputs read, where they are in files."""
        held: dict[str, Any] = {n: part.in_memory() for n, part in self.sets.items()}
        return self if held == self.sets else replace(self, **held)

    @property
    def sets(self) -> dict[str, Samples]:
        """The samples of each set by its name: train, validation, test."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @cached_property
    def fitted_scaling(self) -> Scaling:
        """The scaling, fitted once on the training inputs and shared by all."""
        return fit_scaling(self.train.inputs, self.scaling)

    @cached_property
    def repeats(self) -> Repeats:
        """The samples whose input is there more than once; looked for once."""
        return repeats_of(self.sets)

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on what to know of the data first.

        Columns that alone tell the label, repeated samples, and `notes`. Repeated
        samples are left out where inputs stay in their files.
        """
        leaks = (
            leak_sentences(self.columns, self.train, self.validation)
            if self.columns
            else ()
        )
        stored = isinstance(self.train.inputs, StoredRows)
        repeats = () if stored else self.repeats.sentences()
        return (*leaks, *repeats, *self.notes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return self.train.inputs.shape[1:]

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def is_image(self) -> bool:
        """Whether an input is a picture: bytes in two axes, or 1 or 3 channels last."""
        return are_pictures(self.train.inputs)

    @classmethod
    def from_arrays(
        cls,
        X: Array,
        y: Array,
        *,
        test: tuple[Array, Array] | float | None = None,
        seed: int = 0,
        class_names: tuple[str, ...] | list[str] | None = None,
        name: str = "arrays",
    ) -> "Dataset":
        """Make a data set of arrays; they are checked, split and never changed.

        Parameters
        ----------
        X : array or data frame, shape (samples, *shape)
            Finite numbers, below 2**63 in size: larger ones have squares that single
            precision does not hold. They keep their dtype. Of a frame, what is no
            number becomes one as in `from_frame`.
        y : array or series, shape (samples,)
            The labels: whole numbers or strings.
        test : (X, y), float or None
            The test set, or the share of the samples to draw it from. With a test set
            or share, 10 % of the other samples are for validation; with neither,
            15 % are for validation and 15 % for the test. All draws are stratified.
        seed : int
            The seed of the draws.
        class_names : sequence of str, optional
            With integer labels: the names of the classes 0, 1, …; with strings: their
            order. By default the labels in increasing order.
        name : str
            What to call the data set; errors begin with it.

        Raises
        ------
        InputError
            If there are no rows, one class only, labels that are no classes, NaN,
            infinity or a number of 2**63 or more, arrays of objects, of different
            lengths or of different shapes.

        Notes
        -----
        The scaling of the result is "range" for bytes and "standard" for all else;
        `dataclasses.replace` changes that and the feature names.
        """
        pair, share = (None, test) if isinstance(test, int | float) else (test, None)
        inputs: Array | Table = X
        if is_frame(X):
            inputs = table_of(X, name, chosen=True)
            if pair is not None:
                pair = like_table(pair[0], inputs, f"{name} (test set)"), pair[1]
        labelled = Labelled(
            source=name,
            inputs=inputs,
            labels=y,
            apart={} if pair is None else {"test": Labelled(name, pair[0], pair[1])},
            class_names=() if class_names is None else tuple(class_names),
        )
        return dataset(labelled, name, seed, share)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        target: str | None = None,
        *,
        test: Any = None,
        validation: Any = None,
        seed: int = 0,
        name: str = "frame",
        **how: Unpack[FrameOptions],
    ) -> "Dataset":
        """Make a data set of a data frame: columns of any kind, labels among them.

        What became of each column is in ``columns``, and is fitted on the training
        samples alone. The index is no column.

        Parameters
        ----------
        frame : data frame of any library, or pyarrow.Table
            pandas, polars, Modin, cuDF, …: what narwhals reads.
        target : str, optional
            The column of labels. By default the one called label, labels, target,
            class or y, or else the only one of texts that repeat.
        test, validation : data frame, optional
            Sets that are given apart, with the same columns; drawn otherwise.
        seed : int
            The seed of the draws.
        name : str
            What to call the data set; errors begin with it.
        **how
            ``drop`` (columns that are no inputs), ``group`` (a column: rows of one
            group stay in one set), ``class_names``, and ``missing``: "median" or
            "refuse".

        Raises
        ------
        InputError
            If there is no such column, a value is not as the rest of its column, no
            column is left, or labels are amounts or missing.
        """
        if hasattr(target, "shape"):  # a series
            raise InputError(
                "target is no name of a column: give one, or labels by themselves to "
                "Dataset.from_arrays(frame, labels)"
            )
        reading = Reading(target=target, **how)
        tables = {
            what: table_of(given, source)
            for what, given, source in (
                ("train", frame, name),
                ("validation", validation, f"{name} (validation set)"),
                ("test", test, f"{name} (test set)"),
            )
            if given is not None
        }
        return dataset(labelled_tables(tables, reading), name, seed)

    @classmethod
    def of(
        cls,
        thing: Any,
        target: str | None = None,
        *,
        seed: int = 0,
        name: str | None = None,
        columns: Columns | None = None,
        **how: Unpack[FrameOptions],
    ) -> "Dataset":
        """Make a data set of what other libraries call one.

        Parameters
        ----------
        thing : object
            A data set of Hugging Face, or a mapping with train, and perhaps validation
            and test, to such; a ``torch.utils.data.Dataset`` of finite length whose
            items are an input and its label; a data frame; a pair ``(X, y)``; or a
            `Dataset`, which is returned.
        target : str, optional
            Of what has columns, the one of labels; see `from_frame`.
        seed : int
            The seed of the draws.
        name : str, optional
            What to call the data set.
        columns : Columns, optional
            What is to become of the columns of a table, as a network has it.
        **how
            As for `from_frame`, of what has columns.

        Raises
        ------
        InputError
            If it is none of these, has no end, or its items are no labelled inputs.
        """
        if isinstance(thing, cls):
            return thing
        called = name or type(thing).__name__
        tables = tables_of(thing, called)
        if tables:
            reading = Reading(target=target, **how)
            return dataset(labelled_tables(tables, reading, columns), called, seed)
        if target is not None or how:
            raise InputError(
                f"{called}: has no columns with names: leave out target and the like"
            )
        X, y, class_names = arrays_of(thing, called)
        return cls.from_arrays(X, y, seed=seed, class_names=class_names, name=called)


def dataset(
    labelled: Labelled, name: str, seed: int, test_share: float | None = None
) -> Dataset:
    """Check labelled data and split them in three; see `Dataset.from_arrays`."""
    checked = checked_set(labelled)
    parts, origin = _parts(checked, seed, test_share)
    making = _making(checked, parts["train"])
    sets = dict(_three_sets(checked, parts, making))
    columns = making.columns if making else None
    names = checked.feature_names if columns is None else columns.names
    # What is made of a table or of pictures is made of each set by itself.
    looked = sets["train"] if making else Samples(checked.inputs, checked.labels)
    numbered = not isinstance(checked.inputs, Table) or checked.inputs.chosen
    return Dataset(
        name=name,
        **sets,
        class_names=checked.class_names,
        feature_names=names,
        origin=f"{origin}, seed {seed}.",
        scaling="range" if looked.inputs.dtype == np.uint8 else "standard",
        notes=(
            *(making.notes if making else ()),
            *checked.notes,
            *column_sentences(looked, names, numbered=numbered),
        ),
        columns=columns,
    )


class _Making(NamedTuple):
    """How what was read becomes inputs: fitted on training samples.

    ``encode`` makes inputs of samples of the ``source``: all that was read, as far as
    inputs are made of it.
    """

    encode: Callable[[Any], Array]
    source: Table | Pictures
    training: Table | Pictures
    columns: Columns | None
    notes: tuple[str, ...]


def _making(
    checked: Labelled, training: Int64[np.ndarray, " training"]
) -> _Making | None:
    """Return how inputs are made; None of arrays, which are inputs already."""
    inputs = checked.inputs
    if isinstance(inputs, Table):
        table = inputs.at(training)
        columns = checked.columns or replace(
            fit_columns(table), labels=checked.label_texts or checked.class_names
        )
        used = inputs.only([column.name for column in columns.used])
        return _Making(columns.apply, used, table, columns, columns.notes)
    if isinstance(inputs, Pictures):
        pictures = inputs.at(training)
        decode = partial(Pictures.decoded, shape=pictures.shape)
        said = inputs.said(pictures.shape)
        return _Making(decode, inputs, pictures, None, said)
    return None


def _parts(
    checked: Labelled, seed: int, test_share: float | None
) -> tuple[dict[str, Int64[np.ndarray, " _"]], str]:
    """Draw the sets that were not given, and say how."""
    apart = checked.apart
    names = ["train", *(n for n in ("validation", "test") if n not in apart)]
    shares, origin = shares_of("validation" in apart, "test" in apart, test_share)
    targets = checked.labels
    if checked.groups is None:
        parts = stratified_split(targets, shares, seed)
    else:
        parts = grouped_split(targets, checked.groups, shares, seed)
        origin = f"{origin.replace('stratified ', '')}; no group stands in two of them"
    if not all(part.size for part in parts):
        raise InputError(
            f"{checked.source}: {len(targets)} rows are too few for a"
            f" training, a validation and a test set of {len(checked.class_names)}"
            " classes: give more rows"
        )
    return dict(zip(names, parts, strict=True)), origin


def _three_sets(
    checked: Labelled, parts: dict[str, Int64[np.ndarray, " _"]], making: _Making | None
) -> Iterator[tuple[str, Samples]]:
    """Yield the samples of each set by its name."""
    targets = checked.labels
    beside = _beside(checked.inputs, making)
    origins = Origins(range(len(targets)), checked.files, beside=beside)
    if making is None:
        whole = Samples(checked.inputs, targets, origins=origins)
        yield from ((name, whole.at(part)) for name, part in parts.items())
    else:
        for name, part in parts.items():
            own = making.training if name == "train" else making.source.at(part)
            inputs = making.encode(own)
            yield name, Samples(inputs, targets[part], origins=origins.at(part))
    for name, given in checked.apart.items():
        own_beside = _beside(given.inputs, making, beside)
        places = Origins(range(len(given.labels)), given.files, beside=own_beside)
        rows = making.encode(given.inputs) if making else given.inputs
        yield name, Samples(rows, given.labels, origins=places)


def _beside(
    inputs: Any, making: _Making | None, known: tuple[Beside, ...] = ()
) -> tuple[Beside, ...]:
    """Return the columns of a table that are no inputs."""
    if making is None or making.columns is None:
        return ()
    return columns_beside(inputs, making.columns, known)


def _checked_weights(weights: Array, samples: int) -> np.ndarray:
    weights = np.asarray(weights)
    if weights.shape != (samples,):
        raise InputError(
            f"weights have shape {weights.shape} where there are {samples} targets: "
            "give one weight for each sample"
        )
    return _read_only(weights)


def _is_all(positions: np.ndarray | slice, count: int) -> bool:
    """Return whether these are the positions 0 … count - 1, in this order."""
    if isinstance(positions, slice):
        return positions.indices(count) == (0, count, 1)
    if len(positions) != count or positions.dtype == bool:
        return False
    return bool((positions == np.arange(count)).all())


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
