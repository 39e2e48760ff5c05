"""Functions: a forward one, and one that returns its derivative or goes backward."""

import ast
import copy
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from layerwise.sheets.reading import (
    as_numbers,
    assigned,
    code_of,
    is_bias,
    is_gradient,
    is_weight,
    precision,
    returned_names,
)
from layerwise.sheets.recognising._building import flags_of, looked_up, required
from layerwise.sheets.recognising._forms import (
    backward_function,
    deriving_flag,
    forward_function,
    is_of_autograd,
)
from layerwise.sheets.recognising._parts import (
    FEATURES,
    OUTPUTS,
    Arrays,
    Case,
    Claims,
    Context,
    Part,
    array_of,
    best_of,
    gradients_of,
    is_same,
)

__all__ = ["FunctionPart", "find_function"]

LAYOUTS = (
    "rows",
    "rows, b of one row",
    "rows, W by outputs",
    "columns",
    "one sample",
    "numbers",
)
"""Where the samples are in x, and where the outputs are in W and b;
or that a function takes one number at a time."""

CACHE = r"\w*cache\w*|memory|ctx|context|saved|mask|tape|trace|store\w*|state"
OUTPUT = (
    r"y|ys|a|s|p|out|output|outputs|activated|probs?|probabilities|y_?hat|sig|t|h|act"
)
FEATURE = r"gamma|beta|scale|shift|g"

CONSTANTS = (
    (r"\w*bn_?param\w*", {"mode": "train", "eps": 1e-5, "momentum": 0.9}),
    (r"\w*dropout_?param\w*", {"mode": "train", "p": 0.6, "seed": 123}),
    (r"\w*activation\w*|act", "relu"),
    (r"mode", "train"),
    (r"eps\w*", 1e-5),
    (r"axis|dim", -1),
)
"""What arguments that are no arrays are given."""


@dataclass
class FunctionPart(Part):
    """A function of arrays with its derivative.

    Parameters
    ----------
    partner : str
        The function with the derivative; the name itself where that is part of it.
    layout : str
        One of ``LAYOUTS``.
    takes : tuple of str
        What the partner is given: ``gradient``, ``cache``, ``output``, ``all`` or an
        argument of the forward function.
    slope : bool
        Whether the partner returns the derivative itself, not times a gradient.
    pullback : bool
        Whether the function returns that with the derivative.
    """

    partner: str = field(kw_only=True)
    layout: str = "rows"
    takes: tuple[str, ...] = ()
    slope: bool = False
    positive: bool = False
    pullback: bool = False

    kind = "function"

    @property
    def said(self) -> str:
        of = [k for k in self._shapes(1) if k != "input"]
        what = f" of its input and {', '.join(of)}" if of else ""
        if is_of_autograd(self.made()):
            return f"a function{what}, for torch's automatic differentiation"
        if isinstance(self.made(), type):
            return f"a function{what}, its gradient in {self.backward.__qualname__}"
        if self.pullback:
            return f"a function{what}, which returns its gradient's function"
        if self.partner == self.name:
            return f"a function, its derivative with {deriving_flag(self.forward)}=True"
        if not self.slope:
            return f"a function{what}, its gradient in {self.partner}"
        takes = ", which takes the output" if self.takes == ("output",) else ""
        return f"a function, its derivative in {self.partner}{takes}"

    @property
    def code(self) -> tuple[str, ...]:
        return (self.name, self.partner)

    @property
    def forward(self) -> Any:
        """The forward function."""
        return forward_function(self.made(), self.context.names)

    @property
    def backward(self) -> Any:
        """The function with the derivative."""
        return backward_function(self.namespace[self.partner], self.context.names)

    def _shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each argument that is an array, the input's first."""
        shapes: dict[str, tuple[int, ...]] = {}
        for n, name in enumerate(required(self.forward)):
            shape = _shape(name, n, batch, self.layout)
            if shape is not None:
                shapes["input" if n == 0 else name] = shape
        return shapes

    def case(self, rng: np.random.Generator, batch: int) -> Case:
        arrays = {k: rng.normal(size=s) for k, s in self._shapes(batch).items()}
        if self.positive:
            arrays["input"] = np.abs(arrays["input"]) + 0.1
        axis = {"columns": 1, "one sample": None}.get(self.layout, 0)
        seed = int(rng.integers(1 << 30))
        return Case(arrays, 1 if axis is None else batch, axis, seed)

    def _arguments(self, arrays: Mapping[str, Any]) -> list[Any]:
        return [
            arrays.get(
                "input" if n == 0 else name,
                copy.copy(looked_up(name, CONSTANTS, otherwise=0.3)),
            )
            for n, name in enumerate(required(self.forward))
        ]

    def called(self, case: Case, arrays: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the output for some arrays, and what else the function returned."""
        arguments = self._arguments(arrays)
        self.reseed(case.seed)
        result = self._apply(self.forward, *arguments, **flags_of(self.forward))
        if isinstance(result, tuple | list) and len(result) > 1:
            return result[0], result[1] if len(result) == 2 else tuple(result[1:])
        return result, None

    def arrays(self, case: Case) -> dict[str, Any]:
        """Return a case's arrays in the sheet's library."""
        return {key: self.given(array) for key, array in case.arrays.items()}

    def _apply(self, function: Any, *given: Any, **flags: Any) -> Any:
        """Call a function, where it takes numbers alone for each entry."""
        if self.layout != "numbers":
            return function(*given, **flags)
        found = [
            float(function(*map(float, one), **flags))
            for one in zip(*(np.ravel(a) for a in given), strict=True)
        ]
        return np.reshape(found, np.shape(given[0]))

    def outputs(self, case: Case) -> np.ndarray:
        return as_numbers(self.called(case, self.arrays(case))[0])

    def claimed(self, thing: Any, case: Case, cotangent: np.ndarray) -> Claims:
        if is_of_autograd(thing):
            return self._applied(case, cotangent)
        arrays = self.arrays(case)
        y, cache = self.called(case, arrays)
        changed = [k for k, v in case.arrays.items() if not is_same(arrays[k], v)]
        gradient = self.given(cotangent)
        arguments = self._arguments(arrays)
        values = dict(zip(required(self.forward), arguments, strict=True)) | {
            "gradient": gradient,
            "cache": cache,
            "output": y,
            "input": arguments[0],
            "all": tuple(arguments),
        }
        flag = deriving_flag(self.forward)
        flags = {flag: True} if flag and self.partner == self.name else {}
        partner = cache if self.pullback else self.backward
        returned = self._apply(partner, *(values[key] for key in self.takes), **flags)
        if not is_same(gradient, cotangent):
            changed.append("gradient")
        found = self._found(returned, case, cotangent)
        gradients = {key: found.get(key) for key in case.arrays}
        return Claims(gradients, tuple(changed), precision(y))

    def _found(self, returned: Any, case: Case, cotangent: np.ndarray) -> Arrays:
        if self.slope:
            return {"input": _times(as_numbers(returned), cotangent)}
        sheet, names = self.context.sheet, self.context.names
        tree = code_of(sheet, self.partner, "backward", names)
        first = required(self.forward)[0]
        return assigned(returned, returned_names(tree), case.arrays, first)

    def _applied(self, case: Case, cotangent: np.ndarray) -> Claims:
        """Return what torch's automatic differentiation takes from a function."""
        leaves = {k: v.requires_grad_() for k, v in self.arrays(case).items()}
        # Copies, so that one may be changed in place.
        copies = {key: leaf * 1 for key, leaf in leaves.items()}
        y = self.called(case, copies)[0]
        changed = [k for k, v in case.arrays.items() if not is_same(copies[k], v)]
        found = gradients_of(y, leaves, cotangent)
        return Claims(found, tuple(changed), precision(y))

    def graph(self, case: Case, leaves: dict[str, Any]) -> Any:
        own = is_of_autograd(self.made())
        return None if own else self.called(case, leaves)[0]


def _times(slope: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
    """Return a derivative times a gradient: entry by entry, or by a Jacobian."""
    if slope.shape == cotangent.shape:
        return slope * cotangent
    if slope.shape == 2 * cotangent.shape:
        return slope.T @ cotangent
    if slope.shape == (*cotangent.shape, cotangent.shape[-1]):
        return np.einsum("nij,ni->nj", slope, cotangent)
    return slope


def _shape(name: str, position: int, batch: int, layout: str) -> tuple[int, ...] | None:
    """Return the shape of an argument, None where it is no array."""
    low = re.sub(r"\d+$", "", name.lower()).strip("_")
    if position == 0:
        return {"columns": (FEATURES, batch), "one sample": (FEATURES,)}.get(
            layout, (batch, FEATURES)
        )
    if is_weight(name):
        by_outputs = layout in ("rows, W by outputs", "columns")
        return (OUTPUTS, FEATURES) if by_outputs else (FEATURES, OUTPUTS)
    if re.fullmatch(FEATURE, low):
        return (FEATURES,)
    if is_bias(name):
        shapes = {"columns": (OUTPUTS, 1), "rows, b of one row": (1, OUTPUTS)}
        return shapes.get(layout, (OUTPUTS,))
    return None


def find_function(name: str, partner: str, context: Context) -> FunctionPart:
    """Return a pair of functions as a part, called as its input's gradient is right."""
    layouts = (FunctionPart(name, context, partner=partner, layout=one)
               for one in LAYOUTS)  # fmt: skip
    ways = itertools.chain.from_iterable(map(_attempts, layouts))
    return best_of(ways, _tried, context.sheet)


def _attempts(part: FunctionPart) -> Iterator[FunctionPart]:
    """Yield what the function with the derivative may be given."""
    try:
        case = part.case(np.random.default_rng(0), 7)
        cache = part.called(case, part.arrays(case))[1]
    except Exception:
        # Only for its own error, should no layout fit.
        cache = None
    if callable(cache) or is_of_autograd(part.made()):
        yield replace(part, takes=("gradient",), pullback=callable(cache))
        return
    taken = required(part.backward)
    own = required(part.forward)
    choices = [_choices(name, own, cache is not None, part) for name in taken]
    if len(taken) > 1 and not any("gradient" in c for c in choices):
        choices[0] = ["gradient"]
    slope = not any("gradient" in c for c in choices)
    for takes in itertools.islice(itertools.product(*choices), 12):
        yield replace(part, takes=takes, slope=slope)


def _choices(
    name: str, own: Sequence[str], cached: bool, part: FunctionPart
) -> list[str]:
    """Return what an argument of the function with the derivative may be."""
    is_output = re.fullmatch(OUTPUT, name.lower())
    kept = ["cache"] if cached else []
    if len(required(part.backward)) == 1:
        takes_output = is_output or _takes_output(part)
        found = ["input", "output"] if takes_output else ["input"]
        return found[::-1] if is_output else found
    if is_gradient(name) and name not in own:
        return ["gradient"]
    if re.fullmatch(CACHE, name.lower()):
        return kept or ["input", "output", "all"]
    if name in own:
        return ["input" if name == own[0] else name]
    return ["output", "input"] if is_output else [*kept, "input", "output"]


def _takes_output(part: FunctionPart) -> bool:
    """Return whether the sheet calls a derivative with what the function returned.

    Or says so, in the derivative's docstring.
    """
    document = str(getattr(part.backward, "__doc__", "") or "")
    if re.search(r"output|activat|already", document.lower()):
        return True
    returned: set[str] = set()
    for node in ast.walk(part.context.sheet.tree):
        if isinstance(node, ast.Assign) and _calls(node.value, part.name):
            returned |= {ast.unparse(target) for target in node.targets}
    return any(
        isinstance(node, ast.Call)
        and _calls(node, part.partner)
        and node.args
        and ast.unparse(node.args[0]) in returned
        for node in ast.walk(part.context.sheet.tree)
    )


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith(name)


def _tried(part: FunctionPart) -> tuple[FunctionPart, float]:
    """Return a part, and how good a way of calling it is.

    A backward function that raises is judged where its forward one runs.
    """
    case = part.case(np.random.default_rng(1), 7)
    y = as_numbers(array_of(part.name, part.called(case, part.arrays(case))[0]))
    if not np.all(np.isfinite(y)):
        part = replace(part, positive=True)
    try:
        return part, 0.5 + part.agreement(["input"]) / 2
    except Exception:
        if not y.ndim:
            raise
        return part, 0.0
