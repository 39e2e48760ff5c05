"""A forward pass watched: what each chosen module gives, after its activation.

A module's activation need not be a module: ``F.relu(self.fc1(x))``, one ``nn.ReLU``
used four times and ``x.relu_()`` are all common. So the chosen modules' outputs are
taken by forward hooks, and the functions that are then called with those very tensors
are watched by a ``TorchFunctionMode``. Normalisation, dropout, pooling and changes of
shape may stand between a module and its activation. Outputs are kept by reference; one
that is about to be changed in place by anything else is copied first.
"""

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from layerwise.modules._functions import (
    ACTIVATIONS,
    CARRIERS,
    CURVED,
    ENDS,
    IN_PLACE,
    PRODUCTS,
)

__all__ = ["Arguments", "Key", "Watched", "evaluation", "first_tensor", "watched"]


ASKED = frozenset({"__get__", "dim", "is_floating_point", "numel", "size"})
"""What is asked of tensors and makes none."""


class Key(NamedTuple):
    """A module, and how many times it has been used before in the same pass."""

    module: str
    use: int


class Arguments(NamedTuple):
    """What a module is called with."""

    positional: tuple[Any, ...]
    named: Mapping[str, Any]

    def values(self) -> tuple[Any, ...]:
        """Return all of it, without names."""
        return (*self.positional, *self.named.values())


class _Value(NamedTuple):
    """What a module gives, as far as the pass has come."""

    tensor: Tensor
    version: int
    activated: bool


@dataclass(frozen=True)
class Watched:
    """What a forward pass gave.

    Parameters
    ----------
    answer : object
        The tensor that says the classes, or None.
    values : dict of Key to Tensor
        In the order in which modules were through.
    ends : str
        ``logits`` or ``probabilities``: whether the answer is one of a softmax or a
        sigmoid, as far as could be seen.
    origin : Key or None
        The chosen module of which the answer is, but for its shape and a softmax.
    changed : bool
        Whether some value was changed after it had been taken, unseen: the pass has to
        be repeated with ``copy``.
    """

    answer: Any
    values: dict[Key, Tensor]
    ends: str = "logits"
    origin: Key | None = None
    changed: bool = False


def watched(
    module: nn.Module,
    chosen: Mapping[str, nn.Module],
    arguments: Arguments,
    answer: Callable[[Any], Any],
    *,
    copy: bool = False,
) -> Watched:
    """Run a module once, and return what the chosen ones among its modules gave.

    Every module is put into evaluation mode and back into its own; no gradient is
    recorded; hooks are gone afterwards, whatever happens.

    Parameters
    ----------
    module : nn.Module
    chosen : mapping of str to nn.Module
        By name.
    arguments : Arguments
    answer : callable
        From the output to the tensor that says the classes, or None.
    copy : bool
        Copy every value as soon as it is there.
    """
    watch = _Watch(copy)
    with ExitStack() as stack:
        for context in (evaluation(module), plainly(module), torch.no_grad()):
            stack.enter_context(context)
        for name, child in chosen.items():
            stack.callback(child.register_forward_hook(watch.hook(name)).remove)
        for child in module.modules():
            if child is not module and is_opaque(child):
                before = child.register_forward_pre_hook(watch.entering)
                after = child.register_forward_hook(watch.leaving)
                stack.callback(before.remove)
                stack.callback(after.remove)
        stack.enter_context(watch)
        output = module(*arguments.positional, **arguments.named)
    return watch.result(answer(output))


class _Frame(NamedTuple):
    """A custom module that is being passed: what went in, and what was called in it."""

    module: nn.Module
    tensor: Tensor
    called: set[str]


class _Watch(TorchFunctionMode):
    """Follows the chosen modules' outputs through the functions they are given to."""

    def __init__(self, copy: bool) -> None:
        super().__init__()
        self._copy = copy
        self._uses: Counter[str] = Counter()
        self._values: dict[Key, _Value] = {}
        # Tensors are known by their id, and kept alive so that no id is used again.
        self._keys: dict[int, tuple[Key, ...]] = {}
        self._ends: dict[int, str] = {}
        self._alive: list[Tensor] = []
        self._frames: list[_Frame] = []

    def hook(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        """Return the forward hook that takes a module's output."""

        def take(_module: nn.Module, _arguments: Any, output: Any) -> None:
            tensor = first_tensor(output)
            if tensor is None:
                return
            key = Key(name, self._uses[name])
            self._uses[name] += 1
            self._values[key] = self._value(tensor)
            self._follow(tensor, (*self._keys.get(id(tensor), ()), key))

        return take

    def entering(self, module: nn.Module, arguments: tuple[Any, ...]) -> None:
        """Note that a custom module is entered: its functions are not followed."""
        tensor = arguments[0] if arguments else None
        placeholder = tensor if isinstance(tensor, Tensor) else torch.empty(0)
        self._frames.append(_Frame(module, placeholder, set()))

    def leaving(self, module: nn.Module, _arguments: Any, output: Any) -> None:
        """Note what a custom module was: normalisation, activation, or neither."""
        frame = self._frames.pop()
        keys = self._keys.get(id(frame.tensor), ())
        if not keys or not isinstance(output, Tensor) or output is frame.tensor:
            return
        if is_norm(module):
            self._follow(output, keys)
        elif (
            frame.called & (ACTIVATIONS | CURVED) and output.shape == frame.tensor.shape
        ):
            self._activate(output, keys)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call a function, and follow what it does to values."""
        del types
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in ASKED:
            return func(*args, **kwargs)
        given = [one for one in args[:2] if isinstance(one, Tensor)]
        if not given:
            return func(*args, **kwargs)
        called = name if name.endswith("__") else name.rstrip("_")
        keys = self._keys.get(id(given[0]), ())
        activates = self._activates(called, given, keys)
        changes = name in IN_PLACE or called != name or kwargs.get("inplace", False)
        if changes and keys and not activates and called not in CARRIERS:
            self._settle(given[0], keys)
        result = func(*args, **kwargs)
        if self._frames:
            self._frames[-1].called.add(called)
        if isinstance(result, Tensor):
            self._note(called, result, keys, activates)
        return result

    def _activates(
        self, called: str, given: list[Tensor], keys: tuple[Key, ...]
    ) -> bool:
        """Return whether this is the first activation of the tensor's modules."""
        if not keys or self._frames:
            return False
        if called in PRODUCTS and len(given) == 2:
            # ``x * torch.sigmoid(x)``: a gate and what it is open for are one module's.
            return self._keys.get(id(given[1]), ()) == keys
        raw = not any(self._values[key].activated for key in keys)
        return called in ACTIVATIONS and raw

    def _note(
        self, called: str, result: Tensor, keys: tuple[Key, ...], activates: bool
    ) -> None:
        if called in ENDS:
            self._ends[id(result)] = ENDS[called]
            self._alive.append(result)
        if not keys or self._frames:
            return
        if activates:
            self._activate(result, keys)
        elif called in CARRIERS or called in ENDS:
            self._follow(result, keys)
            if id(result) not in self._ends and called in CARRIERS:
                self._carry_end(result, keys)

    def _carry_end(self, result: Tensor, keys: tuple[Key, ...]) -> None:
        """Let a reshaped output stay what it was: logits, or probabilities."""
        for key in keys:
            end = self._ends.get(id(self._values[key].tensor))
            if end is not None:
                self._ends[id(result)] = end

    def _follow(self, tensor: Tensor, keys: tuple[Key, ...]) -> None:
        self._keys[id(tensor)] = keys
        self._alive.append(tensor)

    def _activate(self, tensor: Tensor, keys: tuple[Key, ...]) -> None:
        for key in keys:
            self._values[key] = self._value(tensor, activated=True)
        self._follow(tensor, keys)

    def _value(self, tensor: Tensor, *, activated: bool = False) -> _Value:
        kept = tensor.clone() if self._copy else tensor
        return _Value(kept, kept._version, activated)

    def _settle(self, tensor: Tensor, keys: tuple[Key, ...]) -> None:
        """Copy the values that are about to be changed, and follow them no further."""
        storage = tensor.untyped_storage().data_ptr()
        for key in keys:
            value = self._values[key]
            if value.tensor.untyped_storage().data_ptr() == storage:
                kept = value.tensor.clone()
                self._values[key] = _Value(kept, kept._version, value.activated)
        del self._keys[id(tensor)]

    def result(self, answer: Any) -> Watched:
        """Return what was seen."""
        values = self._values.values()
        origin = self._keys.get(id(answer), ())
        return Watched(
            answer=answer,
            values={key: value.tensor for key, value in self._values.items()},
            ends=self._ends.get(id(answer), "logits"),
            origin=origin[-1] if origin else None,
            changed=any(value.tensor._version != value.version for value in values),
        )


def first_tensor(output: Any) -> Tensor | None:
    """Return the first floating tensor of a tuple, a mapping or a record."""
    if isinstance(output, Tensor):
        return output if output.is_floating_point() else None
    if isinstance(output, Mapping):
        output = output.values()
    elif hasattr(output, "__dataclass_fields__"):
        output = vars(output).values()
    elif not isinstance(output, tuple | list):
        return None
    return next((t for t in map(first_tensor, output) if t is not None), None)


def is_norm(module: nn.Module) -> bool:
    """Return whether a module normalises, by its class's name."""
    return "norm" in type(module).__name__.lower()


def is_opaque(module: nn.Module) -> bool:
    """Return whether functions inside a module are its own affair.

    So it is with others' normalisations, and with others' modules without numbers of
    their own: activations, as a rule.
    """
    if type(module).__module__.startswith("torch.nn"):
        return False
    numbers = [*module.parameters(), *module.buffers()]
    return is_norm(module) or not numbers


@contextmanager
def evaluation(module: nn.Module) -> Generator[None]:
    """Put every module into evaluation mode, and back into its own mode afterwards."""
    training = [child for child in module.modules() if child.training]
    for child in training:
        child.training = False
    try:
        yield
    finally:
        for child in training:
            child.training = True


@contextmanager
def plainly(module: nn.Module) -> Generator[None]:
    """Let modules call each other: nothing compiled, no fused transformer layers."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        if is_compiled(module):
            with torch.compiler.set_stance("force_eager"):
                yield
        else:
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def is_compiled(module: nn.Module) -> bool:
    """Return whether some module in it is compiled."""
    return any(
        hasattr(child, "_orig_mod") or vars(child).get("_compiled_call_impl")
        for child in module.modules()
    )
