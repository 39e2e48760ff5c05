"""Does a backward pass belong to its forward pass? Two witnesses.

Both look at the function φ = Σ C ∘ y of a layer's outputs, with a fixed random C, whose
gradient is what ``backward`` returns for ∂L/∂y = C.

*Differences.* Along a random direction v of one array at a time, ⟨gradient, v⟩ must be
the derivative of φ, which Richardson's extrapolation of two central differences gives
to O(h⁴). On a smooth function the extrapolations from h and from h/2 agree. Where they
do not, there is a kink (ReLU at 0) inside the step, and another point is drawn.

*Automatic differentiation* gives the same gradients by JAX, entry by entry.
"""

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise.arrays import (
    Array,
    Tree,
    automatic_gradient,
    named_leaves,
    tree_like,
    tree_map,
)
from layerwise.errors import InputError
from layerwise.model._architecture import MLP
from layerwise.model._layer import Draw, Layer, Residual, Sequential
from layerwise.model._layers import (
    ACTIVATIONS,
    Dropout,
    LayerNorm,
    Linear,
    Softmax,
    Tanh,
)
from layerwise.model._losses import LOSSES, Loss

STEP = 2e-3
"""h of the differences: truncation O(h⁴) and rounding O(ε/h) are both near 1e-12."""

SMOOTH = 1e-9
"""Above this the two extrapolations disagree by more than either error."""

TOLERANCE = 1e-8
"""Allowed disagreement with the differences, relative to the gradient's norm."""

EXACT = 1e-12
"""Allowed disagreement with automatic differentiation, of the largest entry."""

FLOOR = 1.0
"""Gradients smaller than this are compared absolutely: φ's terms are of order one.

Where they cancel, as those of LayerNorm over two units all but do, the gradient is
small and keeps the rounding of its terms, and ``SMOOTH`` lets their curvature pass.
"""

DIRECTIONS = 8
POINTS = 20
BATCH = 7
"""Samples: no likely factor, as 2, 4 or the width of a layer would be."""

SIMILAR = 1e-6
"""Directions whose claims are this near to one factor tell the same story."""

KNOWN_FACTORS = {
    -1: "the sign is reversed",
    BATCH: f"{BATCH} times the differences, the batch size: a sum for a mean",
    1 / BATCH: f"{1 / BATCH:.4g} times the differences: divided by the batch size",
}
"""What a gradient that is so many times too large has most likely gone through."""


@dataclass(frozen=True)
class GradientCheck:
    """One array's gradient, as one witness sees it.

    Parameters
    ----------
    array : str
        The parameter's path, or ``input``.
    witness : str
        ``differences`` or ``automatic``.
    error : float
        The largest disagreement found, relative to the gradient's size.
    passed : bool
        Whether it is within ``TOLERANCE`` (``differences``) or ``EXACT``
        (``automatic``).
    note : str
        What the disagreement looks like, where that can be told.
    """

    array: str
    witness: str
    error: float
    passed: bool
    note: str = ""


@dataclass(frozen=True, repr=False)
class GradientReport:
    """Every check of one layer or loss; true where all of them passed.

    Parameters
    ----------
    target : str
        What was checked.
    checks : tuple of GradientCheck
        One for each array and witness.
    note : str
        What could not be checked, or an empty string.
    """

    target: str
    checks: tuple[GradientCheck, ...]
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def worst(self, witness: str) -> float:
        """Return the largest error that a witness found; NaN where it was not asked."""
        errors = [check.error for check in self.checks if check.witness == witness]
        return max(errors, default=float("nan"))

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        lines = [f"{self.target}: {'passed' if self.passed else 'FAILED'}"]
        for c in self.checks:
            mark = "ok  " if c.passed else "FAIL"
            note = f"  {c.note}" if c.note else ""
            array = c.array.removeprefix("params.")
            lines.append(f"  {mark} {array:<14} {c.witness:<12} {c.error:.1e}{note}")
        return "\n".join([*lines, f"  {self.note}"] if self.note else lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the checks."""
        return f"<pre>{html.escape(str(self))}</pre>"


@dataclass(frozen=True)
class _Point:
    """Where a function is looked at: φ of named arrays, and the gradient to check."""

    function: Callable[[Tree], Array]
    arrays: Tree
    gradients: Tree
    note: str = ""


def gradcheck(
    target: Any, *, shape: tuple[int, ...] = (5,), seed: int = 0
) -> GradientReport:
    """Check a layer's or a loss's backward against its forward, in float64.

    Parameters
    ----------
    target : Layer or Loss
        A layer may be anything with its methods; a loss inherits from ``Loss``.
    shape : tuple of int
        The shape of one input.
    seed : int
        Of the random point, directions and noise.

    Returns
    -------
    GradientReport
        True where everything agrees; its ``str`` is a table.

    Raises
    ------
    InputError
        If the target lacks a method, or returns something of the wrong form; if its
        outputs have no derivative that could be checked: random, in float32, NaN.

    Examples
    --------
    >>> from layerwise.model import Tanh
    >>> gradcheck(Tanh()).passed
    True
    """
    rng = np.random.default_rng(seed)
    point_of = _loss_point if _is_loss(target) else _layer_point
    name = _name(target)
    for _ in range(POINTS):
        try:
            point = point_of(target, shape, rng)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{name} fails on inputs of shape {(BATCH, *shape)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        checks = _differences(point, rng)
        if checks is not None:
            exact = _automatic(point)
            notes = [point.note] if point.note else []
            if not exact:
                notes.append("not written over the array API: no automatic check")
            return GradientReport(name, (*checks, *exact), "; ".join(notes))
    raise InputError(
        f"{name}: no smooth point found in {POINTS} draws: forward jumps, or has a "
        f"kink in each range of {STEP:g}"
    )


def _is_loss(target: Any) -> bool:
    if isinstance(target, Loss):
        return True
    for method in ("forward", "backward"):
        if not callable(getattr(target, method, None)):
            raise InputError(
                f"{_name(target)} has no method {method!r}: a layer needs "
                "forward(params, x, noise) and backward(params, trace, g)"
            )
    return False


def _name(target: Any) -> str:
    shown = repr(target)
    return shown if "object at" not in shown else type(target).__name__


def _layer_point(
    layer: Any, shape: tuple[int, ...], rng: np.random.Generator
) -> _Point:
    init = getattr(layer, "init", None)
    params = {} if init is None else init(rng, shape)
    # A bias that begins at zero would hide an error that is proportional to it.
    params = tree_map(lambda leaf: leaf + 0.1 * rng.normal(size=leaf.shape), params)
    x = rng.normal(size=(BATCH, *shape))
    declare = getattr(layer, "noise", None)
    noise = _drawn(None if declare is None else declare(params, shape), rng)
    x, note = _within(layer, params, x, noise)
    before = x.copy()
    y, trace = _unpacked(layer.forward(params, x, noise), layer, "forward")
    if not np.array_equal(x, before):
        raise InputError(
            f"{_name(layer)}.forward changes its input in place: what came before it "
            "sees it changed too; work on a copy (x.copy())"
        )
    _check_outputs(layer, y, layer.forward(params, x, noise)[0])
    cotangent = rng.normal(size=y.shape)
    back = layer.backward(params, trace, cotangent)
    of_params, of_input = _unpacked(back, layer, "backward")

    def function(arrays: Tree) -> Array:
        outputs, _ = layer.forward(arrays["params"], arrays["input"], noise)
        return (outputs * cotangent).sum()

    arrays = {"params": params, "input": x}
    return _Point(function, arrays, {"params": of_params, "input": of_input}, note)


def _within(
    layer: Any, params: Tree, x: np.ndarray, noise: Any
) -> tuple[np.ndarray, str]:
    """Return inputs for which a layer is defined, and what to say of them."""

    def finite(inputs: np.ndarray) -> bool:
        with np.errstate(all="ignore"):
            y = _unpacked(layer.forward(params, inputs.copy(), noise), layer, "forward")
        return bool(np.all(np.isfinite(np.asarray(y[0]))))

    if finite(x):
        return x, ""
    positive = np.abs(x) + 0.1
    if finite(positive):
        return positive, "NaN for negative inputs: checked on positive ones"
    raise InputError(
        f"{_name(layer)}.forward gives numbers that are not finite, for inputs from "
        "N(0, 1): it has no derivative there"
    )


def _check_outputs(layer: Any, y: Array, again: Array) -> None:
    """Refuse outputs that differences say nothing of, with the reason."""
    outputs = np.asarray(y)
    if not np.array_equal(outputs, np.asarray(again)):
        raise InputError(
            f"{_name(layer)}.forward draws random numbers of its own: two calls with "
            "equal inputs differ; declare them in noise(params, shape), and take noise"
        )
    if outputs.size > 1 and np.array_equal(outputs, outputs.astype(np.float32)):
        coarse = outputs.dtype.itemsize < 8 or np.any(outputs % 0.25)
        if coarse:
            raise InputError(
                f"{_name(layer)}.forward computes in float32: its gradient can be "
                "checked in float64 only; take the dtype of the input"
            )


def _loss_point(loss: Any, shape: tuple[int, ...], rng: np.random.Generator) -> _Point:
    classes = int(np.prod(shape))
    targets = np.eye(classes)[rng.integers(0, classes, size=BATCH)]
    # Positive rows are valid for every loss, for those on probabilities too.
    outputs = rng.uniform(0.05, 1.0, size=(BATCH, classes))
    _, trace = loss.forward(outputs, targets)
    cotangent = rng.normal(size=BATCH)

    def function(arrays: Tree) -> Array:
        losses, _ = loss.forward(arrays["input"], targets)
        return (losses * cotangent).sum()

    gradient = loss.backward(trace) * cotangent[:, None]
    return _Point(function, {"input": outputs}, {"input": gradient})


def _drawn(declared: Any, rng: np.random.Generator) -> Any:
    return tree_map(
        lambda d: rng.uniform(size=(BATCH, *d.shape)) if isinstance(d, Draw) else None,
        declared,
    )


def _unpacked(pair: Any, target: Any, method: str) -> tuple[Any, Any]:
    if not isinstance(pair, tuple) or len(pair) != 2:
        wanted = {"forward": "outputs, trace", "backward": "gradients, input_gradient"}
        raise InputError(f"{_name(target)}.{method} must return {wanted[method]}")
    return pair


def _differences(point: _Point, rng: np.random.Generator) -> list[GradientCheck] | None:
    """Return a check for each array, or None where a kink is too near."""
    found = dict(named_leaves(point.gradients))
    checks: list[GradientCheck] = []
    for path, leaf in named_leaves(point.arrays):
        gradient = found.get(path)
        if gradient is None or np.shape(gradient) != leaf.shape:
            checks.append(_misshapen(path, leaf, gradient))
            continue
        pairs: list[tuple[float, float]] = []
        for _ in range(DIRECTIONS):
            direction = rng.normal(size=leaf.shape) / np.sqrt(leaf.size)
            slope = _slope(point, path, direction)
            if slope is None:
                return None
            pairs.append((float((gradient * direction).sum()), slope))
        checks.append(_compared(path, np.array(pairs)))
    return checks


def _slope(point: _Point, path: str, direction: np.ndarray) -> float | None:
    """Return dφ/dt along the direction, or None where there is a kink within h."""
    here = dict(named_leaves(point.arrays))

    def phi(t: float) -> float:
        there = here | {path: here[path] + t * direction}
        return float(point.function(tree_like(point.arrays, there)))

    def central(h: float) -> float:
        return (phi(h) - phi(-h)) / (2 * h)

    coarse, middle, fine = (central(STEP / 2**k) for k in range(3))
    # Each halving divides the O(h²) error by four; the combination cancels it.
    first, second = (4 * middle - coarse) / 3, (4 * fine - middle) / 3
    smooth = abs(first - second) <= SMOOTH * max(1.0, abs(second))
    return second if smooth else None


def _compared(path: str, pairs: np.ndarray) -> GradientCheck:
    """Judge the pairs (⟨gradient, v⟩, difference) along the directions."""
    claimed, seen = pairs.T
    size = max(float(np.linalg.norm(seen)), FLOOR)
    error = float(np.linalg.norm(claimed - seen)) / size
    passed = error <= TOLERANCE
    return GradientCheck(
        path, "differences", error, passed, "" if passed else _symptom(claimed, seen)
    )


def _symptom(claimed: np.ndarray, seen: np.ndarray) -> str:
    """Say what is wrong where every direction tells the same story."""
    if not np.any(claimed):
        return "the gradient is zero, the differences are not"
    if not np.any(seen):
        return "the outputs do not depend on it, the gradient says they do"
    factor = float(claimed @ seen / (seen @ seen))
    if np.linalg.norm(claimed - factor * seen) > SIMILAR * np.linalg.norm(claimed):
        return "another direction than the differences"
    for known, words in KNOWN_FACTORS.items():
        if abs(factor - known) < SIMILAR:
            return words
    return f"{factor:.4g} times the differences"


def _misshapen(path: str, leaf: np.ndarray, gradient: Any) -> GradientCheck:
    got = "is missing" if gradient is None else f"has shape {np.shape(gradient)}"
    note = f"the gradient {got}, expected {leaf.shape}"
    return GradientCheck(path, "differences", np.inf, passed=False, note=note)


def _automatic(point: _Point) -> list[GradientCheck]:
    """Return a check for each array, none where JAX cannot trace the function."""
    exact = automatic_gradient(point.function, point.arrays)
    if exact is None:
        return []
    found = dict(named_leaves(point.gradients))
    checks: list[GradientCheck] = []
    for path, true in named_leaves(exact):
        if path in found and np.shape(found[path]) == true.shape:
            size = float(np.max(np.abs(true), initial=FLOOR))
            error = float(np.max(np.abs(found[path] - true), initial=0.0)) / size
            checks.append(GradientCheck(path, "automatic", error, error <= EXACT))
    return checks


def own_targets() -> dict[str, Layer | Loss]:
    """Return every layer and loss of ours, and whole networks, by name."""
    blocks: tuple[Layer, ...] = (Linear(5), Tanh(), Dropout(0.2))
    layers: tuple[Layer, ...] = (
        Linear(3),
        *ACTIVATIONS.values(),
        Softmax(),
        LayerNorm(),
        Dropout(0.3),
        Residual(Sequential(blocks)),
    )
    networks: dict[str, Layer | Loss] = {
        f"MLP with LayerNorm, Dropout, Residual, {name}": MLP(
            (6, 6), name, normalise=True, dropout=0.2, residual=True
        ).build(5, 3)
        for name in ACTIVATIONS
    }
    alone = {type(target).__name__: target for target in (*layers, *LOSSES.values())}
    return alone | networks
