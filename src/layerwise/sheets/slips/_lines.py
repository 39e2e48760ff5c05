"""Which line of a sheet something is on, where no edit has shown it."""

import ast
from collections.abc import Sequence

from layerwise.sheets._marks import Fault
from layerwise.sheets.reading import (
    Edit,
    base_name,
    code_of,
    counterpart,
    shown,
    stripped,
)
from layerwise.sheets.recognising import Part
from layerwise.sheets.slips._slips import Slip

__all__ = ["Found", "found", "jacobian_line", "line_in_place"]

Found = tuple[Fault, list[Edit]]
"""What is wrong, and the edits that make it right."""


def found(
    part: Part,
    array: str,
    slip: Slip,
    size: str,
    edits: Sequence[Edit] = (),
    line: int | None = None,
) -> Found:
    """Return a fault with its line of the sheet: of its edit, or the likeliest."""
    sheet = part.context.sheet
    if line is None:
        line = edits[0].line if edits else _likely_line(part, array)
    place, code = sheet.place(line) if line else "", sheet.line(line)
    fault = Fault(
        shown(array), size, slip.name, slip.words, line, place, code, slip.formula
    )
    return fault, list(edits)


def _likely_line(part: Part, key: str) -> int:
    """Return the line that gives an array's gradient, where no edit has shown it."""
    line = 0
    method = _backward_code(part)
    for node in ast.walk(method) if method is not None else ():
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                text = ast.unparse(target).replace("['", ".").replace("']", "")
                base = base_name(text.removeprefix("self."))
                if base and counterpart(base, [stripped(key)]):
                    line = node.lineno
        elif isinstance(node, ast.Return) and not line:
            line = node.lineno
    return line or (getattr(method, "lineno", 0))


def jacobian_line(part: Part) -> int:
    """Return the line that builds a Jacobian, where a backward pass builds one."""
    for node in ast.walk(_backward_code(part) or ast.Pass()):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("diag", "outer", "diagflat", "einsum", "diag_embed", "eye"):
                return node.lineno
    return 0


def _backward_code(part: Part) -> ast.AST | None:
    """Return the tree of what gives a part's gradients."""
    roles = {"update": "update", "network": "training_step"}
    role = roles.get(part.kind, "backward")
    sheet, names = part.context.sheet, part.context.names
    return code_of(sheet, part.code[-1], role, names)


def line_in_place(part: Part) -> int:
    """Return the line of a forward pass that writes into its argument."""
    for name in part.code:
        method = code_of(part.context.sheet, name, "forward", part.context.names)
        arguments = {a.arg for a in getattr(getattr(method, "args", None), "args", ())}
        arguments |= _other_names(method, arguments)
        for node in ast.walk(method) if method is not None else ():
            written = _written(node)
            if written and ast.unparse(written) in arguments:
                return getattr(node, "lineno", 0)
    return 0


def _other_names(method: ast.AST | None, names: set[str]) -> set[str]:
    """Return what else a method calls some of its arguments: out in ``out = x``."""
    return {
        ast.unparse(target)
        for node in ast.walk(method or ast.Pass())
        if isinstance(node, ast.Assign) and ast.unparse(node.value) in names
        for target in node.targets
    }


def _written(node: ast.AST) -> ast.AST | None:
    """Return what is written into: x in ``x[m] = 0``, ``x *= 2``, ``x.mul_()``."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        return node.targets[0].value
    if isinstance(node, ast.AugAssign):
        target = node.target
        return target.value if isinstance(target, ast.Subscript) else target
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name = node.func.attr
        if name.endswith("_") and not name.startswith("_"):
            return node.func.value
        out = [k.value for k in node.keywords if k.arg == "out"]
        return out[0] if out else None
    return None
