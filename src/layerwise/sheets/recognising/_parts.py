"""What a part of a sheet is to whoever checks it, however it is written."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from layerwise.sheets.reading import (
    Names,
    Sheet,
    Slot,
    as_given,
    as_numbers,
    generators_of,
    gradient_paths,
    is_number_array,
    is_tensor,
    loaded_torch,
    reseeded,
    slots,
)

__all__ = [
    "CURRENT", "FEATURES", "HIDDEN", "OUTPUTS", "Arrays", "Builder", "BuiltPart",
    "Case", "Claims", "Context", "Part", "array_of", "best_of", "gradients_of",
    "is_same", "method_names",
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
    batch, axis : int
        How many samples, along which axis of the input; None where it is one sample.
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
    """What a part says its gradients are: of each array of a case, None where of none.

    ``changed`` are the arguments that it changed in place, ``bits`` the precision of
    its numbers; ``truth`` is what the gradients must be, where the outputs do not say
    that.
    """

    gradients: Mapping[str, np.ndarray | None]
    changed: tuple[str, ...] = ()
    bits: int = 64
    truth: Mapping[str, np.ndarray] | None = None


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


def is_same(given: Any, array: np.ndarray) -> bool:
    """Return whether what was given to a sheet still holds the numbers of an array."""
    return np.array_equal(as_numbers(given), array, equal_nan=True)


Way = TypeVar("Way")
Found = TypeVar("Found")


def best_of(
    ways: Iterable[Way], tried: Callable[[Way], tuple[Found, float]], sheet: Sheet
) -> Found:
    """Return what is found in the best of some ways to run something.

    Parameters
    ----------
    tried : callable
        Returns what a way comes to, and how good it is: no way is better than one
        with 1, and of equal ones the first is taken.

    Raises
    ------
    Exception
        If no way works, what the likeliest raised: that which the sheet raised
        furthest down, since ways that fit it less fail sooner.
    """
    best: list[Found] = []
    most = -1.0
    failures: list[Exception] = []
    for way in ways:
        try:
            found, good = tried(way)
        except Exception as error:
            failures.append(error)
            continue
        if good > most:
            best, most = [found], good
        if good == 1:
            break

    def far(error: Exception) -> tuple[bool, int]:
        return isinstance(error, NothingReturnedError), sheet.line_in(error)

    if not best:
        raise max(failures, key=far)
    return best[0]


def gradients_of(
    y: Any, leaves: Mapping[str, Any], cotangent: np.ndarray
) -> dict[str, np.ndarray | None]:
    """Return torch's gradients of Σ cotangent ∘ y: None where there is none."""
    torch = loaded_torch()
    assert torch is not None
    given = torch.from_numpy(np.asarray(cotangent)).reshape(y.shape)
    found = torch.autograd.grad(y, list(leaves.values()), given, allow_unused=True)
    return {
        k: None if one is None else as_numbers(one)
        for k, one in zip(leaves, found, strict=True)
    }


@dataclass
class Part(ABC):
    """One thing in a sheet that has a gradient.

    Parameters
    ----------
    name : str
        As the sheet calls it.
    context : Context
        Where it stands: the sheet itself, or what it is with some edits.
    build : callable or None
        Makes an object, where it is a class of which objects are made.
    """

    name: str
    context: Context
    build: Builder | None = field(default=None, repr=False, kw_only=True)
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    kind = "part"
    scalar = False
    """Whether its output is one number, and its gradient that of this number."""

    positive = False
    """Whether its input must be positive."""

    logits = False
    """Whether a loss is of any numbers, not of probabilities alone."""

    @property
    def namespace(self) -> dict[str, Any]:
        """What it is looked up in."""
        return self.context.sheet.namespace

    @property
    def code(self) -> tuple[str, ...]:
        """The sheet's definitions that it consists of."""
        return (self.name,)

    @property
    @abstractmethod
    def said(self) -> str:
        """What it was recognised as."""

    def made(self) -> Any:
        """Return a new object; a function, or a class that is called, itself."""
        if self.build is None:
            return self.namespace[self.name]
        reseeded(0)
        return self.build(self.namespace)

    def reseed(self, seed: int, thing: Any = None) -> None:
        """Begin all random numbers anew: the sheet's, and those of an object."""
        if "generators" not in self._kept:
            self._kept["generators"] = generators_of(self.namespace)
        reseeded(seed, [*self._kept["generators"], *generators_of(thing)])

    def given(self, array: np.ndarray) -> Any:
        """Return a copy of an array in the sheet's library."""
        return as_given(array, self.context.library)

    def method(self, thing: Any, role: str) -> Any:
        """Return the method that plays a role, None where there is none."""
        name = self.context.names.method(role, method_names(thing))
        return getattr(thing, name) if name else None

    @abstractmethod
    def case(self, rng: np.random.Generator, batch: int) -> Case:
        """Return a random place to look at it."""

    @abstractmethod
    def outputs(self, case: Case) -> np.ndarray:
        """Return what it computes there."""

    @abstractmethod
    def claimed(self, thing: Any, case: Case, cotangent: np.ndarray) -> Claims:
        """Return its gradients there, by an object that may have done others before."""

    def claims(self, *passes: tuple[Case, np.ndarray]) -> Claims:
        """Return its gradients in the last of some passes, all by the same object."""
        thing = self.made()
        found = Claims({})
        for case, cotangent in passes:
            CURRENT["batch"] = case.batch
            found = self.claimed(thing, case, cotangent)
        return found

    def agreement(self, keys: Collection[str]) -> float:
        """Return the share of some arrays whose gradient is right, along one direction.

        One that is reversed counts a little: then that is the slip. One that has the
        array's shape counts less: others come from broadcasting what does not fit.
        """
        rng = np.random.default_rng(9)
        case = self.case(rng, 7)
        y = self.outputs(case)
        cotangent = np.ones(y.shape) if self.scalar else rng.normal(size=y.shape)
        gradients = self.claims((case, cotangent)).gradients
        found = 0.0
        for key in keys:
            at, claimed = case.arrays[key], gradients[key]
            direction = rng.normal(size=at.shape)
            if claimed is None or claimed.shape != at.shape:
                continue
            up, down = (
                self.outputs(replace(case, arrays=case.arrays | {key: at + h}))
                for h in (1e-5 * direction, -1e-5 * direction)
            )
            slope = float(np.sum((up - down) * cotangent)) / 2e-5
            said = float(np.sum(claimed * direction))
            off = 1e-5 * max(1.0, abs(slope))
            reversed_ = abs(said + slope) <= off
            found += 1.0 if abs(said - slope) <= off else 0.1 if reversed_ else 0.01
        return found / len(keys)

    def automatic(self, case: Case, cotangent: np.ndarray) -> Arrays | None:
        """Return the gradients by torch's automatic differentiation.

        None where torch is not used, or the graph of the outputs is cut.
        """
        if self.context.library != "torch":
            return None
        leaves = {
            key: as_given(array, "torch").requires_grad_()
            for key, array in case.arrays.items()
        }
        y = self.graph(case, leaves)
        if not is_tensor(y) or not y.requires_grad:
            return None
        found = gradients_of(y, leaves, cotangent)
        known = {key: one for key, one in found.items() if one is not None}
        return known if known.keys() == found.keys() else None

    def graph(self, case: Case, leaves: dict[str, Any]) -> Any:
        """Return the outputs as torch computes them from leaves of its graph.

        A leaf is exchanged where an object has one of its own.
        """
        del case, leaves


@dataclass
class BuiltPart(Part):
    """A class of which objects are made, with parameters: paths, and their shapes."""

    parameters: dict[str, tuple[int, ...]] = field(default_factory=dict, kw_only=True)

    def load(
        self, thing: Any, case: Case, places: Mapping[str, Slot] | None = None
    ) -> None:
        """Give an object the parameters of a case."""
        places = slots(thing) if places is None else places
        for path in self.parameters:
            if path in places:
                places[path].load(case.arrays[path])

    def gradients_in(self, places: Mapping[str, Slot]) -> dict[str, Slot]:
        """Return where an object keeps the gradients of its parameters."""
        paths = gradient_paths(places, self.parameters, self.context.names)
        return {path: places[at] for path, at in paths.items()}

    def probe(self, case: Case) -> Any:
        """Return the object whose outputs are looked at in one case.

        Another case has a new one: what was remembered of this one is not seen there.
        """
        if self._kept.get("seed") != case.seed:
            thing = self.made()
            self._kept |= {"seed": case.seed, "thing": thing, "places": slots(thing)}
        self.load(self._kept["thing"], case, self._kept["places"])
        return self._kept["thing"]

    def filled(
        self, path: str, run: Callable[[Any], np.ndarray], *, others: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the outputs with one array filled in two ways.

        With the others filled too: behind weights that begin as 0 nothing matters.
        """

        def outputs(seed: int) -> np.ndarray:
            thing = self.made()
            seeds = dict.fromkeys(self.parameters if others else (), 4) | {path: seed}
            places = slots(thing)
            for at, own in seeds.items():
                rng = np.random.default_rng(own)
                places[at].load(rng.normal(size=places[at].numbers().shape))
            return run(thing)

        return outputs(5), outputs(6)
