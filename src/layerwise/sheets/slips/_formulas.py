"""The formula that belongs where a gradient is wrong, as the derivations have it."""

from collections.abc import Callable

import numpy as np

from layerwise.sheets.checking import Observation
from layerwise.sheets.recognising import (
    Part,
    as_rows,
    binary_entropy,
    entropy,
    logits_entropy,
    squares,
)

__all__ = ["formula_of"]

Curve = Callable[[np.ndarray], np.ndarray]

CURVES: tuple[tuple[Curve, str], ...] = (
    (lambda x: np.maximum(x, 0), "∂L/∂x = G · (x > 0)"),
    (lambda x: np.where(x > 0, x, 0.01 * x), "∂L/∂x = G where x > 0, else 0.01 G"),
    (lambda x: np.where(x > 0, x, 0.1 * x), "∂L/∂x = G where x > 0, else 0.1 G"),
    (np.tanh, "∂L/∂x = G (1 − y²), y = tanh x"),
    (lambda x: 1 / (1 + np.exp(-x)), "∂L/∂x = G y (1 − y), y = σ(x)"),
    (lambda x: np.where(x > 0, x, np.exp(x) - 1), "∂L/∂x = G where x > 0, else G eˣ"),
    (lambda x: np.log1p(np.exp(x)), "∂L/∂x = G σ(x)"),
    (lambda x: x / (1 + np.exp(-x)), "∂L/∂x = G (σ(x) + x σ(x) (1 − σ(x)))"),
    (lambda x: x, "∂L/∂x = G"),
    (lambda x: x * x, "∂L/∂x = 2 x G"),
)
"""Functions of each entry, and their derivatives."""


LOSSES = (
    (logits_entropy, 1, "∂L/∂z = softmax(z) − t"),
    (entropy, 1, "∂L/∂p = −t / p"),
    (binary_entropy, 1, "∂L/∂p = (p − t) / (p (1 − p))"),
    (squares, 2, "∂L/∂y = y − t"),
    (squares, 1, "∂L/∂y = 2 (y − t)"),
)
"""Losses summed, what they are divided by, and their derivatives."""


def formula_of(part: Part, one: Observation, key: str) -> str:
    """Return the formula of an array's gradient, an empty string where none is known.

    G is the gradient from above.
    """
    if part.kind == "update":
        return "θ ← θ − η ∂L/∂θ"
    if part.kind == "network":
        return "θ ← θ − η ∂L/∂θ, L the loss"
    if one.slopes is None or "input" not in one.case.arrays:
        return ""
    x, y = one.case.arrays["input"], one.slopes.outputs
    if part.kind == "loss":
        return _of_loss(one, x, float(y.sum()))
    return _of_affine(one, key, x, y) or (_of_curve(x, y) if key == "input" else "")


def _of_curve(x: np.ndarray, y: np.ndarray) -> str:
    if x.shape != y.shape:
        return ""
    for curve, formula in CURVES:
        if np.allclose(curve(x), y, atol=1e-6):
            return formula
    for axis in range(x.ndim):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        if np.allclose(e / e.sum(axis=axis, keepdims=True), y, atol=1e-6):
            return (
                "∂L/∂z = p (G − Σ G p), p = softmax(z): the Jacobian is diag(p) − p pᵀ"
            )
    return "∂L/∂x = G · f′(x)"


def _of_affine(one: Observation, key: str, x: np.ndarray, y: np.ndarray) -> str:
    matrices = [k for k, a in one.case.arrays.items() if a.ndim == 2 and k != "input"]
    weight = next((k for k in matrices if min(one.case.arrays[k].shape) > 1), None)
    if weight is None or len(matrices) > 2 or len(one.case.arrays) > 3:
        return ""
    W = one.case.arrays[weight]
    others = [k for k in one.case.arrays if k not in ("input", weight)]
    shift = one.case.arrays[others[0]] if others else 0.0
    forms = (
        (lambda: x @ W + shift, ("Xᵀ G", "Σ_batch G", "G Wᵀ")),
        (lambda: x @ W.T + shift, ("Gᵀ X", "Σ_batch G", "G W")),
        (lambda: W @ x + shift, ("G Xᵀ", "Σ_batch G", "Wᵀ G")),
        (lambda: x @ W, ("Xᵀ G", "Σ_batch G", "G Wᵀ")),
    )
    for form, (of_weight, of_bias, of_input) in forms:
        try:
            if not np.allclose(form(), y, atol=1e-5):
                continue
        except ValueError:
            continue
        if key == weight:
            return f"∂L/∂W = {of_weight}"
        return f"∂L/∂X = {of_input}" if key == "input" else f"∂L/∂b = {of_bias}"
    return ""


def _of_loss(one: Observation, x: np.ndarray, value: float) -> str:
    axis = (one.case.axis or 0) if x.ndim > 1 else 0
    y, t = as_rows(x, np.asarray(one.case.targets), axis)
    shares = {1: "", len(y): ", divided by the batch size", y.size:
              ", divided by the number of entries"}  # fmt: skip
    for share, words in shares.items():
        for loss, by, formula in LOSSES:
            if np.isclose(loss(y, t) / by / share, value, rtol=1e-4):
                return formula + words
    return ""
