"""Which returned array is the gradient of what."""

import ast
import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from layerwise.sheets.reading._names import Names, base_name, counterpart
from layerwise.sheets.reading._source import Sheet
from layerwise.sheets.reading._tensors import as_numbers, is_number_array

__all__ = ["assigned", "code_of", "gradient_paths", "method_of", "returned_names",
    "shown", "stripped"]  # fmt: skip


def method_of(definition: ast.AST | None, name: str) -> ast.AST | None:
    """Return a function's own tree, or that of a class's method."""
    if definition is None or getattr(definition, "name", None) == name:
        return definition
    for node in getattr(definition, "body", ()):
        if getattr(node, "name", None) == name:
            return node
    return None


def code_of(sheet: Sheet, name: str, role: str, names: Names) -> ast.AST | None:
    """Return the tree of a function, or of a class's method that plays a role."""
    definition = sheet.definition(name)
    found = [getattr(node, "name", "") for node in getattr(definition, "body", ())]
    method = names.method(role, found)
    return method_of(definition, method) if method else definition


def returned_names(function: ast.AST | None) -> list[str]:
    """Return what the elements of a function's last returned tuple are called."""
    found: list[str] = []
    for node in ast.walk(function) if function is not None else ():
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            found = [ast.unparse(one) for one in node.value.elts]
    return found


def assigned(
    returned: Any, names: Sequence[str], arrays: Mapping[str, np.ndarray], first: str
) -> dict[str, np.ndarray]:
    """Return the gradients that a backward pass returned, by what they belong to.

    ``names`` are what the elements of a returned tuple are called in the sheet,
    ``arrays`` what has a gradient, in the order of the forward pass's arguments,
    ``first`` what the sheet calls the input.
    """
    if returned is None:
        return {}
    if isinstance(returned, dict):
        pairs = [(str(key), value) for key, value in returned.items()]
    elif isinstance(returned, tuple | list):
        labels = names if len(names) == len(returned) else [""] * len(returned)
        pairs = list(zip(labels, returned, strict=True))
    else:
        return {next(iter(arrays)): as_numbers(returned)}
    return _by_name_and_shape(_flat(pairs), arrays, first)


def _flat(pairs: Sequence[tuple[str, Any]]) -> list[tuple[str, np.ndarray]]:
    """Return the arrays, those of dicts within too."""
    flat: list[tuple[str, np.ndarray]] = []
    for name, value in pairs:
        if isinstance(value, dict):
            flat += _flat([(str(key), inner) for key, inner in value.items()])
        elif is_number_array(value) or isinstance(value, float):
            flat.append((name, as_numbers(value)))
    return flat


def _by_name_and_shape(
    pairs: Sequence[tuple[str, np.ndarray]],
    arrays: Mapping[str, np.ndarray],
    first: str,
) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    rest: list[np.ndarray] = []
    called = {stripped(first if key == "input" else key): key for key in arrays}
    for name, value in pairs:
        short = name.rpartition(".")[2]
        key = counterpart(base_name(short) or short, called)
        if key is not None and called[key] not in found:
            found[called[key]] = value
        else:
            rest.append(value)
    open_ = [key for key in arrays if key not in found]
    orders = list(itertools.permutations(open_, min(len(rest), len(open_))))[:720]
    fits = [
        order
        for order in orders
        if all(arrays[k].shape == v.shape for k, v in zip(order, rest, strict=False))
    ]
    order = (fits or orders or [()])[0]
    return found | dict(zip(order, rest, strict=False))


def stripped(path: str) -> str:
    """Return a parameter's path without the attribute that holds its numbers."""
    return re.sub(r"\.(?:data|value|val|array)$", "", path)


def shown(path: str) -> str:
    """Return a parameter's path as it is said: ``W`` for ``params.W``."""
    short = stripped(path).removeprefix("params.")
    return path if short.isdigit() else short


def gradient_paths(
    paths: Iterable[str], parameters: Collection[str], names: Names
) -> dict[str, str]:
    """Return for each parameter the path that holds its gradient, where one does."""
    found: dict[str, str] = {}
    for path in paths:
        base = None if path in parameters else names.gradient_of(path)
        if base is None:
            continue
        near = [p for p in parameters if _holder(p) == _holder(path)]
        key = counterpart(base, [stripped(p) for p in near or parameters])
        whole = {stripped(p): p for p in near or parameters}
        if key is not None:
            found.setdefault(whole[key], path)
    return found


def _holder(path: str) -> str:
    """Return the object that holds a parameter or its gradient."""
    bare = re.sub(r"\.(?:data|value|val|array|grad|gradient)$", "", path)
    return re.sub(
        r"(?:^|\.)(?:params|parameters|d?grads?|gradients|dparams|weights)$",
        "",
        bare.rpartition(".")[0],
    )
