"""What a layer is: three functions side by side; and layers made of layers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float

from layerwise.arrays import Array, Tree, leaves
from layerwise.errors import InputError

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


@dataclass(frozen=True)
class Sequential(Layer):
    """Layers one after another: y = f_n(… f_2(f_1(x))).

    By the chain rule the gradient goes back through them in reverse order, each
    backward given what the one after it returned.

    Parameters
    ----------
    layers : tuple of Layer
        In forward order. Parameters and traces are tuples in the same order.
    """

    layers: tuple[Layer, ...]

    def init(self, rng: np.random.Generator, shape: Shape) -> Tree:
        """Draw each layer's parameters for the shape that the one before it gives."""
        params: list[Tree] = []
        for layer in self.layers:
            params.append(layer.init(rng, shape))
            shape = output_shape(layer, params[-1], shape)
        return tuple(params)

    def sizes(self, shape: Shape) -> tuple[int, Shape]:
        """Return the sum over all layers, and the shape of the last one's output."""
        total = 0
        for layer in self.layers:
            count, shape = layer.sizes(shape)
            total += count
        return total, shape

    def forward(
        self, params: Tree, x: Array, noise: Noise = None
    ) -> tuple[Array, Tree]:
        """Return the last layer's outputs; the trace holds every layer's."""
        outputs, traces = self.outputs(params, x, noise)
        return (outputs[-1] if outputs else x), traces

    def outputs(
        self, params: Tree, x: Array, noise: Noise = None
    ) -> tuple[tuple[Array, ...], Tree]:
        """Return the outputs of every layer, not only of the last, and the traces."""
        outputs: list[Array] = []
        traces: list[Tree] = []
        noises = (None,) * len(self.layers) if noise is None else noise
        for layer, p, own in zip(self.layers, params, noises, strict=True):
            x, trace = layer.forward(p, x, own)
            outputs.append(x)
            traces.append(trace)
        return tuple(outputs), tuple(traces)

    def backward(
        self, params: Tree, trace: Tree, gradient: Array
    ) -> tuple[Tree, Array]:
        """Return every layer's gradients, and the gradient by the first's inputs."""
        gradients: list[Tree] = []
        steps = zip(self.layers, params, trace, strict=True)
        for layer, p, t in reversed(list(steps)):
            of_params, gradient = layer.backward(p, t, gradient)
            gradients.append(of_params)
        return tuple(reversed(gradients)), gradient

    def gradients(self, params: Tree, trace: Tree, gradient: Array) -> Tree:
        """Return every layer's gradients, the first without that by its inputs."""
        if not self.layers:
            return ()
        rest = Sequential(self.layers[1:])
        after, gradient = rest.backward(params[1:], trace[1:], gradient)
        return (self.layers[0].gradients(params[0], trace[0], gradient), *after)

    def noise(self, params: Tree, shape: Shape) -> tuple[Any, ...]:
        """Declare the noise of every layer, in forward order."""
        draws: list[Any] = []
        for layer, p in zip(self.layers, params, strict=True):
            draws.append(layer.noise(p, shape))
            shape = output_shape(layer, p, shape)
        return tuple(draws)


@dataclass(frozen=True)
class Residual(Layer):
    """A layer around which its inputs are led: y = x + f(x) (He et al. 2016).

    ∂L/∂x = ∂L/∂y + (∂f/∂x)ᵀ ∂L/∂y: whatever f does, the gradient arrives.

    Parameters
    ----------
    layer : Layer
        f, whose outputs have the shape of its inputs.
    """

    layer: Layer

    def init(self, rng: np.random.Generator, shape: Shape) -> Tree:
        """Draw f's parameters.

        Raises
        ------
        InputError
            If f's outputs have another shape than its inputs.
        """
        params = self.layer.init(rng, shape)
        out = output_shape(self.layer, params, shape)
        if out != shape:
            raise InputError(
                f"a residual block needs equal shapes: {shape} gives {out}"
            )
        return params

    def sizes(self, shape: Shape) -> tuple[int, Shape]:
        """Return those of f."""
        return self.layer.sizes(shape)

    def forward(
        self, params: Tree, x: Array, noise: Noise = None
    ) -> tuple[Array, Tree]:
        """Return x + f(x); the trace is f's."""
        y, trace = self.layer.forward(params, x, noise)
        return x + y, trace

    def backward(
        self, params: Tree, trace: Tree, gradient: Array
    ) -> tuple[Tree, Array]:
        """Return f's gradients, and the sum of the two paths'."""
        gradients, through = self.layer.backward(params, trace, gradient)
        return gradients, gradient + through

    def noise(self, params: Tree, shape: Shape) -> Draw | tuple[Any, ...] | None:
        """Declare f's noise."""
        return self.layer.noise(params, shape)


def layers_within(layer: Layer) -> Iterator[Layer]:
    """Yield a layer and those that it is made of, in the order of its fields."""
    yield layer
    for value in vars(layer).values():
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Layer):
                yield from layers_within(part)
