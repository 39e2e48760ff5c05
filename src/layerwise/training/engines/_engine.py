"""What an engine is: it advances a network, and knows nothing of epochs or files."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Integer

from layerwise.arrays import Array, Tree, leaves, to_numpy, tree_map
from layerwise.data import Samples
from layerwise.errors import InputError
from layerwise.model import Network, TrainedNetwork
from layerwise.training._history import HEALTH_EVERY, no_health
from layerwise.training._recipe import Optimiser, Order, Schedule


class State(NamedTuple):
    """Everything that a step changes.

    Parameters
    ----------
    parameters : tree of arrays
        The network's; a module's running means among them.
    slots : tree of arrays
        What the optimiser remembers: running means, counts.
    step : int
        Updates done since the training began.
    """

    parameters: Tree
    slots: Tree
    step: Array | int


class Steps(NamedTuple):
    """The records of consecutive steps, each taken before its update.

    A training has diverged at the first loss that is not finite, or at the first
    update that makes a parameter or a moment infinite or NaN; the latter is recorded
    as a loss of NaN for the step that could no longer be made. Either way such a loss
    is the last. Where targets are numbers there is no accuracy, and it is NaN.
    ``health`` has what ``LayerHealth`` names, for those of the steps that are multiples
    of ``Problem.health_every``.
    """

    losses: Float[np.ndarray, " steps"]
    accuracies: Float[np.ndarray, " steps"]
    health: Float[np.ndarray, "records layers measures"]

    @property
    def diverged(self) -> bool:
        """Whether the last loss is not finite."""
        return len(self.losses) > 0 and not np.isfinite(self.losses[-1])


class Score(NamedTuple):
    """A network's figures on one set, over all samples once, by their weights.

    Parameters
    ----------
    loss, accuracy : float
    dead : tuple of float
        Of every layer, the share of units that pass no gradient for any sample.
    """

    loss: float
    accuracy: float
    dead: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Problem:
    """What an engine is made for: a network, a training set, and how to follow it.

    Parameters
    ----------
    network : TrainedNetwork
        Untrained; its parameters' dtype is that of the computation.
    samples : Samples
        The training set, in its own dtype.
    optimiser : Optimiser
        From gradients to parameters.
    schedule : Schedule
        Shares of ``peak_rate`` by global step.
    peak_rate : float
        The largest learning rate.
    total_steps : int
        How many steps the schedule is laid out for.
    order : Order
        Which samples its steps see; its seed is that of the noise too.
    device : str, optional
        Where to compute, for engines that have a choice.
    l2 : float
        The strength of the penalty on large weights, against one sample of weight 1:
        ½ l2 Σ W² / Σ w, over the samples w of a batch.
    health_every : int
        Global steps from one record of the layers' health to the next; 0 for none.
    """

    network: TrainedNetwork
    samples: Samples
    optimiser: Optimiser
    schedule: Schedule
    peak_rate: float
    total_steps: int
    order: Order
    device: str | None = None
    l2: float = 0.0
    health_every: int = HEALTH_EVERY

    @cached_property
    def dtype(self) -> np.dtype:
        """The floating-point type that everything is computed in."""
        return leaves(self.network.followed)[0].dtype

    @property
    def by_hand(self) -> Network:
        """The network, for engines that take hand-derived gradients.

        Raises
        ------
        InputError
            If it is a module of torch.
        """
        if isinstance(self.network, Network):
            return self.network
        raise InputError("a module of torch is trained by engine torch alone")

    @cached_property
    def draws(self) -> Any:
        """The tree of the noise that the layers declare; None where there is none."""
        network = self.by_hand
        declared = network.layer.noise(network.parameters, (math.prod(network.shape),))
        return declared if any(d is not None for d in leaves(declared)) else None

    def rates(self, start: int, stop: int) -> Float[np.ndarray, " steps"]:
        """Return the learning rates of the global steps from start to stop."""
        shares = self.schedule(np.arange(start, stop), self.total_steps)
        return (self.peak_rate * shares).astype(self.dtype)

    def batches(
        self, start: int, stop: int
    ) -> tuple[Integer[np.ndarray, "steps batch"], Float[np.ndarray, "steps batch"]]:
        """Return which samples the global steps see, and how much each counts.

        The order's weights, which are 0 where a short batch is filled up, times those
        of the samples.
        """
        indices, weights = self.order.batches(start, stop)
        if self.samples.weights is not None:
            weights = weights * self.samples.weights[indices]
        return indices, weights.astype(self.dtype)

    def takes_health(self, step: Array | int) -> Array | bool:
        """Return whether the health of this global step is recorded."""
        every = self.health_every
        return step % every == 0 if every else False

    def no_health(
        self, records: int = 0
    ) -> Float[np.ndarray, "records layers measures"]:
        """Return so many records of zeros."""
        return no_health(records, len(self.network.layer_names), self.dtype)

    def initial_state(self) -> State:
        """Return the state before the first step."""
        network = self.network
        return State(network.parameters, self.optimiser.init(network.followed), 0)


@runtime_checkable
class Engine(Protocol):
    """Something that advances a state along the problem's order of samples.

    Any cut of the steps from 0 to n into calls of ``advance`` gives the same bytes. A
    batch of samples that all have weight 0 changes neither parameters nor slots.
    """

    @property
    def name(self) -> str:
        """What it is called in a recipe."""
        ...

    def advance(self, state: State, start: int, stop: int) -> tuple[State, Steps]:
        """Do the global steps from start to stop, or up to the first that diverges.

        The state returned is the last one of finite parameters and slots.
        """
        ...

    def evaluate(self, parameters: Tree, samples: Samples) -> Score:
        """Return the mean loss and accuracy over all samples, without noise."""
        ...


def all_finite(tree: Tree) -> bool:
    """Return whether no entry is NaN or infinite."""
    return all(bool(np.isfinite(np.asarray(leaf)).all()) for leaf in leaves(tree))


def on_host(state: State) -> State:
    """Return the state with NumPy arrays."""
    parameters, slots = (tree_map(to_numpy, t) for t in state[:2])
    return State(parameters, slots, int(state.step))
