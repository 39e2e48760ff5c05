"""The user's own objects, by FILE.py:NAME or package.module:NAME."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from layerwise.errors import InputError

__all__ = ["imported"]


def imported(target: str) -> Any:
    """Return the object that FILE.py:NAME or package.module:NAME names.

    This runs the user's own code, which is why it is taken only from the command line.
    """
    place, colon, name = target.rpartition(":")
    if not colon:
        raise InputError(f"{target}: write FILE.py:NAME or package.module:NAME")
    module = _module_of_file(Path(place)) if place.endswith(".py") else _module(place)
    if not hasattr(module, name):
        raise InputError(f"{place} has no {name!r}")
    found = getattr(module, name)
    if not isinstance(found, type):
        return found
    try:
        return found()
    except TypeError as error:
        raise InputError(
            f"{target} needs arguments ({error}): give an instance instead, "
            f"such as layer = {name}(…) and {place}:layer"
        ) from error


def _module(name: str) -> Any:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"{name} cannot be imported: {error}") from error
    finally:
        sys.path.pop(0)


def _module_of_file(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their own module up by name.
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{path} fails: {type(error).__name__}: {error}") from error
    return module
