"""When an estimator stops: after epochs without improvement, as in scikit-learn."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from layerwise.training import Order


@dataclass(frozen=True)
class Patience:
    """When to stop: after more than ``limit`` epochs in a row without improvement.

    An epoch improves where its value is lower by ``tol`` than ``best``, the lowest
    before it; ``waited`` counts those since that did not.
    """

    tol: float
    limit: float
    best: float = np.inf
    waited: int = 0

    def after(self, values: Iterable[float]) -> "Patience":
        """Return the patience after epochs of these values."""
        best, waited = self.best, self.waited
        for value in values:
            waited = waited + 1 if value > best - self.tol else 0
            best = min(best, value)
        return replace(self, best=best, waited=waited)

    @property
    def is_over(self) -> bool:
        """Whether to stop."""
        return self.waited > self.limit

    @property
    def epochs_left(self) -> float:
        """How many epochs there will be at least, even if none of them improves."""
        return self.limit + 1 - self.waited


class Verdict(NamedTuple):
    """What a validation set says of a network: its loss, and its score, 1 at best."""

    loss: float
    score: float


def epoch_losses(order: Order, losses: Float[np.ndarray, " steps"]) -> list[float]:
    """Return the mean loss of each epoch: each batch counts by its samples."""
    per_epoch = order.steps_per_epoch
    sizes = np.full(per_epoch, float(order.batch_size))
    # The last batch of an epoch is short, and its loss a mean over fewer.
    sizes[-1] = order.samples - order.batch_size * (per_epoch - 1)
    by_epoch = losses.reshape(-1, per_epoch).astype(np.float64)
    # Not a product: BLAS adds in another order where there are more epochs.
    return (by_epoch * (sizes / order.samples)).sum(axis=1).tolist()
