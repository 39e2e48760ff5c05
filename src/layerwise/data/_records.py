"""Labelled data as records: samples, and the three sets that they are split into."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isqrt

import numpy as np
from jaxtyping import Int64, Integer

from layerwise.arrays import Array
from layerwise.data._labelled import Labelled, Origins, checked_set
from layerwise.data._repeats import Repeats, repeats_of
from layerwise.data._scaling import Scaling, extremes, fit_scaling, shared_range
from layerwise.data._stored import StoredRows
from layerwise.errors import InputError
from layerwise.names import ScalingKind
from layerwise.wording import count, number

FEWEST_ROWS = 20
"""In which a running number can be told from a feature."""

SMALLEST_SIDE = 8
"""Of a picture: that of scikit-learn's digits."""


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
        _refuse_negative(targets)
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

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name!r}, classes={self.classes}, train={self.train}, "
            f"validation={self.validation}, test={self.test}, scaling={self.scaling!r})"
        )

    def in_memory(self) -> "Dataset":
        """Return the data set with its inputs read, where they are in files."""
        parts = self.train, self.validation, self.test
        train, validation, test = held = tuple(part.in_memory() for part in parts)
        if held == parts:
            return self
        return replace(self, train=train, validation=validation, test=test)

    @cached_property
    def fitted_scaling(self) -> Scaling:
        """The scaling, fitted once on the training inputs and shared by all."""
        return fit_scaling(self.train.inputs, self.scaling)

    @cached_property
    def repeats(self) -> Repeats:
        """The samples whose input is there more than once; looked for once."""
        return repeats_of(
            {"train": self.train, "validation": self.validation, "test": self.test}
        )

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on what to know of the data first: repeated samples, and `notes`.

        Repeated samples are left out where inputs stay in their files.
        """
        stored = isinstance(self.train.inputs, StoredRows)
        return (*(() if stored else self.repeats.sentences()), *self.notes)

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
        if len(self.shape) == 2:
            return self.train.inputs.dtype == np.uint8
        return len(self.shape) == 3 and self.shape[-1] in (1, 3)

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
            precision does not hold. They keep their dtype.
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
        labelled = Labelled(
            source=name,
            inputs=X,
            labels=y,
            test=pair,
            class_names=() if class_names is None else tuple(class_names),
        )
        return dataset(labelled, name, seed, share)


def dataset(
    labelled: Labelled, name: str, seed: int, test_share: float | None = None
) -> Dataset:
    """Check ``labelled`` and split it into the three sets; see `Dataset.from_arrays`.

    Raises
    ------
    InputError
        As `Dataset.from_arrays`.
    """
    checked = checked_set(labelled)
    targets = checked.labels
    shares, origin = _shares(checked.test is not None, test_share)
    parts = stratified_split(targets, shares, seed)
    if not all(part.size for part in parts):
        raise InputError(
            f"{labelled.source}: {len(targets)} rows are too few for a"
            f" training, a validation and a test set of {len(checked.class_names)}"
            " classes: give more rows"
        )
    origins = Origins(range(len(targets)), checked.files)
    whole = Samples(checked.inputs, targets, origins=origins)
    own = [whole.at(part) for part in parts]
    test = own[-1]
    if checked.test is not None:
        origins = Origins(range(len(checked.test[1])), checked.test_files)
        test = Samples(*checked.test, origins=origins)
    return Dataset(
        name=name,
        train=own[0],
        validation=own[1],
        test=test,
        class_names=checked.class_names,
        feature_names=checked.feature_names,
        origin=f"{origin}, seed {seed}.",
        scaling="range" if checked.inputs.dtype == np.uint8 else "standard",
        notes=(
            *checked.notes,
            *_running_numbers(checked.inputs, targets, checked.feature_names),
            *_as_pictures(checked.inputs),
        ),
    )


def _running_numbers(
    inputs: Array, targets: np.ndarray, names: tuple[str, ...] | None
) -> Iterator[str]:
    """Say which features number the rows of a table, and tell their labels by that.

    A feature whose whole numbers differ in all rows and leave hardly a gap; sorted by
    it, labels change less than half as often as they would by chance.
    """
    rows = len(targets)
    if isinstance(inputs, StoredRows) or len(inputs.shape) != 2 or rows < FEWEST_ROWS:
        return
    shares = np.bincount(targets) / rows
    by_chance = (rows - 1) * (1 - float(shares @ shares))
    low, high = extremes(inputs, axis=0)
    # Few features span as many whole numbers as there are rows: the others are passed.
    for place in np.flatnonzero((high - low + 1 >= rows) & (high - low < 1.5 * rows)):
        values = inputs[:, place]
        if np.any(values != np.floor(values)) or len(np.unique(values)) < rows:
            continue
        ordered = targets[np.argsort(values, kind="stable")]
        changes = int(np.count_nonzero(np.diff(ordered)))
        if changes < by_chance / 2:
            name = repr(names[place]) if names else count(int(place))
            yield (
                f"Column {name} numbers the rows and gives the labels away: sorted by "
                f"it, the label changes {count(changes)} times where chance would "
                f"change it {count(round(by_chance))} times. Drop it."
            )


def _as_pictures(inputs: Array) -> Iterator[str]:
    """Offer to see a square number of pixel-like features as pictures."""
    if isinstance(inputs, StoredRows) or len(inputs.shape) != 2:
        return
    features, side = inputs.shape[1], isqrt(inputs.shape[1])
    if side * side != features or side < SMALLEST_SIDE:
        return
    if shared := shared_range(*extremes(inputs, axis=0)):
        least, greatest = shared
        numbers = "X" if greatest > 1 else "(255 * X)"
        yield (
            f"The {count(features)} features share the range {number(least)} to "
            f"{number(greatest)} and keep one scale. If they are pictures, give "
            f'{numbers}.astype("uint8").reshape(-1, {side}, {side}) to see them.'
        )


def _shares(has_test: bool, test_share: float | None) -> tuple[list[float], str]:
    """Return the shares of the parts to draw, and a sentence on them."""
    if has_test:
        return [0.9, 0.1], (
            "The test set is the one given; validation is a stratified 10 % of the"
            " other samples"
        )
    if test_share is None:
        return [0.7, 0.15, 0.15], (
            "Training, validation and test are a stratified split of 70, 15 and 15 %"
        )
    if not 0 < test_share < 1:
        raise InputError(f"test share {test_share}: give a number between 0 and 1")
    rest = 1 - test_share
    return [0.9 * rest, 0.1 * rest, test_share], (
        f"The test set is a stratified {test_share:.3g} of the samples; validation is"
        " a stratified 10 % of the others"
    )


def stratified_split(
    targets: Integer[np.ndarray, " samples"], shares: Sequence[float], seed: int
) -> list[Int64[np.ndarray, " _"]]:
    """Draw parts without replacement, each with the classes in proportion.

    The sizes of the parts follow the shares, rounded. A class with as many samples as
    there are parts is in every part; one with fewer is in the first parts.

    Parameters
    ----------
    targets : integer array, shape (samples,)
        The class of each sample.
    shares : sequence of float
        The parts' shares, all above 0; only their ratios matter.
    seed : int
        The same seed gives the same parts.

    Returns
    -------
    list of int64 arrays
        The samples of each part, in increasing order; every sample is in one part.

    Raises
    ------
    InputError
        If a share is not above 0, or the seed is below.
    """
    if not all(share > 0 for share in shares):
        raise InputError(f"shares {tuple(shares)}: give numbers above 0")
    if seed < 0:
        raise InputError(f"seed {seed}: give 0 or more")
    rng = np.random.default_rng(seed)
    # Half the memory: there may be more samples than inputs that fit into it.
    narrow = np.int32 if len(targets) <= np.iinfo(np.int32).max else np.int64
    queues = [
        rng.permutation(np.flatnonzero(targets == one).astype(narrow))
        for one in np.unique(targets)
    ]
    counts = np.array([len(queue) for queue in queues], np.int64)
    parts: list[np.ndarray] = []
    # The first part takes what the others leave, so that it is served last.
    for later in range(len(shares) - 1, 0, -1):
        share = shares[later] / sum(shares[: later + 1])
        taken = _allotted(counts, share, counts - later)
        part = [queue[:n] for queue, n in zip(queues, taken, strict=True)]
        parts.append(np.concatenate(part) if part else np.zeros(0, np.int64))
        queues = [queue[n:] for queue, n in zip(queues, taken, strict=True)]
        counts = counts - taken
    parts.append(np.concatenate(queues) if queues else np.zeros(0, np.int64))
    return [np.sort(part).astype(np.int64) for part in reversed(parts)]


def _allotted(
    counts: Int64[np.ndarray, " classes"],
    share: float,
    most: Int64[np.ndarray, " classes"],
) -> Int64[np.ndarray, " classes"]:
    """Share out ``round(share * sum(counts))`` places by largest remainder.

    No class takes more than ``most``, and each takes one where that lets it.
    """
    quotas = counts * share
    most = np.maximum(most, 0)
    places = np.clip(np.floor(quotas).astype(np.int64), np.minimum(most, 1), most)
    missing = round(float(quotas.sum())) - int(places.sum())
    by_remainder = np.argsort(places - quotas, kind="stable")
    open_classes = by_remainder[places[by_remainder] < most[by_remainder]]
    places[open_classes[: max(missing, 0)]] += 1
    return places


def drawn(
    targets: Integer[np.ndarray, " samples"], most: int, seed: int
) -> Int64[np.ndarray, " drawn"]:
    """Return ``most`` positions at most, a stratified draw, in increasing order."""
    if len(targets) <= most:
        return np.arange(len(targets))
    part = most / len(targets)
    return stratified_split(targets, [part, 1 - part], seed)[0]


def _refuse_negative(targets: np.ndarray) -> None:
    if targets.dtype.kind == "i" and targets.min(initial=0) < 0:
        raise InputError(
            f"targets hold {targets.min()}: class indices are 0 or more; labels to "
            "ignore (ignore_label=) are not supported, leave such samples out"
        )


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
