"""The multilayer perceptron: its settings, and the layers they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import index

from layerwise import names
from layerwise.errors import InputError
from layerwise.model._activations import ACTIVATIONS
from layerwise.model._composition import Residual, Sequential
from layerwise.model._layer import Layer
from layerwise.model._layers import Dropout, LayerNorm, Linear, Softmax
from layerwise.model._losses import LOSSES, CrossEntropyOnProbabilities, Loss

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
