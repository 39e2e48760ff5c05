"""A sheet as text and as code: read, run, and run again with something undone."""

import ast
import contextlib
import inspect
import json
import linecache
import os
import re
import sys
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from layerwise.errors import InputError
from layerwise.sheets.reading._tensors import quiet

__all__ = ["Edit", "Sheet", "environment", "one_line", "read_sheet", "sheet_around"]

CELL = "# cell "
"""Begins the line above each cell of a notebook, in the text that it is read as."""


@dataclass(frozen=True)
class Edit:
    """One change of a sheet's tree: a node's place, and what stands there instead.

    The place is a field of the parent, and where that is a list, an index. ``changed``
    leaves the node as it is. ``extra`` are names that the changed code needs; ``after``
    changes what the definitions became.
    """

    slip: str
    parent: ast.AST
    slot: str
    index: int | None
    node: ast.AST
    changed: Callable[[Any], ast.AST]
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    after: Callable[[dict[str, Any]], None] | None = None

    @property
    def line(self) -> int:
        """The line of the change."""
        return getattr(self.node, "lineno", 0) or getattr(self.parent, "lineno", 0)

    def put(self, node: ast.AST) -> None:
        """Let a node stand in this place."""
        if self.index is None:
            setattr(self.parent, self.slot, node)
        else:
            getattr(self.parent, self.slot)[self.index] = node


@dataclass(frozen=True)
class Sheet:
    """A sheet that was run.

    Its name is as a user calls it, its file what its code objects say that it is. The
    text is empty where there is none. ``kept`` is what was found out about the tree.
    """

    name: str
    file: str
    text: str
    tree: ast.Module
    namespace: dict[str, Any]
    kept: dict[Any, Any] = field(default_factory=dict[Any, Any], compare=False)

    def definition(self, name: str) -> ast.AST | None:
        """Return the tree of a function or class at the top of the sheet."""
        for node in self.tree.body:
            if getattr(node, "name", None) == name:
                return node
            if isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == name for t in node.targets
            ):
                return node
        return None

    def line(self, number: int) -> str:
        """Return one line of the text, without its indentation."""
        lines = self.text.splitlines()
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def place(self, number: int) -> str:
        """Return where a line is, as a reader finds it: in a notebook by its cell."""
        if self.file.endswith(".ipynb"):
            above = self.text.splitlines()[: number - 1][::-1]
            for n, text in enumerate(above, 1):
                if text.startswith(CELL):
                    return f"{text[2:]}, line {n}"
        return f"line {number}"

    def defined_here(self, value: Any) -> bool:
        """Return whether a class or function was written in this sheet."""
        return getattr(value, "__module__", None) == self.namespace.get("__name__")

    def reached_from(self, names: Iterable[str]) -> set[str]:
        """Return the definitions at the top of the sheet that some of them lead to."""
        key = "reached", *names
        if key not in self.kept:
            self.kept[key] = self._reached_from(names)
        return self.kept[key]

    def _reached_from(self, names: Iterable[str]) -> set[str]:
        nodes = {getattr(node, "name", ""): node for node in self.tree.body}
        found: set[str] = set()
        waiting = [name for name in names if name in nodes]
        while waiting:
            name = waiting.pop()
            found.add(name)
            inner = (n.id for n in ast.walk(nodes[name]) if isinstance(n, ast.Name))
            waiting += [n for n in inner if n in nodes and n not in found]
        return found

    def changed(self, edits: Sequence[Edit], names: Iterable[str]) -> "Sheet":
        """Return the sheet in which some definitions are as with some edits made.

        Only these definitions run again, with what leads from them to others, not what
        the sheet does with them.
        """
        lines = {edit.line for edit in edits}
        touched = (n.name for n in self.tree.body if _spans(n, lines))  # type: ignore[attr-defined]
        only = self.reached_from((*names, *touched))
        namespace = dict(self.namespace)
        for edit in edits:
            edit.put(edit.changed(edit.node))
            namespace |= edit.extra
        try:
            body = [n for n in self.tree.body if _defines(n, only)]
            module = ast.fix_missing_locations(ast.Module(body, []))
            code = compile(module, self.file, "exec")
        finally:
            for edit in reversed(edits):
                edit.put(edit.node)
        exec(code, namespace)
        for edit in edits:
            if edit.after is not None:
                edit.after(namespace)
        return replace(self, namespace=namespace)

    def fault_in(self, error: BaseException) -> str:
        """Return where in the sheet an exception arose, and what it says."""
        line = self.line_in(error)
        return f"{self.place(line)}: {one_line(error)}" if line else one_line(error)

    def line_in(self, error: BaseException) -> int:
        """Return the line of the sheet where an exception arose, 0 outside of it."""
        frames = traceback.extract_tb(error.__traceback__)
        inside = [f.lineno for f in frames if f.filename == self.file and f.lineno]
        return inside[-1] if inside else 0


def one_line(error: BaseException) -> str:
    """Return an exception in one line."""
    said = " ".join(str(error).split())
    if isinstance(error, NotImplementedError):
        said = said or "not written yet"
    return f"{type(error).__name__}: {said[:200]}" if said else type(error).__name__


def _spans(node: ast.stmt, lines: set[int]) -> bool:
    """Return whether a definition holds one of some lines."""
    if not isinstance(node, ast.FunctionDef | ast.ClassDef):
        return False
    return any(node.lineno <= line <= (node.end_lineno or 0) for line in lines)


def _defines(node: ast.stmt, only: set[str]) -> bool:
    """Return whether a statement defines some name, or a table without calls."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return node.name in only
    return isinstance(node, ast.Assign) and not any(
        isinstance(inner, ast.Call) for inner in ast.walk(node.value)
    )


def read_sheet(path: Path) -> Sheet:
    """Run a Python file or a notebook, and return what it defines.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be read or run: with the line, and the
        exception in one line.
    """
    text = _text(path)
    name = f"sheet_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}"
    try:
        tree = ast.parse(text, str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        said = getattr(error, "msg", None) or error
        raise InputError(f"{path}{where}: {type(error).__name__}: {said}") from error
    module = ModuleType(name)
    module.__file__ = str(path)
    # dataclasses look their own module up by name.
    sys.modules[name] = module
    sheet = Sheet(path.name, str(path), text, tree, vars(module))
    _run(sheet, path)
    return sheet


def _run(sheet: Sheet, path: Path) -> None:
    # As for a script, files beside it can be imported.
    sys.path.insert(0, str(path.resolve().parent))
    sheet.namespace.update(display=_nothing, get_ipython=_nothing)
    try:
        # One that plots waits for no window to be closed.
        with quiet(), environment(MPLBACKEND="Agg"):
            exec(compile(sheet.tree, sheet.file, "exec"), sheet.namespace)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # Whatever it raises, SystemExit too, is the sheet's.
        raise InputError(f"{path}, {sheet.fault_in(error)}") from error
    finally:
        sys.path.pop(0)


def _nothing(*_: Any, **__: Any) -> Any:
    """Stand in for what IPython gives a notebook, and calls of what it returns."""
    return _Anything()


class _Anything:
    def __getattr__(self, name: str) -> Any:
        return _nothing


@contextlib.contextmanager
def environment(**values: str) -> Generator[None]:
    """Set variables of the environment in this block."""
    before = {key: os.environ.get(key) for key in values}
    os.environ |= values
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def _text(path: Path) -> str:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text: {error}") from error
    return _of_notebook(path, text) if path.suffix == ".ipynb" else text


def _of_notebook(path: Path, text: str) -> str:
    """Return a notebook's code, with a comment above each cell."""
    try:
        cells = json.loads(text)["cells"]
        codes = [
            "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: is not a notebook: {one_line(error)}") from error
    return "\n".join(
        f"{CELL}{n}\n{_without_magics(code)}" for n, code in enumerate(codes, 1)
    )


def _without_magics(code: str) -> str:
    """Return a cell with IPython's own lines put out of the way."""
    if re.match(r"\s*%%(?!(?:time|timeit|capture)\b)", code):
        # In another language.
        return "\n".join(f"# {line}" for line in code.splitlines())
    return re.sub(r"(?m)^([ \t]*)([%!?].*|[\w.]+\?+ *)$", r"\1pass  # \2", code)


def sheet_around(thing: Any) -> Sheet:
    """Return the sheet that an object, class, function or module stands in.

    Where its source cannot be found, as that of what was typed into a prompt, there
    are no lines to show.
    """
    owner = thing if hasattr(thing, "__qualname__") else type(thing)
    module = thing
    if not isinstance(thing, ModuleType):
        module = sys.modules.get(owner.__module__, ModuleType("unknown"))
    try:
        file = inspect.getsourcefile(module) or ""
        text = inspect.getsource(module)
        tree = ast.parse(text)
    except (OSError, TypeError, SyntaxError):
        file, text, tree = "", "", ast.Module([], [])
    if not text and not isinstance(thing, ModuleType):
        file, text, tree = _own_source(owner)
    return Sheet(module.__name__, file, text, tree, vars(module))


def _own_source(owner: Any) -> tuple[str, str, ast.Module]:
    """Return the cell of a notebook in which a class or function was written.

    Its functions know it by a name of the kernel's, under which it is kept.
    """
    for value in (owner, *vars(owner).values()):
        code = getattr(getattr(value, "__func__", value), "__code__", None)
        file = str(getattr(code, "co_filename", ""))
        if text := "".join(linecache.getlines(file)):
            return file, text, ast.parse(text)
    return "", "", ast.Module([], [])
