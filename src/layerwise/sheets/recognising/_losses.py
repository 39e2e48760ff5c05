"""Losses: of outputs and targets, as a class, as two functions, or as one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from layerwise.sheets.reading import (
    NOTED,
    as_numbers,
    attributes,
    is_number_array,
    is_target,
    precision,
)
from layerwise.sheets.recognising._building import builders, required
from layerwise.sheets.recognising._parts import (
    FEATURES,
    Builder,
    Case,
    Claims,
    Context,
    Part,
    best_of,
    is_same,
    method_names,
)

__all__ = ["LossPart", "as_rows", "binary_entropy", "entropy", "find_loss",
    "logits_entropy", "squares", "targets_in",
]  # fmt: skip

TINY = 1e-300

FORMATS = (
    "one-hot", "indices", "numbers", "one label each", "one number each",
    "one number each, of a column",
)  # fmt: skip
"""How targets are given: for classes by rows or by number, or as amounts."""


def targets_in(
    kind: str, rng: np.random.Generator, batch: int, classes: int, axis: int
) -> np.ndarray:
    """Return random targets in one of the formats."""
    labels = rng.integers(0, classes, size=batch)
    if kind == "indices":
        return labels
    if kind == "numbers":
        return rng.normal(size=(batch, classes) if axis == 0 else (classes, batch))
    if kind.startswith("one number each"):
        return rng.normal(size=batch)
    if kind == "one label each":
        return rng.integers(0, 2, size=batch).astype(float)
    rows = np.eye(classes)[labels]
    return rows if axis == 0 else rows.T


def as_rows(
    outputs: np.ndarray, targets: np.ndarray, axis: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return outputs and targets with a row for each sample, classes one-hot."""
    y = outputs.T if axis else outputs
    y = y.reshape(len(y), -1)
    if targets.dtype.kind == "i":
        return y, np.eye(y.shape[1])[targets]
    return y, (targets.T if axis else targets).reshape(y.shape)


def entropy(p: np.ndarray, t: np.ndarray) -> float:
    """Return −Σ t log p."""
    return float(-(t * np.log(np.maximum(p, TINY))).sum())


def logits_entropy(z: np.ndarray, t: np.ndarray) -> float:
    """Return −Σ t log softmax(z)."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return entropy(e / e.sum(axis=1, keepdims=True), t)


def binary_entropy(p: np.ndarray, t: np.ndarray) -> float:
    """Return −Σ t log p + (1 − t) log(1 − p)."""
    return entropy(p, t) + entropy(1 - p, 1 - t)


def squares(y: np.ndarray, t: np.ndarray) -> float:
    """Return Σ (y − t)²."""
    return float(((y - t) ** 2).sum())


@dataclass
class LossPart(Part):
    """A loss and its gradient.

    Parameters
    ----------
    partner : str
        The function with the gradient; the name itself where one function returns both,
        or for a class.
    targets : str
        One of ``FORMATS``.
    axis : int
        Which axis of the outputs the samples are.
    swapped : bool
        Whether the targets come first.
    """

    partner: str = field(kw_only=True)
    targets: str = "one-hot"
    logits: bool = False
    axis: int = 0
    swapped: bool = False

    kind = "loss"
    scalar = True

    @property
    def said(self) -> str:
        on = "of any numbers" if self.logits else "of probabilities"
        if self.of_numbers:
            return "a loss, targets as numbers"
        form = "0 or 1" if self.targets == "one label each" else self.targets
        return f"a loss {on}, targets as {form}"

    @property
    def of_numbers(self) -> bool:
        """Whether targets are amounts, not classes."""
        return "number" in self.targets

    @property
    def code(self) -> tuple[str, ...]:
        return (self.name, self.partner)

    def case(self, rng: np.random.Generator, batch: int) -> Case:
        flat = self.targets in ("one label each", "one number each")
        width = 1 if self.targets.endswith("column") else FEATURES
        shape = (batch,) if flat else (batch, width)
        z = rng.normal(size=shape)
        if not self.logits and not self.of_numbers:
            e = np.exp(z)
            z = 1 / (1 + 1 / e) if flat else e / e.sum(axis=1, keepdims=True)
            # Far enough from 0 for differences of its logarithm.
            z = 0.5 * z + (0.25 if flat else 0.5 / FEATURES)
        targets = targets_in(self.targets, rng, batch, FEATURES, self.axis)
        arrays = {"input": z if self.axis == 0 else z.T}
        seed = int(rng.integers(1 << 30))
        return Case(arrays, batch, 0 if flat else self.axis, seed, targets)

    def pair(self, case: Case, outputs: Any = None) -> list[Any]:
        """Return a case's outputs, or leaves in their place, and its targets."""
        if outputs is None:
            outputs = self.given(case.arrays["input"])
        targets = self.given(np.asarray(case.targets))
        return [targets, outputs] if self.swapped else [outputs, targets]

    def value_of(self, thing: Any, pair: list[Any], seed: int) -> tuple[Any, Any]:
        """Return the loss, and its gradient where it is returned beside it."""
        self.reseed(seed)
        call = thing if self.build is None else self.method(thing, "forward")
        # A class whose forward gives each sample's loss may have their mean elsewhere.
        call = getattr(thing, "calculate", call)
        result = call(*pair)
        if isinstance(result, tuple | list) and len(result) == 2:
            return result[0], result[1]
        return result, None

    def outputs(self, case: Case) -> np.ndarray:
        return as_numbers(self.value_of(self.made(), self.pair(case), case.seed)[0])

    def claimed(self, thing: Any, case: Case, cotangent: np.ndarray) -> Claims:
        pair = self.pair(case)
        value, returned = self.value_of(thing, pair, case.seed)
        given = pair[1 if self.swapped else 0]
        changed = () if is_same(given, case.arrays["input"]) else ("input",)
        if self.build is not None:
            backward = self.method(thing, "backward")
            wanted = required(backward)
            returned = backward(*([1.0] if len(wanted) == 1 else pair[: len(wanted)]))
            if returned is None:
                returned = _kept(thing, given)
        elif self.partner != self.name:
            returned = self.namespace[self.partner](*pair)
        elif callable(returned):
            returned = returned(*[1.0] * len(required(returned)))
        if isinstance(returned, tuple | list) and returned:
            returned = returned[0]
        gradient = None if returned is None else as_numbers(returned)
        if gradient is not None and cotangent.ndim:
            share = cotangent if self.axis == 0 else cotangent[None, :]
            gradient = gradient * share.reshape(-1, *[1] * (gradient.ndim - 1))
        return Claims({"input": gradient}, changed, precision(value))

    def graph(self, case: Case, leaves: dict[str, Any]) -> Any:
        pair = self.pair(case, leaves["input"])
        return self.value_of(self.made(), pair, case.seed)[0]


def _is_of_differences(part: LossPart, case: Case) -> bool:
    """Return whether a loss depends on outputs less targets: they are amounts."""
    if part.targets == "indices":
        return False
    x, t = case.arrays["input"], np.asarray(case.targets)
    by = np.random.default_rng(5).normal(size=x.shape)
    moved = replace(case, arrays={"input": x + by}, targets=t + by)
    return np.allclose(part.outputs(moved), part.outputs(case), rtol=1e-9)


def _takes_any(part: LossPart) -> bool:
    """Return whether a loss is of any numbers: below 0 too it is one, and no constant.

    One of probabilities is not finite there, or is guarded.
    """
    case = replace(part, logits=True).case(np.random.default_rng(6), 7)
    x = case.arrays["input"]
    lower = replace(case, arrays={"input": np.where(x < 0, x - 0.1, x)})
    try:
        here, there = part.outputs(case), part.outputs(lower)
    except Exception:
        # It refuses what is no probability, in its own words.
        return False
    finite = np.all(np.isfinite(here)) and np.all(np.isfinite(there))
    return bool(finite and not np.allclose(here, there, rtol=1e-9))


def _kept(thing: Any, outputs: Any) -> Any:
    """Return the gradient that a loss keeps as an attribute, or notes at its input."""
    for key, value in attributes(thing).items():
        if re.fullmatch(r"d\w?|d_?inputs?|grad\w*", key):
            return value
    return getattr(outputs, NOTED, None)


def find_loss(
    name: str, partner: str, context: Context, ways: Sequence[Builder] | None
) -> LossPart:
    """Return a class, a pair of functions or a function as a loss.

    By the first form of targets with which it is right, or else runs: broadcasting,
    which takes targets in forms that are not meant, is no fault.
    """
    return best_of(_attempts(name, partner, context, ways), _tried, context.sheet)


def _attempts(
    name: str, partner: str, context: Context, ways: Sequence[Builder] | None
) -> Iterator[LossPart]:
    call = thing = context.sheet.namespace[name]
    each: Sequence[Builder | None] = [None]
    if isinstance(thing, type):
        each = ways or builders(name, context)
        call = getattr(thing, str(context.names.method("forward", method_names(thing))))
    first, second, *_ = (*required(call), "", "")
    # y beside t, or beside y_hat: y is a target only where nothing better is.
    swapped = is_target(first) and not (
        is_target(second) and first.lower() in ("y", "ys")
    )
    for build in each:
        for kind in FORMATS:
            for axis in (0, 1):
                yield LossPart(
                    name, context, partner=partner, targets=kind, axis=axis,
                    swapped=swapped, build=build,
                )  # fmt: skip


def _tried(part: LossPart) -> tuple[LossPart, float]:
    """Return a loss as it is to be called, and how good that is."""
    case = part.case(np.random.default_rng(4), 7)
    value, _ = part.value_of(part.made(), part.pair(case), 0)
    number = as_numbers(value)
    one = is_number_array(value) or isinstance(value, float | int)
    fits = number.size == 1 or number.shape == (7,)
    if not (one and fits and np.all(np.isfinite(number))):
        raise TypeError(f"{part.name} returns no loss")
    if part.of_numbers:
        part = replace(part, logits=True)
    elif _is_of_differences(part, case):
        flat = part.targets == "one label each"
        numbers = "one number each" if flat else "numbers"
        part = replace(part, targets=numbers, logits=True)
    else:
        part = replace(part, logits=_takes_any(part))
    return part, part.agreement(["input"])
