"""Edits of a sheet's code that may undo a slip: what stands there, and what may."""

import ast
import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from layerwise.sheets.reading import Edit, Sheet

__all__ = ["edits_of", "places"]


CLAMPS = ("clip", "clamp", "clamp_", "clip_", "maximum", "minimum", "abs", "fabs")


COARSE = {"float32": "float64", "float16": "float64", "half": "double",
          "float": "double", "single": "float64", "bfloat16": "float64"}  # fmt: skip


OPERANDS = ("self", "other", "out")
"""What numbers with gradients call themselves, and what they are combined into."""


Place = tuple[ast.AST, str, int | None, Any]

Made = tuple[str, ast.AST]
"""What may stand in a node's place, and the slip that this would undo."""

Node = TypeVar("Node", bound=ast.AST)


def places(sheet: Sheet, code: Sequence[str]) -> list[Place]:
    """Return some definitions, and every node in them: parent, field, index, itself."""
    names = sheet.reached_from(code)
    found: list[Place] = [
        (sheet.tree, "body", n, node)
        for n, node in enumerate(sheet.tree.body)
        if getattr(node, "name", "") in names
    ]
    waiting = [place[-1] for place in reversed(found)]
    while waiting:
        inner = list(_children(waiting.pop()))
        found += inner
        waiting += [place[-1] for place in reversed(inner)]
    return found


def _children(parent: ast.AST) -> Iterator[Place]:
    for field, value in ast.iter_fields(parent):
        if isinstance(value, ast.AST):
            yield parent, field, None, value
        elif isinstance(value, list):
            for n, one in enumerate(value):
                if isinstance(one, ast.AST):
                    yield parent, field, n, one


def edits_of(sheet: Sheet, code: Sequence[str]) -> list[Edit]:
    """Return every edit that may undo a slip in some definitions."""
    key = "edits", *code
    if key not in sheet.kept:
        found = places(sheet, code)
        attributes = _attributes(found)
        sheet.kept[key] = [
            Edit(slip, *place, partial(_nth, n=n, attributes=attributes))
            for place in found
            for n, (slip, _) in enumerate(_edits(place[-1], attributes))
        ]
    return sheet.kept[key]


def _nth(node: ast.AST, n: int, attributes: Sequence[str]) -> ast.AST:
    """Return what an edit makes of a node as it is now: others may lie within it."""
    return next(itertools.islice(_edits(node, attributes), n, None))[1]


def _attributes(found: Sequence[Place]) -> list[str]:
    """Return the attributes that a class sets on itself."""
    return list(
        dict.fromkeys(
            node.attr
            for *_, node in found
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        )
    )


def _edits(node: ast.AST, attributes: Sequence[str]) -> Iterator[Made]:
    if isinstance(node, ast.Attribute):
        return _of_attribute(node, attributes)
    kind = BY_KIND.get(type(node))
    return iter(()) if kind is None else kind(node)


def _but(node: Node, **changes: Any) -> Node:
    """Return a copy of a node with some fields changed."""
    new = copy.copy(node)
    vars(new).update(changes)
    return new


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _of_module(node: ast.Call) -> bool:
    """Return whether a call is one like ``np.sum(x)``, not ``x.sum()``."""
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    known = ("np", "numpy", "torch", "F", "jnp", "xp", "math")
    return isinstance(node.func, ast.Name) or (
        isinstance(owner, ast.Name) and owner.id in known
    )


def _subject(node: ast.Call) -> Any:
    """Return what a function is called on: its first argument, or the object."""
    if _of_module(node):
        return node.args[0] if node.args else ast.Constant(None)
    return node.func.value  # type: ignore[attr-defined]


def _of_call(node: ast.Call) -> Iterator[Made]:
    name = _called(node)
    if name in CLAMPS:
        yield from (("clamp", one) for one in (_subject(node), *node.args[1:]))
    if name in COARSE and not node.args:
        yield "float32", _renamed(node, "double")
    if name in ("sum", "mean", "average", "max", "amax", "logsumexp"):
        yield from _of_sum(node, name)
    if name in ("dot", "matmul", "mm"):
        for n, one in enumerate(node.args):
            args = [*node.args[:n], _turned(one), *node.args[n + 1 :]]
            yield "transposed", _but(node, args=args)
        yield "transposed", _turned(node)
    if name == "exp" and node.args:
        negated = ast.UnaryOp(ast.USub(), node.args[0])
        yield "sign", _but(node, args=[negated, *node.args[1:]])
    yield from _of_name(node, name)


def _of_name(node: ast.Call, name: str) -> Iterator[Made]:
    if name == "where" and len(node.args) == 3:
        condition, one, other = node.args
        yield "other-branch", _but(node, args=[condition, other, one])
    elif name in ("transpose", "t"):
        yield "transposed", _subject(node)
    elif name.startswith("diag") and len(node.args) == 1:
        yield from _of_diagonal(node)
    elif name == "squeeze":
        yield "one-sample", _subject(node)
    elif len(node.args) == 1 and _of_module(node) and ast.unparse(node.func) != name:
        yield "at-output", node.args[0]


def _of_sum(node: ast.Call, name: str) -> Iterator[Made]:
    if name in ("mean", "average"):
        yield "mean", _renamed(node, "sum")
    if name == "sum":
        yield "sum", _renamed(node, "mean")
        yield "axis", _other_axis(node)
    subject = node.args[: _of_module(node)]
    flat = [k for k in node.keywords if k.arg != "keepdims"]
    added = _keywords("keepdims=True") if flat == node.keywords else []
    yield "broadcast", _but(node, keywords=[*flat, *added])
    others = [k for k in node.keywords if k.arg not in ("axis", "dim")]
    first = [*others, *_keywords("axis=0")]
    yield "broadcast", _but(node, args=subject, keywords=first)
    rows = _keywords("axis=-1, keepdims=True")
    yield "one-sample", _but(node, args=subject, keywords=rows)
    if len(node.args) == 1 and _of_module(node):
        yield "at-output", node.args[0]


def _keywords(text: str) -> list[ast.keyword]:
    call = _parsed(f"f({text})")
    assert isinstance(call, ast.Call)
    return call.keywords


def _renamed(node: ast.Call, name: str) -> ast.AST:
    attribute = isinstance(node.func, ast.Attribute)
    return _but(node, func=_but(node.func, **{"attr" if attribute else "id": name}))


def _other_axis(node: ast.Call) -> ast.AST:
    def flipped(value: ast.expr) -> ast.expr:
        if isinstance(value, ast.Constant) and value.value in (0, 1):
            return ast.Constant(1 - int(value.value))
        return value

    first = 1 if _of_module(node) else 0
    args = [a if n < first else flipped(a) for n, a in enumerate(node.args)]
    keywords = [
        _but(k, value=flipped(k.value)) if k.arg in ("axis", "dim") else k
        for k in node.keywords
    ]
    return _but(node, args=args, keywords=keywords)


def _of_sign(node: ast.UnaryOp) -> Iterator[Made]:
    if isinstance(node.op, ast.USub):
        yield "sign", node.operand
    elif isinstance(node.op, ast.Invert | ast.Not):
        yield "other-branch", node.operand


def _of_assignment(node: ast.Assign) -> Iterator[Made]:
    (target, *more) = node.targets
    if not more and ast.unparse(target).endswith(".grad"):
        yield "overwritten", ast.AugAssign(target, ast.Add(), node.value)  # type: ignore[arg-type]
    if isinstance(node.value, ast.Name):
        yield "in-place", _but(node, value=_copy_of(node.value.id))


def _of_operand(node: ast.Name) -> Iterator[Made]:
    if node.id in OPERANDS and isinstance(node.ctx, ast.Load):
        for other in OPERANDS:
            if other != node.id:
                yield "expression", _but(node, id=other)


def _of_condition(node: ast.If) -> Iterator[Made]:
    yield "earlier-batch", _but(node, test=ast.Constant(True), orelse=[])


def _of_index(node: ast.Subscript) -> Iterator[Made]:
    if isinstance(node.ctx, ast.Load):
        yield "one-sample", node.value


def _of_constant(node: ast.Constant) -> Iterator[Made]:
    if isinstance(node.value, str) and node.value in COARSE:
        yield "float32", _but(node, value="float64")


def _of_operation(node: ast.BinOp) -> Iterator[Made]:
    left, right = node.left, node.right
    if isinstance(node.op, ast.MatMult):
        yield "transposed", _but(node, right=_turned(right))
        yield "transposed", _but(node, left=_turned(left))
    elif isinstance(node.op, ast.Div):
        yield "mean", left
        yield "factor", left
        yield "unguarded", _guarded(left, right)
    elif isinstance(node.op, ast.Mult):
        for slip in ("factor", "sum"):
            yield slip, left
            yield slip, right
        yield from _of_product(node)
    elif isinstance(node.op, ast.Add):
        yield "sign", _but(node, op=ast.Sub())
        yield "accumulated", right
        yield "accumulated", left
    elif isinstance(node.op, ast.Sub):
        yield "sign", _but(node, left=right, right=left)
        yield "sign", _but(node, op=ast.Add())


def _of_product(node: ast.BinOp) -> Iterator[Made]:
    """Yield Softmax's whole Jacobian in place of its diagonal, p (1 − p) G or p G."""
    factors = _factors(node)
    for p in factors:
        rest = [f for f in factors if f not in (p, f"1 - {p}")]
        for axis in (-1, 0) if len(rest) == 1 else ():
            inner = f"(({rest[0]}) * ({p})).sum({axis}, keepdims=True)"
            whole = _parsed(f"({p}) * (({rest[0]}) - {inner})")
            yield "softmax-off-diagonal", whole


def _factors(node: ast.expr) -> list[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*_factors(node.left), *_factors(node.right)]
    return [ast.unparse(node)]


def _of_diagonal(node: ast.Call) -> Iterator[Made]:
    """Yield Softmax's Jacobian in place of a diagonal matrix."""
    diagonal = ast.unparse(node.func)
    library = diagonal.rpartition(".")[0]
    inner = ast.walk(node.args[0])
    names = (n for n in inner if isinstance(n, ast.Name | ast.Attribute))
    for p in dict.fromkeys(map(ast.unparse, names)):
        whole = _parsed(f"{diagonal}({p}) - {library}.outer({p}, {p})")
        yield "softmax-off-diagonal", whole


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _guarded(left: ast.expr, right: ast.expr) -> ast.AST:
    """Return a quotient that is 0 where it is divided by 0."""
    above, below = ast.unparse(left), ast.unparse(right)
    return _parsed(f"({above}) * (({below}) != 0) / (({below}) + (({below}) == 0))")


def _turned(node: ast.expr) -> ast.expr:
    return ast.Attribute(node, "T", ast.Load())


FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip


def _of_comparison(node: ast.Compare) -> Iterator[Made]:
    if len(node.ops) == 1 and type(node.ops[0]) in FLIPPED:
        yield "other-branch", _but(node, ops=[FLIPPED[type(node.ops[0])]()])
    if len(node.ops) == 1 and isinstance(node.ops[0], ast.Is):
        yield "earlier-batch", ast.Constant(True)


def _of_change(node: ast.AugAssign) -> Iterator[Made]:
    if isinstance(node.op, ast.Add):
        yield "accumulated", ast.Assign([node.target], node.value)
        yield "sign", _but(node, op=ast.Sub())
    elif isinstance(node.op, ast.Sub):
        yield "sign", _but(node, op=ast.Add())
    elif isinstance(node.op, ast.Mult | ast.Div):
        yield "factor" if isinstance(node.op, ast.Mult) else "mean", ast.Pass()


def _of_attribute(node: ast.Attribute, attributes: Sequence[str]) -> Iterator[Made]:
    if not isinstance(node.ctx, ast.Load):
        return
    if node.attr == "T":
        yield "transposed", node.value
    if node.attr in COARSE:
        yield "float32", _but(node, attr=COARSE[node.attr])
    if ast.unparse(node.value) == "self" and node.attr in attributes:
        for other in attributes:
            if other != node.attr:
                yield "at-output", _but(node, attr=other)


def _of_statement(node: ast.Expr) -> Iterator[Made]:
    if isinstance(node.value, ast.Call) and _called(node.value) in CLAMPS:
        yield "clamp", ast.Pass()


def _copying(node: ast.FunctionDef) -> Iterator[Made]:
    """Yield functions that copy one of their arguments first."""
    for name in (argument.arg for argument in node.args.args):
        if name != "self":
            copied = ast.Assign([ast.Name(name, ast.Store())], _copy_of(name))
            yield "in-place", _but(node, body=[copied, *node.body])


def _copy_of(name: str) -> ast.expr:
    return _parsed(f"{name}.copy() if hasattr({name}, 'copy') else {name}.clone()")


BY_KIND: dict[type[ast.AST], Callable[[Any], Iterator[Made]]] = {
    ast.Call: _of_call,
    ast.BinOp: _of_operation,
    ast.UnaryOp: _of_sign,
    ast.Compare: _of_comparison,
    ast.AugAssign: _of_change,
    ast.Assign: _of_assignment,
    ast.Name: _of_operand,
    ast.If: _of_condition,
    ast.Subscript: _of_index,
    ast.Expr: _of_statement,
    ast.FunctionDef: _copying,
    ast.Constant: _of_constant,
}
"""What may undo a slip, by the kind of a node; attributes have their own."""
