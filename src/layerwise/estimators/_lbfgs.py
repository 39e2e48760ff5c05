"""The solver "lbfgs": all samples at once, and a line search in place of a rate."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from layerwise.arrays import Tree, ravelled, unravelled
from layerwise.data import Samples
from layerwise.model import Batch, Network, flatten, loss_and_gradients, target_rows


class Minimum(NamedTuple):
    """Where a minimisation ended; ``unfinished`` says why before it converged."""

    parameters: Tree
    loss: float
    iterations: int
    unfinished: str


def minimised(
    network: Network,
    samples: Samples,
    l2: float,
    options: dict[str, Any],
    watch: Callable[[Tree, float], None],
) -> Minimum:
    """Return the parameters of a local minimum of the loss, by L-BFGS.

    D. C. Liu & J. Nocedal, Mathematical Programming 45 (1989), as SciPy has it, along
    the gradient that is derived by hand. It begins where the network stands; ``l2`` is
    that of ``Problem``, ``options`` are SciPy's, and ``watch`` is told of parameters
    and loss after every iteration.
    """
    from scipy.optimize import OptimizeResult, minimize

    like = network.parameters
    start = ravelled(like)
    inputs = flatten(network.scaling.apply(samples.inputs, start.dtype))
    targets = target_rows(samples.targets, len(network.class_names), start)
    weights = samples.weights_at(np.arange(len(samples))).astype(start.dtype)
    batch = Batch(inputs, targets, weights)

    def tree(vector: np.ndarray) -> Tree:
        return unravelled(vector.astype(start.dtype), like)

    def objective(vector: np.ndarray) -> tuple[float, np.ndarray]:
        # A step of the line search may lead where numbers overflow: it turns back.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = loss_and_gradients(
                network.layer, network.loss, tree(vector), batch, l2=l2
            )
        return float(found.loss), ravelled(found.gradients).astype(np.float64)

    def iterated(intermediate_result: OptimizeResult) -> None:
        watch(tree(intermediate_result.x), float(intermediate_result.fun))

    found: Any = minimize(
        objective,
        start.astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        options=options,
        callback=iterated,
    )
    loss = float(found.fun)
    reached = tree(found.x) if math.isfinite(loss) else like
    # SciPy counts one iteration too many where it stops for their number.
    iterations = min(int(found.nit), options["maxiter"])
    return Minimum(
        reached, loss, iterations, "" if found.success else str(found.message)
    )
