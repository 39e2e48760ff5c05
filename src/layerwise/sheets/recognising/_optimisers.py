"""Updates by themselves: gradient descent as a class or a function."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise.sheets.reading import as_numbers, base_name, is_number_array, is_rate
from layerwise.sheets.recognising._building import (
    RATE,
    builders,
    positional,
    rates_of,
    required,
)
from layerwise.sheets.recognising._layers import rate_of
from layerwise.sheets.recognising._parts import (
    FEATURES,
    HIDDEN,
    OUTPUTS,
    Builder,
    Case,
    Claims,
    Context,
    Part,
    best_of,
)

__all__ = ["DescentPart", "find_descent", "is_descent"]

SHAPES = {"W": (FEATURES, OUTPUTS), "b": (OUTPUTS,)}

NUMBERED = {"W1": (FEATURES, HIDDEN), "b1": (HIDDEN,), "W2": (HIDDEN, OUTPUTS),
            "b2": (OUTPUTS,)}  # fmt: skip

HELD_BY = ("arguments", "list", "dict", "numbered dict", "array")
"""How parameters and their gradients are given: all together, or one alone."""


def is_descent(name: str, value: Any) -> bool:
    """Return whether something takes parameters and gradients, by its name and form."""
    if not re.search(r"sgd|gradient_?descent|^update", name.lower()):
        return False
    if isinstance(value, type):
        ways = [getattr(value, m, None) for m in ("update", "step", "__call__")]
        return any(len(positional(way)) >= 2 for way in ways if way)
    return len(positional(value)) >= 2


@dataclass
class DescentPart(Part):
    """Gradient descent of parameters and gradients, given as ``HELD_BY`` says."""

    held_by: str = "list"

    kind = "update"

    @property
    def said(self) -> str:
        return f"gradient descent, of parameters given as {self.held_by}"

    def case(self, rng: np.random.Generator, batch: int) -> Case:
        shapes: Mapping[str, tuple[int, ...]] = SHAPES
        if self.held_by == "numbered dict":
            shapes = NUMBERED
        elif self.held_by == "arguments":
            of = ((FEATURES, OUTPUTS), (OUTPUTS,))
            names = [given for given, _ in _named_pairs(self.way)]
            shapes = {name: of[n % 2] for n, name in enumerate(names)}
        arrays = {key: rng.normal(size=shape) for key, shape in shapes.items()}
        truth = {key: rng.normal(size=shape) for key, shape in shapes.items()}
        return Case(arrays, batch, 0, int(rng.integers(1 << 30)), truth)

    def outputs(self, case: Case) -> np.ndarray:
        return np.concatenate([array.ravel() for array in case.arrays.values()])

    def claimed(self, thing: Any, case: Case, cotangent: np.ndarray) -> Claims:
        """Return what was subtracted, divided by the learning rate."""
        del cotangent
        given = {k: self.given(v) for k, v in case.arrays.items()}
        slopes = {k: self.given(v) for k, v in case.targets.items()}
        if self.held_by == "array":
            after = {k: self._call(thing, given[k], slopes[k]) for k in given}
        elif self.held_by == "arguments":
            after = self._by_arguments(thing, given, slopes)
        elif "dict" in self.held_by:
            gradients = slopes | {f"d{k}": v for k, v in slopes.items()}
            result = self._call(thing, given, gradients)
            after = result if isinstance(result, dict) else given
        else:
            parameters = list(given.values())
            result = self._call(thing, parameters, list(slopes.values()))
            ended = result if isinstance(result, list) else parameters
            after = dict(zip(given, ended, strict=True))
        rate = self._rate(thing)
        moved = {k: (v - as_numbers(after[k])) / rate for k, v in case.arrays.items()}
        return Claims(moved, truth=case.targets)

    def _by_arguments(
        self, thing: Any, given: dict[str, Any], slopes: dict[str, Any]
    ) -> dict[str, Any]:
        """Return parameters that are given, and returned, one by one."""
        named = given | {of: slopes[name] for name, of in _named_pairs(thing)}
        result = thing(
            *(RATE if is_rate(name) else named[name] for name in required(thing))
        )
        return given if result is None else dict(zip(given, result, strict=True))

    @property
    def way(self) -> Any:
        """What is called, of the sheet as it is."""
        return self._way(self.made())

    def _way(self, thing: Any) -> Any:
        return (self.method(thing, "update") if self.build else None) or thing

    def _call(self, thing: Any, parameters: Any, gradients: Any) -> Any:
        way = self._way(thing)
        options: dict[str, Any] = rates_of(way)
        if any(p.name == "config" for p in positional(way)):
            options["config"] = {"learning_rate": RATE}
        result = way(parameters, gradients, **options)
        if isinstance(result, tuple):
            result = result[0]
        return parameters if result is None else result

    def _rate(self, thing: Any) -> float:
        taken = positional(self._way(thing))[2:]
        if any(is_rate(p.name) or p.name == "config" for p in taken):
            return RATE
        return float(rate_of(thing))


def _named_pairs(function: Any) -> list[tuple[str, str]]:
    """Return the arguments that are parameters, each with that of its gradient.

    Raises
    ------
    TypeError
        If there are none, or an argument is neither of both nor a rate.
    """
    names = required(function)
    pairs = [(base, name) for name in names if (base := base_name(name)) in names]
    known = {name for pair in pairs for name in pair}
    if len(pairs) < 2 or any(not is_rate(n) for n in names if n not in known):
        raise TypeError("its arguments are not parameters with their gradients")
    order = [name for name in names if name in {base for base, _ in pairs}]
    return sorted(pairs, key=lambda pair: order.index(pair[0]))


def find_descent(
    name: str, context: Context, ways: Sequence[Builder] | None
) -> DescentPart:
    """Return a class or function as gradient descent, of parameters that it changes."""
    return best_of(_attempts(name, context, ways), _tried, context.sheet)


def _attempts(
    name: str, context: Context, ways: Sequence[Builder] | None
) -> Iterator[DescentPart]:
    is_class = isinstance(context.sheet.namespace[name], type)
    for build in (ways or builders(name, context)) if is_class else [None]:
        for held_by in HELD_BY[is_class:]:
            yield DescentPart(name, context, build=build, held_by=held_by)


def _tried(part: DescentPart) -> tuple[DescentPart, float]:
    case = part.case(np.random.default_rng(0), 1)
    moved = part.claims((case, np.ones(()))).gradients.values()
    return part, float(all(is_number_array(v) and np.any(v) for v in moved))
