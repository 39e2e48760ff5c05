"""Softmax as a layer of its own, as textbooks chain it."""

from dataclasses import dataclass

from jaxtyping import Float

from layerwise.arrays import Array, Tree, namespace
from layerwise.model._layer import Counterpart, Layer, Noise

__all__ = ["Softmax"]


@dataclass(frozen=True)
class Softmax(Layer):
    """Probabilities from logits: p = e^z / Σ e^z.

    ∂pᵢ/∂zⱼ = pᵢ (δᵢⱼ − pⱼ), so that with g = ∂L/∂p

        ∂L/∂zⱼ = Σᵢ gᵢ pᵢ (δᵢⱼ − pⱼ) = pⱼ (gⱼ − Σᵢ gᵢ pᵢ)

    which is a product and a sum for each row: the Jacobian itself, classes × classes
    for every sample, is never needed.
    """

    counterpart = Counterpart("Softmax", fixed={"dim": (-1, 1)})

    def forward(
        self,
        params: Tree,
        x: Float[Array, "batch classes"],
        noise: Noise = None,
    ) -> tuple[Float[Array, "batch classes"], Tree]:
        """Return p; the trace is p."""
        del params, noise
        xp = namespace(x)
        # Adding a constant to a row changes nothing; with its maximum taken away the
        # largest exponential is 1 and none overflows.
        e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
        p = e / xp.sum(e, axis=-1, keepdims=True)
        return p, p

    def backward(
        self,
        params: Tree,
        trace: Float[Array, "batch classes"],
        gradient: Float[Array, "batch classes"],
    ) -> tuple[Tree, Float[Array, "batch classes"]]:
        """Return p (g − Σ g p)."""
        del params
        inner = namespace(trace).sum(gradient * trace, axis=-1, keepdims=True)
        return {}, trace * (gradient - inner)
