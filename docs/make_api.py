"""Write the API reference, ``build/docs``, from the docstrings: ``make docs``.

Each room of the package has a page with the names that ``layerwise`` gives and the
records that these lead to (``Result`` of ``fit``, ``LayerStudy`` of ``Study``). Exits
with status 1 where a docstring lacks something, or pdoc warns.
"""

import inspect
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, is_typeddict

from docstring_parser import DocstringStyle, parse

import layerwise

__all__ = ["gaps", "pages", "write"]

FOLDER = Path(__file__).parents[1] / "build" / "docs"

ELSEWHERE = re.compile(r"(?i:parameters)\b[^.]*\bthose of `\w+`")
"""A docstring that leads to another's parameters."""


def pages() -> dict[str, dict[str, Any]]:
    """Return the objects to show by room and name."""
    rooms = [
        import_module(f"layerwise.{m.name}")
        for m in iter_modules(layerwise.__path__)
        if not m.name.startswith("_")
    ]
    doors = {
        name: (room.__name__, getattr(room, name))
        for room in rooms
        for name in getattr(room, "__all__", ())
    }
    plots = {name: getattr(layerwise.plot, name) for name in layerwise.plot.__all__}
    shown: dict[str, dict[str, Any]] = {"layerwise.plot": plots}
    coming = [n for n in layerwise.__all__ if not n.startswith("_") and n != "plot"]
    seen = set(coming)
    while coming:
        name = coming.pop()
        room, value = doors[name]
        shown.setdefault(room, {})[name] = value
        new = {
            word
            for word in _annotated(value)
            # A TypedDict names keywords that the function's own docstring tells.
            if word in doors
            and inspect.isclass(doors[word][1])
            and not is_typeddict(doors[word][1])
        } - seen
        coming += new
        seen |= new
    return shown


def gaps(shown: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what the docstrings lack: a text, a parameter, or a parameter too many."""
    return [
        f"{room}.{name}{lack}"
        for room, values in sorted(shown.items())
        for name, value in sorted(values.items())
        for lack in (*_lacks(value, strict=True), *_methods_lack(value))
    ]


def write(folder: Path) -> None:
    """Write the pages; a warning is an error."""
    import pdoc

    shown = pages()
    for room, values in shown.items():
        # pdoc shows what `__all__` names, and in that order.
        vars(sys.modules[room]).update(values, __all__=sorted(values))
    layerwise.__all__ = sorted(room.rpartition(".")[2] for room in shown)
    pdoc.render.configure(docformat="numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pdoc.pdoc("layerwise", output_directory=folder)
    for room, values in shown.items():
        page = (folder / room.replace(".", "/")).with_suffix(".html").read_text("utf-8")
        if absent := [name for name in values if f'id="{name}"' not in page]:
            sys.exit(f"not on the page of {room}: {', '.join(absent)}")


def _own(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield a class's own public functions and properties, bare."""
    for name, member in vars(value).items() if inspect.isclass(value) else ():
        match member:
            case property():
                bare = member.fget
            case cached_property():
                bare = member.func
            case classmethod() | staticmethod():
                bare = member.__func__
            case _:
                bare = member
        if not name.startswith("_") and inspect.isfunction(bare):
            yield name, bare


def _annotated(value: Any) -> set[str]:
    """Return the words in what a function takes and gives, or a class holds."""
    hints = [*inspect.get_annotations(value).values()]
    hints += [inspect.get_annotations(own).get("return") for _, own in _own(value)]
    texts = [h if isinstance(h, str) else inspect.formatannotation(h) for h in hints]
    return set(re.findall(r"\w+", " ".join(texts)))


def _methods_lack(value: Any) -> Iterator[str]:
    for name, own in _own(value):
        # A method's arguments may stand in its sentence.
        yield from (f".{name}{lack}" for lack in _lacks(own, strict=False))


def _lacks(value: Any, *, strict: bool) -> Iterator[str]:
    text = inspect.getdoc(value)
    if not text:
        yield ": no docstring"
        return
    if ELSEWHERE.search(text) or _is_never_called(value):
        return
    said = {
        name.strip(" *")
        for entry in parse(text, DocstringStyle.NUMPYDOC).params
        if entry.args[0] in ("param", "other_param")
        for name in entry.arg_name.split(",")
    }
    taken = set(inspect.signature(value).parameters) - {"self", "cls"}
    if strict:
        yield from (f": {name} is not documented" for name in sorted(taken - said))
    yield from (f": {name} is no parameter" for name in sorted(said - taken))


def _is_never_called(value: Any) -> bool:
    """Whether it is raised or implemented, so that its signature tells nothing."""
    return inspect.isclass(value) and (
        issubclass(value, Exception) or getattr(value, "_is_protocol", False)
    )


if __name__ == "__main__":
    if found := gaps(pages()):
        sys.exit("\n".join(found))
    write(FOLDER)
