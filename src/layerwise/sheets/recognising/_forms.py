"""The forms in which a function's gradient stands beside it."""

import ast
import inspect
import re
from collections.abc import Callable
from typing import Any

from layerwise.sheets.reading import Names, is_target, loaded_torch
from layerwise.sheets.recognising._building import positional, required

__all__ = [
    "backward_function", "deriving_flag", "forward_function", "is_loss_like",
    "is_of_autograd", "of_static_methods", "returns_pullback",
]  # fmt: skip

DERIVING = r"deriv\w*|grad\w*|backward|prime|der|diff"


def deriving_flag(function: Any) -> str | None:
    """Return the argument that asks a function for its derivative, where one does."""
    names = [p.name for p in positional(function) if p.default is False]
    return next((name for name in names if re.fullmatch(DERIVING, name.lower())), None)


def is_loss_like(function: Any) -> bool:
    """Return whether a function takes outputs and targets."""
    wanted = required(function)
    if len(wanted) < 2:
        return False
    return is_target(wanted[1]) or bool(
        re.fullmatch(r"y_?true|t|targets?|labels?|truth", wanted[0].lower())
    )


def returns_pullback(definition: ast.AST | None) -> bool:
    """Return whether a function returns, beside its output, a function of its own."""
    if not isinstance(definition, ast.FunctionDef):
        return False
    own = {n.name for n in definition.body if isinstance(n, ast.FunctionDef)}
    for node in definition.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            own |= {ast.unparse(target) for target in node.targets}
    returned = [n.value for n in definition.body if isinstance(n, ast.Return)]
    return any(
        isinstance(value, ast.Tuple)
        and len(value.elts) == 2
        and (isinstance(value.elts[1], ast.Lambda) or ast.unparse(value.elts[1]) in own)
        for value in returned
    )


def of_static_methods(cls: type, names: Names) -> bool:
    """Return whether a class only holds a forward and a backward function."""
    found = (names.method(role, dir(cls)) for role in ("forward", "backward"))
    return all(
        one is not None and isinstance(inspect.getattr_static(cls, one), staticmethod)
        for one in found
    )


def is_of_autograd(thing: Any) -> bool:
    """Return whether something is a ``torch.autograd.Function``."""
    torch = loaded_torch()
    return (
        torch is not None
        and isinstance(thing, type)
        and issubclass(thing, torch.autograd.Function)
    )


def forward_function(thing: Any, names: Names) -> Callable[..., Any]:
    """Return a function, or that of a class which holds one."""
    if not isinstance(thing, type):
        return thing
    if not is_of_autograd(thing):
        return getattr(thing, str(names.method("forward", dir(thing))))

    def applied(*given: Any) -> Any:
        return thing.apply(*given)  # type: ignore[attr-defined]

    own = inspect.signature(thing.forward)  # type: ignore[attr-defined]
    without = 0 if "setup_context" in vars(thing) else 1
    wanted = list(own.parameters.values())[without:]
    applied.__signature__ = own.replace(parameters=wanted)  # type: ignore[attr-defined]
    return applied


def backward_function(thing: Any, names: Names) -> Callable[..., Any]:
    """Return a function, or the backward one of a class that holds both."""
    if not isinstance(thing, type):
        return thing
    return getattr(thing, str(names.method("backward", dir(thing))))
