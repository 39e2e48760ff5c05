"""What an architecture is, and what every trained network can do."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from layerwise.arrays import Array, Tree, leaves
from layerwise.data import Scaling
from layerwise.errors import InputError
from layerwise.model._composition import Sequential
from layerwise.model._losses import Loss

__all__ = ["Architecture", "TrainedNetwork", "block_names"]


@runtime_checkable
class Architecture(Protocol):
    """Settings from which a network is built: ``MLP``, or one of your own."""

    def build(self, inputs: int, outputs: int) -> Sequential:
        """Return the blocks, the last of which gives the outputs."""
        ...

    def loss_function(self) -> Loss:
        """Return the loss that the outputs are meant for."""
        ...


def block_names(layer: Sequential) -> tuple[str, ...]:
    """Return the names of a network's blocks: hidden1, hidden2, …, output."""
    hidden = len(layer.layers) - 1
    return (*(f"hidden{i}" for i in range(1, hidden + 1)), "output")


@dataclass(frozen=True, eq=False)
class TrainedNetwork(ABC):
    """A network that predicts: a ``Network`` by hand, or a module of torch.

    Parameters
    ----------
    architecture : Architecture or TorchModule
        What it was made from.
    parameters : tree of NumPy arrays
    shape : tuple of int
        The shape of one input, before it is flattened.
    class_names : tuple of str
        One for each output.
    scaling : Scaling
        What is done to raw inputs first.
    """

    architecture: Any
    parameters: Tree
    shape: tuple[int, ...]
    class_names: tuple[str, ...]
    scaling: Scaling

    @property
    @abstractmethod
    def layer_names(self) -> tuple[str, ...]:
        """The names of its layers, in forward order."""

    @property
    @abstractmethod
    def followed(self) -> Tree:
        """The parameters that follow the gradient."""

    @abstractmethod
    def redrawn(self, seed: int) -> "TrainedNetwork":
        """Return the network untrained: its parameters drawn from ``seed``."""

    @abstractmethod
    def named_arrays(self) -> dict[str, np.ndarray]:
        """Return the parameters by name, as a file holds them."""

    @abstractmethod
    def _outputs(self, inputs: Array) -> Iterator[np.ndarray]:
        """Yield the logits of raw inputs of the network's shape, block by block."""

    @cached_property
    def loss(self) -> Loss:
        """The loss the outputs are meant for."""
        return self.architecture.loss_function()

    @property
    def parameter_count(self) -> int:
        """How many numbers training changes."""
        return sum(leaf.size for leaf in leaves(self.followed))

    def logits(self, inputs: Array) -> Float[np.ndarray, "samples classes"]:
        """Return the outputs for raw inputs, shape (samples, *shape).

        Raises
        ------
        InputError
            If the inputs do not have the network's input shape.
        """
        self._check_shape(inputs)
        blocks = list(self._outputs(inputs))
        if blocks:
            return np.concatenate(blocks)
        return np.zeros((0, len(self.class_names)), leaves(self.followed)[0].dtype)

    def predict_proba(self, inputs: Array) -> Float[np.ndarray, "samples classes"]:
        """Return class probabilities for raw inputs, shape (samples, *shape)."""
        return self.loss.probabilities(self.logits(inputs))

    def predict(self, inputs: Array) -> Int[np.ndarray, " samples"]:
        """Return the index of the likeliest class for raw inputs.

        Raises
        ------
        InputError
            If a row has no likeliest class, because a value of it is missing.
        """
        logits = self.logits(inputs)
        lost = np.isnan(logits).any(axis=1)
        if lost.any():  # argmax would name the first class
            raise InputError(
                f"row {int(np.argmax(lost))} (counted from 0) has logits that are NaN, "
                "and no likeliest class: fill or drop what is missing or infinite in "
                "the inputs"
            )
        return np.argmax(logits, axis=1)

    def _check_shape(self, inputs: Array) -> None:
        if tuple(inputs.shape[1:]) != self.shape:
            raise InputError(
                f"the network takes inputs of shape {self.shape}, "
                f"these have {tuple(inputs.shape[1:])}"
            )
