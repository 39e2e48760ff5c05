"""Whole networks: what a training step subtracts must be its loss's gradient."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from layerwise.sheets.reading import (
    Slot,
    as_given,
    as_numbers,
    generators_of,
    gradient_paths,
    held,
    is_flag,
    is_number_array,
    is_rate,
    is_target,
    parts_within,
    reseeded,
    slots,
)
from layerwise.sheets.recognising._building import (
    RATE,
    Builder,
    builders,
    own_widths,
    positional,
    required,
)
from layerwise.sheets.recognising._layers import method_names, rate_of
from layerwise.sheets.recognising._losses import targets_in
from layerwise.sheets.recognising._parts import (
    FEATURES,
    OUTPUTS,
    Case,
    Claims,
    Context,
    Part,
)

__all__ = ["NetworkPart", "find_network", "network_methods"]

TINY = 1e-300


def network_methods(cls: Any, names: Any) -> str:
    """Return how a class trains: ``step``, ``gradients``, or an empty string."""
    found = method_names(cls)
    if names.method("training_step", found):
        return "step"
    forward, backward = names.method("forward", found), names.method("backward", found)
    if forward and backward:
        wanted = [p.name for p in required(getattr(cls, backward)) if p.name != "self"]
        taken = [p.name for p in required(getattr(cls, forward)) if p.name != "self"]
        if len(taken) == 1 and any(map(is_target, wanted)):
            return "backward"
    loss = names.method("loss", found)
    if loss and len(positional(getattr(cls, loss))) >= 2 + isinstance(cls, type):
        return "gradients"
    return ""


@dataclass
class NetworkPart(Part):
    """A network that takes a step, or that returns its loss and its gradients.

    Parameters
    ----------
    build : callable
        Makes one from a namespace.
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
    parameters : dict
        Paths and shapes.
    """

    build: Builder = field(repr=False, kw_only=True)
    way: str = "step"
    objective: Callable[[Any, Any, Case], Any] | None = None
    about: str = "the loss that it returns"
    targets: str = "indices"
    axis: int = 0
    features: int = FEATURES
    classes: int = OUTPUTS
    parameters: dict[str, tuple[int, ...]] = field(default_factory=dict)

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
        thing = self.build(self.namespace)
        self.load(thing, case)
        return thing

    def load(
        self, thing: Any, case: Case, places: Mapping[str, Slot] | None = None
    ) -> None:
        """Give a network the parameters of a case."""
        places = slots(thing) if places is None else places
        for path in self.parameters:
            if path in places:
                places[path].load(case.arrays[path])

    def _pair(self, case: Case) -> tuple[Any, Any]:
        library = self.context.library
        x = as_given(case.arrays["input"], library)
        return x, as_given(np.asarray(case.targets), library)

    def method(self, thing: Any, role: str) -> Any:
        """Return the method that plays a role, None where there is none."""
        name = self.context.names.method(role, method_names(thing))
        return getattr(thing, name) if name else None

    def stepped(
        self, thing: Any, case: Case, generators: Sequence[Any] | None = None
    ) -> Any:
        """Take a training step, and return what it returns."""
        if self.way == "backward":
            return self._forth_and_back(thing, case, generators)
        step = self.method(thing, "training_step")
        if generators is None:
            generators = self.own_generators(thing)
        reseeded(case.seed, generators)
        x, y = self._pair(case)
        taken = positional(step)
        rates = {p.name: RATE for p in taken[2:] if is_rate(p.name)}
        first_is_target = is_target(taken[0].name) and not is_target(taken[1].name)
        return step(*((y, x) if first_is_target else (x, y)), **rates)

    def _forth_and_back(
        self, thing: Any, case: Case, generators: Sequence[Any] | None
    ) -> None:
        """Go forward, back from the targets, and update where there is an update."""
        x, y = self._pair(case)
        own = self.own_generators(thing) if generators is None else generators
        reseeded(case.seed, own)
        self.method(thing, "forward")(x)
        backward = self.method(thing, "backward")
        given = {
            p.name: RATE if is_rate(p.name) else y if is_target(p.name) else x
            for p in required(backward)
        }
        backward(**given)
        update = self.method(thing, "update")
        if update is not None:
            update(*[RATE] * len(required(update)))

    def returned(self, thing: Any, case: Case) -> tuple[Any, Any]:
        """Return the loss and the gradients of a network that returns them."""
        x, y = self._pair(case)
        reseeded(case.seed, self.own_generators(thing))
        result = self.method(thing, "loss")(x, y)
        if isinstance(result, tuple | list) and len(result) == 2:
            return result[0], result[1]
        gradients = self.method(thing, "gradients")
        if gradients is None:
            gradients = self.method(thing, "backward")
        reseeded(case.seed, self.own_generators(thing))
        return result, gradients(*(x, y)[: len(required(gradients))])

    def own_generators(self, thing: Any) -> list[Any]:
        return [*self.generators(), *generators_of(thing)]

    def outputs(self, case: Case) -> np.ndarray:
        probe = self.probe(case, lambda: self.build(self.namespace))
        thing = probe.thing
        self.load(thing, case, probe.places)
        if self.way == "gradients":
            x, y = self._pair(case)
            reseeded(case.seed, self.own_generators(thing))
            result = self.method(thing, "loss")(x, y)
            value = result[0] if isinstance(result, tuple | list) else result
        elif self.objective is not None:
            value = self.objective(self, thing, case)
        else:
            value = _number(self.stepped(thing, case, probe.generators))
        return as_numbers(value).reshape(())

    def claims(self, passes: Sequence[tuple[Case, np.ndarray]]) -> Claims:
        thing = self.build(self.namespace)
        found: dict[str, np.ndarray] = {}
        for case, _ in passes:
            self.load(thing, case)
            found = self._once(thing, case)
        gradients = {key: found.get(key) for key in passes[-1][0].arrays}
        return Claims(gradients | {"input": None})

    def _once(self, thing: Any, case: Case) -> dict[str, np.ndarray]:
        if self.way == "gradients":
            return self.by_name(thing, self.returned(thing, case)[1])
        if self.way == "backward":
            return self._after_backward(thing, case)
        taken = positional(self.method(thing, "training_step"))
        told = any(is_rate(p.name) for p in taken[2:])
        self.stepped(thing, case)
        if _follows_otherwise(thing):
            return self.by_name(thing, None)
        rate = RATE if told else rate_of(thing)
        places = slots(thing)
        return {
            path: (case.arrays[path] - places[path].numbers()) / rate
            for path in self.parameters
        }

    def _after_backward(self, thing: Any, case: Case) -> dict[str, np.ndarray]:
        """Return what was subtracted; where nothing was, the gradients it keeps."""
        self.stepped(thing, case)
        places = slots(thing)
        moved = {p: case.arrays[p] - places[p].numbers() for p in self.parameters}
        if not any(np.any(one) for one in moved.values()):
            return self.by_name(thing, None)
        update = self.method(thing, "update") or self.method(thing, "backward")
        told = any(is_rate(p.name) for p in positional(update))
        rate = RATE if told else rate_of(thing)
        return {path: one / rate for path, one in moved.items()}

    def by_name(self, thing: Any, gradients: Any) -> dict[str, np.ndarray]:
        if not isinstance(gradients, dict):
            places = slots(thing)
            paths = gradient_paths(
                list(places), list(self.parameters), self.context.names
            )
            return {path: places[at].numbers() for path, at in paths.items()}
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
    optimisers = [v for v in vars(thing).values() if hasattr(v, "param_groups")]
    return any(type(one).__name__ != "SGD" for one in optimisers)


def _number(value: Any) -> Any:
    """Return the first plain number in what a step returned.

    Raises
    ------
    TypeError
        If there is none.
    """
    for one in value if isinstance(value, tuple | list) else [value]:
        if isinstance(one, float) or (
            is_number_array(one) and as_numbers(one).size == 1
        ):
            return one
    raise TypeError("training_step returns no loss")


def find_network(
    name: str, context: Context, namespace: dict[str, Any], ways: list[Builder] | None
) -> NetworkPart:
    """Return a class as a network, by the first way that a step works with.

    Raises
    ------
    Exception
        What the likeliest way raised, if none works.
    """
    failure: BaseException | None = None
    way = network_methods(namespace[name], context.names)
    for build in ways or builders(name, namespace, context.library):
        part = NetworkPart(name, context, namespace, build=build, way=way)
        for attempt in _attempts(part):
            try:
                with held():
                    ready = _tried(attempt)
                    if ready.way != "gradients":
                        ready = _with_objective(ready)
                    return ready
            except KeyboardInterrupt:
                raise
            except Exception as error:
                failure = failure or error
    raise failure or TypeError(f"{name} cannot be built")


def _attempts(part: NetworkPart) -> Iterator[NetworkPart]:
    ours = [(FEATURES, classes) for classes in (OUTPUTS, 1, FEATURES)]
    widths = [*ours, *own_widths(part.build, part.namespace)]
    for targets in ("indices", "one-hot", "one label each", "numbers"):
        for axis in (0, 1):
            for features, classes in widths:
                yield replace(
                    part, targets=targets, axis=axis, features=features, classes=classes
                )


def _tried(part: NetworkPart) -> NetworkPart:
    """Return a network with its parameters: what a step changes, or gradients name."""
    case = part.case(np.random.default_rng(7), 7)
    thing = part.build(part.namespace)
    before = {path: slot.numbers() for path, slot in slots(thing).items()}
    shapes = {p: a.shape for p, a in before.items() if a.ndim}
    if part.way == "gradients":
        value, gradients = part.returned(thing, case)
        _number(value)
        part = replace(part, parameters=shapes)
        found = part.by_name(thing, gradients)
        part = replace(part, parameters=_all_named(shapes, found))
    else:
        part.stepped(thing, case)
        after = slots(thing)
        moved = {
            path: shape
            for path, shape in shapes.items()
            if path in after and not np.array_equal(after[path].numbers(), before[path])
        }
        if part.way == "backward":
            moved |= {
                p: shapes[p]
                for p in replace(part, parameters=shapes).by_name(thing, None)
            }
        part = replace(part, parameters=_with_still(part, shapes, moved))
    if not part.parameters:
        raise TypeError(f"{part.name}: no parameter changes in a training step")
    return part


def _all_named(
    shapes: dict[str, tuple[int, ...]], found: dict[str, Any]
) -> dict[str, tuple[int, ...]]:
    """Return the parameters with a gradient, and those held beside them."""
    holders = {path.rpartition(".")[0] for path in found}
    return {p: s for p, s in shapes.items() if p.rpartition(".")[0] in holders}


def _with_still(
    part: NetworkPart,
    shapes: dict[str, tuple[int, ...]],
    moved: dict[str, tuple[int, ...]],
) -> dict[str, tuple[int, ...]]:
    """Return what moved, and what did not though the network's outputs depend on it."""
    still = {
        path: shape
        for path, shape in shapes.items()
        if path not in moved and part.context.names.gradient_of(path) is None
    }
    return {p: s for p, s in shapes.items() if p in moved or _matters(part, p, still)}


def _matters(part: NetworkPart, path: str, still: dict[str, tuple[int, ...]]) -> bool:
    if path not in still:
        return False
    seen: list[np.ndarray] = []
    x = part.case(np.random.default_rng(7), 7).arrays["input"]
    for seed in (5, 6):
        thing = part.build(part.namespace)
        value = np.random.default_rng(seed).normal(size=still[path])
        slots(thing)[path].load(value)
        try:
            seen.append(_outputs_of(part, thing, x, 0))
        except Exception:
            # It has no forward pass of its own: then only what moves is known.
            return False
    return not np.array_equal(seen[0], seen[1])


def _outputs_of(part: NetworkPart, thing: Any, x: np.ndarray, seed: int) -> np.ndarray:
    forward = part.method(thing, "forward") or thing.predict
    reseeded(seed, part.own_generators(thing))
    flags = {p.name: True for p in positional(forward)[1:] if is_flag(p.name)}
    result = forward(as_given(x, part.context.library), **flags)
    return as_numbers(result[0] if isinstance(result, tuple | list) else result)


def _with_objective(part: NetworkPart) -> NetworkPart:
    """Return a network with what its loss is.

    What its step returns; else its own loss, applied to its own outputs; else the one
    of the usual losses that its step belongs to, and where it belongs to none the
    first that fits its outputs.
    """
    rng = np.random.default_rng(8)
    case = part.case(rng, 7)
    thing = part.loaded(case)
    result = part.stepped(thing, case)
    try:
        _number(result)
    except TypeError:
        pass
    else:
        return part
    names = part.context.names

    def has_both(value: Any) -> bool:
        found = method_names(value)
        forward = names.method("forward", found)
        return bool(
            names.method("backward", found)
            and forward
            and len(required(getattr(value, forward))) == 2
        )

    if parts_within(thing, has_both):
        return replace(
            part,
            objective=lambda p, t, c: _own_loss(p, t, c, has_both),
            about="its own loss",
        )
    return _with_usual(part)


def _own_loss(
    part: NetworkPart, thing: Any, case: Case, wanted: Callable[[Any], bool]
) -> Any:
    (loss, *_) = parts_within(thing, wanted)
    y = _outputs_of(part, thing, case.arrays["input"], case.seed)
    given = as_given(y, part.context.library)
    targets = as_given(np.asarray(case.targets), part.context.library)
    return as_numbers(part.method(loss, "forward")(given, targets)).sum()


def _of_outputs(
    value: Callable[[np.ndarray, np.ndarray], float],
) -> Callable[[Any, Any, Case], float]:
    def objective(part: Any, thing: Any, case: Case) -> float:
        y = _outputs_of(part, thing, case.arrays["input"], case.seed)
        return value(_rows(y, part.axis), _target_rows(y, case, part))

    return objective


def _rows(y: np.ndarray, axis: int) -> np.ndarray:
    rows = y if axis == 0 else y.T
    return rows.reshape(rows.shape[0], -1)


def _target_rows(y: np.ndarray, case: Case, part: NetworkPart) -> np.ndarray:
    rows = _rows(y, part.axis)
    if part.targets == "indices":
        return np.eye(rows.shape[1])[np.asarray(case.targets)]
    return _rows(np.asarray(case.targets), part.axis if case.targets.ndim > 1 else 0)


def _entropy(p: np.ndarray, t: np.ndarray) -> float:
    return float(-(t * np.log(np.maximum(p, TINY))).sum())


def _logits_entropy(z: np.ndarray, t: np.ndarray) -> float:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return _entropy(e / e.sum(axis=1, keepdims=True), t)


def _binary(p: np.ndarray, t: np.ndarray) -> float:
    return _entropy(p, t) + _entropy(1 - p, 1 - t)


def _squares(y: np.ndarray, t: np.ndarray) -> float:
    return float(((y - t) ** 2).sum())


USUAL = (
    ("the mean cross-entropy of its outputs", _entropy, "rows"),
    ("the mean cross-entropy of its outputs' softmax", _logits_entropy, "rows"),
    ("the mean binary cross-entropy of its outputs", _binary, "rows"),
    ("the mean squared error", _squares, "entries"),
    ("half the mean squared error", _squares, "half rows"),
    ("the cross-entropy of its outputs, summed", _entropy, "one"),
    ("the cross-entropy of its outputs' softmax, summed", _logits_entropy, "one"),
    ("the binary cross-entropy of its outputs, summed", _binary, "one"),
    ("half the squared error, summed", _squares, "half"),
    ("the squared error, summed", _squares, "one"),
    ("the squared error, the samples' mean", _squares, "rows"),
)
"""Losses that a network may be trained on without saying so."""


def _with_usual(part: NetworkPart) -> NetworkPart:
    fitting: list[NetworkPart] = []
    for about, value, share in USUAL:
        objective = _of_outputs(_shared(value, share))
        tried = replace(part, objective=objective, about=about)
        case = part.case(np.random.default_rng(9), 7)
        y = _outputs_of(part, part.loaded(case), case.arrays["input"], 0)
        rows = _rows(y, part.axis)
        summed = np.allclose(rows.sum(axis=1), 1) and rows.shape[1] > 1
        within = rows.min() > 0 and rows.max() < 1
        suits: dict[Any, bool] = {
            _entropy: summed,
            _logits_entropy: not within,
            _binary: within and not summed,
        }
        if not suits.get(value, True):
            continue
        fitting.append(tried)
        if _agrees(tried, case):
            return tried
    return fitting[0]


def _shared(
    value: Callable[[np.ndarray, np.ndarray], float], share: str
) -> Callable[[np.ndarray, np.ndarray], float]:
    def shared(y: np.ndarray, t: np.ndarray) -> float:
        by = {"rows": len(y), "entries": y.size, "half rows": 2 * len(y), "half": 2}
        return value(y, t.reshape(y.shape)) / by.get(share, 1)

    return shared


def _agrees(part: NetworkPart, case: Case) -> bool:
    """Return whether a step goes down a loss: along one direction of each parameter."""
    rng = np.random.default_rng(10)
    claimed = part.claims([(case, np.ones(()))]).gradients
    for path in part.parameters:
        gradient = claimed[path]
        direction = rng.normal(size=case.arrays[path].shape)
        up, down = (
            float(
                part.outputs(
                    replace(
                        case,
                        arrays=case.arrays | {path: case.arrays[path] + h * direction},
                    )
                )
            )
            for h in (1e-5, -1e-5)
        )
        slope = (up - down) / 2e-5
        if gradient is None or abs((gradient * direction).sum() - slope) > 1e-5 * max(
            1.0, abs(slope)
        ):
            return False
    return True
