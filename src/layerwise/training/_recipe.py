"""How a network is trained: the settings, and what they mean for a data set."""

import math
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from layerwise import names
from layerwise.data import Order
from layerwise.errors import InputError

__all__ = ["Recipe", "ResolvedRecipe"]

LEARNING_RATES = MappingProxyType(
    {name: entry.learning_rate for name, entry in names.OPTIMISERS.items()}
)
MANY_SAMPLES = 10_000


@dataclass(frozen=True)
class Recipe:
    """The settings of a training.

    Parameters
    ----------
    epochs : int, optional
        Passes over the training set; by default 10, or 40 below 10,000 samples.
    batch_size : int, optional
        Samples in a step; by default 128, or 32 below 10,000 samples.
    optimizer, schedule : str
        Keys of ``OPTIMISERS`` and ``SCHEDULES``.
    learning_rate : float, optional
        The schedule's peak; by default one that suits the optimiser.
    seed : int
        Of the initial parameters, the order and the noise.
    engine : str
        A key of ``layerwise.names.ENGINES``, or ``auto``: torch for a module of torch
        and under ``torchrun``, else by the problem's size.
    device : str, optional
        Where to compute, one of the engine's ``devices`` there; by default the fastest
        there is.
    patience : int, optional
        Stop after this many epochs without a lower validation loss and keep the best;
        by default never.
    evaluate_every : int
        Epochs from one evaluation of training and validation set to the next; 0 for
        one after the last epoch alone, which has one always. Of more than 10,000
        training samples as many are scored, evenly from all, and all at the end.
    snapshots : int
        How many networks to keep on the way, at the epochs of ``snapshot_epochs``; the
        untrained one is kept beside them.

    Raises
    ------
    InputError
        If a setting is out of its range or unknown.
    """

    epochs: int | None = None
    batch_size: int | None = None
    optimizer: str = "adamw"
    learning_rate: float | None = None
    schedule: str = "one-cycle"
    seed: int = 0
    engine: str = "auto"
    device: str | None = None
    patience: int | None = None
    evaluate_every: int = 1
    snapshots: int = 5

    def __post_init__(self) -> None:
        names.checked("optimizer", self.optimizer, names.OPTIMISERS)
        names.checked("schedule", self.schedule, names.SCHEDULES)
        names.checked("engine", self.engine, (names.AUTO, *names.ENGINES))
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, not {value}")
        for name in ("seed", "snapshots", "evaluate_every"):
            value = getattr(self, name)
            if value < 0:
                raise InputError(f"{name} must not be negative, it is {value}")
        if self.patience is not None and not self.evaluate_every:
            raise InputError(
                "patience looks at evaluations on the way: evaluate_every must be at "
                "least 1"
            )
        rate = self.learning_rate
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise InputError(f"learning_rate must be a positive number, not {rate}")

    def resolved(self, samples: int) -> "ResolvedRecipe":
        """Return the recipe with every default filled in for this many samples."""
        many = samples >= MANY_SAMPLES
        filled: dict[str, Any] = {
            "epochs": self.epochs or (10 if many else 40),
            "batch_size": min(self.batch_size or (128 if many else 32), samples),
            "learning_rate": self.learning_rate or LEARNING_RATES[self.optimizer],
        }
        return ResolvedRecipe(**(asdict(self) | filled))


@dataclass(frozen=True)
class ResolvedRecipe(Recipe):
    """A recipe with every default filled in; parameters are those of `Recipe`."""

    epochs: int = 1
    batch_size: int = 1
    learning_rate: float = 1.0

    def steps(self, samples: int) -> int:
        """Return how many steps there are in all, with so many samples."""
        return self.epochs * self.order(samples).steps_per_epoch

    def order(self, samples: int) -> Order:
        """Return the order in which so many samples are seen."""
        return Order(samples, self.batch_size, self.seed)
