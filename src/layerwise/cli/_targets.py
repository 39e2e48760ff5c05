"""The user's own objects, by FILE.py:NAME or package.module:NAME."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from layerwise.errors import InputError
from layerwise.wording import type_in_words


def imported(target: str) -> Any:
    """Return the object that FILE.py:NAME or package.module:NAME names.

    This runs the user's own code, which is why it is taken only from the command line.
    """
    place, colon, name = target.rpartition(":")
    if not colon:
        raise InputError(f"{target}: write FILE.py:NAME or package.module:NAME")
    module = (
        _module_of_file(Path(place))
        if place.endswith(".py")
        else imported_module(place)
    )
    if not hasattr(module, name):
        raise InputError(f"{place} has no {name!r}")
    return getattr(module, name)


def built(target: str) -> Any:
    """Return the torch module that a target is or builds."""
    from layerwise.study import is_module

    found = imported(target)
    module = found if is_module(found) else called(target, found)
    module = getattr(module, "module_", module)  # of a net that skorch fitted
    if not is_module(module):
        raise InputError(
            f"{target} is {type_in_words(module)}: name a torch.nn.Module, or a "
            "function without arguments that returns one"
        )
    return module


def called(target: str, found: Any) -> Any:
    """Return what a function or class gives without arguments; else the object."""
    if not callable(found):
        return found
    try:
        return found()
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        if isinstance(found, type) and isinstance(error, TypeError):
            said += f": name an object, net = {found.__name__}(…)"
        raise InputError(f"{target} fails: {type(error).__name__}: {said}") from error


def imported_module(name: str) -> Any:
    """Return the module that a dotted name is."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"{name} cannot be imported: {error}") from error
    finally:
        sys.path.pop(0)


def _module_of_file(path: Path) -> Any:
    from layerwise.files import no_such_file

    if not path.is_file():
        raise no_such_file(path)
    name = _free_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their own module up by name.
    sys.modules[name] = module
    # As for a script, files beside it can be imported.
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{path} fails: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module


def _free_name(path: Path) -> str:
    """Return a name for a file's module: one that nothing else was imported by."""
    taken = sys.modules.get(path.stem)
    file = getattr(taken, "__file__", None)
    own = taken is None or (file and Path(file).resolve() == path.resolve())
    return path.stem if own else f"layerwise file {path.resolve()}"
