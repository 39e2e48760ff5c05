"""Axes of a sweep: from ``depth=1..10`` to plans that differ in it."""

from collections.abc import Mapping
from dataclasses import fields, replace
from types import NoneType
from typing import Any, get_args, get_type_hints

from layerwise.errors import InputError
from layerwise.experiment._plan import Plan
from layerwise.model import MLP
from layerwise.sweeps import Axis, Setting
from layerwise.training import Recipe

MOST_VALUES = 10_000
"""A range that is longer is a mistake in typing."""

FORM = "write NAME=VALUES, such as depth=1..10 or init=he,normal"


def axis(text: str) -> Axis:
    """Return the axis that ``NAME=VALUES`` names.

    Its name is ``depth``, ``width`` or an option of the training; its values are
    divided by commas, and ``1..10`` are the whole numbers from 1 to 10.

    >>> axis("depth=1..3").values, axis("learning-rate=0.1,0.2").values
    ((1, 2, 3), (0.1, 0.2))
    """
    name, equals, listed = text.partition("=")
    name = name.strip().lstrip("-")
    if not equals or not name:
        raise InputError(f"--vary {text}: {FORM}")
    kinds = _kinds()
    if name not in kinds:
        raise InputError(f"--vary {text}: no {name!r}; there is {', '.join(kinds)}")
    values: list[Setting] = []
    for part in listed.split(","):
        values += _values(part.strip(), kinds[name], text)
    if len(set(values)) < len(values):
        raise InputError(f"--vary {text}: a value is there twice")
    return Axis(name, tuple(values))


def varied(plan: Plan, settings: Mapping[str, Setting]) -> Plan:
    """Return the plan with these settings, by the names of axes, for its own."""
    mlp = plan.architecture
    named = {name.replace("-", "_"): value for name, value in settings.items()}
    depth, width = named.pop("depth", None), named.pop("width", None)
    own: dict[str, Any] = {k: v for k, v in named.items() if k in _names(MLP)}
    if depth is not None or width is not None:
        own["hidden"] = _hidden(mlp.hidden, depth, width)
    recipe: dict[str, Any] = {k: v for k, v in named.items() if k in _names(Recipe)}
    return replace(
        plan, architecture=replace(mlp, **own), recipe=replace(plan.recipe, **recipe)
    )


def _hidden(hidden: Any, depth: Any, width: Any) -> tuple[int, ...]:
    if width is None and len(set(hidden)) != 1:
        raise InputError(
            f"--vary depth: which width? --hidden names {len(set(hidden))} different; "
            "give one, such as --hidden 30"
        )
    return (hidden[0] if width is None else width,) * (
        len(hidden) if depth is None else depth
    )


def _names(record: type) -> set[str]:
    return {field.name for field in fields(record)} - {"hidden"}


def _kinds() -> dict[str, type]:
    """Return the type of every setting that can be varied, by the name of its axis."""
    kinds: dict[str, type] = {"depth": int, "width": int}
    for record in (MLP, Recipe):
        for name, hint in get_type_hints(record).items():
            # Of an optional one the type that it is when it is there.
            given = [kind for kind in get_args(hint) or [hint] if kind is not NoneType]
            if name in _names(record):
                kinds[name.replace("_", "-")] = given[0]
    return kinds


def _values(part: str, kind: type, text: str) -> list[Setting]:
    first, dots, last = part.partition("..")
    try:
        if not dots:
            return [_value(part, kind)]
        if kind in (int, float) and (span := range(int(first), int(last) + 1)):
            if len(span) > MOST_VALUES:
                raise InputError(f"--vary {text}: {len(span)} values are too many")
            return [kind(value) for value in span]
    except (ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"--vary {text}: {part!r} is no {NAMES[kind]}") from error
    raise InputError(f"--vary {text}: {part!r} is no range of {NAMES[kind]}s")


def _value(part: str, kind: type) -> Setting:
    if kind is bool:
        return {"true": True, "false": False}[part.lower()]
    if not part:
        raise ValueError
    return kind(part)


NAMES = {int: "whole number", float: "number", bool: "true or false", str: "word"}
