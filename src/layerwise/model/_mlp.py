"""The multilayer perceptron: its settings, and the layers they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import index
from typing import TYPE_CHECKING

import numpy as np

from layerwise.arrays import require_torch
from layerwise.data import Scaling
from layerwise.errors import InputError
from layerwise.model._activations import ACTIVATIONS, activation
from layerwise.model._composition import Residual, Sequential, layers_within
from layerwise.model._dropout import Dropout
from layerwise.model._initialisers import initialiser
from layerwise.model._layer import Layer
from layerwise.model._linear import Linear
from layerwise.model._losses import CrossEntropyOnProbabilities, Loss, loss_function
from layerwise.model._network import Network
from layerwise.model._normalisation import LayerNorm
from layerwise.model._softmax import Softmax

if TYPE_CHECKING:
    from torch import nn

__all__ = ["MLP"]


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
        activation(self.activation)
        initialiser(self.init)
        loss_function(self.loss)
        Dropout(self.dropout)

    @classmethod
    def from_torch(
        cls,
        module: "nn.Module",
        *,
        loss: str | None = None,
        shape: tuple[int, ...] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> Network:
        """Return a torch module as a network by hand: equal outputs and gradients.

        Parameters
        ----------
        module : torch.nn.Module
            What ``Network.to_torch`` gave, trained further or not; or Sequentials,
            nested or not, of Linear, LayerNorm, Dropout and an activation of
            ``ACTIVATIONS``, in blocks of equal make as an MLP has them.
        loss : str, optional
            A key of ``LOSSES``; by default the cross-entropy, on the probabilities
            where the module ends with a Softmax.
        shape : tuple of int, optional
            Of one raw input; by default what ``to_torch`` noted, or a row of features.
        class_names : sequence of str, optional
            By default the numbers of the outputs.

        Raises
        ------
        InputError
            If a part of the module has no counterpart, which is named, or its blocks
            are not of equal make.

        Examples
        --------
        >>> from torch import nn
        >>> import layerwise as lw
        >>> module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        >>> network = lw.MLP.from_torch(module)
        >>> network.architecture.hidden, network.architecture.activation
        ((8,), 'tanh')
        """
        require_torch("a module of torch")
        from layerwise.modules import parts_of

        parts = parts_of(module)
        mlp = _mlp_of(parts.layer, parts.inputs, loss)
        if mlp is None:
            raise InputError(
                f"{type(module).__name__}: its blocks are not all of one make, as an "
                "MLP's are; lw.fit(module, data) trains it as it is"
            )
        outputs = _affine(parts.layer)[-1].units
        names = tuple(class_names or map(str, range(outputs)))
        if len(names) != outputs:
            raise InputError(f"{len(names)} class names for {outputs} outputs")
        return Network(
            architecture=mlp,
            parameters=parts.parameters,
            shape=shape or parts.shape or (parts.inputs,),
            class_names=names,
            scaling=parts.scaling or Scaling("none", np.zeros(()), np.ones(())),
        )

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
        layers.append(activation(self.activation))
        if self.dropout:
            layers.append(Dropout(self.dropout))
        block = Sequential(tuple(layers))
        return Residual(block) if self.residual and fan_in == units else block

    def loss_function(self) -> Loss:
        """Return the loss."""
        return loss_function(self.loss)


def _mlp_of(layer: Sequential, inputs: int, loss: str | None) -> MLP | None:
    """Return the settings that give these layers, or None where none do."""
    within = list(layers_within(layer))
    kinds = {type(one) for one in within}
    named: dict[Layer, str] = {one: name for name, one in ACTIVATIONS.items()}
    activations = [named[one] for one in within if one in named]
    rates = [one.rate for one in within if isinstance(one, Dropout)]
    widths = [one.units for one in _affine(layer)]
    if loss is None:
        ends = Softmax in kinds
        loss = "cross-entropy-on-probabilities" if ends else "cross-entropy"
    mlp = MLP(
        widths[:-1],
        activation=activations[0] if activations else "relu",
        loss=loss,
        normalise=LayerNorm in kinds,
        dropout=rates[0] if rates else 0.0,
        residual=Residual in kinds,
    )
    return mlp if mlp.build(inputs, widths[-1]) == layer else None


def _affine(layer: Layer) -> list[Linear]:
    return [one for one in layers_within(layer) if isinstance(one, Linear)]
