"""Every layer with its derivative: affine, normalisation, dropout, activations."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from layerwise import names
from layerwise.arrays import Array, Tree, leaves, namespace
from layerwise.errors import InputError
from layerwise.model._layer import (
    Counterpart,
    Draw,
    Layer,
    Noise,
    Residual,
    Same,
    Sequential,
    Shape,
)

Rows = Float[Array, "batch units"]

Initialiser = Callable[[np.random.Generator, int, int], np.ndarray]
"""Draws a weight matrix of shape (fan_in, fan_out), float64."""


def he(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """N(0, 2 / fan_in): ReLU halves E[x²] (He et al. 2015, eq. 10)."""
    return rng.normal(0.0, np.sqrt(2.0 / fan_in), (fan_in, fan_out))


def glorot(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """N(0, 2 / (fan_in + fan_out)): forward and backward (Glorot & Bengio 2010)."""
    return rng.normal(0.0, np.sqrt(2.0 / (fan_in + fan_out)), (fan_in, fan_out))


def lecun(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """N(0, 1 / fan_in): activations that are linear near zero (LeCun et al. 1998)."""
    return rng.normal(0.0, np.sqrt(1.0 / fan_in), (fan_in, fan_out))


def normal(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """N(0, 1), whatever the width: each ReLU layer multiplies E[x²] by fan_in / 2."""
    return rng.normal(0.0, 1.0, (fan_in, fan_out))


def orthogonal(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """Orthonormal rows or columns, uniform over such matrices (Saxe et al. 2014).

    The QR factors of a Gaussian matrix, with R's diagonal made positive, without
    which the draw is not uniform (Mezzadri 2007).
    """
    wide = fan_in < fan_out
    gaussian = rng.normal(size=(max(fan_in, fan_out), min(fan_in, fan_out)))
    columns, triangle = np.linalg.qr(gaussian)
    columns *= np.where(np.diagonal(triangle) < 0, -1.0, 1.0)
    return np.ascontiguousarray(columns.T if wide else columns)


INITIALISERS: Mapping[str, Initialiser] = MappingProxyType(
    {name: globals()[name] for name in names.INITIALISERS}
)
"""Every initialiser by its name."""


@dataclass(frozen=True)
class Linear(Layer):
    """An affine map of the inputs: Y = X W + b.

    By the product rule dY = dX W + X dW + db. With G = ∂L/∂Y the loss changes by
    dL = Σ G ∘ dY = tr(Gᵀ dY), and collecting the terms of dW, db and dX gives

        ∂L/∂W = Xᵀ G        ∂L/∂b = Σ_batch G        ∂L/∂X = G Wᵀ

    Parameters
    ----------
    units : int
        The number of outputs.
    init_scheme : str
        How W is drawn, a key of ``INITIALISERS``; b begins at zero.
    """

    units: int
    init_scheme: str = "he"

    def init(self, rng: np.random.Generator, shape: Shape) -> Tree:
        """Draw W, shape (inputs, units), and set b, shape (units,), to zero."""
        (fan_in,) = shape
        draw = INITIALISERS[names.checked("init", self.init_scheme, INITIALISERS)]
        return {"W": draw(rng, fan_in, self.units), "b": np.zeros(self.units)}

    def sizes(self, shape: Shape) -> tuple[int, Shape]:
        """Return (inputs + 1) · units, and that shape."""
        (fan_in,) = shape
        return (fan_in + 1) * self.units, (self.units,)

    def forward(
        self, params: Tree, x: Float[Array, "batch inputs"], noise: Noise = None
    ) -> tuple[Rows, Tree]:
        """Return X W + b; the trace is X."""
        del noise
        return x @ params["W"] + params["b"], x

    def backward(
        self, params: Tree, trace: Float[Array, "batch inputs"], gradient: Rows
    ) -> tuple[Tree, Float[Array, "batch inputs"]]:
        """Return the gradients by W and b, and by X."""
        gradients = self.gradients(params, trace, gradient)
        return gradients, gradient @ params["W"].T

    def gradients(
        self, params: Tree, trace: Float[Array, "batch inputs"], gradient: Rows
    ) -> Tree:
        """Return the gradients by W and b."""
        del params
        xp = namespace(gradient)
        return {"W": trace.T @ gradient, "b": xp.sum(gradient, axis=0)}


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Each sample to mean 0 and variance 1 over its units (Ba et al. 2016).

    With m and s² the mean and the (biased) variance over the n units of a row:

        x̂ = (x − m) / √(s² + ε)        y = γ x̂ + β

    m and s depend on x too. With h = γ ∂L/∂y, and from ∂m/∂xⱼ = 1/n and
    ∂s²/∂xⱼ = 2 (xⱼ − m) / n, collecting terms gives

        ∂L/∂x = (h − mean(h) − x̂ mean(h x̂)) / √(s² + ε)
        ∂L/∂γ = Σ_batch x̂ ∂L/∂y        ∂L/∂β = Σ_batch ∂L/∂y

    Parameters
    ----------
    epsilon : float
        Added to the variance, so that a constant row divides by √ε and not by zero.
    """

    epsilon: float = 1e-5

    def init(self, rng: np.random.Generator, shape: Shape) -> Tree:
        """Begin as the plain normalisation: γ = 1, β = 0, each of shape (units,)."""
        del rng
        return {"gamma": np.ones(shape), "beta": np.zeros(shape)}

    def forward(self, params: Tree, x: Rows, noise: Noise = None) -> tuple[Rows, Tree]:
        """Return γ x̂ + β; the trace is x̂ and 1 / √(s² + ε)."""
        del noise
        xp = namespace(x)
        centred = x - xp.mean(x, axis=-1, keepdims=True)
        variance = xp.mean(centred * centred, axis=-1, keepdims=True)
        scale = 1 / xp.sqrt(variance + self.epsilon)
        normed = centred * scale
        return params["gamma"] * normed + params["beta"], (normed, scale)

    def backward(self, params: Tree, trace: Tree, gradient: Rows) -> tuple[Tree, Rows]:
        """Return the gradients by γ and β, and by x."""
        xp = namespace(gradient)
        normed, scale = trace
        h = params["gamma"] * gradient
        mean = xp.mean(h, axis=-1, keepdims=True)
        along = xp.mean(h * normed, axis=-1, keepdims=True)
        gradients = {
            "gamma": xp.sum(normed * gradient, axis=0),
            "beta": xp.sum(gradient, axis=0),
        }
        return gradients, scale * (h - mean - normed * along)


@dataclass(frozen=True)
class Dropout(Layer):
    """Units left out at random while training (Srivastava et al. 2014).

    With a mask m of Bernoulli(1 − rate) draws, y = x m / (1 − rate), so that E[y] = x
    and evaluation needs no correction. The mask is a constant of the step:
    ∂L/∂x = ∂L/∂y · m / (1 − rate).

    Parameters
    ----------
    rate : float
        The share of units left out, 0 <= rate < 1.

    Raises
    ------
    InputError
        If the rate is outside its range.
    """

    counterpart = Counterpart("Dropout", {"p": "rate"})

    rate: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise InputError(f"dropout must be at least 0 and below 1, not {self.rate}")

    def noise(self, params: Tree, shape: Shape) -> Draw:
        """Ask for one draw for every unit."""
        del params
        return Draw(shape)

    def forward(self, params: Tree, x: Same, noise: Noise = None) -> tuple[Same, Tree]:
        """Return x times the scaled mask, which is the trace; x in evaluation."""
        del params
        xp = namespace(x)
        if noise is None:
            return x, xp.ones_like(x)
        mask = xp.astype(noise >= self.rate, x.dtype) / (1 - self.rate)
        return x * mask, mask

    def backward(self, params: Tree, trace: Same, gradient: Same) -> tuple[Tree, Same]:
        """Return gradient · scaled mask."""
        del params
        return {}, gradient * trace


@dataclass(frozen=True)
class Softmax(Layer):
    """Probabilities from logits: p = e^z / Σ e^z.

    ∂pᵢ/∂zⱼ = pᵢ (δᵢⱼ − pⱼ), so that with g = ∂L/∂p

        ∂L/∂zⱼ = Σᵢ gᵢ pᵢ (δᵢⱼ − pⱼ) = pⱼ (gⱼ − Σᵢ gᵢ pᵢ)

    which is a product and a sum for each row: the Jacobian itself, classes × classes
    for every sample, is never needed.
    """

    counterpart = Counterpart("Softmax", fixed={"dim": (-1, 1)})

    def forward(self, params: Tree, x: Rows, noise: Noise = None) -> tuple[Rows, Tree]:
        """Return p; the trace is p."""
        del params, noise
        xp = namespace(x)
        # Adding a constant to a row changes nothing; with its maximum taken away the
        # largest exponential is 1 and none overflows.
        e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
        p = e / xp.sum(e, axis=-1, keepdims=True)
        return p, p

    def backward(self, params: Tree, trace: Rows, gradient: Rows) -> tuple[Tree, Rows]:
        """Return p (g − Σ g p)."""
        del params
        inner = namespace(trace).sum(gradient * trace, axis=-1, keepdims=True)
        return {}, trace * (gradient - inner)


class Activation(Layer):
    """A function of each entry, without parameters.

    Its Jacobian is diagonal, so backward is a product entry by entry:
    ∂L/∂x = ∂L/∂y · f'(x). The first leaf of its trace is of the outputs' shape.
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
