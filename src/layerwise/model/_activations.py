"""Activations: functions of each entry, without parameters.

Their Jacobian is diagonal, so backward is a product entry by entry:
∂L/∂x = ∂L/∂y · f'(x).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from layerwise import names
from layerwise.arrays import Array, Tree, leaves, namespace
from layerwise.model._layer import Counterpart, Layer, Noise, Residual, Same, Sequential


class Activation(Layer):
    """A function of each entry, without parameters.

    The first leaf of its trace is of the outputs' shape.
    """

    def derivative(self, trace: Tree) -> Same:
        """Return f'(x): what ``backward`` makes of a gradient of ones."""
        first = leaves(trace)[0]
        return self.backward({}, trace, namespace(first).ones_like(first))[1]


def slopes(layer: Layer, trace: Tree) -> Iterator[Array]:
    """Yield f'(x) of every activation inside a layer, of the shape of its outputs."""
    if isinstance(layer, Residual):
        yield from slopes(layer.layer, trace)
    elif isinstance(layer, Sequential):
        for inner, own in zip(layer.layers, trace, strict=True):
            yield from slopes(inner, own)
    elif isinstance(layer, Activation):
        yield layer.derivative(trace)


@dataclass(frozen=True)
class ReLU(Activation):
    """The positive part: y = max(x, 0), so that f'(x) = 1 for x > 0 and 0 for x < 0."""

    counterpart = Counterpart("ReLU")

    def forward(self, params: Tree, x: Same, noise: Noise = None) -> tuple[Same, Tree]:
        """Return max(x, 0); the trace is x."""
        del params, noise
        xp = namespace(x)
        # maximum, not where(x > 0, x, 0): that would turn NaN into 0 and hide it.
        return xp.maximum(x, xp.zeros_like(x)), x

    def backward(self, params: Tree, trace: Same, gradient: Same) -> tuple[Tree, Same]:
        """Pass the gradient where x > 0."""
        del params
        xp = namespace(trace)
        # At the kink every value in [0, 1] is a subgradient; 0 is the usual choice.
        # A product, not where: that takes NumPy ten times as long on signs at random.
        return {}, gradient * xp.astype(trace > 0, gradient.dtype)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """A ReLU that keeps a slope below zero, so that no unit dies: f'(x) = 1 or slope.

    Parameters
    ----------
    slope : float
        f'(x) for x < 0 (Maas et al. 2013).
    """

    counterpart = Counterpart("LeakyReLU", {"negative_slope": "slope"})

    slope: float = 0.01

    def forward(self, params: Tree, x: Same, noise: Noise = None) -> tuple[Same, Tree]:
        """Return x, or slope · x below zero; the trace is x."""
        del params, noise
        return namespace(x).where(x > 0, x, self.slope * x), x

    def backward(self, params: Tree, trace: Same, gradient: Same) -> tuple[Tree, Same]:
        """Pass the gradient, times the slope where x <= 0."""
        del params
        return {}, namespace(trace).where(trace > 0, gradient, self.slope * gradient)


@dataclass(frozen=True)
class Tanh(Activation):
    """The hyperbolic tangent: f' = 1 − tanh²."""

    counterpart = Counterpart("Tanh")

    def forward(self, params: Tree, x: Same, noise: Noise = None) -> tuple[Same, Tree]:
        """Return y = tanh x; the trace is y."""
        del params, noise
        y = namespace(x).tanh(x)
        return y, y

    def backward(self, params: Tree, trace: Same, gradient: Same) -> tuple[Tree, Same]:
        """Return gradient · (1 − y²)."""
        del params
        return {}, gradient * (1 - trace * trace)


@dataclass(frozen=True)
class Sigmoid(Activation):
    """The logistic function σ(x) = 1 / (1 + e⁻ˣ): σ' = σ (1 − σ)."""

    counterpart = Counterpart("Sigmoid")

    def forward(self, params: Tree, x: Same, noise: Noise = None) -> tuple[Same, Tree]:
        """Return y = σ(x); the trace is y."""
        del params, noise
        # (1 + tanh(x / 2)) / 2 is the same function, and nothing in it overflows.
        y = 0.5 * (1 + namespace(x).tanh(0.5 * x))
        return y, y

    def backward(self, params: Tree, trace: Same, gradient: Same) -> tuple[Tree, Same]:
        """Return gradient · y (1 − y)."""
        del params
        return {}, gradient * trace * (1 - trace)


@dataclass(frozen=True)
class GELU(Activation):
    """The Gaussian error linear unit in its tanh form (Hendrycks & Gimpel 2016).

    With u = √(2/π) (x + 0.044715 x³):

        y = x (1 + tanh u) / 2
        f'(x) = (1 + tanh u) / 2 + x (1 − tanh² u) u' / 2
        u' = √(2/π) (1 + 3 · 0.044715 x²)

    The exact form needs erf, which the array-API standard does not have.
    """

    counterpart = Counterpart("GELU", fixed={"approximate": ("tanh",)})

    def forward(self, params: Tree, x: Same, noise: Noise = None) -> tuple[Same, Tree]:
        """Return y; the trace is x and tanh u."""
        del params, noise
        t = namespace(x).tanh(_GELU_SCALE * (x + _GELU_CUBIC * x * x * x))
        return 0.5 * x * (1 + t), (x, t)

    def backward(self, params: Tree, trace: Tree, gradient: Same) -> tuple[Tree, Same]:
        """Return gradient · f'(x)."""
        del params
        x, t = trace
        slope = _GELU_SCALE * (1 + 3 * _GELU_CUBIC * x * x)
        return {}, gradient * 0.5 * ((1 + t) + x * (1 - t * t) * slope)


@dataclass(frozen=True)
class Identity(Layer):
    """No activation, y = x and f' = 1: the layers together are one affine map."""

    counterpart = Counterpart("Identity")

    def forward(self, params: Tree, x: Same, noise: Noise = None) -> tuple[Same, Tree]:
        """Return x; there is no trace."""
        del params, noise
        return x, ()

    def backward(self, params: Tree, trace: Tree, gradient: Same) -> tuple[Tree, Same]:
        """Pass the gradient."""
        del params, trace
        return {}, gradient


_GELU_SCALE = math.sqrt(2 / math.pi)
_GELU_CUBIC = 0.044715

ACTIVATIONS: Mapping[str, Layer] = MappingProxyType(
    {name: globals()[kind]() for name, kind in names.ACTIVATIONS.items()}
)
"""Every activation by its name, as an MLP takes it."""
