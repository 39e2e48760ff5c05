"""Layers made of layers: one after another, and around a skip connection."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from layerwise.arrays import Array, Tree
from layerwise.errors import InputError
from layerwise.model._activations import Activation
from layerwise.model._layer import Draw, Layer, Noise, Shape, output_shape


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
    a_dataclass: Any = layer
    for field in fields(a_dataclass):
        value = getattr(layer, field.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Layer):
                yield from layers_within(part)


def slopes(layer: Layer, trace: Tree) -> Iterator[Array]:
    """Yield f'(x) of every activation inside a layer, of the shape of its outputs."""
    if isinstance(layer, Residual):
        yield from slopes(layer.layer, trace)
    elif isinstance(layer, Sequential):
        for inner, own in zip(layer.layers, trace, strict=True):
            yield from slopes(inner, own)
    elif isinstance(layer, Activation):
        yield layer.derivative(trace)
