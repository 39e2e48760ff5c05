"""What is odd in a data set: repeats, codes, row numbers, columns that tell labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int64

from layerwise.arrays import Array
from layerwise.data._scaling import extremes, shared_range
from layerwise.data._stored import StoredRows
from layerwise.data.columns import Columns
from layerwise.data.labelled import Origins, sample_names
from layerwise.statistics import FEW
from layerwise.wording import count, listed, number, percent

OFTEN, FEW_INPUTS, PART = 10, 50, 4
"""Where each input is there ten times on average, copies are no mistake if there are 50
different inputs or fewer, or no feature has more than a quarter as many values."""

NAMED = 3
"""So many samples, or columns, are named, of however many."""

LOOKED_AT = 10_000
"""Rows whose features' values are counted."""

BLOCK_BYTES = 1 << 24


@dataclass(frozen=True, eq=False)
class Repeats:
    """Samples whose input is there more than once, byte by byte.

    Of each set (train, validation, test): how many samples it has; how many of them
    equal an earlier one ``within`` it; the positions of those that are training samples
    too, and of ``conflicting`` ones, whose input has another label elsewhere; and where
    they stand in what they were read from. Equal ones are ``expected``, and no copies,
    where training inputs have few values.
    """

    sizes: Mapping[str, int]
    within: Mapping[str, int]
    in_training: Mapping[str, Int64[np.ndarray, " _"]]
    conflicting: Mapping[str, Int64[np.ndarray, " _"]]
    origins: Mapping[str, Origins]
    expected: bool = False

    def sentences(self) -> Iterator[str]:
        """Yield what there is to say of them: what matters most comes first.

        Where inputs have few values, samples are alike by nature.
        """
        if self.expected:
            different = self.sizes["train"] - self.within["train"]
            inputs = "one input" if different == 1 else f"{count(different)} inputs"
            yield (
                f"The {count(self.sizes['train'])} training samples have {inputs} in "
                "all: equal ones are expected, in the test set too."
            )
            return
        for name, what in (
            ("test", "test accuracy is too high to hold for new samples"),
            ("validation", "choices by validation accuracy favour overfitting"),
        ):
            if found := len(self.in_training[name]):
                yield (
                    f"{count(found)} of {count(self.sizes[name])} {name} samples are "
                    f"training samples too "
                    f"({self._named(name, self.in_training[name])}): {what}. Remove "
                    "them from one of the two sets."
                )
        conflicts = {k: v for k, v in self.conflicting.items() if len(v)}
        if conflicts:
            total = sum(map(len, conflicts.values()))
            which = "; ".join(
                f"{'training' if name == 'train' else name} "
                f"{self._named(name, positions)}"
                for name, positions in conflicts.items()
            )
            yield (
                f"{count(total)} samples have the same input as another and a "
                f"different label ({which}): check these labels."
            )
        if again := self.within["train"]:
            yield (
                f"{count(again)} of {count(self.sizes['train'])} training samples "
                f"{'repeats' if again == 1 else 'repeat'} an earlier one."
            )

    def _named(self, name: str, positions: Int64[np.ndarray, " _"]) -> str:
        names = sample_names(self.origins[name], positions[:NAMED])
        more = len(positions) - len(names)
        return listed([*names, f"{count(more)} more"]) if more else listed(names)


def repeats_of(sets: Mapping[str, Any]) -> Repeats:
    """Compare the inputs of sets of samples, among them train, validation and test."""
    like = _common([sets["train"], *sets.values()])
    digests = {name: _digests(part.inputs, like) for name, part in sets.items()}
    everything = np.concatenate([*digests.values()])
    _, group = np.unique(everything, return_inverse=True)
    labels = np.concatenate([part.targets for part in sets.values()])
    least, most = np.full(len(everything), np.inf), np.full(len(everything), -np.inf)
    if labels.ndim == 1:
        np.minimum.at(least, group, labels)
        np.maximum.at(most, group, labels)
    conflicting = (least < most)[group]
    ends = np.cumsum([len(part) for part in sets.values()])[:-1]
    parts = zip(sets, np.split(conflicting, ends), strict=True)
    return Repeats(
        sizes={name: len(part) for name, part in sets.items()},
        within={name: len(d) - len(np.unique(d)) for name, d in digests.items()},
        in_training={
            name: np.flatnonzero(np.isin(digests[name], digests["train"]))
            for name in ("validation", "test")
        },
        conflicting={name: np.flatnonzero(found) for name, found in parts},
        origins={name: part.where for name, part in sets.items()},
        expected=_expected(sets["train"].inputs, len(np.unique(digests["train"]))),
    )


def _common(parts: Sequence[Any]) -> Any:
    """Return the dtype to compare in: no float is cut to a whole number, none wraps.

    Floats are compared as those of the first are, which may be rounded copies.
    """
    dtypes = [np.dtype(part.inputs.dtype) for part in parts]
    floats = all(dtype.kind == "f" for dtype in dtypes)
    return dtypes[0] if floats else np.result_type(*dtypes)


def _expected(inputs: Any, different: int) -> bool:
    """Return whether so few different inputs are by nature, and not by copying."""
    if not different or different * OFTEN > len(inputs):
        return False
    some = np.asarray(inputs[:LOOKED_AT])
    rows = some.reshape(len(some), -1)
    return different <= FEW_INPUTS or all(
        len(np.unique(feature)) * PART <= different for feature in rows.T
    )


def _digests(inputs: Any, dtype: np.dtype[Any]) -> Int64[np.ndarray, " samples"]:
    """Return 64 bits of each input, as that dtype has it: the same for equal bytes.

    Others share them by no chance; another process gives other bits.
    """
    if not len(inputs):
        return np.zeros(0, np.int64)
    row = max(1, int(np.prod(inputs.shape[1:])))
    size = max(1, BLOCK_BYTES // (row * dtype.itemsize))
    found: list[np.ndarray] = []
    for start in range(0, len(inputs), size):
        block = np.asarray(inputs[start : start + size]).reshape(-1, row)
        with np.errstate(over="ignore", invalid="ignore"):
            rows = np.ascontiguousarray(block.astype(dtype, copy=False))
        items = rows.view(f"V{row * dtype.itemsize}")[:, 0].tolist()
        found.append(np.fromiter(map(hash, items), np.int64, len(items)))
    return np.concatenate(found)


CODES_IN = 5_000
"""So many rows are looked at for codes, at most, evenly from all."""

AWAY = 5.0
"""A code lies so many times the range of all other values away from the next of them,
and is there again and again: a far measurement is there once."""

AGAIN, SHARE = 3, 0.005
"""So many rows have a code, and so large a share of all."""

VALUES = 3
"""Of fewer different values beside it, a far one may be one more of them."""


class MissingCode(NamedTuple):
    """A number that stands for missing values of a feature, in a share of the rows."""

    feature: int
    value: float
    share: float


def missing_codes(inputs: Any) -> tuple[MissingCode, ...]:
    """Return the features in which one number far off stands for missing values.

    A feature's least or greatest value other than zero, which several rows share. Of
    pictures, of bytes, and of rows that stay in their files there are none.
    """
    if isinstance(inputs, StoredRows) or len(inputs.shape) != 2:
        return ()
    if inputs.dtype.kind not in "if":
        return ()
    step = max(1, len(inputs) // CODES_IN)
    rows = np.asarray(inputs[::step], np.float64)
    if len(rows) < FEW:
        return ()
    found = [_far_below(rows, 1.0), _far_below(-rows, -1.0)]
    return tuple(sorted(code for side in found for code in side))


def _far_below(
    rows: Float[np.ndarray, "rows features"], sign: float
) -> list[MissingCode]:
    """Return the features whose least value is a code; ``sign`` turns it back."""
    with np.errstate(invalid="ignore"):
        least = np.fmin.reduce(rows)
        coded = rows == least
        others = np.where(coded, np.inf, rows)
        lowest = np.fmin.reduce(others)
        width = np.fmax.reduce(np.where(coded, -np.inf, rows)) - lowest
        counts = coded.sum(axis=0)
        far = (lowest - least > AWAY * width) & (width > 0) & (least != 0)
    often = (counts >= max(AGAIN, SHARE * len(rows))) & (len(rows) - counts >= FEW)
    return [
        MissingCode(int(at), sign * float(least[at]), float(counts[at] / len(rows)))
        for at in np.flatnonzero(far & often)
        if _several(rows[:, at], coded[:, at])
    ]


def _several(
    values: Float[np.ndarray, " rows"], coded: Bool[np.ndarray, " rows"]
) -> bool:
    return len(np.unique(values[~coded])) >= VALUES


def column_sentences(
    samples: Any, names: tuple[str, ...] | None, *, numbered: bool
) -> Iterator[str]:
    """Say what is odd in columns of numbers, by their values alone.

    ``numbered``: a column may number the rows.
    """
    if isinstance(samples.inputs, StoredRows) or len(samples.inputs.shape) != 2:
        return
    yield from _code_sentences(samples.inputs, names)
    if numbered:
        yield from _running_numbers(samples, names)
    yield from _as_pictures(samples.inputs)


def codes_in_words(codes: Sequence[MissingCode], names: tuple[str, ...] | None) -> str:
    """Return which numbers stand in which columns, and in how many of the rows."""
    parts = [
        f"{number(code.value, 6)} in {percent(code.share)} of the rows of column "
        f"{repr(names[code.feature]) if names else code.feature}"
        for code in codes[:NAMED]
    ]
    if more := len(codes) - len(parts):
        parts.append(f"such numbers in {count(more)} more column{'s' * (more > 1)}")
    return listed(parts)


def _code_sentences(inputs: Any, names: tuple[str, ...] | None) -> Iterator[str]:
    """Say which features have such a code, how often, and what to do."""
    codes = missing_codes(inputs)
    if not codes:
        return
    stand = "stand" if len(codes) > 1 else "stands"
    yield (
        f"{codes_in_words(codes, names)} {stand} far from all other "
        "values, as codes for missing values do. Fill them with the column's "
        "mean, or drop the rows: scaled with them, all other values are alike."
    )


def _running_numbers(samples: Any, names: tuple[str, ...] | None) -> Iterator[str]:
    """Say which features number the rows of a table, and tell their labels by that.

    A feature whose whole numbers differ in all rows and leave hardly a gap; sorted by
    it, labels change less than half as often as they would by chance.
    """
    inputs, targets, rows = samples.inputs, samples.targets, len(samples)
    if rows < FEW:
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


SMALLEST_SIDE = 8
"""Of a picture: that of scikit-learn's digits."""


def _as_pictures(inputs: Array) -> Iterator[str]:
    """Offer to see a square number of pixel-like features as pictures."""
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


TELLS, BETTER = 0.99, 0.9
"""A column tells the label where its values alone answer so large a share of validation
samples, and do so without this share of the mistakes that the commonest class makes."""

BINS = 64
"""A number is known by which of at most so many stretches of its values it is in."""

MOST_ROWS = 20_000
"""So many training samples are enough to see it."""


def leak_sentences(columns: Columns, train: Any, validation: Any) -> Iterator[str]:
    """Say which columns alone tell the label; fitted on training samples."""
    if columns.shape is not None or len(columns.used) < 2 or len(validation) < FEW:
        return
    some = train.at(train.spread(MOST_ROWS))
    commonest = np.bincount(some.targets).argmax()
    by_chance = float(np.mean(validation.targets == commonest))
    for column in columns.used:
        place = columns.places[column.name]
        seen, new = some.inputs[:, place], validation.inputs[:, place]
        answers = _answers(seen.astype(np.float64), some.targets, new)
        right = float(np.mean(answers == validation.targets))
        if right >= TELLS and 1 - right <= (1 - BETTER) * (1 - by_chance):
            yield (
                f"Column {column.name!r} alone gives the label of {percent(right)} of "
                "the validation samples. If it is only known once the label is, leave "
                f"it out (--drop {column.name!r})."
            )


def _answers(
    seen: Float64[np.ndarray, "samples inputs"],
    targets: Int[np.ndarray, " samples"],
    new: np.ndarray,
) -> Int64[np.ndarray, " new"]:
    """Return the commonest class of the training rows that are alike in one column."""
    cells, new_cells = np.zeros(len(seen), np.int64), np.zeros(len(new), np.int64)
    for values, others in zip(seen.T, new.T, strict=True):
        edges = _edges(values, targets)
        # As digits of one number, cut so that it stays small.
        width = len(edges) + 1
        cells = (cells * width + np.searchsorted(edges, values)) % (1 << 40)
        new_cells = (new_cells * width + np.searchsorted(edges, others)) % (1 << 40)
    known, codes = np.unique(cells, return_inverse=True)
    counts = np.zeros((len(known), int(targets.max()) + 1), np.int64)
    np.add.at(counts, (codes, targets), 1)
    commonest = counts.sum(axis=0).argmax()
    at = np.minimum(np.searchsorted(known, new_cells), len(known) - 1)
    return np.where(known[at] == new_cells, counts.argmax(axis=1)[at], commonest)


def _edges(
    values: Float64[np.ndarray, " samples"], targets: Int[np.ndarray, " samples"]
) -> Float64[np.ndarray, " edges"]:
    """Return where to part a column's values: between classes, where these are few."""
    order = np.argsort(values, kind="stable")
    values, targets = values[order], targets[order]
    differ = np.flatnonzero(np.diff(values))
    changes = differ if len(differ) < BINS else differ[np.diff(targets)[differ] != 0]
    if len(changes) < BINS:
        return (values[changes] + values[changes + 1]) / 2
    return np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
