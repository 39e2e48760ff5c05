"""Samples to go through more than once: arrays, and batches that come anew."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, TypeGuard

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from layerwise import ranks
from layerwise.data import Origins, Samples, Scaling, StoredRows, read_ahead
from layerwise.errors import InputError
from layerwise.modules._calling import MODULE_ROWS, as_inputs, device_of, dtype_of
from layerwise.modules._reading import Arguments, Batch, Reader

ALL = slice(None)

Placed: TypeAlias = tuple[Int[np.ndarray, " samples"], Batch]
"""A batch, with its samples' positions in their set."""


class Source(ABC):
    """Samples that can be gone through more than once, their labels known."""

    inputs: np.ndarray | None

    @property
    @abstractmethod
    def targets(self) -> Int[np.ndarray, " samples"]:
        """The classes of all samples."""

    @property
    @abstractmethod
    def origins(self) -> Origins | None:
        """Where the samples stand in what they come from; None: not known."""

    @property
    @abstractmethod
    def length(self) -> int:
        """How many batches there are."""

    @abstractmethod
    def first(self) -> Batch:
        """Return the first batch, and read no other.

        Raises
        ------
        InputError
            If there is none.
        """

    @abstractmethod
    def batches(self, own: slice = ALL) -> Iterator[Placed]:
        """Yield each batch, or those of a slice of their numbers."""

    @abstractmethod
    def holding(self, positions: Int[np.ndarray, " some"]) -> Iterator[Placed]:
        """Yield batches that hold the samples at some positions, and maybe others."""


class ArraySource(Source):
    """Samples in memory, or in a memory map.

    Parameters
    ----------
    module : nn.Module
    samples : Samples
    scaling : Scaling, optional
        Of what the module is given; by default nothing is scaled.
    """

    def __init__(
        self, module: nn.Module, samples: Samples, scaling: Scaling | None = None
    ) -> None:
        self._module, self._samples, self._scaling = module, samples, scaling
        held = not isinstance(samples.inputs, StoredRows)
        self.inputs: np.ndarray | None = samples.inputs if held else None

    @property
    def targets(self) -> Int[np.ndarray, " samples"]:
        return self._samples.targets

    @property
    def origins(self) -> Origins:
        return self._samples.where

    @property
    def length(self) -> int:
        return -(-len(self.targets) // MODULE_ROWS)

    def first(self) -> Batch:
        if not len(self.targets):
            raise InputError("too few samples: give some to fit on and some to score")
        return next(batch for _, batch in self.batches(slice(1)))

    def batches(self, own: slice = ALL) -> Iterator[Placed]:
        numbers = range(self.length)[own]
        stop = min(numbers.stop * MODULE_ROWS, len(self.targets))
        yield from self._of(slice(numbers.start * MODULE_ROWS, stop))

    def holding(self, positions: Int[np.ndarray, " some"]) -> Iterator[Placed]:
        yield from self._of(np.unique(positions))

    def _of(self, where: slice | Int[np.ndarray, " some"]) -> Iterator[Placed]:
        device, dtype = device_of(self._module), dtype_of(self._module)
        samples, start = self._samples.at(where), 0
        for rows in read_ahead(samples.inputs, MODULE_ROWS):
            # A copy: torch warns of arrays that may not be written to.
            raw = np.array(rows)
            given = raw
            if self._scaling is not None and self._scaling.kind != "none":
                given = self._scaling.apply(raw, np.float32)
            tensor = as_inputs(given, dtype, device)
            stop = start + len(rows)
            if isinstance(where, slice):
                positions = np.arange(where.start + start, where.start + stop)
            else:
                positions = where[start:stop]
            arguments = Arguments((tensor,), {})
            targets = samples.targets[start:stop]
            yield positions, Batch(arguments, targets, None, None, tensor, raw)
            start = stop


class Scanned(NamedTuple):
    """What the first pass over a stream has found.

    ``marks`` are numbers by which inputs are known again, ``places`` say where each id
    stands, and ``starts`` how many samples came before each batch, and in all.
    """

    targets: Int[np.ndarray, " samples"]
    marks: Float[np.ndarray, " samples"]
    places: dict[Any, int]
    starts: Int[np.ndarray, " starts"]


def _is_in_order(given: Iterable[Any]) -> TypeGuard["DataLoader[Any]"]:
    """Return whether batches are those of a loader that goes through its set in order.

    Any of its batches can be read without those before it.
    """
    # Types and not instances: a class of one's own may bring anything, and what is read
    # out of turn would then be other samples than in turn.
    if type(given) is not DataLoader or given.batch_size is None:
        return False
    sampled = type(given.sampler), type(given.batch_sampler)
    return sampled == (SequentialSampler, BatchSampler)


def _batches_at(loader: "DataLoader[Any]", numbers: Collection[int]) -> Iterable[Any]:
    """Return the batches of these numbers, ascending, as the loader brings them."""
    # A loader of the same workings, which is told its batches: to skip those before
    # them in the given one would be to read them.
    sampler: Iterable[Any] = loader.batch_sampler or ()
    return DataLoader(
        loader.dataset,
        batch_sampler=[own for n, own in enumerate(sampler) if n in numbers],
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        generator=loader.generator,
        prefetch_factor=loader.prefetch_factor,
    )


class StreamSource(Source):
    """Batches that come from somewhere, each time anew: a ``DataLoader`` for example.

    Where their labels are asked for they are gone through once for these alone, and
    later passes have to bring the same samples again: in the same order, or with ids.
    Of a loader that goes through its set in order each rank reads its own batches, and
    of a few samples theirs; else all are gone through for either.

    Raises
    ------
    InputError
        If they can be gone through only once.
    """

    inputs: np.ndarray | None = None

    def __init__(self, reader: Reader, given: Iterable[Any]) -> None:
        if iter(given) is given:
            raise InputError(
                "the batches can be gone through only once, and a study does so more "
                "than once: give a list or a DataLoader"
            )
        self._reader, self._given = reader, given
        self._loader = given if _is_in_order(given) else None

    @property
    def targets(self) -> Int[np.ndarray, " samples"]:
        return self._scanned.targets

    @property
    def origins(self) -> Origins | None:
        """The ids in the batches; without them, of a loader, rows of its data set."""
        ids, samples = tuple(map(str, self._scanned.places)), len(self.targets)
        if len(ids) == samples:
            return Origins(range(samples), ids=ids)
        return None if self._loader is None else Origins(range(samples))

    @property
    def length(self) -> int:
        return len(self._scanned.starts) - 1

    def first(self) -> Batch:
        for batch in map(self._reader.read, self._given):
            if len(batch.targets):
                return batch
        raise InputError("too few samples: there are no batches")

    def _read(self, numbers: Sequence[int]) -> Iterator[tuple[int, Batch]]:
        """Yield batches with their numbers: these, or all where they cannot be told."""
        if self._loader is None:
            yield from enumerate(map(self._reader.read, self._given))
        elif numbers:
            given = _batches_at(self._loader, set(numbers))
            yield from zip(numbers, map(self._reader.read, given), strict=False)

    @cached_property
    def _scanned(self) -> Scanned:
        def scan(own: slice) -> list[tuple[np.ndarray, np.ndarray, list[Any]]]:
            read = self._read(range(own.start, own.stop))
            return [(one.targets, _marks(one), one.ids or []) for _, one in read]

        if self._loader is None:
            found = scan(slice(0, 0))
        else:
            own = ranks.own_share(len(self._loader))
            found = chain(*ranks.gathered(ranks.in_all(lambda: scan(own))))
        batches = list(found)
        if not batches:
            raise InputError("too few samples: there are no batches")
        targets, marks, ids = zip(*batches, strict=True)
        places: dict[Any, int] = {}
        for one in chain(*ids):
            if one in places:
                raise InputError(f"two samples have the id {one!r}")
            places[one] = len(places)
        starts = np.cumsum([0, *map(len, targets)])
        return Scanned(np.concatenate(targets), np.concatenate(marks), places, starts)

    def batches(self, own: slice = ALL) -> Iterator[Placed]:
        """Yield batches, with the positions of their samples in the first pass.

        Raises
        ------
        InputError
            If other samples come than did then.
        """
        return self._numbered(range(self.length)[own])

    def holding(self, positions: Int[np.ndarray, " some"]) -> Iterator[Placed]:
        numbers: Sequence[int] = range(self.length)
        if self._loader is not None:
            after = np.searchsorted(self._scanned.starts, positions, side="right")
            numbers = np.unique(after - 1).tolist()
        for at, batch in self._numbered(numbers):
            if np.isin(at, positions).any():
                yield at, batch

    def _numbered(self, numbers: Sequence[int]) -> Iterator[Placed]:
        scanned, count = self._scanned, 0
        seen = np.zeros(len(self.targets), bool)
        # Without a loader all batches come, whichever are asked for: they are checked
        # too, since a sample that is missing from them would be missing from the pass.
        for number, batch in self._read(numbers):
            start = count if self._loader is None else scanned.starts[number]
            positions = np.arange(start, start + len(batch.targets))
            if batch.ids is not None:
                places = [scanned.places.get(one, -1) for one in batch.ids]
                positions = np.array(places, np.int64)
            self._check(positions, batch)
            if seen[positions].any() or len(np.unique(positions)) < len(positions):
                raise InputError("a pass over the batches brings a sample twice")
            seen[positions] = True
            if number in numbers and len(positions):
                yield positions, batch
            count += len(batch.targets)
        read = range(self.length) if self._loader is None else numbers
        held = int(np.diff(scanned.starts)[[*read]].sum())
        if count != held:
            raise InputError(
                f"the batches held {held:,} samples and now hold "
                f"{count:,}: they have to be the same in every pass"
            )

    def _check(self, positions: Int[np.ndarray, " samples"], batch: Batch) -> None:
        known = ((positions >= 0) & (positions < len(self.targets))).all()
        if not known or np.any(self.targets[positions] != batch.targets):
            raise InputError(
                "the batches bring other labels in the second pass than in the first, "
                "as a shuffled loader does: take shuffle=False, or let each batch "
                "name its samples (ids=)"
            )
        if batch.ids is None and np.any(
            self._scanned.marks[positions] != _marks(batch)
        ):
            raise InputError(
                "the batches bring other inputs in the second pass than in the first: "
                "turn random augmentation off, take shuffle=False, or let each batch "
                "name its samples (ids=)"
            )


def _marks(batch: Batch) -> np.ndarray:
    """Return a number for each sample by which its inputs are known again."""
    first = batch.first
    if first is None or not len(first) or first.ndim < 2:
        return np.zeros(len(batch.targets))
    flat = first.reshape(len(first), -1)
    # A few numbers of each, weighted by their place: of a picture that is turned over
    # the plain sum would be the same.
    some = flat[:, :: max(1, flat.shape[1] // 64)].double()
    marks = (some * torch.arange(1, some.shape[1] + 1, device=some.device)).sum(dim=1)
    found = marks.nan_to_num().cpu().numpy()
    return found if len(found) == len(batch.targets) else np.zeros(len(batch.targets))
