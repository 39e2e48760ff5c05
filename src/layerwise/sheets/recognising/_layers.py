"""Layers that remember: forward, then backward, with parameters as attributes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from layerwise.sheets.reading import (
    NOTED,
    Slot,
    as_numbers,
    assigned,
    attributes,
    gradient_paths,
    is_gradient,
    is_rate,
    is_tensor,
    method_of,
    precision,
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
    rates_of,
    required,
)
from layerwise.sheets.recognising._parts import (
    FEATURES,
    HIDDEN,
    OUTPUTS,
    Arrays,
    Builder,
    BuiltPart,
    Case,
    Claims,
    Context,
    Part,
    array_of,
    best_of,
    is_same,
)

__all__ = ["LayerPart", "UpdatePart", "find_layer", "rate_of"]

OUTPUT_NAMES = ("output", "outputs", "out", "y", "a")

WIDTHS = (FEATURES, OUTPUTS, HIDDEN)


@dataclass
class LayerPart(BuiltPart):
    """A layer, or a network of layers, with ``forward`` and ``backward``.

    The samples are along ``axis`` of the input, each of ``width`` numbers.
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

    def made(self) -> Any:
        """Return a new object, with parameters also where a first pass makes them."""
        thing = super().made()
        if not self.parameters.keys() <= slots(thing).keys():
            x = self.draw_input(np.random.default_rng(0), 2)
            self.run(thing, self.given(x), 0)
        return thing

    def run(self, thing: Any, x: Any, seed: int) -> Any:
        """Return a layer's outputs, in training: returned, or kept by the object."""
        forward = self.method(thing, "forward")
        self.reseed(seed, thing)
        result = forward(x, **flags_of(forward))
        if result is None:
            own = attributes(thing)
            kept = (own.get(name) for name in OUTPUT_NAMES)
            result = next((one for one in kept if one is not None), None)
        return result

    def back(self, thing: Any, gradient: Any, x: Any, y: Any) -> Any:
        """Return what a layer's backward pass returns."""
        backward = self.method(thing, "backward")
        taken = positional(backward)
        if not taken and is_tensor(y):
            setattr(y, NOTED, gradient)
            backward()
            return getattr(x, NOTED, None)
        rates = rates_of(backward)
        wanted = [name for name in required(backward) if name not in rates]
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

    def outputs(self, case: Case) -> np.ndarray:
        x = self.given(case.arrays["input"])
        return as_numbers(self.run(self.probe(case), x, case.seed))

    def claimed(self, thing: Any, case: Case, cotangent: np.ndarray) -> Claims:
        """Return what a backward pass says, and what either pass changes in place."""
        self.reset(thing)
        self.load(thing, case)
        x = self.given(case.arrays["input"])
        y = self.run(thing, x, case.seed)
        changed = [] if is_same(x, case.arrays["input"]) else ["input"]
        gradient = self.given(cotangent)
        returned = self.back(thing, gradient, x, y)
        if not is_same(gradient, cotangent):
            changed.append("gradient")
        found = self._found(thing, case, returned)
        gradients = {key: found.get(key) for key in case.arrays}
        return Claims(gradients, tuple(changed), precision(y))

    def reset(self, thing: Any) -> None:
        """Have a layer forget its gradients, where it has a method for that."""
        reset = self.method(thing, "reset")
        if reset is not None and not positional(reset):
            reset()

    def _found(self, thing: Any, case: Case, returned: Any) -> Arrays:
        """Return the gradients that were returned, kept, or subtracted at once."""
        own = self.context.sheet.definition(self.name)
        backward = getattr(self.method(thing, "backward"), "__name__", "")
        names = returned_names(method_of(own, backward))
        found = assigned(returned, names, case.arrays, self._input_name(thing))
        places = slots(thing)
        for path, slot in self.gradients_in(places).items():
            found.setdefault(path, slot.numbers())
        for path in self.parameters:
            moved = case.arrays[path] - places[path].numbers()
            if path not in found and np.any(moved):
                found[path] = moved / RATE
        if "input" not in found:
            self._input_attribute(found, places)
        return found

    def _input_name(self, thing: Any) -> str:
        taken = positional(self.method(thing, "forward"))
        return taken[0].name if taken else "x"

    def _input_attribute(self, found: Arrays, places: dict[str, Slot]) -> None:
        for path, slot in places.items():
            base = self.context.names.gradient_of(path)
            if base and base.lower() in ("x", "input", "inputs", "a_prev", "in"):
                found["input"] = slot.numbers()

    def graph(self, case: Case, leaves: dict[str, Any]) -> Any:
        thing = self.made()
        self.load(thing, case)
        places = slots(thing)
        for path in self.parameters:
            leaves[path] = places[path].get().requires_grad_()
        return self.run(thing, leaves["input"], case.seed)


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

    def made(self) -> Any:
        return self.layer.made()

    def claims(self, *passes: tuple[Case, np.ndarray]) -> Claims:
        # What went before is the layer's matter.
        return super().claims(passes[-1])

    def claimed(self, thing: Any, case: Case, cotangent: np.ndarray) -> Claims:
        read = self.layer.claimed(thing, case, cotangent)
        update = self.layer.method(thing, "update")
        taken = positional(update)
        rate = RATE if taken else rate_of(thing)
        update(*([RATE] if taken else []))
        places = slots(thing)
        moved = {
            path: (case.arrays[path] - places[path].numbers()) / rate
            for path in self.layer.parameters
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
    name: str, context: Context, ways: Sequence[Builder] | None
) -> LayerPart:
    """Return a class as a layer, by the first way of building that works."""
    return best_of(_attempts(name, context, ways), _tried, context.sheet)


def _attempts(
    name: str, context: Context, ways: Sequence[Builder] | None
) -> Iterator[LayerPart]:
    for build in ways or builders(name, context):
        own = {width for width, _ in own_widths(build, context)} - {*WIDTHS}
        for axis in (0, 1, None):
            for width in (*WIDTHS, *sorted(own)):
                yield LayerPart(name, context, build=build, axis=axis, width=width)


def _tried(part: LayerPart) -> tuple[LayerPart, float]:
    """Return a layer with its parameters, which are found by changing them."""
    thing = part.made()
    x = part.draw_input(np.random.default_rng(3), 7)
    before = slots(thing)
    result = part.run(thing, part.given(x), 0)
    y = as_numbers(array_of(f"{part.name}'s forward pass", result))
    fits = y.shape == (7,) or (y.ndim == 2 and y.shape[part.axis or 0] == 7)
    if part.axis is not None and not fits:
        raise TypeError(f"{part.name} returns shape {y.shape} for an input {x.shape}")
    places = before or slots(thing)
    sizes = {path: slot.numbers().shape for path, slot in places.items()}
    shapes = {path: size for path, size in sizes.items() if size}
    positive = not np.all(np.isfinite(y))
    part = replace(part, positive=positive, parameters=shapes)
    depends = {path: shape for path, shape in shapes.items() if _matters(part, path)}
    return replace(part, parameters=depends or _with_gradients(part)), 1.0


def _matters(part: LayerPart, path: str) -> bool:
    """Return whether the outputs change with an array."""
    x = part.draw_input(np.random.default_rng(3), 7)

    def run(thing: Any) -> np.ndarray:
        return as_numbers(part.run(thing, part.given(x), 0))

    if not np.array_equal(*part.filled(path, run, others=False)):
        return True
    filled = part.filled(path, run, others=True)
    return bool(np.all(np.isfinite(filled))) and not np.array_equal(*filled)


def _with_gradients(part: LayerPart) -> dict[str, tuple[int, ...]]:
    """Return the arrays that others are named the gradients of."""
    shapes, names = part.parameters, part.context.names
    plain = [path for path in shapes if names.gradient_of(path) is None]
    return {path: shapes[path] for path in gradient_paths(shapes, plain, names)}
