"""Which of a module's modules are layers: by default, by name, by type."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from torch import nn

from layerwise.errors import InputError
from layerwise.modules._calling import unwrapped
from layerwise.modules.watching._tracking import NORMS, is_norm, is_quantised
from layerwise.wording import listed

Layers: TypeAlias = str | type | Sequence[str | type]
"""Names, globs of names (``encoder.layer.*``), types (``nn.Linear``), or several of
them; ``weights`` for all modules that have weights."""

COMPILED = "_orig_mod"
"""The name of the module inside a compiled one."""

WEIGHTS = "weights"
"""What to ask for instead of a name, for every module with weights."""

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
"""What blocks are kept in, one after another."""

ATTRIBUTES = 3
"""So many modules of one class that are not in a container are blocks: Inception's."""

NAMED = 8
"""So many names are said in an error."""


def chosen_modules(
    module: nn.Module, layers: Layers | None = None, without: Collection[str] = ()
) -> dict[str, nn.Module]:
    """Return the modules to look at, by name.

    By default blocks, and what has weights outside of them; see `inside_blocks`. What
    has weights is a module with weights of its own, of two axes or more, other than
    normalisations, and no such modules inside it. Those in ``without`` are no blocks.

    Raises
    ------
    InputError
        If nothing is chosen by one of ``layers``, or there is nothing with weights.
    """
    named = _named(module)
    wanted = _wanted(layers)
    if not wanted or (wanted == [WEIGHTS] and WEIGHTS not in named):
        found = {name: child for name, child in named.items() if _is_layer(child)}
        if not found and _own_weights(module):
            return {type(module).__name__.lower(): module}
        if not found:
            raise InputError("the module has no layers with weights: choose layers=")
        blocks = {} if wanted else inside_blocks(module, without)
        inside = {name for names in blocks.values() for name in names}
        found = (found.keys() - inside) | blocks.keys()
        return {name: child for name, child in named.items() if name in found}
    chosen: set[str] = set()
    for one in wanted:
        # A use of a module, ``act#2``, is chosen once its uses have been counted.
        name = one.partition("#")[0] if isinstance(one, str) else one
        matching = {n for n, child in named.items() if _matches(n, child, name)}
        if not matching:
            raise InputError(_nothing(one, named))
        chosen |= matching
    return {name: child for name, child in named.items() if name in chosen}


def is_asked_for(
    layer: str, module: str, child: nn.Module, layers: Layers | None
) -> bool:
    """Return whether one use of a chosen module was asked for.

    The ``layer`` is the use's name: ``act#2``, or the module's where it is used once.
    """
    wanted = _wanted(layers)
    return not wanted or any(
        _matches(layer if isinstance(one, str) and "#" in one else module, child, one)
        or one == WEIGHTS
        for one in wanted
    )


def refuse_other_uses(layers: Layers | None, found: Collection[str]) -> None:
    """Raise an error for uses that were asked for and are not among those found."""
    for one in _wanted(layers):
        if isinstance(one, str) and "#" in one:
            if any(_fits(name, one) for name in found):
                continue
            name = one.partition("#")[0]
            uses = [use for use in found if _fits(use.partition("#")[0], name)]
            there = (
                f"there is {listed(uses[:NAMED])}" if uses else f"{name} is not used"
            )
            raise InputError(f"layers={one!r} chooses nothing: {there}")


def inside_blocks(
    module: nn.Module, without: Collection[str] = ()
) -> dict[str, list[str]]:
    """Return a module's blocks by name, with what has weights inside them.

    A block is a module with two or more of those inside, in a ``ModuleList``, or of a
    class that is repeated: in containers (`CONTAINERS`), which may lie in each other,
    or three times side by side; and any other beside one. Of blocks in blocks the
    outermost count.
    """
    named = _named(module)
    layers = [name for name, child in named.items() if _is_layer(child)]
    around = {name: named.get(name.rpartition(".")[0], module) for name in named}
    beside: dict[tuple[str, bool], list[str]] = {}
    for name, child in named.items():
        inside = sum(layer.startswith(f"{name}.") for layer in layers)
        plain = type(child) in (*CONTAINERS, nn.Module)
        if inside > 1 and not plain and name not in without:
            place = name.rpartition(".")[0]
            contained = isinstance(around[name], CONTAINERS)
            while type(named.get(place)) in CONTAINERS:
                place = place.rpartition(".")[0]
            beside.setdefault((place, contained), []).append(name)
    in_list = {n for n, parent in around.items() if isinstance(parent, nn.ModuleList)}
    classes: Counter[type] = Counter()
    for (_, contained), names in beside.items():
        own = Counter(type(named[name]) for name in names)
        least = 1 if contained else ATTRIBUTES
        classes.update({kind: n for kind, n in own.items() if n >= least})
    blocks = {
        name
        for names in beside.values()
        if any(classes[type(named[n])] > 1 or n in in_list for n in names)
        for name in names
    }
    outer = [b for b in blocks if not any(b.startswith(f"{o}.") for o in blocks)]
    return {
        name: [layer for layer in layers if layer.startswith(f"{name}.")]
        for name in named
        if name in outer
    }


def _named(module: nn.Module) -> dict[str, nn.Module]:
    """Return every module inside, without wrappers, by name."""
    return {
        name.replace(f"{COMPILED}.", ""): unwrapped(child)
        for name, child in module.named_modules()
        if name and "parametrizations" not in name and not name.endswith(COMPILED)
    }


def _wanted(layers: Layers | None) -> list[str | type]:
    if layers is None:
        return []
    return [layers] if isinstance(layers, str | type) else list(layers)


def _matches(name: str, child: nn.Module, wanted: str | type) -> bool:
    if isinstance(wanted, str):
        return _fits(name, wanted)
    return isinstance(child, wanted)


def _fits(name: str, glob: str) -> bool:
    """Return whether a name matches: ``*`` ends at a dot, ``**`` does not."""
    return _parts_fit(name.split("."), glob.split("."))


def _parts_fit(names: Sequence[str], globs: Sequence[str]) -> bool:
    if not globs:
        return not names
    if globs[0] == "**":
        return any(_parts_fit(names[n:], globs[1:]) for n in range(len(names) + 1))
    if not names or not fnmatchcase(names[0], globs[0]):
        return False
    return _parts_fit(names[1:], globs[1:])


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
    if is_quantised(module):
        return True
    own: list[Any] = list(module.parameters(recurse=False))
    for name, child in module.named_children():
        if name == "parametrizations":
            own += child.parameters()
    return any(parameter.ndim >= 2 for parameter in own)
