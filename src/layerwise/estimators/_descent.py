"""How an estimator trains: epoch by epoch, until scikit-learn's rule says stop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from layerwise.training import Engine, Order, State


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

    def after(self, value: float) -> "Patience":
        """Return the patience after an epoch of this value."""
        waited = self.waited + 1 if value > self.best - self.tol else 0
        return replace(self, best=min(self.best, value), waited=waited)

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


class Passed(NamedTuple):
    """Where a training stands after some epochs, with the mean loss of each of them."""

    state: State
    losses: list[float]
    verdict: Verdict | None
    patience: Patience


@dataclass(frozen=True)
class Descent:
    """A training by epochs, of which there are ``max_iter`` at most.

    ``judge`` returns what the validation set says of parameters: with
    ``stops_by_score`` its score decides when to stop, else the training loss does.
    With ``every_epoch`` each epoch is told of by itself.
    """

    engine: Engine
    order: Order
    max_iter: int
    judge: Callable[[Any], Verdict] | None = None
    stops_by_score: bool = False
    every_epoch: bool = False

    def passes(
        self, state: State, patience: Patience, epoch: int = 0
    ) -> Iterator[Passed]:
        """Yield where the training stands until it stops or diverges.

        There is one epoch at least, however long the patience has waited before. As
        many epochs are done at a time as there will be in any case: the engine is
        called less often, and nothing is done in vain. Where the training diverged the
        last loss is not finite, and the state is the last that was. ``epoch`` counts
        those that were done before.
        """
        per_epoch, first = self.order.steps_per_epoch, epoch
        while epoch < self.max_iter and not (epoch > first and patience.is_over):
            ahead = max(1, int(min(self.max_iter - epoch, patience.epochs_left)))
            # An epoch that is judged may be the last: none is done before it is.
            if self.judge or self.every_epoch:
                ahead = 1
            before = state
            state, steps = self.engine.advance(
                state, self.order, epoch * per_epoch, (epoch + ahead) * per_epoch
            )
            epoch += ahead
            if steps.diverged:
                yield Passed(state, [float("nan")], None, patience)
                return
            losses = self._epoch_losses(steps.losses)
            verdict = self.judge(state.parameters) if self.judge else None
            if verdict and not np.isfinite(verdict.loss):
                # The parameters of an epoch ago, after so many steps as were made.
                reached = before._replace(step=state.step)
                yield Passed(reached, [float("nan")], None, patience)
                return
            values = [-verdict.score] if verdict and self.stops_by_score else losses
            for value in values:
                patience = patience.after(value)
            yield Passed(state, losses, verdict, patience)

    def _epoch_losses(self, losses: Float[np.ndarray, " steps"]) -> list[float]:
        """Return the mean loss of each epoch: each batch counts by its samples."""
        per_epoch = self.order.steps_per_epoch
        sizes = np.full(per_epoch, float(self.order.batch_size))
        # The last batch of an epoch is short, and its loss a mean over fewer.
        sizes[-1] = self.order.samples - self.order.batch_size * (per_epoch - 1)
        by_epoch = losses.reshape(-1, per_epoch).astype(np.float64)
        # Not a product: BLAS adds in another order where there are more epochs.
        return (by_epoch * (sizes / self.order.samples)).sum(axis=1).tolist()
