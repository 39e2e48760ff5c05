"""Layer normalisation."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from layerwise.arrays import Array, Tree, namespace
from layerwise.model._layer import Layer, Noise, Shape

__all__ = ["LayerNorm"]


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

    def forward(
        self,
        params: Tree,
        x: Float[Array, "batch units"],
        noise: Noise = None,
    ) -> tuple[Float[Array, "batch units"], Tree]:
        """Return γ x̂ + β; the trace is x̂ and 1 / √(s² + ε)."""
        del noise
        xp = namespace(x)
        centred = x - xp.mean(x, axis=-1, keepdims=True)
        variance = xp.mean(centred * centred, axis=-1, keepdims=True)
        scale = 1 / xp.sqrt(variance + self.epsilon)
        normed = centred * scale
        return params["gamma"] * normed + params["beta"], (normed, scale)

    def backward(
        self, params: Tree, trace: Tree, gradient: Float[Array, "batch units"]
    ) -> tuple[Tree, Float[Array, "batch units"]]:
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
