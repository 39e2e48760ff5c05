"""Numbers that remember their history, as micrograd's: every operation is checked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise.sheets.recognising._building import required
from layerwise.sheets.recognising._parts import Arrays, Case, Claims, Context, Part

__all__ = ["ScalarPart", "find_scalar", "is_scalar_like"]

Operation = Callable[..., Any]


def _shared(a: Any, b: Any) -> Any:
    c = a * b
    d = c + a
    return c * d


OPERATIONS: dict[str, tuple[str, Operation]] = {
    "a + b": ("__add__", lambda a, b: a + b),
    "a * b": ("__mul__", lambda a, b: a * b),
    "a - b": ("__sub__", lambda a, b: a - b),
    "a / b": ("__truediv__", lambda a, b: a / b),
    "a ** 3": ("__pow__", lambda a, _: a**3),
    "-a": ("__neg__", lambda a, _: -a),
    "2 * a": ("__rmul__", lambda a, _: 2 * a),
    "2 + a": ("__radd__", lambda a, _: 2 + a),
    "2 - a": ("__rsub__", lambda a, _: 2 - a),
    "2 / a": ("__rtruediv__", lambda a, _: 2 / a),
    "relu": ("relu", lambda a, _: a.relu()),
    "tanh": ("tanh", lambda a, _: a.tanh()),
    "sigmoid": ("sigmoid", lambda a, _: a.sigmoid()),
    "exp": ("exp", lambda a, _: a.exp()),
    "log": ("log", lambda a, _: (a * a).log()),
    "a + a": ("__add__", lambda a, _: a + a),
    "(a + b) * a * b": ("__mul__", lambda a, b: (a + b) * a * b),
    "c * (c + a), c = a * b": ("__mul__", _shared),
}
"""What is tried, and the method that it needs."""


def is_scalar_like(cls: Any) -> bool:
    """Return whether a class is a number with a gradient, as micrograd's ``Value``."""
    has = all(
        callable(getattr(cls, m, None)) for m in ("backward", "__add__", "__mul__")
    )
    return (
        has and len(required(cls)) == 1 and not callable(getattr(cls, "forward", None))
    )


@dataclass
class ScalarPart(Part):
    """A class of numbers: in one array each of a and b for every operation it has."""

    operations: tuple[str, ...] = ()

    kind = "scalar"

    @property
    def said(self) -> str:
        return f"numbers with gradients, {len(self.operations)} expressions tried"

    def case(self, rng: np.random.Generator, batch: int) -> Case:
        arrays: Arrays = {}
        for op in self.operations:
            # Of both signs, and away from 0, where 1 / a is steep.
            for name in ("a", "b"):
                sign = rng.choice([-1.0, 1.0], size=batch)
                arrays[f"{op}: {name}"] = sign * rng.uniform(0.5, 2.0, size=batch)
        return Case(arrays, batch, 0, 0)

    def outputs(self, case: Case) -> np.ndarray:
        cls = self.made()
        rows: list[list[float]] = []
        for op in self.operations:
            pairs = zip(case.arrays[f"{op}: a"], case.arrays[f"{op}: b"], strict=True)
            run = OPERATIONS[op][1]
            rows.append(
                [float(run(cls(float(a)), cls(float(b))).data) for a, b in pairs]
            )
        return np.array(rows)

    def claimed(self, thing: Any, case: Case, cotangent: np.ndarray) -> Claims:
        found: Arrays = {}
        for row, op in zip(cotangent, self.operations, strict=True):
            pairs = zip(case.arrays[f"{op}: a"], case.arrays[f"{op}: b"], strict=True)
            gradients: list[tuple[float, float]] = []
            for a, b in pairs:
                x, y = thing(float(a)), thing(float(b))
                OPERATIONS[op][1](x, y).backward()
                gradients.append((float(x.grad), float(y.grad)))
            of_a, of_b = np.array(gradients).T
            found |= {f"{op}: a": of_a * row, f"{op}: b": of_b * row}
        return Claims(found)


def find_scalar(name: str, context: Context) -> ScalarPart:
    """Return a class of numbers, with the expressions that it can compute."""
    cls = context.sheet.namespace[name]
    operations = tuple(op for op in OPERATIONS if _works(cls, op))
    if not operations:
        raise TypeError(f"{name}(2.0) + {name}(3.0) has no .data and .grad")
    return ScalarPart(name, context, operations)


def _works(cls: Any, op: str) -> bool:
    method, run = OPERATIONS[op]
    if not hasattr(cls, method):
        return False
    try:
        result = run(cls(1.5), cls(0.5))
        return hasattr(result, "data") and hasattr(result, "grad")
    except TypeError:
        return False
