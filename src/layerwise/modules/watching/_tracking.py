"""A forward pass watched: what each chosen module gives, after its activation.

A module's activation need not be a module: ``F.relu(self.fc1(x))``, one ``nn.ReLU``
used four times and ``x.relu_()`` are all common. So the chosen modules' outputs are
taken by forward hooks, and the functions that are then called with those very tensors
are watched by a ``TorchFunctionMode``. Normalisation, dropout, pooling and changes of
shape may stand between a module and its activation.

A study and a training watch alike. A study says what to keep of an output, which is all
that is held of it. A training keeps outputs by reference, one that is about to be
changed in place by anything else copied first; and it asks for slopes too: what an
activation lets pass, and the gradients that come back.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, MutableMapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from weakref import ref

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from layerwise.modules._calling import CHANNEL_NORMS, plainly
from layerwise.modules.watching._axes import Axes, Call, axis_read
from layerwise.modules.watching._functions import (
    ACTIVATIONS,
    CARRIERS,
    CURVED,
    ELEMENTWISE,
    ENDS,
    IN_PLACE,
    PRODUCTS,
)

NORMS = (*CHANNEL_NORMS, nn.LayerNorm, nn.LocalResponseNorm, nn.RMSNorm)

LIMITS = frozenset({"clamp", "clamp_min", "maximum"})
"""Activations that a normalisation may need so as not to divide by nothing."""

ASKED = frozenset(
    {"__get__", "dim", "is_floating_point", "is_inference", "numel", "size"}
)
"""What is asked of tensors and makes none."""


class Key(NamedTuple):
    """A module, and how many times it has been used before in the same pass."""

    module: str
    use: int


Keep = Callable[[Key, Tensor, Tensor | None], Tensor]
"""What to keep of a use's output; the last is which positions count, where the module
itself says so."""


class _Value(NamedTuple):
    """What a module gives, as far as the pass has come."""

    tensor: Tensor
    version: int
    activated: bool
    axis: int | None
    given: ref[Tensor]
    kept: bool = False


@dataclass(frozen=True)
class Watched:
    """What a forward pass gave.

    Parameters
    ----------
    answer : object
        What was asked of the output: the tensor that says the classes, or None.
    values : dict of Key to Tensor
        In the order in which modules were through; without those that were changed
        after they had been taken, unseen. What was to be kept of them.
    ends : str
        ``logits`` or ``probabilities``: whether the answer is one of a softmax or a
        sigmoid, as far as could be seen.
    origin : Key or None
        The chosen module of which the answer is, but for its shape and a softmax.
    changed : bool
        Whether values are left out so: a pass with ``copy`` has them all.
    slopes : dict of Key to Tensor
        The derivative of every value's activation, where it works entry by entry.
    gradients : dict of Key to Tensor
        By what each module gave, before its activation; there after the way back.
    axes : dict of Key to int
        The axis of every value's features, where the functions that write or read it
        tell.
    activated : frozenset of Key
        Whose values are those after an activation.
    """

    answer: Any
    values: dict[Key, Tensor]
    ends: str
    origin: Key | None
    changed: bool
    slopes: dict[Key, Tensor]
    gradients: dict[Key, Tensor]
    axes: dict[Key, int]
    activated: frozenset[Key]


def watched(  # noqa: PLR0913 - all but four by name
    module: nn.Module,
    chosen: Mapping[str, nn.Module],
    call: Callable[[], Any],
    answer: Callable[[Any], Any] = lambda output: output,
    *,
    copy: bool = False,
    slopes: bool = False,
    whole: bool = False,
    keep: Keep | None = None,
    awaited: Collection[Key] = (),
) -> Watched:
    """Call a module once, and return what the chosen ones among its modules gave.

    Hooks are gone afterwards, whatever happens.

    Parameters
    ----------
    module, chosen
        Without wrappers, and by name.
    call : callable
        Calls the module, wrapped or not.
    answer : callable, optional
        From the output to the tensor that says the classes, or None.
    copy : bool
        Copy every value as soon as it is there.
    slopes : bool
        Note the slopes of activations, and gradients where there is a way back.
    whole : bool
        The chosen modules bring their activations: what they give is not followed.
    keep : callable, optional
        What is kept of every value, as soon as it is there.
    awaited : collection of Key
        Whose activations come: their values are kept then and not before.
    """
    watch = _Watch(copy, slopes, whole, keep, awaited)
    with ExitStack() as stack:
        stack.enter_context(plainly(module))
        for child in module.modules():
            if isinstance(child, nn.RNNBase):
                after = child.register_forward_hook(watch.recurred)
                stack.callback(after.remove)
        for name, child in chosen.items():
            before = child.register_forward_pre_hook(partial(watch.begun, name))
            after = child.register_forward_hook(partial(watch.taken, name))
            stack.callback(before.remove)
            stack.callback(after.remove)
        for child in module.modules():
            if child is not module and is_opaque(child):
                before = child.register_forward_pre_hook(watch.entering)
                after = child.register_forward_hook(watch.leaving)
                stack.callback(before.remove)
                stack.callback(after.remove)
        stack.enter_context(watch)
        output = call()
    return watch.result(answer(output))


class _Frame(NamedTuple):
    """A custom module that is being passed: what went in, and what was called in it."""

    module: nn.Module
    tensor: Tensor
    called: set[str]


class _Watch(TorchFunctionMode):
    """Follows the chosen modules' outputs through the functions they are given to."""

    def __init__(
        self,
        copy: bool,
        slopes: bool,
        whole: bool,
        keep: Keep | None,
        awaited: Collection[Key],
    ) -> None:
        super().__init__()
        self._copy, self._wants_slopes, self._whole = copy, slopes, whole
        self._keep, self._awaited, self._keeping = keep, awaited, False
        self._uses: Counter[str] = Counter()
        self._open: list[Key] = []
        self._values: dict[Key, _Value] = {}
        self._slopes: dict[Key, Tensor] = {}
        self._gradients: dict[Key, Tensor] = {}
        self._keys: MutableMapping[Tensor, tuple[Key, ...]] = WeakTensorKeyDictionary()
        self._ends: MutableMapping[Tensor, str] = WeakTensorKeyDictionary()
        self._frames: list[_Frame] = []
        self._axes = Axes()
        self._read: dict[Key, int] = {}

    def recurred(self, _module: nn.Module, _arguments: Any, output: Any) -> None:
        """Note the axis of a recurrent module's states, which torch does not show."""
        self._axes.say(output, -1)

    def begun(self, name: str, _module: nn.Module, _arguments: Any) -> None:
        """Note that a chosen module is called."""
        self._open.append(Key(name, self._uses[name]))
        self._uses[name] += 1

    def taken(
        self, name: str, _module: nn.Module, _arguments: Any, output: Any
    ) -> None:
        """Take a chosen module's output."""
        key = self._open.pop()
        while key.module != name:  # which raised, and its caller went on
            key = self._open.pop()
        tensor = first_tensor(output)
        if tensor is None:
            return
        packed = first_packed(output) if self._keep else None
        if packed is None:
            self._values[key] = self._value(key, tensor)
        else:
            self._values[key] = self._unpacked(key, packed)
        if self._wants_slopes and tensor.requires_grad:
            # The hook stays with the graph: it goes when the way back has been gone.
            tensor.register_hook(partial(self._gradients.__setitem__, key))
        if not self._whole:
            self._follow(tensor, (*self._keys_of(tensor), key))

    def entering(self, module: nn.Module, arguments: tuple[Any, ...]) -> None:
        """Note that a custom module is entered: its functions are not followed."""
        tensor = arguments[0] if arguments else None
        placeholder = tensor if isinstance(tensor, Tensor) else torch.empty(0)
        self._frames.append(_Frame(module, placeholder, set()))

    def leaving(self, module: nn.Module, _arguments: Any, output: Any) -> None:
        """Note what a custom module was: normalisation, activation, or neither."""
        frame = self._frames.pop()
        keys = self._keys_of(frame.tensor)
        if not keys or not isinstance(output, Tensor) or output is frame.tensor:
            return
        normalises = is_norm(module)
        curved = ACTIVATIONS - LIMITS if normalises else ACTIVATIONS | CURVED
        if frame.called & curved and output.shape == frame.tensor.shape:
            self._activate(output, keys)
        elif normalises:
            self._follow(output, keys)

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
        if name in ASKED or self._keeping:
            return func(*args, **kwargs)
        called = name if name.endswith("__") else name.rstrip("_")
        changes = name in IN_PLACE or called != name or kwargs.get("inplace", False)
        call = Call(func, called, args, kwargs)
        keys, activates = self._before(call, changes)
        result = func(*args, **kwargs)
        self._axes.follow(call, result)
        if self._frames:
            self._frames[-1].called.add(called)
        if isinstance(result, Tensor):
            self._note(called, result, keys, activates)
        return result

    def _before(self, call: Call, changes: bool) -> tuple[tuple[Key, ...], bool]:
        """Return whose values a function is given, and whether it is their activation.

        What the call changes in place, where it does, is noted before.
        """
        given = [one for one in call.args[:2] if isinstance(one, Tensor)]
        if not given:
            return (), False
        keys = self._keys_of(given[0])
        activates = self._activates(call.name, given, keys)
        if changes and keys and not activates:
            self._settle(keys, given[0])
            if call.name not in CARRIERS:
                self._keys.pop(given[0], None)
        if self._wants_slopes and (activates or not keys):
            self._note_slope(call, keys)
        read = axis_read(call, given[0]) if keys else None
        for key in keys:
            if read is not None and self._values[key].given() is given[0]:
                self._read.setdefault(key, read)
        return keys, activates

    def _activates(
        self, called: str, given: list[Tensor], keys: tuple[Key, ...]
    ) -> bool:
        """Return whether this is the first activation of the tensor's modules."""
        if not keys or self._frames:
            return False
        if called in PRODUCTS and len(given) == 2:
            # ``x * torch.sigmoid(x)``: a gate and what it is open for are one module's.
            return self._keys_of(given[1]) == keys
        raw = not any(self._values[key].activated for key in keys)
        return called in ACTIVATIONS and raw

    def _note_slope(self, call: Call, keys: tuple[Key, ...]) -> None:
        """Note an activation's derivative for the modules whose activation it is.

        For what was called inside a chosen module, on what none has given yet, that is
        the module itself, and of several the first.
        """
        for key in keys:
            self._slopes.pop(key, None)  # a gate's, before the product
        inside = self._open[-1:] if not keys else []
        if call.name not in ELEMENTWISE or self._frames or not (keys or inside):
            return
        with torch.enable_grad():
            x = call.args[0].detach().requires_grad_()
            # A copy of it, since no leaf may be changed in place.
            outputs = call.func(x.clone(), *call.args[1:], **call.kwargs)
            (slopes,) = torch.autograd.grad(outputs.sum(), x)
        for key in (*keys, *inside):
            self._slopes.setdefault(key, slopes)

    def _note(
        self, called: str, result: Tensor, keys: tuple[Key, ...], activates: bool
    ) -> None:
        if called in ENDS:
            self._ends[result] = ENDS[called]
        if not keys or self._frames:
            return
        if activates:
            self._activate(result, keys)
        elif called in CARRIERS or called in ENDS:
            self._follow(result, keys)
            if result not in self._ends:
                self._carry_end(result, keys)

    def _carry_end(self, result: Tensor, keys: tuple[Key, ...]) -> None:
        """Let a reshaped output stay what it was: logits, or probabilities."""
        for key in keys:
            given = self._values[key].given()
            if given is not None and given in self._ends:
                self._ends[result] = self._ends[given]

    def _keys_of(self, value: Any) -> tuple[Key, ...]:
        return self._keys.get(value, ()) if isinstance(value, Tensor) else ()

    def _follow(self, tensor: Tensor, keys: tuple[Key, ...]) -> None:
        self._keys[tensor] = keys

    def _activate(self, tensor: Tensor, keys: tuple[Key, ...]) -> None:
        for key in keys:
            self._values[key] = self._value(key, tensor, activated=True)
        self._follow(tensor, keys)

    def _value(self, key: Key, tensor: Tensor, *, activated: bool = False) -> _Value:
        axis = self._axes.of(tensor)
        if self._keep and (activated or key not in self._awaited):
            kept = self._kept(key, tensor, None)
            return _Value(kept, version_of(kept), activated, axis, ref(tensor), True)
        # Of tensors of the inference mode no change can be seen afterwards.
        held = tensor.clone() if self._copy or tensor.is_inference() else tensor
        return _Value(held, version_of(held), activated, axis, ref(tensor))

    def _unpacked(self, key: Key, packed: PackedSequence) -> _Value:
        """Return what a recurrent module gives for sequences of several lengths."""
        self._keeping = True
        try:
            tensor, lengths = pad_packed_sequence(packed, batch_first=True)
            counts = torch.arange(tensor.shape[1]) < lengths[:, None]
        finally:
            self._keeping = False
        kept = self._kept(key, tensor, counts.to(tensor.device))
        axis = tensor.ndim - 1
        return _Value(kept, version_of(kept), False, axis, ref(packed.data), True)

    def _kept(self, key: Key, tensor: Tensor, counts: Tensor | None) -> Tensor:
        """Return what is to be kept of a value; its functions are not followed."""
        assert self._keep is not None
        self._keeping = True
        try:
            with torch.no_grad():
                return self._keep(key, tensor.detach(), counts)
        finally:
            self._keeping = False

    def _settle(self, keys: tuple[Key, ...], tensor: Tensor) -> None:
        """Copy the values that are about to be changed with a tensor."""
        for key in keys:
            value = self._values[key]
            if not value.kept and share_storage(value.tensor, tensor):
                kept = value.tensor.clone()
                self._values[key] = value._replace(
                    tensor=kept, version=version_of(kept)
                )

    def result(self, answer: Any) -> Watched:
        """Return what was seen."""
        origin, ends = self._keys_of(answer), "logits"
        if isinstance(answer, Tensor):
            ends = self._ends.get(answer, ends)
        values = {
            key: value.tensor
            if value.kept or not self._keep
            else self._kept(key, value.tensor, None)
            for key, value in self._values.items()
            if version_of(value.tensor) == value.version
        }
        return Watched(
            answer=answer,
            values=values,
            ends=ends,
            origin=origin[-1] if origin else None,
            changed=len(values) < len(self._values),
            slopes=self._slopes,
            gradients=self._gradients,
            # As it was written, else as it is read.
            axes=self._read
            | {k: v.axis for k, v in self._values.items() if v.axis is not None},
            activated=frozenset(k for k, v in self._values.items() if v.activated),
        )


def version_of(tensor: Tensor) -> int:
    """Return how often a tensor was changed in place; 0 where torch does not count."""
    return 0 if tensor.is_inference() else tensor._version


def share_storage(one: Tensor, other: Tensor) -> bool:
    """Return whether a change of one tensor may be one of the other."""
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def first_packed(output: Any) -> PackedSequence | None:
    """Return the sequences of several lengths that a module gives, if it does."""
    if isinstance(output, PackedSequence):
        return output
    first = isinstance(output, tuple | list) and output and output[0]
    return first if isinstance(first, PackedSequence) else None


def first_tensor(output: Any) -> Tensor | None:
    """Return the first floating tensor of a tuple, a mapping or a record."""
    if isinstance(output, Tensor):
        real = output.is_floating_point() or output.is_quantized
        return output if real else None
    if isinstance(output, Mapping):
        output = output.values()
    elif hasattr(output, "__dataclass_fields__"):
        output = vars(output).values()
    elif not isinstance(output, tuple | list):
        return None
    return next((t for t in map(first_tensor, output) if t is not None), None)


def is_norm(module: nn.Module) -> bool:
    """Return whether a module normalises and does nothing else.

    Others' normalisations are known by their name, as far as they have no modules
    inside and no matrix of weights: a block of a convolution, a normalisation and an
    activation may have it in its name too.
    """
    if any(True for _ in module.children()):
        return False
    if isinstance(module, NORMS):
        return True
    maps = any(max(p.shape, default=1) < p.numel() for p in module.parameters())
    return "norm" in type(module).__name__.lower() and not maps


QUANTISED = "torch.ao.nn"
"""Where torch's quantised modules are from."""


def is_quantised(module: nn.Module) -> bool:
    """Return whether a module has quantised weights, which are no parameters."""
    if not type(module).__module__.startswith(QUANTISED):
        return False
    held = callable(getattr(module, "weight", None))
    return held or hasattr(module, "_all_weight_values")


def is_opaque(module: nn.Module) -> bool:
    """Return whether functions inside a module are its own affair.

    So it is with others' normalisations, and with others' modules without numbers of
    their own: activations, as a rule.
    """
    if type(module).__module__.startswith(("torch.nn", QUANTISED)):
        return False
    numbers = [*module.parameters(), *module.buffers()]
    return is_norm(module) or not numbers
