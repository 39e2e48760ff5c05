"""Inputs that are there more than once: within a set, in two sets, with two labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64

from layerwise.data.labelled import Origins, sample_names
from layerwise.wording import count, listed

OFTEN, FEW_INPUTS, PART = 10, 50, 4
"""Where each input is there ten times on average, copies are no mistake if there are 50
different inputs or fewer, or no feature has more than a quarter as many values."""

NAMED = 3
"""So many samples are named, of however many."""

LOOKED_AT = 10_000
"""Rows whose features' values are counted."""

BLOCK_BYTES = 1 << 24


@dataclass(frozen=True, eq=False)
class Repeats:
    """Samples whose input is there more than once, byte by byte.

    Parameters
    ----------
    sizes : mapping of str to int
        The samples of each set: train, validation, test.
    within : mapping of str to int
        The samples of each set that equal an earlier one of it.
    in_training : mapping of str to int64 array
        Positions of the validation and of the test samples that are training samples.
    conflicting : mapping of str to int64 array
        Positions of the samples of each set whose input has another label elsewhere.
    origins : mapping of str to Origins
        Where the samples of each set stand in what they were read from.
    expected : bool
        Whether the training inputs have so few values that equal ones are no copies.
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
    digests = {name: digests_of(part.inputs, like) for name, part in sets.items()}
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


def digests_of(inputs: Any, dtype: Any = None) -> Int64[np.ndarray, " samples"]:
    """Return 64 bits of each input, as that dtype has it: the same for equal bytes.

    Others share them by no chance; another process gives other bits.
    """
    if not len(inputs):
        return np.zeros(0, np.int64)
    dtype = np.dtype(inputs.dtype if dtype is None else dtype)
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
