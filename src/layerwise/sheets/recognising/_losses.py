"""Losses: of outputs and targets, as a class, as two functions, or as one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from layerwise.sheets.reading import (
    NOTED,
    as_given,
    as_numbers,
    attributes,
    held,
    is_number_array,
    is_target,
    loaded_torch,
    precision,
    reseeded,
)
from layerwise.sheets.recognising._building import builders, positional, required
from layerwise.sheets.recognising._layers import differentiated
from layerwise.sheets.recognising._parts import (
    FEATURES,
    Builder,
    Case,
    Claims,
    Context,
    Part,
    furthest,
    is_near,
    method_names,
)

__all__ = ["LossPart", "find_loss", "targets_in"]

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


@dataclass
class LossPart(Part):
    """A loss and its gradient.

    Parameters
    ----------
    partner : str
        The function with the gradient; the name itself where one function returns
        both, or for a class.
    targets : str
        One of ``FORMATS``.
    logits : bool
        Whether any numbers may be given, not probabilities alone.
    axis : int
        Which axis of the outputs the samples are.
    swapped : bool
        Whether the targets come first.
    of : callable or None
        Makes the object, where it is one of a class.
    """

    partner: str = field(kw_only=True)
    targets: str = "one-hot"
    logits: bool = False
    axis: int = 0
    swapped: bool = False
    of: Builder | None = None

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

    def pair(self, case: Case) -> list[Any]:
        library = self.context.library
        outputs = as_given(case.arrays["input"], library)
        targets = as_given(np.asarray(case.targets), library)
        return [targets, outputs] if self.swapped else [outputs, targets]

    def made(self) -> Any:
        return self.of(self.namespace) if self.of else self.namespace[self.name]

    def value_of(self, thing: Any, pair: list[Any], seed: int) -> tuple[Any, Any]:
        """Return the loss, and its gradient where it is returned beside it."""
        reseeded(seed, self.generators())
        call = thing if self.of is None else self.method(thing, "forward")
        # A class whose forward gives each sample's loss may have their mean elsewhere.
        call = getattr(thing, "calculate", call)
        result = call(*pair)
        if isinstance(result, tuple | list) and len(result) == 2:
            return result[0], result[1]
        return result, None

    def outputs(self, case: Case) -> np.ndarray:
        return as_numbers(self.value_of(self.made(), self.pair(case), case.seed)[0])

    def claims(self, passes: Sequence[tuple[Case, np.ndarray]]) -> Claims:
        thing = self.made()
        for case, cotangent in passes[:-1]:
            self._pass(thing, case, cotangent)
        return self._pass(thing, *passes[-1])

    def _pass(self, thing: Any, case: Case, cotangent: np.ndarray) -> Claims:
        pair = self.pair(case)
        value, beside = self.value_of(thing, pair, case.seed)
        given = pair[1 if self.swapped else 0]
        intact = np.array_equal(as_numbers(given), case.arrays["input"])
        if self.of is not None:
            backward = self.method(thing, "backward")
            returned = backward(*self._for_backward(backward, pair))
            if returned is None:
                returned = _kept(thing, given)
        elif self.partner != self.name:
            returned = self.namespace[self.partner](*pair)
        else:
            returned = beside
            if callable(beside):
                returned = beside(*[1.0] * len(required(beside)))
        if isinstance(returned, tuple | list) and returned:
            returned = returned[0]
        gradient = None if returned is None else as_numbers(returned)
        if gradient is not None and cotangent.ndim:
            share = cotangent if self.axis == 0 else cotangent[None, :]
            gradient = gradient * share.reshape(-1, *[1] * (gradient.ndim - 1))
        changed = () if intact else ("input",)
        return Claims({"input": gradient}, changed, precision(value))

    def _for_backward(self, backward: Any, pair: list[Any]) -> list[Any]:
        wanted = required(backward)
        if len(wanted) == 1:
            return [1.0]
        return pair[: len(wanted)]

    def automatic(
        self, case: Case, cotangent: np.ndarray
    ) -> dict[str, np.ndarray] | None:
        if loaded_torch() is None or self.context.library != "torch":
            return None
        pair = self.pair(case)
        place = 1 if self.swapped else 0
        leaf = pair[place] = pair[place].requires_grad_()
        value, _ = self.value_of(self.made(), pair, case.seed)
        return differentiated(value, {"input": leaf}, cotangent)


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
    name: str,
    partner: str,
    context: Context,
    namespace: dict[str, Any],
    ways: list[Builder] | None,
) -> LossPart:
    """Return a class, a pair of functions or a function as a loss.

    By the first form of targets with which it is right, or else runs.

    Raises
    ------
    Exception
        What the likeliest way of calling it raised, if none works.
    """
    failures: list[Exception] = []
    running: list[tuple[float, LossPart]] = []
    for part in _attempts(name, partner, context, namespace, ways):
        try:
            with held():
                ready = _tried(part)
                nearness = _nearness(ready) if ready else 0.0
        except Exception as error:
            failures.append(error)
            continue
        if ready is not None:
            running.append((nearness, ready))
        if nearness == 1:
            break
    if running:
        return max(running, key=lambda one: one[0])[1]
    raise furthest(context.sheet, failures) or TypeError(f"{name} returns no loss")


def _nearness(part: LossPart) -> float:
    """Return 1 where a loss's gradient is right along one direction; half for a shape.

    So that broadcasting, which takes targets in forms that are not meant, is no fault.
    """
    rng = np.random.default_rng(7)
    case = part.case(rng, 7)
    x = case.arrays["input"]
    direction = rng.normal(size=x.shape)
    slope = part.slope_along(case, "input", direction)
    ones = np.ones(part.outputs(case).shape)
    claimed = part.claims([(case, ones)]).gradients["input"]
    if claimed is None or claimed.shape != x.shape:
        return 0.0
    return 1.0 if is_near(float((claimed * direction).sum()), slope) else 0.5


def _attempts(
    name: str,
    partner: str,
    context: Context,
    namespace: dict[str, Any],
    ways: list[Builder] | None,
) -> Iterator[LossPart]:
    thing = namespace[name]
    each: list[Any] = [None]
    call = thing
    if isinstance(thing, type) or not callable(thing) or hasattr(thing, "backward"):
        each = ways or list(builders(name, namespace, context.library))
        call = getattr(thing, str(context.names.method("forward", method_names(thing))))
    wanted = [p for p in positional(call) if p.name != "self"]
    first_is_target = bool(wanted) and is_target(wanted[0].name)
    second_is = len(wanted) > 1 and is_target(wanted[1].name)
    # y beside t, or beside y_hat: y is a target only where nothing better is.
    if first_is_target and second_is:
        first_is_target = wanted[0].name.lower() not in ("y", "ys")
    elif first_is_target and wanted[0].name == "y" and wanted[1].name == "t":
        first_is_target = False
    for of in each:
        for kind in FORMATS:
            for axis in (0, 1):
                yield LossPart(
                    name, context, namespace, partner=partner, targets=kind, axis=axis,
                    swapped=first_is_target, of=of,
                )  # fmt: skip


def _tried(part: LossPart) -> LossPart | None:
    """Return a loss as it is to be called, None where it returns no number."""
    rng = np.random.default_rng(4)
    case = part.case(rng, 7)
    value, _ = part.value_of(part.made(), part.pair(case), 0)
    number = as_numbers(value)
    per_sample = number.shape == (7,)
    if not (number.size == 1 or per_sample) or not np.all(np.isfinite(number)):
        return None
    if not is_number_array(value) and not isinstance(value, float | int):
        return None
    part.claims([(case, np.ones(number.shape))])
    if part.of_numbers:
        return replace(part, logits=True)
    if _is_of_differences(part, case):
        flat = part.targets == "one label each"
        numbers = "one number each" if flat else "numbers"
        return replace(part, targets=numbers, logits=True)
    return replace(part, logits=_takes_any(part))
