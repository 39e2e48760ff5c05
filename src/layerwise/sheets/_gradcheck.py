"""``gradcheck``: of an object, a class, a module, a sheet."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from layerwise.errors import InputError
from layerwise.model import GradientReport, gradcheck as check_own_form
from layerwise.sheets._marking import judged
from layerwise.sheets._marks import Fault, Mark, Marks
from layerwise.sheets.reading import (
    METHODS,
    Names,
    Sheet,
    held,
    read_sheet,
    sheet_around,
)
from layerwise.sheets.recognising import (
    Builder,
    Context,
    Kind,
    Part,
    Unread,
    can_be,
    is_own_form,
    kind_of,
    own_forms,
    own_things,
    parts_of,
    recognised,
    refused,
)
from layerwise.wording import first_of, listed

__all__ = ["checked_sheet", "gradcheck", "own_names"]


def gradcheck(
    target: Any,
    *,
    shape: tuple[int, ...] = (5,),
    seed: int = 0,
    kind: Kind | None = None,
    names: Mapping[str, str] | None = None,
) -> GradientReport | Marks:
    """Check hand-written gradients, and say which slip made the wrong ones so.

    Against central differences in float64 and, where it can be had, automatic
    differentiation.

    Parameters
    ----------
    target : object, class, function, module or path
        A layer or loss of layerwise's form, or anything with gradients in the form of
        a textbook: functions, layers that remember, losses, updates, networks, numbers
        with gradients; in NumPy or torch. A module, or the path of a Python file or
        a notebook, is checked part by part.
    shape : tuple of int
        The shape of one input, for a layer of layerwise's form.
    seed : int
        Seed for the points and directions.
    kind : str, optional
        What the target is, where that cannot be told: ``layer``, ``loss``, ``update``,
        ``network``, ``function`` or ``scalar``.
    names : mapping of str to str, optional
        The target's own names: ``{"weight": "theta", "grad_weight": "theta_bar"}``.

    Returns
    -------
    GradientReport or Marks
        True where everything agrees, as is its ``passed``; its ``str`` is a table.

    Raises
    ------
    InputError
        If the target cannot be run, or is nothing that can be checked.

    Examples
    --------
    >>> class Double:
    ...     def forward(self, x):
    ...         return 2 * x
    ...
    ...     def backward(self, gradient):
    ...         return -2 * gradient
    >>> gradcheck(Double).parts[0].faults[0].words
    'its sign is reversed'
    """
    own = own_names(names or {})
    if isinstance(target, str | Path):
        return checked_sheet(read_sheet(Path(target)), own, kind=kind, seed=seed)
    if isinstance(target, ModuleType):
        return checked_sheet(sheet_around(target), own, kind=kind, seed=seed)
    if is_own_form(target, kind):
        return check_own_form(_instance(target), shape=shape, seed=seed)
    plain = isinstance(target, type | FunctionType)
    name = target.__name__ if plain else type(target).__name__
    sheet = sheet_around(target)
    sheet = replace(sheet, name=name, namespace=sheet.namespace | {name: target})
    return checked_sheet(sheet, own, only=name, kind=kind, seed=seed)


def own_names(names: Mapping[str, str]) -> Names:
    """Return a table of names.

    Raises
    ------
    InputError
        If it names a role that does not exist.
    """
    known = {*METHODS, "weight", "bias", "grad_weight", "grad_bias"}
    for role in names:
        if role not in known and not role.startswith("grad_"):
            raise InputError(
                f"names: {role!r} is no role; there are {listed(sorted(known))}"
            )
    return Names(dict(names))


def _instance(target: Any) -> Any:
    if not isinstance(target, type):
        return target
    try:
        return target()
    except TypeError as error:
        raise InputError(
            f"{target.__name__} needs arguments ({error}): give an instance"
        ) from error


def checked_sheet(
    sheet: Sheet,
    names: Names,
    *,
    only: str | None = None,
    kind: Kind | None = None,
    points: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Marks:
    """Check every part of a sheet, or one of them.

    Raises
    ------
    InputError
        If nothing in it can be checked, or there is no such name.
    """
    context = Context(sheet, names)
    if kind is not None and only is None:
        only = _only_thing(sheet, kind)
        if is_own_form(sheet.namespace[only], kind):
            only = None
    unread: list[str] = []
    own = {} if only else own_forms(sheet)
    with held():
        if only is not None:
            parts = _one_part(only, kind, context)
        else:
            parts, unread = parts_of(context)
        if not parts and not own:
            raise refused(sheet.name, unread)
        judgements = judged(parts, context, seed)
    judgements += [_own_mark(name, cls, seed) for name, cls in own.items()]
    marks = _with_points(judgements, points or {})
    return Marks(sheet.name, tuple(marks), tuple(unread))


def _only_thing(sheet: Sheet, kind: Kind) -> str:
    """Return the one thing that a sheet defines, where its kind is told.

    Raises
    ------
    InputError
        If there are several, or none.
    """
    there = own_things(sheet)
    if len(there) == 1:
        return next(iter(there))
    if not there:
        raise refused(sheet.name, kind=kind)
    raise InputError(
        f"{sheet.name}: kind (--as) is for one thing: name it, {sheet.name}:NAME, of "
        f"{first_of(list(there))}"
    )


def _own_mark(name: str, cls: type, seed: int) -> Mark:
    """Return the mark of a layer or loss of layerwise's own form."""
    said = "of layerwise's own form"
    try:
        report = check_own_form(_instance(cls), seed=seed)
    except InputError as error:
        return Mark(name, "layer", said, "error", (Fault("", "", "", str(error)),))
    faults = tuple(
        Fault(c.array.removeprefix("params."), f"relative error {c.error:.1e}", "",
              c.note or "its gradient is wrong")
        for c in report.checks
        if not c.passed and c.witness == "differences"
    )  # fmt: skip
    status = "right" if report.passed else "wrong"
    notes = (report.note,) if report.note else ()
    return Mark(name, "layer", said, status, faults, notes=notes)


def _one_part(name: str, kind: Kind | None, context: Context) -> list[Part | Unread]:
    """Return one thing in a sheet as a part: of an object, each new one is a copy."""
    sheet = context.sheet
    if name not in sheet.namespace:
        raise InputError(f"{sheet.name} has no {name!r}")
    said = name if name == sheet.name else f"{sheet.name}:{name}"
    value, ways = sheet.namespace[name], None
    if not isinstance(value, type | FunctionType):
        ways = [_copies(value)]
        value, name = type(value), type(value).__name__
        named = replace(sheet, namespace=sheet.namespace | {name: value})
        context = replace(context, sheet=named)
    found = kind or kind_of(name, value, context)
    if found is None or (kind and not can_be(name, value, kind, context)):
        raise refused(said, kind=kind)
    return recognised(name, found, context, ways)


def _copies(value: Any) -> Builder:
    def build(namespace: dict[str, Any]) -> Any:
        fresh = copy.deepcopy(value)
        cls = namespace[type(value).__name__]
        if type(fresh) is not cls:
            fresh.__class__ = cls
        return fresh

    return build


def _with_points(marks: list[Mark], points: Mapping[str, float]) -> list[Mark]:
    """Return marks with their points.

    A part that a sheet lacks has none to earn, and is said to be missing.
    """
    worth = [points.get(mark.name, 0.0) for mark in marks]
    valued = [
        replace(mark, of=of, points=of * mark.passed)
        for mark, of in zip(marks, worth, strict=True)
    ]
    missing = [
        Mark(name, "missing", "not in the sheet", "error", of=of)
        for name, of in points.items()
        if name not in {mark.name for mark in marks}
    ]
    return [*valued, *missing]
