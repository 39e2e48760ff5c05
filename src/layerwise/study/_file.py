"""A study in a file: every number of it, so that a page needs no second look."""

import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from layerwise.baselines import Baseline
from layerwise.data import (
    Beside,
    ColumnStatistics,
    DataStatistics,
    KeptInputs,
    Origins,
    SetStatistics,
    ValueStatistics,
)
from layerwise.errors import DamagedError
from layerwise.files import read_tensors, write_tensors
from layerwise.statistics import Discriminants, Moments, PrincipalComponents, Share
from layerwise.study import records
from layerwise.study.measures import Measures
from layerwise.study.records import Inputs, Study

FORMAT = "study-4"

KINDS: Mapping[str, Any] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            *(getattr(records, name) for name in records.__all__),
            Baseline, Beside, ColumnStatistics, DataStatistics, Discriminants, Measures,
            KeptInputs, Origins, PrincipalComponents, SetStatistics, Share,
            ValueStatistics,
        )
        if is_dataclass(kind)
    }
)  # fmt: skip
"""What a file may hold, by name: values, of which none runs code when it is read."""


def save_study(
    study: Study, path: str | os.PathLike[str], beside: Mapping[str, Any]
) -> None:
    """Write a study, and what is beside it, with a digest, whole or not at all.

    Of its inputs only those that were kept are written: who reads it has the data. What
    is beside it consists of records of `KINDS` and JSON's types.

    Raises
    ------
    MachineError
        If the file cannot be written.
    """
    if not isinstance(study.inputs, KeptInputs):
        study = replace(study, inputs=None)
    tensors: dict[str, np.ndarray] = {}
    written = {
        name: _taken_apart(value, name, tensors)
        for name, value in {**beside, "study": study}.items()
    }
    write_tensors(path, tensors, {**written, "format": FORMAT})


def load_study(
    path: str | os.PathLike[str], inputs: Inputs | None = None
) -> tuple[Study, dict[str, Any]]:
    """Return the study of a file, and what was saved beside it. No code is run.

    The study is given the ``inputs``, the scored samples, where its own were not kept.

    Raises
    ------
    DamagedError
        If the file is not, to the byte, what was written.
    InputError
        If it is missing or holds something else.
    """
    tensors, records = read_tensors(path, FORMAT)
    try:
        found = {
            name: _put_together(value, tensors)
            for name, value in records.items()
            if name not in ("format", "sha256")
        }
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"{os.fspath(path)}: not a study: {error}") from error
    study = found.pop("study", None)
    if not isinstance(study, Study):
        raise DamagedError(f"{os.fspath(path)}: not a study")
    if study.inputs is None:
        study = replace(study, inputs=inputs)
    return study, found


def _taken_apart(  # noqa: C901, PLR0911 - a case for each kind of value
    value: Any, name: str, tensors: dict[str, np.ndarray]
) -> Any:
    """Return a value as JSON's types, its arrays put among the tensors by name."""

    def inside(own: Any, part: object) -> Any:
        return _taken_apart(own, f"{name}.{part}", tensors)

    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.generic():
            return value.item()
        case np.ndarray() if value.dtype.kind in "OU":
            return {"texts": value.ravel().tolist(), "shape": value.shape}
        case np.ndarray():
            while name in tensors:
                name += "'"
            tensors[name] = value
            return {"tensor": name}
        case Moments():
            return {"moments": inside(value.to_arrays(), "moments")}
        case range():
            return {"range": [value.start, value.stop, value.step]}
        case tuple():
            return {"tuple": [inside(own, at) for at, own in enumerate(value)]}
        case list():
            return [inside(own, at) for at, own in enumerate(value)]
        case Mapping():
            # As pairs: JSON would sort them, and make text of every key.
            return {"pairs": [[key, inside(own, key)] for key, own in value.items()]}
        case _:
            pass
    kind = type(value).__name__
    if not is_dataclass(value) or KINDS.get(kind) is not type(value):
        raise TypeError(f"{name}: a {kind} is no part of a study")
    own = {f.name: inside(getattr(value, f.name), f.name) for f in fields(value)}
    return {"kind": kind, "fields": own}


def _put_together(  # noqa: C901, PLR0911 - a case for each kind of value
    value: Any, tensors: Mapping[str, np.ndarray]
) -> Any:
    if isinstance(value, list):
        return [_put_together(own, tensors) for own in value]
    match value:
        case {"tensor": name}:
            return tensors[name]
        case {"moments": arrays}:
            return Moments.from_arrays(_put_together(arrays, tensors))
        case {"texts": texts, "shape": shape}:
            return np.array(texts, object).reshape(shape)
        case {"range": ends}:
            return range(*ends)
        case {"tuple": items}:
            return tuple(_put_together(own, tensors) for own in items)
        case {"pairs": pairs}:
            return {key: _put_together(own, tensors) for key, own in pairs}
        case {"kind": kind, "fields": own}:
            named = {name: _put_together(one, tensors) for name, one in own.items()}
            return KINDS[kind](**named)
        case _:
            return value
