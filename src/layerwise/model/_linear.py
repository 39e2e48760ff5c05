"""The affine map."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from layerwise import names
from layerwise.arrays import Array, Tree, namespace
from layerwise.model._initialisers import INITIALISERS
from layerwise.model._layer import Layer, Noise, Shape

__all__ = ["Linear"]


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
        self,
        params: Tree,
        x: Float[Array, "batch inputs"],
        noise: Noise = None,
    ) -> tuple[Float[Array, "batch units"], Tree]:
        """Return X W + b; the trace is X."""
        del noise
        return x @ params["W"] + params["b"], x

    def backward(
        self,
        params: Tree,
        trace: Float[Array, "batch inputs"],
        gradient: Float[Array, "batch units"],
    ) -> tuple[Tree, Float[Array, "batch inputs"]]:
        """Return the gradients by W and b, and by X."""
        gradients = self.gradients(params, trace, gradient)
        return gradients, gradient @ params["W"].T

    def gradients(
        self,
        params: Tree,
        trace: Float[Array, "batch inputs"],
        gradient: Float[Array, "batch units"],
    ) -> Tree:
        """Return the gradients by W and b."""
        del params
        xp = namespace(gradient)
        return {"W": trace.T @ gradient, "b": xp.sum(gradient, axis=0)}
