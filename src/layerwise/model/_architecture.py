"""What an architecture is, what every trained network can do, and the MLP."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from operator import index
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Shaped

from layerwise import names
from layerwise.arrays import Array, Tree, leaves
from layerwise.data import (
    Columns,
    Scaling,
    StoredRows,
    arrays_of,
    as_table,
    column_names,
    numbers_of,
)
from layerwise.errors import InputError
from layerwise.model._layer import Layer, Residual, Sequential
from layerwise.model._layers import ACTIVATIONS, Dropout, LayerNorm, Linear, Softmax
from layerwise.model._losses import LOSSES, CrossEntropyOnProbabilities, Loss


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
    columns : Columns or None
        How the rows of a table become raw inputs, where it was trained on one.
    """

    architecture: Any
    parameters: Tree
    shape: tuple[int, ...]
    class_names: tuple[str, ...]
    scaling: Scaling
    columns: Columns | None = field(default=None, kw_only=True)

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

        Nested lists and data frames are read as arrays; one input alone is one row. A
        network that was trained on a table takes data frames of any library, its
        columns found by their names; also rows as mappings of these, or one alone.

        Raises
        ------
        InputError
            If the inputs do not have the network's input shape, or are no numbers.
        """
        inputs = self._rows(inputs)
        self._check_shape(inputs)
        blocks = list(self._outputs(inputs))
        if blocks:
            return np.concatenate(blocks)
        return np.zeros((0, len(self.class_names)), leaves(self.followed)[0].dtype)

    def predict_proba(self, inputs: Array) -> Float[np.ndarray, "samples classes"]:
        """Return class probabilities for raw inputs, shape (samples, *shape).

        Warns
        -----
        UserWarning
            If the inputs are in other units than those of the training: 0 to 1, say,
            where those were bytes.
        """
        inputs = self._rows(inputs)
        logits = self.logits(inputs)
        self._warn_of_units(inputs)
        return self.loss.probabilities(logits)

    def predict(
        self, inputs: Array, *, names: bool = False
    ) -> Shaped[np.ndarray, " samples"]:
        """Return the index of the likeliest class for raw inputs.

        Parameters
        ----------
        inputs : array, shape (samples, *shape)
            Or what else `logits` takes.
        names : bool
            Return the name of each class in place of its index.

        Raises
        ------
        InputError
            If a row has no likeliest class, because a value of it is missing.

        Warns
        -----
        UserWarning
            As `predict_proba`.
        """
        inputs = self._rows(inputs)
        logits = self.logits(inputs)
        self._warn_of_units(inputs)
        lost = np.isnan(logits).any(axis=1)
        if lost.any():  # argmax would name the first class
            raise InputError(
                f"row {int(np.argmax(lost))} (counted from 0) has logits that are NaN, "
                "and no likeliest class: fill or drop what is missing or infinite in "
                "the inputs"
            )
        classes = np.argmax(logits, axis=1)
        return np.array(self.class_names)[classes] if names else classes

    def _warn_of_units(self, inputs: Array) -> None:
        if isinstance(inputs, StoredRows):  # they are checked as they are read
            return
        if unlike := self.scaling.out_of_range(inputs):
            warnings.warn(unlike, stacklevel=3)

    def _rows(self, inputs: Array) -> Array:
        """Return raw inputs of any kind as rows.

        Raises
        ------
        InputError
            If they make none.
        """
        if self.columns is not None and (table := as_table(inputs)) is not None:
            for note in self.columns.passed_over(column_names(table)):
                warnings.warn(note, stacklevel=4)
            return self.columns.apply(table)
        if isinstance(inputs, list | tuple) or hasattr(inputs, "columns"):
            try:
                inputs = numbers_of(inputs, "inputs")
            except InputError:
                raise
            except ValueError as error:
                raise InputError(f"inputs make no array ({error})") from error
            if inputs.dtype.kind not in "biuf":
                named = "" if self.columns is None else ", or rows by column names"
                raise InputError(
                    f"inputs have dtype {inputs.dtype}: give numbers{named}"
                )
        elif not hasattr(inputs, "shape"):
            inputs = np.asarray(arrays_of(inputs, type(inputs).__name__)[0])
        return inputs[None] if tuple(inputs.shape) == self.shape else inputs

    def _check_shape(self, inputs: Array) -> None:
        if tuple(inputs.shape[1:]) != self.shape:
            named = "" if self.columns is None else ": give rows by column names"
            raise InputError(
                f"the network takes inputs of shape {self.shape}, "
                f"these have {tuple(inputs.shape[1:])}{named}"
            )


@dataclass(frozen=True)
class MLP:
    """A multilayer perceptron: hidden blocks of equal make, then a linear output.

    A hidden block is Linear → [LayerNorm] → activation → [Dropout], and with
    ``residual`` there is a skip connection around each block whose inputs have its
    width. The output has no activation: its numbers are logits, to which the loss
    applies the softmax (with ``cross-entropy-on-probabilities`` a Softmax layer does,
    whether there are hidden layers or none).

    Parameters
    ----------
    hidden : sequence of int
        The width of each hidden layer; empty for none.
    activation, init, loss : str
        Keys of ``ACTIVATIONS``, ``INITIALISERS`` and ``LOSSES``.
    normalise : bool
        Whether LayerNorm stands before each activation.
    dropout : float
        The share of hidden units left out while training, 0 <= dropout < 1.
    residual : bool
        Whether blocks of equal width have skip connections.

    Raises
    ------
    InputError
        If a width is not positive, or a name or rate is not one of those above.
    """

    hidden: Sequence[int] = (100, 100, 100, 100)
    activation: str = "relu"
    init: str = "he"
    loss: str = "cross-entropy"
    normalise: bool = False
    dropout: float = 0.0
    residual: bool = False

    def __post_init__(self) -> None:
        # A list is what people type; a tuple is what can be hashed and never changes.
        try:
            widths = tuple(index(units) for units in self.hidden)
        except TypeError as error:
            raise InputError(
                f"hidden takes whole numbers, such as [30, 30], not {self.hidden!r}"
            ) from error
        object.__setattr__(self, "hidden", widths)
        if any(units < 1 for units in self.hidden):
            raise InputError(f"hidden layers need at least one unit, not {self.hidden}")
        names.checked("activation", self.activation, ACTIVATIONS)
        names.checked("init", self.init, names.INITIALISERS)
        names.checked("loss", self.loss, LOSSES)
        Dropout(self.dropout)

    def build(self, inputs: int, outputs: int) -> Sequential:
        """Return the hidden blocks and the output block for this many features."""
        widths = (inputs, *self.hidden)
        blocks = [
            self._hidden_block(fan_in, units) for fan_in, units in pairwise(widths)
        ]
        output: tuple[Layer, ...] = (Linear(outputs, self.init),)
        if isinstance(self.loss_function(), CrossEntropyOnProbabilities):
            output += (Softmax(),)
        return Sequential((*blocks, Sequential(output)))

    def _hidden_block(self, fan_in: int, units: int) -> Layer:
        layers: list[Layer] = [Linear(units, self.init)]
        if self.normalise:
            layers.append(LayerNorm())
        layers.append(ACTIVATIONS[self.activation])
        if self.dropout:
            layers.append(Dropout(self.dropout))
        block = Sequential(tuple(layers))
        return Residual(block) if self.residual and fan_in == units else block

    def loss_function(self) -> Loss:
        """Return the loss."""
        return LOSSES[self.loss]
