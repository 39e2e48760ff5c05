"""Layers that remember: forward, then backward, with parameters as attributes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from layerwise.sheets.reading import (
    NOTED,
    Slot,
    as_given,
    as_numbers,
    assigned,
    attributes,
    gradient_paths,
    held,
    is_gradient,
    is_rate,
    is_tensor,
    loaded_torch,
    method_of,
    precision,
    reseeded,
    returned_names,
    shown,
    slots,
)
from layerwise.sheets.recognising._building import (
    RATE,
    builders,
    flags_of,
    own_widths,
    positional,
    required,
)
from layerwise.sheets.recognising._parts import (
    FEATURES,
    HIDDEN,
    OUTPUTS,
    Builder,
    BuiltPart,
    Case,
    Claims,
    Context,
    Part,
    array_of,
    furthest,
)

__all__ = [
    "LayerPart", "UpdatePart", "differentiated", "fill", "find_layer", "gradients_of",
    "rate_of",
]  # fmt: skip

OUTPUT_NAMES = ("output", "outputs", "out", "y", "a")

WIDTHS = (FEATURES, OUTPUTS, HIDDEN)


@dataclass
class LayerPart(BuiltPart):
    """A layer, or a network of layers, with ``forward`` and ``backward``.

    Parameters
    ----------
    axis : int or None
        Which axis of the input the samples are.
    width : int
        The numbers in a sample.
    positive : bool
        Whether the input must be positive.
    """

    axis: int | None = 0
    width: int = FEATURES
    positive: bool = False

    kind = "layer"

    @property
    def said(self) -> str:
        what = [shown(path) for path in self.parameters]
        held_by = f"parameters {', '.join(what)}" if what else "no parameters"
        nested = any(p.count(".") > 1 for p in self.parameters)
        return f"a {'network of layers' if nested else 'stateful layer'}, {held_by}"

    def run(
        self, thing: Any, x: Any, seed: int, generators: Sequence[Any] | None = None
    ) -> Any:
        """Return a layer's outputs, in training."""
        forward = self.method(thing, "forward")
        own = self.all_generators(thing) if generators is None else generators
        reseeded(seed, own)
        return returned_or_kept(thing, forward(x, **flags_of(forward)))

    def back(self, thing: Any, gradient: Any, x: Any, y: Any) -> Any:
        """Return what a layer's backward pass returns."""
        backward = self.method(thing, "backward")
        taken = positional(backward)
        if not taken and is_tensor(y):
            setattr(y, NOTED, gradient)
            backward()
            return getattr(x, NOTED, None)
        rates = {p.name: RATE for p in taken[1:] if is_rate(p.name)}
        wanted = [p.name for p in required(backward) if p.name not in rates]
        if len(wanted) == 2:
            # It is given its input again, before the gradient or after it.
            first = is_gradient(wanted[0]) or not is_gradient(wanted[1])
            return backward(*((gradient, x) if first else (x, gradient)), **rates)
        return backward(gradient, **rates)

    def draw_input(self, rng: np.random.Generator, batch: int) -> np.ndarray:
        """Return a random input."""
        shape = {0: (batch, self.width), 1: (self.width, batch), None: (self.width,)}
        x = rng.normal(size=shape[self.axis])
        return np.abs(x) + 0.1 if self.positive else x

    def case(self, rng: np.random.Generator, batch: int) -> Case:
        arrays = {"input": self.draw_input(rng, batch)}
        for path, shape in self.parameters.items():
            arrays[path] = 0.7 * rng.normal(size=shape)
        seed = int(rng.integers(1 << 30))
        return Case(arrays, 1 if self.axis is None else batch, self.axis, seed)

    def _warmed(self) -> Any:
        """Return an object with parameters, also where its first pass makes them."""
        thing = self.made()
        if not self.parameters.keys() <= slots(thing).keys():
            x = self.draw_input(np.random.default_rng(0), 2)
            self.run(thing, as_given(x, self.context.library), 0)
        return thing

    def outputs(self, case: Case) -> np.ndarray:
        probe = self.probe(case, self._warmed)
        self.load(probe.thing, case, probe.places)
        x = as_given(case.arrays["input"], self.context.library)
        return as_numbers(self.run(probe.thing, x, case.seed, probe.generators))

    def claims(self, passes: Sequence[tuple[Case, np.ndarray]]) -> Claims:
        thing = self._warmed()
        for case, cotangent in passes[:-1]:
            self.reset(thing)
            self.load(thing, case)
            self.one_pass(thing, case, cotangent)
        case, cotangent = passes[-1]
        self.reset(thing)
        self.load(thing, case)
        return self.read(thing, case, *self.one_pass(thing, case, cotangent))

    def reset(self, thing: Any) -> None:
        """Have a layer forget its gradients, where it has a method for that."""
        reset = self.method(thing, "reset")
        if reset is not None and not positional(reset):
            reset()

    def one_pass(
        self, thing: Any, case: Case, cotangent: np.ndarray
    ) -> tuple[Any, tuple[str, ...], int]:
        """Return what backward returned, what was changed in place, and the bits."""
        x = as_given(case.arrays["input"], self.context.library)
        y = self.run(thing, x, case.seed)
        changed = [] if _same(x, case.arrays["input"]) else ["input"]
        gradient = as_given(cotangent, self.context.library)
        returned = self.back(thing, gradient, x, y)
        if not _same(gradient, cotangent):
            changed.append("gradient")
        return returned, tuple(changed), precision(y)

    def read(
        self, thing: Any, case: Case, returned: Any, changed: tuple[str, ...], bits: int
    ) -> Claims:
        own = self.context.sheet.definition(self.name)
        backward = getattr(self.method(thing, "backward"), "__name__", "")
        names = returned_names(method_of(own, backward))
        found = assigned(returned, names, case.arrays, self._input_name(thing))
        places = slots(thing)
        paths = gradient_paths(places, self.parameters, self.context.names)
        for path, held_at in paths.items():
            found.setdefault(path, places[held_at].numbers())
        for path in self.parameters:
            moved = case.arrays[path] - places[path].numbers()
            if path not in found and np.any(moved):
                found[path] = moved / RATE
        if "input" not in found:
            self._input_attribute(found, places)
        gradients = {key: found.get(key) for key in case.arrays}
        return Claims(gradients, changed, bits)

    def _input_name(self, thing: Any) -> str:
        taken = positional(self.method(thing, "forward"))
        return taken[0].name if taken else "x"

    def _input_attribute(self, found: dict[str, Any], places: dict[str, Slot]) -> None:
        for path, slot in places.items():
            base = self.context.names.gradient_of(path)
            if base and base.lower() in ("x", "input", "inputs", "a_prev", "in"):
                found["input"] = slot.numbers()

    def automatic(
        self, case: Case, cotangent: np.ndarray
    ) -> dict[str, np.ndarray] | None:
        torch = loaded_torch()
        if torch is None or self.context.library != "torch":
            return None
        thing = self._warmed()
        leaves = {"input": as_given(case.arrays["input"], "torch").requires_grad_()}
        places = slots(thing)
        for path in self.parameters:
            old = places[path].get()
            leaf = as_given(case.arrays[path], "torch").requires_grad_()
            if isinstance(old, torch.nn.Parameter):
                leaf = torch.nn.Parameter(leaf.detach())
            places[path].put(leaf)
            leaves[path] = leaf
        y = self.run(thing, leaves["input"], case.seed)
        return differentiated(y, leaves, cotangent)


def returned_or_kept(thing: Any, result: Any) -> Any:
    """Return what a forward pass returned, or what it keeps as its output."""
    if result is None:
        own = attributes(thing)
        kept = (own.get(name) for name in OUTPUT_NAMES)
        return next((one for one in kept if one is not None), None)
    return result


def differentiated(
    y: Any, leaves: dict[str, Any], cotangent: np.ndarray
) -> dict[str, np.ndarray] | None:
    """Return torch's gradients of Σ cotangent ∘ y, None where its graph is cut."""
    if loaded_torch() is None or not is_tensor(y) or not y.requires_grad:
        return None
    found = gradients_of(y, leaves, cotangent)
    return None if any(one is None for one in found.values()) else found  # type: ignore[return-value]


def gradients_of(
    y: Any, leaves: dict[str, Any], cotangent: np.ndarray
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


def _same(given: Any, array: np.ndarray) -> bool:
    return np.array_equal(as_numbers(given), array, equal_nan=True)


@dataclass
class UpdatePart(Part):
    """A layer's update: what it subtracts must be the learning rate's share."""

    layer: LayerPart = field(kw_only=True)

    kind = "update"

    @property
    def said(self) -> str:
        return "an update of the parameters, by gradient descent"

    @property
    def code(self) -> tuple[str, ...]:
        return self.layer.code

    def case(self, rng: np.random.Generator, batch: int) -> Case:
        return self.layer.case(rng, batch)

    def outputs(self, case: Case) -> np.ndarray:
        return self.layer.outputs(case)

    def claims(self, passes: Sequence[tuple[Case, np.ndarray]]) -> Claims:
        layer = self.layer
        thing = layer.made()
        case, cotangent = passes[-1]
        layer.reset(thing)
        layer.load(thing, case)
        read = layer.read(thing, case, *layer.one_pass(thing, case, cotangent))
        update = layer.method(thing, "update")
        taken = positional(update)
        rate = RATE if taken else float(rate_of(thing))
        update(*([RATE] if taken else []))
        places = slots(thing)
        moved = {
            path: (case.arrays[path] - places[path].numbers()) / rate
            for path in layer.parameters
        }
        truth = {
            path: gradient
            for path, gradient in read.gradients.items()
            if path != "input" and gradient is not None
        }
        return Claims(moved, bits=read.bits, truth=truth)


def rate_of(thing: Any) -> float:
    """Return the learning rate that an object keeps.

    Raises
    ------
    AttributeError
        If it keeps none.
    """
    for key, value in attributes(thing).items():
        if is_rate(key) and isinstance(value, float | int):
            return float(value)
        # An optimiser of torch.
        for group in getattr(value, "param_groups", [])[:1]:
            return float(group["lr"])
    raise AttributeError("no learning rate among its attributes")


def find_layer(
    name: str, context: Context, namespace: dict[str, Any], ways: list[Builder] | None
) -> LayerPart:
    """Return a class as a layer, by the first way of building that a pass works with.

    Raises
    ------
    Exception
        What the likeliest way raised, if none works.
    """
    failures: list[Exception] = []
    for part in _attempts(name, context, namespace, ways):
        try:
            with held():
                return _tried(part)
        except Exception as error:
            failures.append(error)
    raise furthest(context.sheet, failures) or TypeError(f"{name} cannot be built")


def _attempts(
    name: str, context: Context, namespace: dict[str, Any], ways: list[Builder] | None
) -> Iterator[LayerPart]:
    for build in ways or builders(name, namespace, context.library):
        own = {width for width, _ in own_widths(build, namespace)} - {*WIDTHS}
        for axis in (0, 1, None):
            for width in (*WIDTHS, *sorted(own)):
                yield LayerPart(
                    name, context, namespace, build=build, axis=axis, width=width
                )


def _tried(part: LayerPart) -> LayerPart:
    """Return a layer with its parameters, which are found by changing them."""
    thing = part.made()
    x = part.draw_input(np.random.default_rng(3), 7)
    before = slots(thing)
    y = part.run(thing, as_given(x, part.context.library), 0)
    array_of(f"{part.name}'s forward pass", y)
    shape = as_numbers(y).shape
    fits = shape == (7,) or (len(shape) == 2 and shape[part.axis or 0] == 7)
    if part.axis is not None and not fits:
        raise TypeError(f"{part.name} returns shape {shape} for an input {x.shape}")
    if not np.all(np.isfinite(as_numbers(y))):
        part = replace(part, positive=True)
    candidates = before or slots(thing)
    places = {p: s for p, s in candidates.items() if s.numbers().ndim}
    depends = {
        path: slot.numbers().shape
        for path, slot in places.items()
        if _matters(part, path)
    }
    return replace(part, parameters=depends or _with_gradients(places, part.context))


def _matters(part: LayerPart, path: str) -> bool:
    """Return whether the outputs change with an array."""
    x = part.draw_input(np.random.default_rng(3), 7)

    def outputs(seed: int, others: bool) -> np.ndarray:
        thing = part.made()
        if path not in slots(thing):
            part.run(thing, as_given(x, part.context.library), 0)
        places = slots(thing)
        for other in places if others else ():
            # Behind weights that begin as 0 nothing before them matters.
            fill(places[other], 4)
        fill(places[path], seed)
        return as_numbers(part.run(thing, as_given(x, part.context.library), 0))

    with_own = (outputs(5, others=False), outputs(6, others=False))
    if not np.array_equal(*with_own):
        return True
    filled = (outputs(5, others=True), outputs(6, others=True))
    return bool(np.all(np.isfinite(filled))) and not np.array_equal(*filled)


def fill(slot: Slot, seed: int) -> None:
    """Put random numbers into an array."""
    slot.load(np.random.default_rng(seed).normal(size=slot.numbers().shape))


def _with_gradients(
    places: dict[str, Slot], context: Context
) -> dict[str, tuple[int, ...]]:
    """Return the arrays that others are named the gradients of."""
    plain = [p for p in places if context.names.gradient_of(p) is None]
    found = gradient_paths(places, plain, context.names)
    return {path: places[path].numbers().shape for path in found}
