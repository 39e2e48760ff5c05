"""What a layer is: three functions side by side."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float

from layerwise.arrays import Array, Tree, leaves

Shape: TypeAlias = tuple[int, ...]
"""The shape of one sample, without the batch axis."""

Noise: TypeAlias = Any
"""A tree like ``Layer.noise``, each ``Draw`` replaced by its array."""

Same: TypeAlias = Float[Array, "*any"]
"""Of any shape, and of one and the same wherever it stands in a signature."""


@dataclass(frozen=True)
class Draw:
    """Noise that a layer asks for in training: uniform on [0, 1), of its own shape.

    Parameters
    ----------
    shape : tuple of int
        The shape for one sample; the array has the batch axis before it.
    """

    shape: Shape


class Counterpart(NamedTuple):
    """Torch's layer that does the same as one without parameters.

    Parameters
    ----------
    name : str
        A class of ``torch.nn``.
    settings : mapping of str to str
        From its arguments to the fields of ours.
    fixed : mapping of str to tuple
        Values of other arguments with which it does; made with the first of them.
    """

    name: str
    settings: Mapping[str, str] = MappingProxyType({})
    fixed: Mapping[str, tuple[Any, ...]] = MappingProxyType({})


class Layer(ABC):
    """A differentiable function with parameters, and its derivative by hand.

    A layer is a frozen dataclass: its fields are settings, never state. Parameters
    come in as a tree of arrays, and whatever the derivative needs of the forward pass
    goes out as the ``trace``. The functions are pure and written over the array-API
    standard, so that the same lines run in NumPy, under ``jax.jit`` and on torch
    tensors. A layer of your own needs ``forward`` and ``backward``, and ``init`` where
    it has parameters; ``layerwise.gradcheck`` tells whether they agree.
    """

    counterpart: ClassVar[Counterpart | None] = None

    def init(self, rng: np.random.Generator, shape: Shape) -> Tree:
        """Draw the parameters for samples of ``shape``: a tree of float64 arrays."""
        del rng, shape
        return {}

    def sizes(self, shape: Shape) -> tuple[int, Shape]:
        """Return how many numbers its parameters are, and the shape of an output.

        They are drawn to be counted, unless the layer knows better.
        """
        params = self.init(np.random.default_rng(0), shape)
        return sum(p.size for p in leaves(params)), output_shape(self, params, shape)

    @abstractmethod
    def forward(
        self, params: Tree, x: Array, noise: Noise = None
    ) -> tuple[Array, Tree]:
        """Return the outputs and the trace for the inputs ``x`` (batch first).

        ``noise`` is what ``Layer.noise`` asked for; ``None`` means evaluation.
        """

    @abstractmethod
    def backward(
        self, params: Tree, trace: Tree, gradient: Array
    ) -> tuple[Tree, Array]:
        """Return the loss's gradients by the parameters and by the inputs.

        ``gradient`` is the loss's gradient by the outputs, of their shape.
        """

    def gradients(self, params: Tree, trace: Tree, gradient: Array) -> Tree:
        """Return the loss's gradients by the parameters alone.

        Nothing lies before a network, so nobody asks for the gradient by its inputs;
        a layer for which that is much of the work leaves it out here.
        """
        return self.backward(params, trace, gradient)[0]

    def noise(self, params: Tree, shape: Shape) -> Draw | tuple[Any, ...] | None:
        """Declare the noise of training: a ``Draw``, a tuple of such, or ``None``.

        A layer that drew it would not be pure, and its masks would depend on where a
        training is cut. An engine draws from seed, step and place in the tree.
        """
        del params, shape
        return None


def output_shape(layer: Layer, params: Tree, shape: Shape) -> Shape:
    """Return the shape of one output, found by passing one row of zeros.

    A method that states the shape could be wrong; a row of zeros cannot.
    """
    y, _ = layer.forward(params, np.zeros((1, *shape)))
    return tuple(y.shape[1:])
