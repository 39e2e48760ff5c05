"""What a sheet computes with: NumPy's arrays or torch's tensors, and random numbers.

torch is never loaded from here: a sheet that uses it has loaded it.
"""

import contextlib
import io
import os
import random
import sys
import warnings
from collections.abc import Generator, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

__all__ = [
    "as_given",
    "as_numbers",
    "held",
    "is_number_array",
    "is_tensor",
    "loaded_torch",
    "precision",
    "quiet",
    "reseeded",
]


def loaded_torch() -> ModuleType | None:
    """Return torch where something has loaded it."""
    return sys.modules.get("torch")


def is_tensor(value: Any) -> bool:
    """Return whether a value is a torch tensor."""
    torch = loaded_torch()
    return torch is not None and isinstance(value, torch.Tensor)


def is_number_array(value: Any) -> bool:
    """Return whether a value is an array or a tensor of real numbers."""
    if is_tensor(value):
        return value.is_floating_point()
    return isinstance(value, np.ndarray | np.floating) and value.dtype.kind == "f"


def as_numbers(value: Any) -> np.ndarray:
    """Return an array, a tensor or a number as float64, a copy of its own."""
    if is_tensor(value):
        value = value.detach().cpu().numpy()
    return np.array(value, dtype=np.float64)


def precision(value: Any) -> int:
    """Return the bits of an array's numbers: 16, 32 or 64; 64 for plain numbers."""
    if is_tensor(value):
        return value.element_size() * 8 if value.is_floating_point() else 64
    kind = getattr(value, "dtype", None)
    return kind.itemsize * 8 if kind is not None and kind.kind == "f" else 64


def as_given(array: np.ndarray, library: str) -> Any:
    """Return a copy of an array in a sheet's library."""
    torch = loaded_torch() if library == "torch" else None
    return array.copy() if torch is None else torch.from_numpy(array.copy())


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Let a sheet print, warn and divide by zero unheard; it reads an empty input."""
    with (
        Path(os.devnull).open("w", encoding="utf-8", errors="replace") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        _empty_input(),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _empty_input() -> Generator[None]:
    before, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = before


@contextlib.contextmanager
def held() -> Generator[None]:
    """Compute in float64 in this block; afterwards random numbers go on as before."""
    torch = loaded_torch()
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    before = None
    if torch is not None:
        before = torch.get_default_dtype(), torch.get_rng_state()
        torch.set_default_dtype(torch.float64)
    drawn = np.random.default_rng

    # A generator that is made without a seed is held as all others are.
    def seeded(seed: Any = None) -> np.random.Generator:
        return drawn(random.getrandbits(32) if seed is None else seed)

    np.random.default_rng = seeded
    try:
        with quiet():
            yield
    finally:
        np.random.default_rng = drawn
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        if torch is not None and before is not None:
            torch.set_default_dtype(before[0])
            torch.set_rng_state(before[1])


def reseeded(seed: int, generators: Iterable[Any] = ()) -> None:
    """Begin all random numbers anew that a sheet may draw, and some generators."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch = loaded_torch()
    if torch is not None:
        # Not torch.manual_seed: it looks after every kind of device, for 0.5 ms.
        torch.default_generator.manual_seed(seed)
    for generator in generators:
        if isinstance(generator, np.random.Generator):
            fresh = type(generator.bit_generator)(seed)
            generator.bit_generator.state = fresh.state
        elif isinstance(generator, np.random.RandomState | random.Random):
            generator.seed(seed)
        else:
            generator.manual_seed(seed)
