"""Logistic regression on a layer's rows: a network without hidden layers, converged.

By our gradient and SciPy's L-BFGS: to import scikit-learn takes a second.
"""

import importlib

import numpy as np
from jaxtyping import Float, Int

from layerwise.arrays import Tree, one_blas_thread, ravelled, tree_map, unravelled
from layerwise.errors import InputError
from layerwise.model import (
    Batch,
    CrossEntropy,
    Linear,
    Sequential,
    loss_and_gradients,
    target_rows,
)

PENALTY = 0.01
"""The logistic probe minimises mean cross-entropy + ``PENALTY / 2`` · ‖weights‖²."""

TOLERANCE = 3e-4
"""The largest entry of the gradient at which the logistic probe stops: accuracies are
then within 0.1 points of the optimum's on MNIST's layers."""

ITERATIONS = 10_000


def load_for_inspecting() -> None:
    """Load what a study fits with, which takes 0.4 seconds."""
    importlib.import_module("scipy.optimize")


def logistic_probe(
    fit_rows: Float[np.ndarray, "fitted units"],
    fit_labels: Int[np.ndarray, " fitted"],
    rows: Float[np.ndarray, "samples units"],
) -> Int[np.ndarray, " samples"]:
    """Return what multinomial logistic regression, fitted on others, says of ``rows``.

    Units are scaled to mean 0 and variance 1 on the rows fitted on; those that are
    constant there have no say. The weights carry a penalty, see `PENALTY`, the
    intercepts none. In the precision of the rows.

    Returns
    -------
    integers, shape (samples,)
        Labels seen in ``fit_labels``; the most frequent where no unit varies.

    Raises
    ------
    InputError
        If there are no rows to fit on, or one is not finite, or its square.
    """
    if not len(fit_labels):
        raise InputError("there are no rows to fit a probe on")
    labels, own, counts = np.unique(fit_labels, return_inverse=True, return_counts=True)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = fit_rows.mean(axis=0, dtype=np.float64)
        deviation = fit_rows.std(axis=0, dtype=np.float64)
    if not np.isfinite(deviation).all():
        raise InputError(
            "the rows to fit a probe on hold numbers that are not finite, or whose "
            "squares are not: remove them or scale the rows down"
        )
    # What is constant but for rounding would have no weight, or one that says nothing.
    varying = deviation > len(fit_rows) * np.finfo(np.float64).eps * np.abs(mean)
    if len(labels) == 1 or not varying.any():
        return np.full(len(rows), labels[np.argmax(counts)])
    precision = np.result_type(fit_rows, np.float32)

    def scaled(some: np.ndarray) -> np.ndarray:
        centred = some[:, varying] - mean[varying]
        centred /= deviation[varying]
        return centred.astype(precision, copy=False)

    layer = Sequential((Linear(len(labels)),))
    with one_blas_thread():
        parameters = _fitted(layer, scaled(fit_rows), own)
        outputs, _ = layer.forward(parameters, scaled(rows))
    return labels[np.argmax(outputs, axis=1)]


def _fitted(
    layer: Sequential,
    rows: Float[np.ndarray, "samples units"],
    labels: Int[np.ndarray, " samples"],
) -> Tree:
    """Return the parameters of least loss: one valley, so the start does not matter.

    By L-BFGS (D. C. Liu & J. Nocedal, Mathematical Programming 45, 1989).
    """
    from scipy.optimize import minimize

    drawn = layer.init(np.random.default_rng(0), rows.shape[1:])
    like = tree_map(lambda leaf: np.zeros_like(leaf, rows.dtype), drawn)
    start = ravelled(like)
    classes = len(like[0]["b"])
    weights = np.ones(len(rows), rows.dtype)
    batch = Batch(rows, target_rows(labels, classes, rows), weights)

    def objective(vector: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = unravelled(vector.astype(rows.dtype), like)
        found = loss_and_gradients(
            layer, CrossEntropy(), parameters, batch, l2=PENALTY * len(rows)
        )
        return float(found.loss), ravelled(found.gradients).astype(np.float64)

    options = {
        "gtol": TOLERANCE,
        "ftol": 0.0,
        "maxiter": ITERATIONS,
        "maxfun": 2 * ITERATIONS,
    }
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    return unravelled(found.x.astype(rows.dtype), like)
