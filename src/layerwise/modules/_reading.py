"""One batch taken apart: what a module is called with, the labels, ids and mask."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from layerwise.data import several_labels
from layerwise.errors import InputError
from layerwise.modules._calling import device_of

LABELS = ("labels", "label", "targets", "target", "y")
IDS = ("ids", "id", "index", "idx")
MASKS = {"attention_mask": False, "src_key_padding_mask": True,
         "key_padding_mask": True, "padding_mask": True}  # fmt: skip
"""Masks by name, and whether a position that is not 0 there is padding."""

Entry: TypeAlias = str | int | Callable[[Any], Any]
"""Part of a batch: its key, its place, or a function of the batch."""


class Arguments(NamedTuple):
    """What a module is called with."""

    positional: tuple[Any, ...]
    named: Mapping[str, Any]

    def values(self) -> tuple[Any, ...]:
        """Return all of it, without names."""
        return (*self.positional, *self.named.values())


class Batch(NamedTuple):
    """One batch, taken apart.

    Parameters
    ----------
    arguments : Arguments
        What the module is called with, on the module's device.
    targets : int array, shape (samples,)
    ids : list or None
        What names each sample, where the batch says so.
    mask : Tensor or None, shape (samples, positions)
        True where a position counts.
    given : object
        The batch as it came.
    raw : array or None, shape (samples, *shape)
        The samples' inputs as they are stored, where they are in arrays.
    """

    arguments: Arguments
    targets: Int[np.ndarray, " samples"]
    ids: list[Any] | None
    mask: Tensor | None
    given: Any
    raw: np.ndarray | None = None

    @property
    def first(self) -> Tensor | None:
        """The first tensor that the module is given."""
        values = self.arguments.values()
        if values and isinstance(values[0], Mapping):
            values = tuple(values[0].values())
        return next((one for one in values if isinstance(one, Tensor)), None)


@dataclass(frozen=True)
class Reader:
    """How batches are taken apart for a module.

    Parameters
    ----------
    module : nn.Module
    labels, ids, mask : str, int or callable, optional
        Where they are in a batch; by default under their usual names, labels last in a
        tuple.
    """

    module: nn.Module
    labels: Entry | None = None
    ids: Entry | None = None
    mask: Entry | None = None

    def read(self, batch: Any) -> Batch:
        """Take a batch apart.

        Raises
        ------
        InputError
            If there are no labels in it, or they are no classes.
        """
        if isinstance(batch, Mapping):
            rest, labels, ids = self._of_mapping(batch)
        elif isinstance(batch, tuple | list) and len(batch) > 1:
            rest, labels, ids = self._of_tuple(batch)
        else:
            raise InputError(
                f"a batch is a {type(batch).__name__}: give (inputs, labels), or a "
                f"mapping with {LABELS[0]}"
            )
        arguments = self._arguments(_moved(rest, device_of(self.module)))
        mask = self._mask(arguments, batch)
        return Batch(arguments, _classes(labels), ids, mask, batch)

    def _of_mapping(self, batch: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        labels, ids = self.labels, self.ids
        if labels is None:
            labels = next((k for k in LABELS if k in batch), None)
        if ids is None:
            # What forward asks for by this name are inputs: tokens, very often.
            taken = inspect.signature(self.module.forward).parameters
            ids = next((k for k in IDS if k in batch and k not in taken), None)
        if labels is None or (isinstance(labels, str) and labels not in batch):
            raise InputError(
                f"a batch has no labels, only {', '.join(map(str, batch))}: name them "
                "by labels="
            )
        rest = {key: one for key, one in batch.items() if key not in (labels, ids)}
        return rest, entry_of(batch, labels), _listed(entry_of(batch, ids))

    def _of_tuple(self, batch: Any) -> tuple[Any, Any, Any]:
        labels = len(batch) - 1 if self.labels is None else self.labels
        places = (labels, self.ids)
        used = {at % len(batch) for at in places if isinstance(at, int)}
        rest = [one for at, one in enumerate(batch) if at not in used]
        rest = rest[0] if len(rest) == 1 else tuple(rest)
        return rest, entry_of(batch, labels), _listed(entry_of(batch, self.ids))

    def _arguments(self, rest: Any) -> Arguments:
        """Return the call: mappings by name, as far as ``forward`` knows the names."""
        if isinstance(rest, tuple | list):
            return Arguments(tuple(rest), {})
        if not isinstance(rest, Mapping):
            return Arguments((rest,), {})
        known = inspect.signature(self.module.forward).parameters
        tensors = [one for one in rest.values() if isinstance(one, Tensor)]
        needed = [n for n, p in known.items() if p.default is p.empty and p.kind < 2]
        if len(needed) == 1 and needed[0] not in rest and len(tensors) > 1:
            return Arguments((rest,), {})  # the mapping is what it takes
        if any(p.kind is p.VAR_KEYWORD for p in known.values()):
            return Arguments((), dict(rest))
        named = {key: one for key, one in rest.items() if key in known}
        if not named and len(tensors) == 1:
            return Arguments((tensors[0],), {})
        return Arguments((), named)

    def _mask(self, arguments: Arguments, batch: Any) -> Tensor | None:
        if self.mask is not None:
            found = torch.as_tensor(entry_of(batch, self.mask)) != 0
            return found.to(device_of(self.module))
        names = inspect.signature(self.module.forward).parameters
        named = dict(zip(names, arguments.positional, strict=False))
        named.update(arguments.named)
        for one in arguments.values():
            if isinstance(one, Mapping):
                named |= one
        for name, padded in MASKS.items():
            mask = named.get(name)
            if isinstance(mask, Tensor) and mask.ndim == 2:
                return mask == 0 if padded else mask != 0
        return None


def entry_of(batch: Any, entry: Entry | None) -> Any:
    """Return a part of a batch; None of None.

    Raises
    ------
    InputError
        If the batch has no such part.
    """
    if entry is None:
        return None
    try:
        return batch[entry] if isinstance(entry, str | int) else entry(batch)
    except (KeyError, IndexError, TypeError) as error:
        raise InputError(f"a batch has no {entry!r}: {error}") from error


def without_last(batch: Batch, axis: int) -> Batch | None:
    """Return a batch without its last sample; None where nothing runs over samples.

    They lie along ``axis`` in what the module is given, where that is long enough.
    """
    samples, found = len(batch.targets), False

    def shorter(value: Any) -> Any:
        nonlocal found
        if isinstance(value, Tensor):
            if value.ndim <= axis or value.shape[axis] != samples:
                return value
            found = True
            return value.narrow(axis, 0, samples - 1)
        if isinstance(value, Mapping):
            return {key: shorter(one) for key, one in value.items()}
        if isinstance(value, list) and len(value) == samples and not axis:
            return value[:-1]
        if type(value) in (tuple, list):
            return type(value)(map(shorter, value))
        return value

    arguments = Arguments(
        shorter(batch.arguments.positional), shorter(batch.arguments.named)
    )
    if not found:
        return None
    mask = None if batch.mask is None else batch.mask[:-1]
    return batch._replace(arguments=arguments, targets=batch.targets[:-1], mask=mask)


def _listed(ids: Any) -> list[Any] | None:
    return ids.tolist() if isinstance(ids, Tensor | np.ndarray) else ids


def _classes(labels: Any) -> Int[np.ndarray, " samples"]:
    """Return labels as class indices."""
    found = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else labels
    found = np.asarray(found)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1 or found.dtype.kind not in "biuf":
        raise InputError(
            f"labels of a batch have shape {found.shape} and dtype {found.dtype}: "
            f"{several_labels(found)}"
        )
    whole = found.astype(np.int32)
    if np.any(whole != found) or np.any(whole < 0):
        wrong = found[(whole != found) | (whole < 0)][0]
        raise InputError(
            f"a label is {wrong}: classes are 0, 1, 2, …; labels to ignore "
            "(ignore_label=) are not supported, leave such samples out"
        )
    return whole


def _moved(value: Any, device: torch.device) -> Any:
    """Return everything in a nest of tuples and mappings on a device."""
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value).to(device)
    if isinstance(value, Mapping):
        return {key: _moved(one, device) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return tuple(_moved(one, device) for one in value)
    return value
