"""Objects of a sheet's classes: what its constructors want, by name and by trying."""

import functools
import inspect
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from layerwise.sheets.reading import as_given, is_flag, is_rate, loaded_torch, slots
from layerwise.sheets.recognising._parts import (
    FEATURES,
    HIDDEN,
    OUTPUTS,
    Builder,
    Context,
)

__all__ = [
    "RATE", "builders", "can_be_built", "flags_of", "looked_up", "own_widths",
    "penalties", "positional", "rates_of", "required",
]  # fmt: skip

PENALTY = 0.3
"""The strength of a penalty on weights, which is 0 by default."""

MOST = 24
"""Constructor calls that are tried."""

ENTRIES = 3000
"""Of an object with widths of its own: differences move each entry by itself."""

RATE = 0.37
"""A learning rate that is no likely factor of anything else."""

WORDS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    (r"(?:hidden|n_?h|h_?dim|middle)\w*sizes|hidden_(?:layers|dims|units)",
     ([HIDDEN],)),
    (r"(?:layer_?)?(?:sizes|dims|widths|units_list|shape|architecture|structure)"
     r"|layers_?(?:dims|sizes)|neurons|topology",
     ([FEATURES, HIDDEN, OUTPUTS], (FEATURES, OUTPUTS))),
    (r"\w*(?:hidden|middle)\w*|n_?h|h_?dim|d_hidden", (HIDDEN, [HIDDEN])),
    (r"\w*(?:classes|out(?:put)?s?|to)(?:_?\w*)?|n_?y|fan_?out|d_?out|n_?out|units"
     r"|neurons|nodes|m", (OUTPUTS,)),
    (r"(?:n_|num_|d_|fan_)?in(?:put)?s?(?:_?\w*)|n_?x|features|prev\w*|dim|size|d|n",
     (FEATURES, [FEATURES])),
    (r"w|weights?|kernel|theta", ("weight", "weight transposed")),
    (r"b|bias(?:es)?", ("bias", "bias column", True)),
    (r"\w*(?:rate|prob|ratio|p|keep\w*)", (0.4,)),
    (r"\w*(?:slope|alpha|leak\w*|std|scale|sigma)", (0.1,)),
    (r"eps(?:ilon)?", (1e-5,)),
    (r"seed|random_state", (0,)),
    (r"rng|generator", ("generator",)),
    (r"\w*activation\w*|act|nonlin\w*", ("relu", "sigmoid", "tanh")),
    (r"name|label", ("part",)),
)  # fmt: skip


def positional(function: Any) -> list[inspect.Parameter]:
    """Return what a function may be given by position; of a method without ``self``."""
    bound = inspect.ismethod(function)
    plain = function.__func__ if bound else function
    parameters = _known(plain) if inspect.isfunction(plain) else _positional(plain)
    return [p for p in parameters[bound:] if p.name != "self"]


def _positional(function: Any) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in parameters if p.kind in kinds]


_known = functools.lru_cache(4096)(_positional)


def required(function: Any) -> list[str]:
    """Return the names of what a function must be given."""
    return [p.name for p in positional(function) if p.default is p.empty]


def rates_of(function: Any) -> dict[str, float]:
    """Return a learning rate for what a function calls one."""
    return {p.name: RATE for p in positional(function) if is_rate(p.name)}


def flags_of(function: Any) -> dict[str, bool]:
    """Return the arguments that tell a function that this is training."""
    return {p.name: True for p in positional(function) if is_flag(p.name)}


def builders(name: str, context: Context, *, penalised: bool = False) -> list[Builder]:
    """Return ways to make an object of a class, the likeliest first.

    Those with a penalty on weights have one where that is asked for.
    """
    cls, library = context.sheet.namespace[name], context.library
    penalty = penalties(cls) if penalised else {}
    wanted = required(cls)
    options = [_options(one, n, len(wanted)) for n, one in enumerate(wanted)]
    every = list(itertools.islice(itertools.product(*options), MOST))
    found = _stacks(name, cls, library) if _is_stack(cls) else []
    for chosen in every:
        found.append(_builder(name, chosen, library, penalty))
        if chosen == (FEATURES, OUTPUTS):
            found.append(_builder(name, (OUTPUTS, FEATURES), library, {}))
    # It may not fit inputs of our width as it is by default.
    if widths := _widths(cls):
        found += [_builder(name, one, library, widths | penalty) for one in every]
    return found


def _widths(cls: type) -> dict[str, Any]:
    """Return widths of ours for the arguments that have one by default."""
    found: dict[str, Any] = {}
    for p in positional(cls):
        of = list if isinstance(p.default, list | tuple) else type(p.default)
        ours = (v for v in looked_up(p.name, WORDS, ()) if type(v) is of and v != 0)
        if of in (int, list) and (value := next(ours, None)):
            found[p.name] = value
    return found


def looked_up(
    argument: str, table: Iterable[tuple[str, Any]], otherwise: Any = None
) -> Any:
    """Return what stands in a table beside the first pattern of an argument's name."""
    low = argument.lower()
    return next((of for pattern, of in table if re.fullmatch(pattern, low)), otherwise)


def _options(argument: str, position: int, of: int) -> tuple[Any, ...]:
    if is_rate(argument):
        return (RATE,)
    if values := looked_up(argument, WORDS):
        return values
    if of == 1:
        return (FEATURES, [FEATURES, HIDDEN, OUTPUTS])
    usual = (FEATURES, OUTPUTS) if of == 2 else (FEATURES, HIDDEN, OUTPUTS)
    return (usual[position],) if position < len(usual) else (FEATURES,)


def _builder(
    name: str, chosen: tuple[Any, ...], library: str, named: Mapping[str, Any]
) -> Builder:
    def build(namespace: dict[str, Any]) -> Any:
        given = (_argument(one, library) for one in chosen)
        by_name = {key: _argument(one, library) for key, one in named.items()}
        return namespace[name](*given, **by_name)

    return build


def can_be_built(name: str, context: Context) -> bool:
    """Return whether some arguments fit a constructor, if it is one."""
    namespace = context.sheet.namespace
    if not isinstance(namespace.get(name), type):
        return True
    around = replace(context, library="torch" if loaded_torch() else "numpy")
    return any(_builds(way, namespace) for way in builders(name, around))


def penalties(function: Any) -> dict[str, float]:
    """Return strengths for the penalties on weights that are 0 by default."""
    return {
        p.name: PENALTY
        for p in positional(function)
        if p.default == 0
        and re.fullmatch(r"reg\w*|l2\w*|weight_decay|lambda\w*", p.name)
    }


def _builds(way: Builder, namespace: dict[str, Any]) -> bool:
    try:
        way(namespace)
    except Exception:
        # Other arguments may fit.
        return False
    return True


def _argument(chosen: Any, library: str) -> Any:
    rng = np.random.default_rng(1)
    arrays = {
        "weight": rng.normal(size=(FEATURES, OUTPUTS)),
        "weight transposed": rng.normal(size=(OUTPUTS, FEATURES)),
        "bias": rng.normal(size=OUTPUTS),
        "bias column": rng.normal(size=(OUTPUTS, 1)),
    }
    if isinstance(chosen, str) and chosen in arrays:
        return as_given(arrays[chosen], library)
    if chosen == "generator":
        return rng
    return list(chosen) if isinstance(chosen, list) else chosen


def own_widths(build: Builder, context: Context) -> list[tuple[int, int]]:
    """Return the widths of the inputs and the outputs that an object may be made for.

    By the first and the last of its matrices, whose samples are rows or columns. None
    where it cannot be built, or has more entries than can each be moved.
    """
    try:
        thing = build(context.sheet.namespace)
        arrays = [slot.numbers() for slot in slots(thing).values()]
    except Exception:
        # Said by whoever tries to run it.
        return []
    matrices = [a.shape for a in arrays if a.ndim == 2 and min(a.shape) > 1]
    if not matrices or sum(a.size for a in arrays) > ENTRIES:
        return []
    first, last = matrices[0], matrices[-1]
    found = [(first[0], last[1]), (first[1], last[0])]
    # A matrix to one output looks like a bias.
    if any(a.ndim == 2 and 1 in a.shape for a in arrays):
        found += [(first[0], 1), (first[1], 1)]
    return found


def _is_stack(cls: type) -> bool:
    """Return whether a constructor takes a list of layers, or several of them."""
    try:
        parameters = inspect.signature(cls).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(
        p.kind is p.VAR_POSITIONAL or re.fullmatch(r"layers|modules", p.name)
        for p in parameters
    )


def _stacks(name: str, cls: type, library: str) -> list[Builder]:
    """Return ways to make a network of the sheet's own layers."""
    taken = positional(cls)
    with_loss = any(re.search(r"loss|criterion|cost", p.name) for p in taken)

    def build(namespace: dict[str, Any], softmax: bool) -> Any:
        own = {
            key: value
            for key, value in namespace.items()
            if isinstance(value, type)
            and value.__module__ == namespace.get("__name__")
            and key != name
        }
        affine = _named(own, r"linear|affine|dense|fc|fullyconnected\w*")
        between = _named(own, r"relu\w*|leakyrelu|sigmoid|tanh|activation\w*")
        layers = [
            _made(affine, library, FEATURES, HIDDEN),
            between(),
            _made(affine, library, HIDDEN, OUTPUTS),
        ]
        if softmax:
            layers.append(_named(own, r"softmax\w*")())
        if not taken:
            return namespace[name](*layers)
        losses = [_named(own, r".*(?:loss|entropy|mse|criterion)\w*")()] * with_loss
        return namespace[name](layers, *losses)

    return [functools.partial(build, softmax=softmax) for softmax in (True, False)]


def _named(own: dict[str, Any], pattern: str) -> Any:
    """Return the first class of a kind.

    Raises
    ------
    TypeError
        If there is none.
    """
    for key, value in own.items():
        if re.fullmatch(pattern, key.lower()):
            return value
    raise TypeError("it takes layers, and the sheet has none that fit")


def _made(affine: Any, library: str, inputs: int, outputs: int) -> Any:
    names = required(affine)
    if names and re.fullmatch(r"w|weights?", names[0].lower()):
        rng = np.random.default_rng(inputs)
        arrays = rng.normal(size=(inputs, outputs)), np.zeros(outputs)
        return affine(*(as_given(a, library) for a in arrays[: len(names)]))
    flipped = names and re.match(r"(?:n_)?out", names[0].lower())
    return affine(outputs, inputs) if flipped else affine(inputs, outputs)
