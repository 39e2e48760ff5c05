"""Functions: a forward one, and one that returns its derivative or goes backward."""

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from layerwise.sheets.reading import (
    as_given,
    as_numbers,
    assigned,
    code_of,
    held,
    is_bias,
    is_gradient,
    is_number_array,
    is_rate,
    is_weight,
    loaded_torch,
    precision,
    reseeded,
    returned_names,
)
from layerwise.sheets.recognising._building import flags_of, required
from layerwise.sheets.recognising._forms import (
    backward_function,
    deriving_flag,
    forward_function,
    is_of_autograd,
)
from layerwise.sheets.recognising._layers import differentiated, gradients_of
from layerwise.sheets.recognising._parts import (
    FEATURES,
    OUTPUTS,
    Case,
    Claims,
    Context,
    Part,
    array_of,
    furthest,
    is_near,
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


@dataclass
class FunctionPart(Part):
    """A function of arrays with its derivative.

    Parameters
    ----------
    partner : str
        The function with the derivative; the name itself where that is part of it.
    layout : str
        One of ``LAYOUTS``.
    given : tuple of str
        What the partner's arguments are: ``gradient``, ``cache``, ``output``,
        ``all`` or an argument of the forward function.
    slope : bool
        Whether the partner returns the derivative itself, not its product with a
        gradient.
    positive : bool
        Whether the input must be positive.
    pullback : bool
        Whether the function returns that with the derivative.
    """

    partner: str = field(kw_only=True)
    layout: str = "rows"
    given: tuple[str, ...] = ()
    slope: bool = False
    positive: bool = False
    pullback: bool = False

    kind = "function"

    @property
    def said(self) -> str:
        of = [k for k in self._shapes(1) if k != "input"]
        what = f" of its input and {', '.join(of)}" if of else ""
        if is_of_autograd(self.namespace[self.name]):
            return f"a function{what}, for torch's automatic differentiation"
        if isinstance(self.namespace[self.name], type):
            return f"a function{what}, its gradient in {self.backward.__qualname__}"
        if self.pullback:
            return f"a function{what}, which returns its gradient's function"
        if self.partner == self.name:
            return f"a function, its derivative with {deriving_flag(self.forward)}=True"
        if not self.slope:
            return f"a function{what}, its gradient in {self.partner}"
        takes = ", which takes the output" if self.given == ("output",) else ""
        return f"a function, its derivative in {self.partner}{takes}"

    @property
    def code(self) -> tuple[str, ...]:
        return (self.name, self.partner)

    @property
    def forward(self) -> Any:
        """The forward function."""
        return forward_function(self.namespace[self.name], self.context.names)

    @property
    def backward(self) -> Any:
        """The function with the derivative."""
        return backward_function(self.namespace[self.partner], self.context.names)

    def _shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each argument that is an array, the input's first."""
        shapes: dict[str, tuple[int, ...]] = {}
        for n, p in enumerate(required(self.forward)):
            shape = _shape(p.name, n, batch, self.layout)
            if shape is not None:
                shapes["input" if n == 0 else p.name] = shape
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
            arrays.get("input" if n == 0 else p.name, _constant(p.name))
            for n, p in enumerate(required(self.forward))
        ]

    def called(self, case: Case) -> tuple[list[Any], Any, Any]:
        """Return the arguments, the output, and what else the function returned."""
        library = self.context.library
        arguments = self._arguments(
            {key: as_given(array, library) for key, array in case.arrays.items()}
        )
        reseeded(case.seed, self.generators())
        result = self._apply(self.forward, *arguments, **flags_of(self.forward))
        if isinstance(result, tuple | list) and len(result) > 1:
            rest = result[1] if len(result) == 2 else tuple(result[1:])
            return arguments, result[0], rest
        return arguments, result, None

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
        return as_numbers(self.called(case)[1])

    def claims(self, passes: Sequence[tuple[Case, np.ndarray]]) -> Claims:
        for case, cotangent in passes[:-1]:
            self._pass(case, cotangent)
        return self._pass(*passes[-1])

    def _pass(self, case: Case, cotangent: np.ndarray) -> Claims:
        if is_of_autograd(self.namespace[self.name]):
            return self._applied(case, cotangent)
        arguments, y, cache = self.called(case)
        before = [as_numbers(a) for a in arguments if is_number_array(a)]
        gradient = as_given(cotangent, self.context.library)
        held_by = {p.name: a for p, a in zip(required(self.forward), arguments,
                                             strict=True)}  # fmt: skip
        values = held_by | {
            "gradient": gradient,
            "cache": cache,
            "output": y,
            "input": arguments[0],
            "all": tuple(arguments),
        }
        given = [values[key] for key in self.given]
        flag = deriving_flag(self.forward)
        flags = {flag: True} if flag and self.backward is self.forward else {}
        partner = cache if self.pullback else self.backward
        returned = self._apply(partner, *given, **({} if self.pullback else flags))
        changed = [
            key
            for key, a, b in zip(
                case.arrays, before, case.arrays.values(), strict=False
            )
            if not np.array_equal(a, b)
        ]
        if not np.array_equal(as_numbers(gradient), cotangent):
            changed.append("gradient")
        found = self._found(returned, case, cotangent)
        gradients = {key: found.get(key) for key in case.arrays}
        return Claims(gradients, tuple(changed), precision(y))

    def _found(
        self, returned: Any, case: Case, cotangent: np.ndarray
    ) -> dict[str, np.ndarray]:
        if self.slope:
            return {"input": _times(as_numbers(returned), cotangent)}
        sheet, names = self.context.sheet, self.context.names
        tree = code_of(sheet, self.partner, "backward", names)
        first = required(self.forward)[0].name
        return assigned(returned, returned_names(tree), case.arrays, first)

    def _applied(self, case: Case, cotangent: np.ndarray) -> Claims:
        """Return what torch's automatic differentiation takes from a function."""
        leaves = {k: as_given(v, "torch").requires_grad_() for k, v in
                  case.arrays.items()}  # fmt: skip
        reseeded(case.seed, self.generators())
        # Copies, so that one may be changed in place.
        copies = {key: leaf * 1 for key, leaf in leaves.items()}
        y = self.forward(*self._arguments(copies))
        changed = [k for k, v in case.arrays.items()
                   if not np.array_equal(as_numbers(copies[k]), v)]  # fmt: skip
        found = gradients_of(y, leaves, cotangent)
        return Claims(found, tuple(changed), precision(y))

    def automatic(
        self, case: Case, cotangent: np.ndarray
    ) -> dict[str, np.ndarray] | None:
        own = is_of_autograd(self.namespace[self.name])
        if own or loaded_torch() is None or self.context.library != "torch":
            return None
        leaves = {k: as_given(v, "torch").requires_grad_() for k, v in
                  case.arrays.items()}  # fmt: skip
        reseeded(case.seed, self.generators())
        result = self.forward(*self._arguments(leaves))
        y = result[0] if isinstance(result, tuple | list) else result
        return differentiated(y, leaves, cotangent)


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


def _constant(name: str) -> Any:
    """Return what an argument that is no array is given."""
    low = name.lower()
    if re.fullmatch(r"\w*bn_?param\w*", low):
        return {"mode": "train", "eps": 1e-5, "momentum": 0.9}
    if re.fullmatch(r"\w*dropout_?param\w*", low):
        return {"mode": "train", "p": 0.6, "seed": 123}
    if re.fullmatch(r"\w*activation\w*|act", low):
        return "relu"
    if re.fullmatch(r"mode", low):
        return "train"
    if re.fullmatch(r"eps\w*", low):
        return 1e-5
    return 0.3 if is_rate(low) or not re.fullmatch(r"axis|dim", low) else -1


def find_function(
    name: str, partner: str, context: Context, namespace: dict[str, Any]
) -> FunctionPart:
    """Return a pair of functions as a part.

    Raises
    ------
    Exception
        What the likeliest way of calling them raised, if none works.
    """
    failures: list[Exception] = []
    first: FunctionPart | None = None
    broken: FunctionPart | None = None
    for part in _attempts(name, partner, context, namespace):
        try:
            with held():
                ready = _tried(part)
                agrees = _agrees(ready)
        except Exception as error:
            failures.append(error)
            broken = broken or _with_forward(part)
            continue
        if agrees:
            return ready
        first = first or ready
    # A backward function that raises is judged where its forward one runs.
    part = first or broken
    if part is None:
        raise furthest(context.sheet, failures) or TypeError(f"{name} cannot be called")
    return part


def _with_forward(part: FunctionPart) -> FunctionPart | None:
    """Return a part whose forward function runs; None where that raises too."""
    try:
        with held():
            y = part.outputs(part.case(np.random.default_rng(1), 7))
    except Exception:
        # Said already, by what the whole part raised.
        return None
    return part if y.ndim else None


def _attempts(
    name: str, partner: str, context: Context, namespace: dict[str, Any]
) -> Iterator[FunctionPart]:
    for layout in LAYOUTS:
        part = FunctionPart(name, context, namespace, partner=partner, layout=layout)
        try:
            with held():
                case = part.case(np.random.default_rng(0), 7)
                cache = part.called(case)[2]
                cached = cache is not None
        except Exception:
            # Only for its own error, should no layout fit.
            cached, cache = False, None
        if callable(cache) or is_of_autograd(namespace[name]):
            yield replace(part, given=("gradient",), pullback=callable(cache))
        else:
            yield from _arranged(part, cached)


def _arranged(part: FunctionPart, cached: bool) -> Iterator[FunctionPart]:
    """Yield what the partner's arguments may be."""
    taken = [p.name for p in required(part.backward)]
    own = [p.name for p in required(part.forward)]
    choices = [_choices(name, own, cached, part) for name in taken]
    if len(taken) > 1 and not any("gradient" in c for c in choices):
        choices[0] = ["gradient"]
    slope = not any("gradient" in c for c in choices)
    for given in itertools.islice(itertools.product(*choices), 12):
        yield replace(part, given=given, slope=slope)


def _choices(
    name: str, own: Sequence[str], cached: bool, part: FunctionPart
) -> list[str]:
    alone = len(required(part.backward)) == 1
    if alone:
        both = ["output"] if re.fullmatch(OUTPUT, name.lower()) else ["input"]
        if _takes_output(part):
            both.append("output")
        if both == ["output"]:
            both.append("input")
        return both
    if is_gradient(name) and name not in own:
        return ["gradient"]
    if re.fullmatch(CACHE, name.lower()):
        return ["cache"] if cached else ["input", "output", "all"]
    if name in own:
        return ["input" if name == own[0] else name]
    if re.fullmatch(OUTPUT, name.lower()):
        return ["output", "input"]
    return ["cache", "input", "output"] if cached else ["input", "output"]


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


def _tried(part: FunctionPart) -> FunctionPart:
    case = part.case(np.random.default_rng(1), 7)
    y = array_of(part.name, part.called(case)[1])
    if not np.all(np.isfinite(as_numbers(y))):
        part = replace(part, positive=True)
        case = part.case(np.random.default_rng(1), 7)
    part.claims([(case, np.ones(as_numbers(y).shape))])
    return part


def _agrees(part: FunctionPart) -> bool:
    """Return whether a way of calling gives the right gradient of the input."""
    rng = np.random.default_rng(2)
    case = part.case(rng, 7)
    y = part.outputs(case)
    cotangent = rng.normal(size=y.shape)
    claimed = part.claims([(case, cotangent)]).gradients["input"]
    x = case.arrays["input"]
    if claimed is None or claimed.shape != x.shape:
        return False
    direction = rng.normal(size=x.shape)
    slope = part.slope_along(case, "input", direction, cotangent)
    return is_near(float((claimed * direction).sum()), slope)
