"""How a network is trained: schedules, optimisers, settings, the order of samples."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from numbers import Integral
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int, Int64

from layerwise import names
from layerwise.arrays import Array, Tree, leaves, namespace, tree_map
from layerwise.errors import InputError

Schedule = Callable[[np.ndarray, int], np.ndarray]
"""From global steps, shape (steps,), and their total number to shares of the peak."""

WARM_UP = 0.3
START = 1 / 25
END = 1e-4


def constant(
    steps: Int[np.ndarray, " steps"], total: int
) -> Float[np.ndarray, " steps"]:
    """Return the peak at every step."""
    del total
    return np.ones(steps.shape)


def cosine(steps: Int[np.ndarray, " steps"], total: int) -> Float[np.ndarray, " steps"]:
    """Fall along half a cosine from the peak to 0 (Loshchilov & Hutter 2017)."""
    return 0.5 * (1 + np.cos(np.pi * steps / total))


def one_cycle(
    steps: Int[np.ndarray, " steps"], total: int
) -> Float[np.ndarray, " steps"]:
    """Rise to the peak over 30 % of the steps, then fall to nearly 0 (Smith 2018).

    Both halves are half cosines, from 1/25 of the peak, and to 1/10,000 of it.
    """
    summit = max(WARM_UP * total, 1.0)
    up = 0.5 * (1 - np.cos(np.pi * np.minimum(steps / summit, 1)))
    fall = np.clip((steps - summit) / max(total - summit, 1.0), 0, 1)
    down = 0.5 * (1 + np.cos(np.pi * fall))
    return np.where(steps < summit, START + (1 - START) * up, END + (1 - END) * down)


SCHEDULES: Mapping[str, Schedule] = MappingProxyType(
    {name: globals()[name.replace("-", "_")] for name in names.SCHEDULES}
)
"""Every schedule by its name."""


class Optimiser(ABC):
    """How parameters follow a gradient."""

    @abstractmethod
    def init(self, parameters: Tree) -> Tree:
        """Return the slots before the first step.

        They are what it remembers of the past: running means, counts.
        """

    @abstractmethod
    def update(
        self, gradients: Tree, slots: Tree, parameters: Tree, rate: Array | float
    ) -> tuple[Tree, Tree]:
        """Return the next parameters and slots; ``rate`` is the learning rate."""


@dataclass(frozen=True)
class SGD(Optimiser):
    """Plain stochastic gradient descent: θ ← θ − η g."""

    def init(self, parameters: Tree) -> Tree:
        """Return no slots."""
        del parameters
        return ()

    def update(
        self, gradients: Tree, slots: Tree, parameters: Tree, rate: Array | float
    ) -> tuple[Tree, Tree]:
        """Go against the gradient."""
        return tree_map(lambda p, g: p - rate * g, parameters, gradients), slots


@dataclass(frozen=True)
class Momentum(Optimiser):
    """Heavy-ball momentum: v ← μ v + g, θ ← θ − η v (Polyak 1964).

    With ``nesterov`` θ ← θ − η (g + μ v), v being the new velocity: the gradient of
    where the velocity leads to, as Sutskever et al. (2013) write Nesterov's method.
    """

    decay: float = 0.9
    nesterov: bool = False

    def init(self, parameters: Tree) -> Tree:
        """Return a velocity of zero."""
        return tree_map(lambda p: p * 0, parameters)

    def update(
        self, gradients: Tree, slots: Tree, parameters: Tree, rate: Array | float
    ) -> tuple[Tree, Tree]:
        """Go along the velocity."""
        velocity = tree_map(lambda v, g: self.decay * v + g, slots, gradients)
        ahead = velocity
        if self.nesterov:
            ahead = tree_map(lambda v, g: g + self.decay * v, velocity, gradients)
        return tree_map(lambda p, v: p - rate * v, parameters, ahead), velocity


@dataclass(frozen=True)
class Adam(Optimiser):
    """Adam (Kingma & Ba 2015, alg. 1); with ``weight_decay`` AdamW.

        m ← β₁ m + (1 − β₁) g          v ← β₂ v + (1 − β₂) g²
        θ ← θ − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε) − η λ θ

    The decay λ acts on the parameters, not on the gradient (Loshchilov & Hutter 2019).
    t counts the updates made, and is one of the slots: a batch that is left out, and
    a training that goes on with other samples, do not disturb it.

    With ``raw_epsilon`` ε is added to √v itself: the ε̂ at the end of the paper's
    section 2, and of scikit-learn.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    raw_epsilon: bool = False

    def init(self, parameters: Tree) -> Tree:
        """Return m = v = 0 and t = 0."""
        zeros = tree_map(lambda p: p * 0, parameters)
        first = leaves(parameters)[0]
        return {
            "mean": zeros,
            "square": tree_map(lambda z: z + 0, zeros),
            "count": namespace(first).sum(first * 0),
        }

    def update(
        self, gradients: Tree, slots: Tree, parameters: Tree, rate: Array | float
    ) -> tuple[Tree, Tree]:
        """Follow the running mean, measured in running root mean squares."""
        mean = tree_map(
            lambda m, g: self.beta1 * m + (1 - self.beta1) * g, slots["mean"], gradients
        )
        square = tree_map(
            lambda v, g: self.beta2 * v + (1 - self.beta2) * (g * g),
            slots["square"],
            gradients,
        )
        count = slots["count"] + 1
        unbias1 = 1 / (1 - self.beta1**count)
        unbias2 = 1 / (1 - self.beta2**count)
        sqrt = namespace(count).sqrt
        epsilon = self.epsilon * sqrt(unbias2) if self.raw_epsilon else self.epsilon

        def stepped(p: Array, m: Array, v: Array) -> Array:
            direction = m * unbias1 / (sqrt(v * unbias2) + epsilon)
            if self.weight_decay:
                direction = direction + self.weight_decay * p
            return p - rate * direction

        moved = tree_map(stepped, parameters, mean, square)
        return moved, {"mean": mean, "square": square, "count": count}


OPTIMISERS: Mapping[str, Optimiser] = MappingProxyType(
    {
        name: globals()[entry.kind](**entry.settings)
        for name, entry in names.OPTIMISERS.items()
    }
)
"""Every optimiser by its name."""


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
    class_weight : "balanced", optional
        Weight samples so that every class counts the same in the training loss, as in
        scikit-learn; by default samples count alike. Scores stay unweighted.
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
    snapshots: int = 7
    class_weight: str | None = None

    def __post_init__(self) -> None:
        names.checked("optimizer", self.optimizer, names.OPTIMISERS)
        names.checked("schedule", self.schedule, names.SCHEDULES)
        names.checked("engine", self.engine, (names.AUTO, *names.ENGINES))
        if self.class_weight is not None:
            names.checked("class_weight", self.class_weight, names.CLASS_WEIGHTS)
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if value is not None and _whole(name, value) < 1:
                raise InputError(f"{name} must be at least 1, not {value}")
        for name in ("seed", "snapshots", "evaluate_every"):
            value = getattr(self, name)
            if _whole(name, value) < 0:
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


def _whole(name: str, value: Any) -> int:
    if not isinstance(value, Integral):
        raise InputError(f"{name} must be a whole number, not {value!r}")
    return int(value)


@dataclass(frozen=True)
class Order:
    """The batches of a training, by global step.

    Every epoch visits every sample once, in an order of its own, in
    ``steps_per_epoch`` batches; the last one may be short. An epoch's order follows
    from the seed and the epoch alone, so that a resumed training goes on where it was.

    Parameters
    ----------
    samples : int
        The number of training samples.
    batch_size : int
    seed : int
    shuffled : bool
        Whether the order changes from epoch to epoch; if not it is that of the samples.

    Raises
    ------
    InputError
        If there are no samples, or the batch size or the seed is out of range.
    """

    samples: int
    batch_size: int
    seed: int
    shuffled: bool = True

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise InputError("no samples: give at least one to train on")
        if self.batch_size < 1:
            raise InputError(f"batch size {self.batch_size}: give 1 or more")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}: give 0 or more")

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches that hold every sample once."""
        return -(-self.samples // self.batch_size)

    def batches(
        self, start: int, stop: int
    ) -> tuple[Int64[np.ndarray, "steps batch"], Float32[np.ndarray, "steps batch"]]:
        """Return the batches of the global steps ``start`` … ``stop`` - 1.

        Indices say which sample stands where; a weight is 1 for a sample, and 0 where a
        short batch is filled up (with sample 0).

        Raises
        ------
        InputError
            If not ``0 <= start <= stop``.
        """
        if not 0 <= start <= stop:
            raise InputError(f"steps {start} to {stop}: give a range of 0 or more")
        in_epoch = np.arange(start, stop) % self.steps_per_epoch
        places = in_epoch[:, None] * self.batch_size + np.arange(self.batch_size)
        parts = [np.zeros((0, self.batch_size), np.int64)]
        while start < stop:
            epoch, first = divmod(start, self.steps_per_epoch)
            last = min(first + stop - start, self.steps_per_epoch)
            parts.append(_batches_of(self, epoch)[first:last])
            start += last - first
        return np.concatenate(parts), (places < self.samples).astype(np.float32)


@lru_cache(maxsize=2)
def _batches_of(order: Order, epoch: int) -> Int64[np.ndarray, "steps batch"]:
    """Return an epoch's batches.

    The latest two are kept: a stretch of steps may end one epoch and begin another.
    """
    indices = np.zeros(order.steps_per_epoch * order.batch_size, np.int64)
    visited = indices[: order.samples]
    visited[:] = np.arange(order.samples)
    if order.shuffled:
        key = np.random.SeedSequence(order.seed, spawn_key=(epoch,))
        np.random.default_rng(key).shuffle(visited)
    return indices.reshape(-1, order.batch_size)


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
