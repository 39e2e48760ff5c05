"""What an architecture is: settings from which a network is built."""

from typing import Protocol, runtime_checkable

from layerwise.model._composition import Sequential
from layerwise.model._losses import Loss

__all__ = ["Architecture", "block_names"]


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
