"""What a part of a sheet is to whoever checks it, however it is written."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from layerwise.sheets.reading import (
    Names,
    Sheet,
    Slot,
    generators_of,
    is_number_array,
    slots,
)

__all__ = [
    "CURRENT", "FEATURES", "HIDDEN", "OUTPUTS", "Builder", "BuiltPart", "Case",
    "Claims", "Context", "Part", "Probe", "array_of", "furthest", "is_near",
    "method_names",
]  # fmt: skip

CURRENT = {"batch": 1}
"""The batch that a part is run on: what undoes a division by it has to know."""

FEATURES, HIDDEN, OUTPUTS = 5, 4, 3
"""Sizes of what is built: all different, so that a wrong axis does not fit."""

Arrays = dict[str, np.ndarray]

Builder = Callable[[dict[str, Any]], Any]
"""Makes an object, of the class that has its name in a namespace."""


@dataclass(frozen=True)
class Context:
    """The sheet that a part stands in, the names it uses, and its library."""

    sheet: Sheet
    names: Names
    library: str = "numpy"


@dataclass(frozen=True)
class Case:
    """Where a part is looked at.

    Parameters
    ----------
    arrays : dict of array
        What the outputs depend on, in float64; the input is called ``input``.
    batch : int
        The number of samples.
    axis : int or None
        Which axis of the input they are; None for one sample without such an axis.
    seed : int
        Of the random numbers that the part itself draws.
    targets : array or None
        What a loss compares with.
    """

    arrays: Arrays
    batch: int
    axis: int | None = 0
    seed: int = 0
    targets: Any = None


@dataclass(frozen=True)
class Claims:
    """What a part says its gradients are.

    Parameters
    ----------
    gradients : dict
        For each array of the case an array, or None where the part gives none.
    changed : tuple of str
        Arguments that it changed in place.
    bits : int
        The precision of its numbers.
    truth : dict or None
        What the gradients must be, where this does not follow from the outputs.
    """

    gradients: Mapping[str, np.ndarray | None]
    changed: tuple[str, ...] = ()
    bits: int = 64
    truth: Mapping[str, np.ndarray] | None = None


@dataclass(frozen=True)
class Probe:
    """An object, where its arrays are, and its generators of random numbers."""

    thing: Any
    places: Mapping[str, Slot]
    generators: Sequence[Any]


class NothingReturnedError(TypeError):
    """A forward pass ran, and returned nothing."""


def method_names(thing: Any) -> list[str]:
    """Return the names of an object's or class's methods."""
    return [name for name in dir(thing) if callable(getattr(thing, name, None))]


def array_of(name: str, value: Any) -> Any:
    """Return what a forward pass returned.

    Raises
    ------
    TypeError
        If it is no array.
    """
    if value is None:
        raise NothingReturnedError(f"{name} returns nothing: is a return missing?")
    if not is_number_array(value):
        raise TypeError(f"{name} returns a {type(value).__name__}, not an array")
    return value


def is_near(said: float, slope: float) -> bool:
    """Return whether a slope is the one that was found by differences."""
    return abs(said - slope) <= 1e-5 * max(1.0, abs(slope))


def furthest(sheet: Sheet, failures: Sequence[Exception]) -> Exception | None:
    """Return the one of some exceptions that a sheet raised furthest down.

    Of ways to call something, those that fit it less fail sooner.
    """

    def far(error: Exception) -> tuple[bool, int]:
        return isinstance(error, NothingReturnedError), sheet.line_in(error)

    return max(failures, key=far, default=None)


@dataclass
class Part(ABC):
    """One thing in a sheet that has a gradient.

    Parameters
    ----------
    name : str
        As the sheet calls it.
    context : Context
        Where it stands.
    namespace : dict
        What it is looked up in: that of the sheet, or of a changed copy.
    """

    name: str
    context: Context
    namespace: dict[str, Any] = field(repr=False)
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    kind = "part"
    scalar = False
    """Whether its output is one number, and its gradient that of this number."""

    @property
    def code(self) -> tuple[str, ...]:
        """The sheet's definitions that it consists of."""
        return (self.name,)

    @property
    @abstractmethod
    def said(self) -> str:
        """What it was recognised as."""

    def generators(self) -> list[Any]:
        """Return the sheet's own generators of random numbers."""
        if "generators" not in self._kept:
            self._kept["generators"] = generators_of(self.namespace)
        return self._kept["generators"]

    def all_generators(self, thing: Any) -> list[Any]:
        """Return those and an object's own."""
        return [*self.generators(), *generators_of(thing)]

    def method(self, thing: Any, role: str) -> Any:
        """Return the method that plays a role, None where there is none."""
        name = self.context.names.method(role, method_names(thing))
        return getattr(thing, name) if name else None

    def probe(self, case: Case, make: Callable[[], Any]) -> Probe:
        """Return the object whose outputs are looked at in one case.

        Another case has a new one: what was remembered of this one is not seen there.
        """
        if self._kept.get("seed") != case.seed or "probe" not in self._kept:
            thing = make()
            self._kept["probe"] = Probe(thing, slots(thing), self.all_generators(thing))
            self._kept["seed"] = case.seed
        return self._kept["probe"]

    @abstractmethod
    def case(self, rng: np.random.Generator, batch: int) -> Case:
        """Return a random place to look at it."""

    @abstractmethod
    def outputs(self, case: Case) -> np.ndarray:
        """Return what it computes there."""

    @abstractmethod
    def claims(self, passes: Sequence[tuple[Case, np.ndarray]]) -> Claims:
        """Return its gradients in the last of some passes, all by the same object."""

    def slope_along(
        self, case: Case, key: str, direction: np.ndarray, cotangent: Any = 1.0
    ) -> float:
        """Return how Σ cotangent ∘ outputs changes along a direction of an array."""
        at = case.arrays[key]
        up, down = (
            self.outputs(replace(case, arrays=case.arrays | {key: at + h * direction}))
            for h in (1e-5, -1e-5)
        )
        return float(np.sum((up - down) * cotangent)) / 2e-5

    def automatic(self, case: Case, cotangent: np.ndarray) -> Arrays | None:
        """Return the gradients by torch's automatic differentiation, where it can."""
        del case, cotangent


@dataclass
class BuiltPart(Part):
    """A class of which objects are made, with arrays as parameters.

    Parameters
    ----------
    build : callable
        Makes one from a namespace.
    parameters : dict
        Paths and shapes.
    """

    build: Builder = field(repr=False, kw_only=True)
    parameters: dict[str, tuple[int, ...]] = field(default_factory=dict, kw_only=True)

    def made(self) -> Any:
        """Return a new object."""
        return self.build(self.namespace)

    def load(
        self, thing: Any, case: Case, places: Mapping[str, Slot] | None = None
    ) -> None:
        """Give an object the parameters of a case."""
        places = slots(thing) if places is None else places
        for path in self.parameters:
            if path in places:
                places[path].load(case.arrays[path])
