"""Whole networks: what a training step subtracts must be its loss's gradient."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise.sheets.reading import (
    Names,
    as_numbers,
    attributes,
    is_number_array,
    is_output,
    is_rate,
    is_target,
    slots,
)
from layerwise.sheets.recognising._building import (
    RATE,
    flags_of,
    penalties,
    positional,
    rates_of,
    required,
)
from layerwise.sheets.recognising._layers import rate_of
from layerwise.sheets.recognising._losses import targets_in
from layerwise.sheets.recognising._parts import (
    FEATURES,
    OUTPUTS,
    Arrays,
    BuiltPart,
    Case,
    Claims,
    method_names,
)

__all__ = ["NetworkPart", "network_methods", "returned_loss"]


def network_methods(cls: Any, names: Names) -> str:
    """Return how a class trains: ``step``, ``backward``, ``gradients`` or not."""
    found = method_names(cls)
    if names.method("training_step", found):
        return "step"
    forward, backward = names.method("forward", found), names.method("backward", found)
    if forward and backward:
        taken, wanted = (required(getattr(cls, one)) for one in (forward, backward))
        if len(taken) == 1 and any(map(is_target, wanted)):
            return "backward"
    loss = names.method("loss", found)
    if loss and len(positional(getattr(cls, loss))) >= 2:
        return "gradients"
    return ""


@dataclass
class NetworkPart(BuiltPart):
    """A network that takes a step, or that returns its loss and its gradients.

    Parameters
    ----------
    way : str
        ``step``: it changes its parameters; ``gradients``: it returns gradients;
        ``backward``: it goes back from targets, and may have an update.
    objective : callable or None
        The loss of a network's outputs, where no method returns it.
    about : str
        What the loss is.
    targets : str
        How it takes them.
    axis : int
        Which axis of the input the samples are.
    features, classes : int
        The widths of its inputs and outputs.
    rate : float
        The learning rate of one that is told none, and keeps none.
    """

    way: str = "step"
    objective: Callable[[Any, Any, Case], Any] | None = None
    about: str = "the loss that it returns"
    targets: str = "indices"
    axis: int = 0
    features: int = FEATURES
    classes: int = OUTPUTS
    rate: float = 1.0

    kind = "network"
    scalar = True

    @property
    def said(self) -> str:
        form = "0 or 1" if self.targets == "one label each" else self.targets
        return (
            f"a network, {len(self.parameters)} parameters, targets as {form}, "
            f"against {self.about}"
        )

    def case(self, rng: np.random.Generator, batch: int) -> Case:
        shape = (batch, self.features)[:: 1 if self.axis == 0 else -1]
        arrays = {"input": rng.normal(size=shape)}
        for path, size in self.parameters.items():
            arrays[path] = 0.5 * rng.normal(size=size)
        targets = targets_in(self.targets, rng, batch, self.classes, self.axis)
        return Case(arrays, batch, self.axis, int(rng.integers(1 << 30)), targets)

    def loaded(self, case: Case) -> Any:
        """Return a new object with the parameters of a case."""
        thing = self.made()
        self.load(thing, case)
        return thing

    def _pair(self, case: Case) -> tuple[Any, Any]:
        return self.given(case.arrays["input"]), self.given(np.asarray(case.targets))

    def _samples(self, x: Any, y: Any) -> list[tuple[Any, Any]]:
        """Return a batch as a list of its samples, each with its target."""

        def of(array: Any, n: int) -> Any:
            return array[n] if self.axis == 0 or array.ndim < 2 else array[:, n : n + 1]

        return [(of(x, n), of(y, n)) for n in range(y.shape[-1 if self.axis else 0])]

    def stepped(self, thing: Any, case: Case) -> Any:
        """Take a training step, and return what it returns."""
        self.reseed(case.seed, thing)
        x, y = self._pair(case)
        if self.way == "backward":
            self._forth_and_back(thing, x, y)
            return None
        step = self.method(thing, "training_step")
        rates, taken = rates_of(step), positional(step)
        if sum(name not in rates for name in required(step)) == 1:
            return step(self._samples(x, y), **rates)
        first_is_target = is_target(taken[0].name) and not is_target(taken[1].name)
        return step(*((y, x) if first_is_target else (x, y)), **rates)

    def _forth_and_back(self, thing: Any, x: Any, y: Any) -> None:
        """Go forward, back from the targets, and update where there is an update."""
        outputs = self.method(thing, "forward")(x)
        backward, update = self.method(thing, "backward"), self.method(thing, "update")
        given = {
            name: y if is_target(name) else outputs if is_output(name) else x
            for name in required(backward)
        }
        backward(**given | rates_of(backward))
        if update is not None:
            update(**dict.fromkeys(required(update), RATE) | rates_of(update))

    def returned(self, thing: Any, case: Case) -> tuple[Any, Any]:
        """Return the loss and the gradients of a network that returns them."""
        x, y = self._pair(case)
        result = self._loss(thing, case)
        if isinstance(result, tuple | list) and len(result) == 2:
            return result[0], result[1]
        gradients = self.method(thing, "gradients")
        if gradients is None:
            gradients = self.method(thing, "backward")
        self.reseed(case.seed, thing)
        given = (x, y)[: len(required(gradients))]
        return result, gradients(*given, **penalties(gradients))

    def _loss(self, thing: Any, case: Case) -> Any:
        """Return what a network's loss returns, with its penalty on weights."""
        loss = self.method(thing, "loss")
        self.reseed(case.seed, thing)
        return loss(*self._pair(case), **penalties(loss))

    def outputs_of(self, thing: Any, x: np.ndarray, seed: int) -> np.ndarray:
        """Return what a network makes of its inputs, in training."""
        forward = self.method(thing, "forward") or thing.predict
        self.reseed(seed, thing)
        result = forward(self.given(x), **flags_of(forward))
        return as_numbers(result[0] if isinstance(result, tuple | list) else result)

    def outputs(self, case: Case) -> np.ndarray:
        thing = self.probe(case)
        if self.way == "gradients":
            result = self._loss(thing, case)
            value = result[0] if isinstance(result, tuple | list) else result
        elif self.objective is not None:
            value = self.objective(self, thing, case)
        else:
            value = returned_loss(self.stepped(thing, case))
        return as_numbers(value).reshape(())

    def claimed(self, thing: Any, case: Case, cotangent: np.ndarray) -> Claims:
        del cotangent
        self.load(thing, case)
        found = self._subtracted(thing, case)
        gradients = {key: found.get(key) for key in case.arrays}
        return Claims(gradients | {"input": None})

    def _subtracted(self, thing: Any, case: Case) -> Arrays:
        """Return what was subtracted; where nothing was, the gradients it keeps."""
        if self.way == "gradients":
            return self.by_name(thing, self.returned(thing, case)[1])
        self.stepped(thing, case)
        places = slots(thing)
        moved = {p: case.arrays[p] - places[p].numbers() for p in self.parameters}
        still = not any(np.any(one) for one in moved.values())
        if _follows_otherwise(thing) or (self.way == "backward" and still):
            return self.by_name(thing, None)
        rate = self.rate_of(thing)
        return {path: one / rate for path, one in moved.items()}

    def rate_of(self, thing: Any) -> float:
        """Return the rate that a network is told, that it keeps, or has written in."""
        roles = ["training_step"] if self.way == "step" else ["update", "backward"]
        ways = filter(None, (self.method(thing, role) for role in roles))
        if any(is_rate(p.name) for p in positional(next(ways))):
            return RATE
        try:
            return rate_of(thing)
        except AttributeError:
            return self.rate

    def by_name(self, thing: Any, gradients: Any) -> Arrays:
        if not isinstance(gradients, dict):
            kept = self.gradients_in(slots(thing))
            return {path: slot.numbers() for path, slot in kept.items()}
        ends = {path.rpartition(".")[2]: path for path in self.parameters}
        found = {str(key): value for key, value in gradients.items()}
        named: dict[str, np.ndarray] = {}
        for key, value in found.items():
            own = key if key in ends else self.context.names.gradient_of(key)
            if own in ends and is_number_array(value):
                named[ends[own]] = as_numbers(value)
        return named


def _follows_otherwise(thing: Any) -> bool:
    """Return whether an optimiser of torch steps otherwise than down the gradient."""
    optimisers = [v for v in attributes(thing).values() if hasattr(v, "param_groups")]
    return any(type(one).__name__ != "SGD" for one in optimisers)


def returned_loss(value: Any) -> Any:
    """Return the first plain number in what a step returned, None where none is."""
    for one in value if isinstance(value, tuple | list) else [value]:
        if isinstance(one, float) or (
            is_number_array(one) and as_numbers(one).size == 1
        ):
            return one
    return None
