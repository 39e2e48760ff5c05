"""Which of a module's modules are layers: by default, by name, by type."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from torch import nn

from layerwise.errors import InputError
from layerwise.modules._calling import unwrapped
from layerwise.modules._tracking import NORMS, is_norm
from layerwise.wording import listed

Layers: TypeAlias = str | type | Sequence[str | type]
"""Names, globs of names (``encoder.*``), types (``nn.Linear``), or several of them."""

COMPILED = "_orig_mod"
"""The name of the module inside a compiled one."""

NAMED = 8
"""So many names are said in an error."""


def chosen_modules(
    module: nn.Module, layers: Layers | None = None
) -> dict[str, nn.Module]:
    """Return the modules to look at, by name.

    By default those that have weights of their own, of two axes or more, other than
    normalisations, and no such modules inside them.

    Raises
    ------
    InputError
        If nothing is chosen by one of ``layers``, or there is nothing with weights.
    """
    named = {
        name.replace(f"{COMPILED}.", ""): child
        for name, child in module.named_modules()
        if name and "parametrizations" not in name and not name.endswith(COMPILED)
    }
    named = {name: unwrapped(child) for name, child in named.items()}
    if layers is None:
        found = {name: child for name, child in named.items() if _is_layer(child)}
        if not found and _own_weights(module):
            return {type(module).__name__.lower(): module}
        if not found:
            raise InputError("the module has no layers with weights: choose layers=")
        return found
    wanted = [layers] if isinstance(layers, str | type) else list(layers)
    found: dict[str, nn.Module] = {}
    for one in wanted:
        matching = {n: child for n, child in named.items() if _matches(n, child, one)}
        if not matching:
            raise InputError(_nothing(one, named))
        found |= matching
    return {name: child for name, child in named.items() if name in found}


def _matches(name: str, child: nn.Module, wanted: str | type) -> bool:
    if isinstance(wanted, str):
        return fnmatchcase(name, wanted)
    return isinstance(child, wanted)


def _nothing(wanted: str | type, named: Iterable[str]) -> str:
    names = list(named)
    some = listed(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    what = repr(wanted) if isinstance(wanted, str) else f"type {wanted.__name__}"
    return f"layers={what} chooses nothing: the module has {some}"


def _is_layer(module: nn.Module) -> bool:
    if not _own_weights(module):
        return False
    # Of attention, the weights inside are not called as modules.
    if isinstance(module, nn.MultiheadAttention):
        return True
    inner = [c for n, c in module.named_children() if n != "parametrizations"]
    return not any(_own_weights(d) for child in inner for d in child.modules())


def _own_weights(module: nn.Module) -> bool:
    """Return whether a module holds weights itself, parametrised ones included."""
    if isinstance(module, NORMS) or is_norm(module):
        return False
    own: list[Any] = list(module.parameters(recurse=False))
    for name, child in module.named_children():
        if name == "parametrizations":
            own += child.parameters()
    return any(parameter.ndim >= 2 for parameter in own)
