"""Edits of a sheet's code that may undo a slip: what stands there, and what may."""

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from layerwise.sheets.reading import Edit, Sheet

__all__ = ["edits_of", "like", "places"]


CLAMPS = ("clip", "clamp", "clamp_", "clip_", "maximum", "minimum", "abs", "fabs")


COARSE = {"float32": "float64", "float16": "float64", "half": "double",
          "float": "double", "single": "float64", "bfloat16": "float64"}  # fmt: skip


OPERANDS = ("self", "other", "out")
"""What numbers with gradients call themselves, and what they are combined into."""


Made = tuple[str, Callable[[Any], ast.AST]]
Place = tuple[ast.AST, str, int | None, Any]


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
            Edit(slip, node, parent, field, index, change)
            for parent, field, index, node in found
            for slip, change in _edits(node, attributes)
        ]
    return sheet.kept[key]


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


def like(old: ast.AST, new: Any) -> Any:
    return ast.fix_missing_locations(ast.copy_location(new, old))


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
        yield "clamp", _subject
        for n in range(1, len(node.args)):
            yield "clamp", lambda call, n=n: call.args[n]
    if name in COARSE and not node.args:
        yield "float32", lambda n: _renamed(n, "double")
    if name in ("sum", "mean", "average", "max", "amax", "logsumexp"):
        yield from _of_sum(node, name)
    if name in ("dot", "matmul", "mm"):
        for n in range(len(node.args)):
            yield "transposed", lambda call, n=n: _with_argument_turned(call, n)
        yield "transposed", _turned
    if name == "exp" and node.args:
        yield "sign", _negated_within
    yield from _of_name(node, name)


def _negated_within(node: ast.Call) -> ast.AST:
    negated = ast.UnaryOp(ast.USub(), node.args[0])
    return like(node, ast.Call(node.func, [negated, *node.args[1:]], node.keywords))


def _of_name(node: ast.Call, name: str) -> Iterator[Made]:
    if name == "where" and len(node.args) == 3:
        yield "other-branch", _swapped
    elif name in ("transpose", "t"):
        yield "transposed", _subject
    elif name.startswith("diag") and len(node.args) == 1:
        yield from _of_diagonal(node)
    elif name == "squeeze":
        yield "one-sample", _subject
    elif (
        len(node.args) == 1
        and _of_module(node)
        and name != getattr(node.func, "id", None)
    ):
        yield "at-output", lambda n: n.args[0]


def _of_sum(node: ast.Call, name: str) -> Iterator[Made]:
    if name in ("mean", "average"):
        yield "mean", lambda n: _renamed(n, "sum")
    if name == "sum":
        yield "sum", lambda n: _renamed(n, "mean")
        yield "axis", _other_axis
    yield "broadcast", lambda n: _with_keyword(n, "keepdims")
    yield "broadcast", _with_axis_0
    yield "one-sample", _by_row
    if len(node.args) == 1 and _of_module(node):
        yield "at-output", lambda n: n.args[0]


def _of_sign(node: ast.UnaryOp) -> Iterator[Made]:
    if isinstance(node.op, ast.USub):
        yield "sign", lambda n: n.operand
    elif isinstance(node.op, ast.Invert | ast.Not):
        yield "other-branch", lambda n: n.operand


def _of_assignment(node: ast.Assign) -> Iterator[Made]:
    if len(node.targets) == 1 and ast.unparse(node.targets[0]).endswith(".grad"):
        yield "overwritten", _added
    if isinstance(node.value, ast.Name):
        yield "in-place", lambda n: like(n, ast.Assign(n.targets, _copy_of(n.value.id)))


def _of_operand(node: ast.Name) -> Iterator[Made]:
    if node.id in OPERANDS and isinstance(node.ctx, ast.Load):
        for other in OPERANDS:
            if other != node.id:
                yield "expression", lambda n, o=other: like(n, ast.Name(o, n.ctx))


def _of_condition(node: ast.If) -> Iterator[Made]:
    del node
    yield "earlier-batch", lambda n: like(n, ast.If(ast.Constant(True), n.body, []))


def _of_index(node: ast.Subscript) -> Iterator[Made]:
    if isinstance(node.ctx, ast.Load):
        yield "one-sample", lambda n: n.value


def _of_constant(node: ast.Constant) -> Iterator[Made]:
    if isinstance(node.value, str) and node.value in COARSE:
        yield "float32", lambda n: like(n, ast.Constant("float64"))


def _renamed(node: ast.Call, name: str) -> ast.AST:
    assert isinstance(node.func, ast.Attribute)
    func = like(node.func, ast.Attribute(node.func.value, name, ast.Load()))
    return like(node, ast.Call(func, node.args, node.keywords))


def _with_keyword(node: ast.Call, name: str) -> ast.AST:
    if any(k.arg == name for k in node.keywords):
        kept = [k for k in node.keywords if k.arg != name]
        return like(node, ast.Call(node.func, node.args, kept))
    keyword = ast.keyword(name, ast.Constant(True))
    return like(node, ast.Call(node.func, node.args, [*node.keywords, keyword]))


def _with_axis_0(node: ast.Call) -> ast.AST:
    kept = [k for k in node.keywords if k.arg not in ("axis", "dim")]
    keyword = ast.keyword("axis", ast.Constant(0))
    args = node.args[: 1 if _of_module(node) else 0]
    return like(node, ast.Call(node.func, args, [*kept, keyword]))


def _with_argument_turned(node: ast.Call, place: int) -> ast.AST:
    args = [_turned(a) if n == place else a for n, a in enumerate(node.args)]
    return like(node, ast.Call(node.func, args, node.keywords))


def _by_row(node: ast.Call) -> ast.AST:
    """Return a sum over each row, in place of one over everything."""
    keywords = [
        ast.keyword("axis", ast.UnaryOp(ast.USub(), ast.Constant(1))),
        ast.keyword("keepdims", ast.Constant(True)),
    ]
    return like(node, ast.Call(node.func, node.args[: _of_module(node)], keywords))


def _other_axis(node: ast.Call) -> ast.AST:
    def flipped(value: ast.expr) -> ast.expr:
        if isinstance(value, ast.Constant) and value.value in (0, 1):
            return ast.Constant(1 - int(value.value))
        return value

    first = 1 if _of_module(node) else 0
    args = [a if n < first else flipped(a) for n, a in enumerate(node.args)]
    keywords = [
        ast.keyword(k.arg, flipped(k.value)) if k.arg in ("axis", "dim") else k
        for k in node.keywords
    ]
    return like(node, ast.Call(node.func, args, keywords))


def _swapped(node: ast.Call) -> ast.AST:
    condition, one, other = node.args
    return like(node, ast.Call(node.func, [condition, other, one], node.keywords))


def _of_operation(node: ast.BinOp) -> Iterator[Made]:
    if isinstance(node.op, ast.MatMult):
        yield (
            "transposed",
            lambda n: like(n, ast.BinOp(n.left, n.op, _turned(n.right))),
        )
        yield (
            "transposed",
            lambda n: like(n, ast.BinOp(_turned(n.left), n.op, n.right)),
        )
    elif isinstance(node.op, ast.Div):
        yield "mean", lambda n: n.left
        yield "factor", lambda n: n.left
        yield "unguarded", _guarded
    elif isinstance(node.op, ast.Mult):
        for slip in ("factor", "sum"):
            yield slip, lambda n: n.left
            yield slip, lambda n: n.right
        yield from _of_product(node)
    elif isinstance(node.op, ast.Add):
        yield "sign", lambda n: _with_operator(n, ast.Sub())
        yield "accumulated", lambda n: n.right
        yield "accumulated", lambda n: n.left
    elif isinstance(node.op, ast.Sub):
        yield "sign", lambda n: like(n, ast.BinOp(n.right, ast.Sub(), n.left))
        yield "sign", lambda n: _with_operator(n, ast.Add())


def _of_product(node: ast.BinOp) -> Iterator[Made]:
    """Yield Softmax's whole Jacobian in place of its diagonal, p (1 − p) G or p G."""
    factors = _factors(node)
    for p in factors:
        own = ast.unparse(p)
        rest = [f for f in factors if ast.unparse(f) not in (own, f"1 - {own}")]
        if len(rest) != 1:
            continue
        for axis in (-1, 0):
            made = f"{{p}} * ({{g}} - ({{g}} * {{p}}).sum({axis}, keepdims=True))"
            text = made.format(p=f"({own})", g=f"({ast.unparse(rest[0])})")
            yield "softmax-off-diagonal", lambda n, text=text: like(n, _parsed(text))


def _factors(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*_factors(node.left), *_factors(node.right)]
    return [node]


def _of_diagonal(node: ast.Call) -> Iterator[Made]:
    """Yield Softmax's Jacobian in place of a diagonal matrix."""
    diagonal, library = (
        ast.unparse(node.func),
        ast.unparse(node.func).rpartition(".")[0],
    )
    for p in {ast.unparse(n) for n in ast.walk(node.args[0])
              if isinstance(n, ast.Name | ast.Attribute)}:  # fmt: skip
        text = f"{diagonal}({p}) - {library}.outer({p}, {p})"
        yield "softmax-off-diagonal", lambda n, text=text: like(n, _parsed(text))


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _guarded(node: ast.BinOp) -> ast.AST:
    """Return a quotient that is 0 where it is divided by 0."""
    above, below = ast.unparse(node.left), ast.unparse(node.right)
    return like(
        node, _parsed(f"({above}) * (({below}) != 0) / (({below}) + (({below}) == 0))")
    )


def _turned(node: ast.expr) -> ast.expr:
    return ast.Attribute(node, "T", ast.Load())


def _with_operator(node: ast.BinOp, operator: ast.operator) -> ast.AST:
    return like(node, ast.BinOp(node.left, operator, node.right))


FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip


def _of_comparison(node: ast.Compare) -> Iterator[Made]:
    if len(node.ops) != 1:
        return
    flipped = FLIPPED.get(type(node.ops[0]))
    if flipped is not None:
        yield (
            "other-branch",
            lambda n: like(n, ast.Compare(n.left, [flipped()], n.comparators)),
        )
    if isinstance(node.ops[0], ast.Is):
        yield "earlier-batch", lambda n: like(n, ast.Constant(True))


def _of_change(node: ast.AugAssign) -> Iterator[Made]:
    def with_operator(operator: ast.operator) -> Callable[[Any], ast.AST]:
        return lambda n: like(n, ast.AugAssign(n.target, operator, n.value))

    if isinstance(node.op, ast.Add):
        yield "accumulated", lambda n: like(n, ast.Assign([n.target], n.value))
        yield "sign", with_operator(ast.Sub())
    elif isinstance(node.op, ast.Sub):
        yield "sign", with_operator(ast.Add())
    elif isinstance(node.op, ast.Mult | ast.Div):
        slip = "factor" if isinstance(node.op, ast.Mult) else "mean"
        yield slip, lambda n: like(n, ast.Pass())


def _added(node: ast.Assign) -> ast.AST:
    target = cast(ast.Name, node.targets[0])
    return like(node, ast.AugAssign(target, ast.Add(), node.value))


def _of_attribute(node: ast.Attribute, attributes: Sequence[str]) -> Iterator[Made]:
    if not isinstance(node.ctx, ast.Load):
        return
    if node.attr == "T":
        yield "transposed", lambda n: n.value
    if node.attr in COARSE:
        fine = COARSE[node.attr]
        yield "float32", lambda n: like(n, ast.Attribute(n.value, fine, ast.Load()))
    if isinstance(node.value, ast.Name) and node.value.id == "self":
        for other in attributes:
            if other != node.attr and node.attr in attributes:
                yield (
                    "at-output",
                    lambda n, other=other: like(
                        n, ast.Attribute(n.value, other, ast.Load())
                    ),
                )


def _of_statement(node: ast.Expr) -> Iterator[Made]:
    if isinstance(node.value, ast.Call) and _called(node.value) in CLAMPS:
        yield "clamp", lambda n: like(n, ast.Pass())


def _copying(node: ast.FunctionDef) -> Iterator[Made]:
    """Yield functions that copy one of their arguments first."""
    for argument in node.args.args:
        if argument.arg != "self":
            yield "in-place", lambda n, name=argument.arg: _with_copy(n, name)


def _with_copy(node: ast.FunctionDef, name: str) -> ast.AST:
    new = copy.copy(node)
    copied = ast.Assign([ast.Name(name, ast.Store())], _copy_of(name))
    new.body = [copied, *node.body]
    return like(node, new)


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
