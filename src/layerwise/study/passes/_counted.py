"""What one pass over stored activations leaves: moments, and the rows of a sample.

All of a study follows from it. It is small, whatever the number of rows; it is counted
in parts, by several processes or by the jobs of an array, and parts are joined exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from hashlib import sha256
from itertools import pairwise

import numpy as np
from jaxtyping import Int32, Int64, Shaped

from layerwise.arrays import Array
from layerwise.data import StoredRows, read_ahead, stratified_split
from layerwise.errors import InputError
from layerwise.statistics import Moments, Tally
from layerwise.study.passes._tallies import Counting, RowsPassed

FITTED, SHOWN = 3_000, 10_000
"""At most so many rows are kept of those fitted on, for what needs samples, and so many
of those scored, which nothing is fitted on."""

COMBINATIONS = 10_000
"""Of the labels of several columns, at most so many are counted beside each other."""

BLOCK_BYTES, BLOCK_ROWS = 32 << 20, 8192
"""Rows are read in blocks of about this size in double precision, and at most so many:
the product of a block is large enough to keep a processor busy."""

ROUNDING = 1e-3
"""By more of the largest, sums that are equal do not differ, be they ever so fast."""


@dataclass(frozen=True, eq=False)
class Columns:
    """The labels of every row, by one column or by several.

    ``combinations`` are the classes that occur beside each other, and ``targets`` which
    of these a row has.
    """

    class_names: Mapping[str, tuple[str, ...]]
    combinations: Int32[np.ndarray, "combinations columns"]
    targets: Int32[np.ndarray, " rows"]

    @classmethod
    def of(
        cls,
        indices: Mapping[str, Int32[np.ndarray, " rows"]],
        class_names: Mapping[str, tuple[str, ...]],
    ) -> "Columns":
        """Return the columns of class indices and names.

        Raises
        ------
        InputError
            If there are more combinations of classes than can be counted.
        """
        code = np.zeros(len(next(iter(indices.values()))), np.int64)
        for name, index in indices.items():
            _, code = np.unique(
                code * len(class_names[name]) + index, return_inverse=True
            )
        _, first = np.unique(code, return_index=True)
        if len(first) > COMBINATIONS:
            raise InputError(
                f"the columns {', '.join(indices)} have {len(first):,} combinations of "
                "labels: study them one after another, or the coarser ones together"
            )
        beside = np.stack([index[first] for index in indices.values()], axis=1)
        return cls(dict(class_names), beside, code.astype(np.int32))


@dataclass(frozen=True, eq=False)
class CountedLayer:
    """One layer of what was counted.

    The moments of the rows fitted on, by combination of labels; and the rows kept, by
    increasing position.
    """

    moments: Moments
    fitted: Shaped[np.ndarray, "fitted units"]
    scored: Shaped[np.ndarray, "scored units"]

    def refuse_impossible(self, name: str, rows: int, classes: int) -> None:
        """Raise an error if these are not the moments of so many rows and classes.

        Raises
        ------
        ValueError
        """
        moments = self.moments
        units = {moments.sums.shape[1], self.fitted.shape[1], self.scored.shape[1]}
        if len(units) > 1 or len(moments.counts) != classes:
            raise ValueError(f"layer {name} has rows of {sorted(units)} units")
        if moments.count != rows or (moments.counts < 0).any():
            raise ValueError(f"layer {name} has {moments.count:,} of {rows:,} rows")
        arrays = (*moments.to_arrays().values(), self.fitted, self.scored)
        if not all(np.isfinite(array).all() for array in arrays):
            raise ValueError(f"layer {name} has entries that are not finite")
        scatter, squares = moments.scatter, moments.squares.sum(axis=0)
        rounding = ROUNDING * np.abs(scatter).max(initial=0)
        wrong = [np.abs(scatter - scatter.T), -moments.squares]
        if moments.projection is None:
            wrong.append(np.abs(np.diag(scatter) - squares))
        if any((difference > rounding).any() for difference in wrong):
            raise ValueError(f"layer {name} has sums that no rows have")


@dataclass(frozen=True, eq=False)
class Counted:
    """What was counted of some of the rows, or of all.

    Parameters
    ----------
    rows : int
        How many there are in all.
    digest : str
        The SHA-256 of the labels of all rows.
    spans : tuple of (start, stop)
        Those that were counted.
    class_names : mapping of str to tuple of str
        By column of labels.
    combinations : int32 array, shape (combinations, columns)
    positions, targets : mapping of str to array
        Of the rows kept, ``fitted`` and ``scored``: where they are, and their
        combinations of labels.
    layers : mapping of str to CountedLayer
    """

    rows: int
    digest: str
    spans: tuple[tuple[int, int], ...]
    class_names: Mapping[str, tuple[str, ...]]
    combinations: Int32[np.ndarray, "combinations columns"]
    positions: Mapping[str, Int64[np.ndarray, " kept"]]
    targets: Mapping[str, Int32[np.ndarray, " kept"]]
    layers: Mapping[str, CountedLayer]

    def refuse_impossible(self) -> None:
        """Raise an error if this cannot have been counted: it was read from a file.

        Raises
        ------
        ValueError
        """
        end = 0
        for start, stop in self.spans:
            if not end <= start < stop <= self.rows:
                raise ValueError(f"rows {start:,} to {stop - 1:,} of {self.rows:,}")
            end = stop
        classes = [len(names) for names in self.class_names.values()]
        if not _below(self.combinations, classes) or min(classes) < 2:
            raise ValueError("combinations of classes that do not exist")
        for which, positions in self.positions.items():
            if not _below(positions, self.rows) or (np.diff(positions) <= 0).any():
                raise ValueError(f"positions of rows {which} that are not in order")
            if not _below(self.targets[which], len(self.combinations)):
                raise ValueError(f"rows {which} of classes that do not exist")
        counted = sum(stop - start for start, stop in self.spans)
        for name, layer in self.layers.items():
            layer.refuse_impossible(
                name, counted - len(self.positions["scored"]), len(self.combinations)
            )

    def refuse_missing(self) -> None:
        """Raise an error if a row was not counted.

        Raises
        ------
        InputError
        """
        for (_, end), (start, _) in pairwise(((0, 0), *self.spans, (self.rows, 0))):
            if start > end:
                raise InputError(
                    f"rows {end:,} to {start - 1:,} of {self.rows:,} are in no part: "
                    "give all parts"
                )


def count_rows(
    layers: Mapping[str, Array], columns: Columns, span: slice, counting: Counting
) -> Counted:
    """Count some of the rows of every layer, in one pass over each.

    Layers are in memory or in files; what a row has beyond one axis is laid out flat.
    The labels are those of all rows: which are held out to be scored does not depend on
    who counts which.

    Raises
    ------
    InputError
        If there are too few rows to fit on some and score others, or an entry is not
        finite.
    """
    held = _held_out(columns.targets)
    inside = {
        name: positions[(positions >= span.start) & (positions < span.stop)]
        for name, positions in held.items()
    }
    left_out = np.zeros(span.stop - span.start, bool)
    left_out[inside["scored"] - span.start] = True
    tick = RowsPassed(counting, (span.stop - span.start) * len(layers))
    found: dict[str, CountedLayer] = {}
    for name, rows in layers.items():
        units = int(np.prod(rows.shape[1:]))
        tally = Tally(counting.begun(units, len(columns.combinations)))
        own = rows.at(span) if isinstance(rows, StoredRows) else rows[span]
        blocks = read_ahead(own, block_rows(units))
        start = 0
        try:
            for block in blocks:
                flat = block.reshape(len(block), units)
                _refuse_bad(flat, span.start + start)
                part = slice(start, start + len(flat))
                kept = ~left_out[part]
                kept = slice(None) if kept.all() else kept
                tally.add(flat[kept], columns.targets[span][part][kept])
                tick(len(flat))
                start = part.stop
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
        fitted, scored = (_rows_at(rows, inside[w]) for w in ("fitted", "scored"))
        found[name] = CountedLayer(tally.moments(), fitted, scored)
    return Counted(
        rows=len(columns.targets),
        digest=sha256(
            columns.combinations.tobytes() + columns.targets.tobytes()
        ).hexdigest(),
        spans=((span.start, span.stop),) if span.stop > span.start else (),
        class_names=columns.class_names,
        combinations=columns.combinations,
        positions=inside,
        targets={name: columns.targets[p] for name, p in inside.items()},
        layers=found,
    )


def _below(indices: np.ndarray, limits: int | Sequence[int]) -> bool:
    """Return whether all indices are from 0 to before their limits."""
    return bool(((indices >= 0) & (indices < np.asarray(limits))).all())


def block_rows(units: int) -> int:
    """Return how many rows are read at a time."""
    return min(BLOCK_ROWS, max(1, BLOCK_BYTES // (8 * max(units, 1))))


def _rows_at(rows: Array, positions: Int64[np.ndarray, " kept"]) -> np.ndarray:
    found = np.asarray(rows[positions])
    return found.reshape(len(positions), int(np.prod(rows.shape[1:])))


def _held_out(
    targets: Int32[np.ndarray, " rows"],
) -> dict[str, Int64[np.ndarray, " kept"]]:
    """Return the positions of the rows that are scored, and of some fitted on.

    Half of few rows, at most `SHOWN`; both are stratified draws.
    """
    scored = min(SHOWN, len(targets) // 2)
    fitted = min(FITTED, len(targets) - scored)
    rest = len(targets) - scored - fitted
    shares = [float(share) for share in (scored, fitted, rest) if share]
    if not scored:
        raise InputError(f"{len(targets)} rows are too few: give some to score")
    parts = stratified_split(targets, shares, seed=0)
    return {"scored": parts[0], "fitted": parts[1]}


def _refuse_bad(flat: np.ndarray, start: int) -> None:
    """Name the first entry that is not finite, of rows counted from ``start``."""
    finite = np.isfinite(flat)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise InputError(
            f"row {start + row}, column {column} (counted from 0) is "
            f"{flat[row, column]}: give finite numbers"
        )


def joined(parts: Sequence[Counted]) -> Counted:
    """Return what was counted in parts, exactly as if it had been counted at once.

    Raises
    ------
    InputError
        If the parts are not of the same rows, labels and layers, or a row is in two.
    """
    return reduce(_join, sorted(parts, key=lambda part: part.spans))


def _join(first: Counted, second: Counted) -> Counted:
    _refuse_others(first, second)
    spans = sorted((*first.spans, *second.spans))
    for (_, stop), (start, end) in pairwise(spans):
        if start < stop:
            raise InputError(
                f"rows {start:,} to {min(stop, end) - 1:,} are in two parts: give each "
                "part once"
            )
    order = {
        name: np.argsort(np.concatenate([own, second.positions[name]]))
        for name, own in first.positions.items()
    }

    def both(one: np.ndarray, other: np.ndarray, name: str) -> np.ndarray:
        return np.concatenate([one, other])[order[name]]

    def all_of(
        one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        return {name: both(array, other[name], name) for name, array in one.items()}

    return replace(
        first,
        spans=tuple(spans),
        positions=all_of(first.positions, second.positions),
        targets=all_of(first.targets, second.targets),
        layers={
            name: CountedLayer(
                moments=layer.moments.merge(second.layers[name].moments),
                fitted=both(layer.fitted, second.layers[name].fitted, "fitted"),
                scored=both(layer.scored, second.layers[name].scored, "scored"),
            )
            for name, layer in first.layers.items()
        },
    )


def _refuse_others(first: Counted, second: Counted) -> None:
    for what, one, other in (
        ("rows", first.rows, second.rows),
        ("labels", first.class_names, second.class_names),
        ("labels", first.digest, second.digest),
        ("labels", first.combinations.tolist(), second.combinations.tolist()),
        ("layers", list(first.layers), list(second.layers)),
    ):
        if one != other:
            raise InputError(
                f"the parts are of different {what}: give parts of one array of jobs"
            )
