"""What the things in a sheet are: by their signatures, and by trying them."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, Literal, TypeAlias, get_args

from layerwise.errors import InputError
from layerwise.model import Loss
from layerwise.sheets.reading import (
    Sheet,
    backward_of,
    is_bias,
    is_weight,
    loaded_torch,
    returned_names,
)
from layerwise.sheets.recognising._building import positional, required
from layerwise.sheets.recognising._forms import (
    deriving_flag,
    is_loss_like,
    is_of_autograd,
    of_static_methods,
    returns_pullback,
)
from layerwise.sheets.recognising._functions import find_function
from layerwise.sheets.recognising._layers import LayerPart, UpdatePart, find_layer
from layerwise.sheets.recognising._losses import find_loss
from layerwise.sheets.recognising._networks import network_methods
from layerwise.sheets.recognising._objectives import find_network
from layerwise.sheets.recognising._optimisers import (
    DescentPart,
    find_descent,
    is_descent,
)
from layerwise.sheets.recognising._parts import (
    Builder,
    Context,
    Part,
    best_of,
    method_names,
)
from layerwise.sheets.recognising._scalars import find_scalar, is_scalar_like
from layerwise.wording import listed

__all__ = ["KINDS", "Kind", "Unread", "can_be", "is_own_form", "kind_of", "own_forms",
    "own_things", "parts_of", "recognised", "refused",
]  # fmt: skip

Kind: TypeAlias = Literal["layer", "loss", "update", "network", "function", "scalar"]
KINDS: tuple[Kind, ...] = get_args(Kind)

NEEDED = {
    "layer": "forward(x) and backward(gradient)",
    "loss": "forward(outputs, targets) and backward()",
    "update": "update(learning_rate) beside forward(x) and backward(gradient)",
    "network": "training_step(x, y, learning_rate), or loss(x, y) and gradients",
    "function": "NAME_backward(gradient, cache) or NAME_derivative(x) beside it",
    "scalar": "a class of numbers with data, grad and backward()",
}
"""What each kind must have."""


@dataclass(frozen=True)
class Unread:
    """Something that looks like a part, and what it raised when called as one."""

    name: str
    kind: Kind
    error: Exception

    @property
    def said(self) -> str:
        """What it looks like, with its article."""
        return _with_article(self.kind)


def is_own_form(thing: Any, kind: Kind | None = None) -> bool:
    """Return whether something is a layer or loss of layerwise's own form.

    It is none where its kind is told, and is another one.
    """
    if kind not in (None, "layer", "loss"):
        return False
    if isinstance(thing, Loss) or (isinstance(thing, type) and issubclass(thing, Loss)):
        return True
    forward = getattr(thing, "forward", None)
    return bool(forward) and [p.name for p in positional(forward)][:1] == ["params"]


def own_forms(sheet: Sheet) -> dict[str, type]:
    """Return a sheet's classes that are layers or losses of layerwise's own form."""
    return {
        name: value
        for name, value in own_things(sheet).items()
        if isinstance(value, type) and is_own_form(value)
    }


def own_things(sheet: Sheet) -> dict[str, Any]:
    """Return the classes and functions that a sheet defines."""
    return {
        name: value
        for name, value in sheet.namespace.items()
        if sheet.defined_here(value)
        and getattr(value, "__name__", "") == name
        and isinstance(value, type | FunctionType)
    }


def parts_of(context: Context) -> tuple[list[Part | Unread], list[str]]:
    """Return the parts that a sheet defines, and the names of what is no part."""
    sheet = context.sheet
    found: list[Part | Unread] = []
    none: list[str] = []
    taken: set[str] = set()
    things = own_things(sheet)
    own = {name: value for name, value in things.items() if not is_own_form(value)}
    for name, value in own.items():
        if name in taken:
            continue
        kind = kind_of(name, value, context)
        parts = [] if kind is None else recognised(name, kind, context)
        found += [p for p in parts if not _is_base(p, value, own)]
        for part in parts:
            taken |= set(part.code) if isinstance(part, Part) else {name}
        if not parts and not name.startswith("_"):
            none.append(name)
    return found, [name for name in none if name not in taken]


def _is_base(part: Part | Unread, value: Any, own: dict[str, Any]) -> bool:
    """Return whether something that does not run is only there to be inherited."""
    return isinstance(part, Unread) and any(
        isinstance(value, type)
        and isinstance(other, type)
        and other is not value
        and issubclass(other, value)
        for other in own.values()
    )


def kind_of(name: str, value: Any, context: Context) -> Kind | None:
    """Return what something is by its signature; None where that says nothing."""
    if isinstance(value, type):
        return _kind_of_class(value, context)
    sheet = context.sheet
    partner = _partner(name, sheet)
    if not _takes_input(value):
        partner = None
    if is_loss_like(value) and (partner or _returns_two(name, sheet)):
        return "loss"
    if is_descent(name, value):
        return "update"
    if returns_pullback(sheet.definition(name)):
        return "function"
    return "function" if partner or deriving_flag(value) else None


def can_be(name: str, value: Any, kind: Kind, context: Context) -> bool:
    """Return whether something has what a kind must have, whatever it looks like."""
    if not isinstance(value, type):
        if kind == "function":
            found = kind_of(name, value, context)
            return found == "function" or _partner(name, context.sheet) is not None
        return kind in ("loss", "update")
    names, methods = context.names, method_names(value)
    roles = {"update": ("forward", "backward", "update")}
    if kind == "network":
        return bool(network_methods(value, names))
    if kind == "scalar" or is_descent(name, value):
        return True
    needed = roles.get(kind, ("forward", "backward"))
    return all(names.method(role, methods) for role in needed)


def _takes_input(function: Any) -> bool:
    """Return whether a function's first argument may be an input, not a parameter."""
    names = required(function)
    if len(names) < 2:
        return len(names) == 1
    return not (is_weight(names[0]) or is_bias(names[0]))


def _kind_of_class(cls: Any, context: Context) -> Kind | None:
    names = context.names
    found = method_names(cls)
    if is_descent(cls.__name__, cls):
        return "update"
    if network_methods(cls, names) and not is_scalar_like(cls):
        return "network"
    if is_scalar_like(cls):
        return "scalar"
    forward = names.method("forward", found)
    if not (forward and names.method("backward", found)):
        return None
    if is_of_autograd(cls) or of_static_methods(cls, names):
        return "loss" if is_loss_like(getattr(cls, forward)) else "function"
    kinds: dict[int, Kind] = {1: "layer", 2: "loss"}
    return kinds.get(len(required(getattr(cls, forward))))


def _returns_two(name: str, sheet: Sheet) -> bool:
    return len(returned_names(sheet.definition(name))) == 2


def recognised(
    name: str, kind: Kind, context: Context, ways: Sequence[Builder] | None = None
) -> list[Part | Unread]:
    """Return something as a part of a kind, with its update where it has one."""
    sheet = context.sheet
    partner = _partner(name, sheet) or name
    finders: dict[str, Callable[[Context], Part]] = {
        "layer": lambda c: find_layer(name, c, ways),
        "update": lambda c: _update(name, c, ways),
        "network": lambda c: find_network(name, c, ways),
        "loss": lambda c: find_loss(name, partner, c, ways),
        "function": lambda c: find_function(name, partner, c),
        "scalar": lambda c: find_scalar(name, c),
    }

    def computing_with(library: str) -> tuple[Part, float]:
        return finders[kind](replace(context, library=library)), 1.0

    try:
        part = best_of(_libraries(sheet), computing_with, sheet)
    except Exception as error:
        return [Unread(name, kind, error)]
    updates = _updates(part)
    if kind != "update" or isinstance(part, DescentPart):
        return [part, *updates]
    return updates or [Unread(name, kind, TypeError("no update(learning_rate)"))]


def _update(name: str, context: Context, ways: Sequence[Builder] | None) -> Part:
    """Return an update by itself, or the layer that has one."""
    value = context.sheet.namespace[name]
    if not isinstance(value, type) or is_descent(name, value):
        return find_descent(name, context, ways)
    return find_layer(name, context, ways)


def _updates(part: Part) -> list[Part | Unread]:
    """Return a layer's update as a part of its own."""
    if not isinstance(part, LayerPart) or not part.parameters:
        return []
    thing = part.made()
    update = part.context.names.method("update", method_names(thing))
    if update is None or len(required(getattr(thing, update))) > 1:
        return []
    return [UpdatePart(f"{part.name}.{update}", part.context, layer=part)]


def _partner(name: str, sheet: Sheet) -> str | None:
    """Return the function that a function's derivative stands in, None if none does."""
    functions = [n for n, v in sheet.namespace.items() if isinstance(v, FunctionType)]
    return backward_of(name, functions)


def _libraries(sheet: Sheet) -> list[str]:
    """Return the libraries that a sheet may compute with, the likelier first."""
    of = (
        value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", "")
        for value in sheet.namespace.values()
        if inspect.ismodule(value) or callable(value)
    )
    uses = any(str(name).partition(".")[0] == "torch" for name in of)
    return ["torch", "numpy"] if uses and loaded_torch() else ["numpy"]


def refused(
    name: str, seen: Iterable[str] = (), kind: Kind | None = None
) -> InputError:
    """Return the error for what is nothing that can be checked, with what is needed.

    ``seen`` is what there is, ``kind`` what it was said to be.
    """
    found = f" (it defines {listed(list(seen))})" if seen else ""
    if kind is None:
        each = "; ".join(f"{one}: {needs}" for one, needs in NEEDED.items())
        needed = f"nothing that can be checked{found}. Needed is, for a {each}"
    else:
        needed = f"no {kind} that can be checked{found}: {_with_article(kind)} needs "
        needed += NEEDED[kind]
    return InputError(
        f"{name} is {needed}. Where these have other names, say so: "
        "--names forward=NAME,backward=NAME"
    )


def _with_article(kind: Kind) -> str:
    return f"{'an' if kind == 'update' else 'a'} {kind}"
