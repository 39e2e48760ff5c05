"""The arrays that an object holds, by name: where they are, and how to set them."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from layerwise.sheets.reading._tensors import (
    as_given,
    as_numbers,
    is_number_array,
    is_tensor,
    loaded_torch,
)

__all__ = ["NOTED", "Slot", "attributes", "generators_of", "parts_within", "slots"]

DEPTH = 5
"""How deep networks of layers of parameters are looked into."""

MOST = 1000
"""Of a list, how much is looked at: longer ones are data."""

TRANSPARENT = ("_parameters", "_modules")
"""Where a torch module keeps what its attributes show."""

NOTED = "g"
"""The attribute of a tensor in which a sheet without autograd notes its gradient."""

HIDDEN = (
    "_buffers", "_non_persistent_buffers_set", "_backward_pre_hooks", "_backward_hooks",
    "_forward_hooks", "_forward_pre_hooks", "_state_dict_hooks",
)  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """A place for an array: an attribute, or an entry of a dict or list."""

    holder: Any
    key: Any

    def get(self) -> Any:
        """Return what is there."""
        if isinstance(self.holder, dict | list):
            return self.holder[self.key]
        return getattr(self.holder, self.key)

    def put(self, value: Any) -> None:
        """Put something there."""
        if isinstance(self.holder, dict | list):
            self.holder[self.key] = value
        else:
            setattr(self.holder, self.key, value)

    def numbers(self) -> np.ndarray:
        """Return a copy of the array in float64."""
        return as_numbers(self.get())

    def load(self, array: np.ndarray) -> None:
        """Set the array's entries, where it is if its precision allows.

        So whoever else holds the same array sees them too.
        """
        old = self.get()
        if is_tensor(old):
            self._load_tensor(old, array)
        elif (
            isinstance(old, np.ndarray)
            and (old.shape, old.dtype) == (array.shape, np.float64)
            and old.flags.writeable
        ):
            old[...] = array
        elif isinstance(old, float):
            self.put(float(array))
        else:
            self.put(array.copy())

    def _load_tensor(self, old: Any, array: np.ndarray) -> None:
        torch = loaded_torch()
        assert torch is not None
        new = as_given(array, "torch")
        with torch.no_grad():
            if old.dtype == new.dtype and old.shape == new.shape:
                old.data.copy_(new)
                return
        if isinstance(old, torch.nn.Parameter):
            self.put(torch.nn.Parameter(new))
        else:
            self.put(new.requires_grad_(old.requires_grad))


def slots(root: Any) -> dict[str, Slot]:
    """Return every place with an array of real numbers in an object, by its path."""
    found: dict[str, Slot] = {}
    for path, slot, value in _within(root, DEPTH):
        if is_number_array(value):
            found[path] = slot
            if key := _gradient_of(value):
                found[f"{path}.grad"] = Slot(value, key)
    return found


def parts_within(root: Any, wanted: Callable[[Any], bool]) -> list[Any]:
    """Return the objects that an object holds, deep down, which are wanted."""
    found = (value for _, _, value in _within(root, DEPTH))
    objects = (v for v in found if not isinstance(v, np.ndarray) and not is_tensor(v))
    return [value for value in objects if wanted(value)]


def generators_of(root: Any) -> list[Any]:
    """Return the generators of random numbers that an object keeps."""
    torch = loaded_torch()
    own = () if torch is None else (torch.Generator,)
    kinds = (np.random.Generator, np.random.RandomState, random.Random, *own)
    return [value for _, _, value in _within(root, 3) if isinstance(value, kinds)]


def _within(root: Any, depth: int) -> Iterator[tuple[str, Slot, Any]]:
    """Yield once each what an object holds, deep down: its path, place and value."""
    seen = {id(root)}

    def visit(path: str, value: Any, depth: int) -> Iterator[tuple[str, Slot, Any]]:
        for key, inner, slot in _entries(value):
            if id(inner) in seen:
                continue
            seen.add(id(inner))
            at = f"{path}.{key}" if path and key else path or key
            yield at, slot, inner
            if depth and not is_number_array(inner):
                yield from visit(at, inner, depth - 1)

    yield from visit("", root, depth)


def _gradient_of(value: Any) -> str:
    """Return the attribute that holds an array's gradient, an empty string if none."""
    if is_tensor(value) and value.is_leaf and value.grad is not None:
        return "grad"
    return NOTED if hasattr(value, NOTED) else ""


def _entries(value: Any) -> Iterator[tuple[str, Any, Slot]]:
    """Yield what a value holds: names, values, places."""
    if isinstance(value, dict):
        pairs = [(k, v) for k, v in value.items() if isinstance(k, str | int)]
        yield from ((str(k), v, Slot(value, k)) for k, v in pairs)
    elif isinstance(value, list | tuple):
        # A tuple's own arrays cannot be exchanged: what it holds may hold others.
        fixed = isinstance(value, tuple)
        for k, v in enumerate(value[:MOST]):
            if not (fixed and is_number_array(v)):
                yield str(k), v, Slot(list(value) if fixed else value, k)
    elif _is_object(value):
        for key, inner in attributes(value).items():
            if key not in HIDDEN:
                shown = "" if key in TRANSPARENT else key
                yield shown, inner, Slot(value, key)


def _is_object(value: Any) -> bool:
    plain = (type, ModuleType, FunctionType, MethodType, np.random.Generator)
    return not isinstance(value, plain) and not is_tensor(value)


def attributes(value: Any) -> dict[str, Any]:
    """Return an object's attributes, those in ``__slots__`` too."""
    kept = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        names = kind.__dict__.get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if hasattr(value, name):
                kept[name] = getattr(value, name)
    return kept
