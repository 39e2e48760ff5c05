from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass
class Affine:
    inputs: int
    outputs: int
    weight: Array = field(init=False)
    bias: Array = field(init=False)
    weight_gradient: Array | None = field(default=None, init=False)
    bias_gradient: Array | None = field(default=None, init=False)
    _memory: Array | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.weight = np.random.standard_normal((self.inputs, self.outputs))
        self.bias = np.zeros(self.outputs)

    def forward(self, x: Array, remember: bool = False) -> Array:
        if remember:
            self._memory = x
        return x @ self.weight + self.bias

    def backward(self, gradient: Array) -> Array:
        assert self._memory is not None
        self.weight_gradient = np.einsum("bi,bo->io", self._memory, gradient)
        self.bias_gradient = np.einsum("bo->o", gradient)
        return np.einsum("bo,io->bi", gradient, self.weight)

    def update(self, learning_rate: float) -> None:
        assert self.weight_gradient is not None and self.bias_gradient is not None
        self.weight = self.weight - learning_rate * self.weight_gradient
        self.bias = self.bias - learning_rate * self.bias_gradient


@dataclass
class Swish:
    beta: float = 1.0
    _memory: Array | None = field(default=None, init=False)

    def forward(self, x: Array, remember: bool = False) -> Array:
        if remember:
            self._memory = x
        return x / (1 + np.exp(-self.beta * x))

    def backward(self, gradient: Array) -> Array:
        x = self._memory
        s = 1 / (1 + np.exp(-self.beta * x))
        return gradient * (s + self.beta * x * s * (1 - s))


@dataclass
class Network:
    layers: list = field(default_factory=lambda: [Affine(5, 4), Swish(), Affine(4, 3)])

    def forward(self, x: Array, remember: bool = False) -> Array:
        for layer in self.layers:
            x = layer.forward(x, remember)
        return x

    def backward(self, gradient: Array) -> Array:
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return gradient

    def update(self, learning_rate: float) -> None:
        for layer in self.layers:
            if isinstance(layer, Affine):
                layer.update(learning_rate)
