"""Dropout."""

from dataclasses import dataclass

from jaxtyping import Float

from layerwise.arrays import Array, Tree, namespace
from layerwise.errors import InputError
from layerwise.model._layer import Counterpart, Draw, Layer, Noise, Shape

__all__ = ["Dropout"]


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

    def forward(
        self, params: Tree, x: Float[Array, "*any"], noise: Noise = None
    ) -> tuple[Float[Array, "*any"], Tree]:
        """Return x times the scaled mask, which is the trace; x in evaluation."""
        del params
        xp = namespace(x)
        if noise is None:
            return x, xp.ones_like(x)
        mask = xp.astype(noise >= self.rate, x.dtype) / (1 - self.rate)
        return x * mask, mask

    def backward(
        self, params: Tree, trace: Float[Array, "*any"], gradient: Float[Array, "*any"]
    ) -> tuple[Tree, Float[Array, "*any"]]:
        """Return gradient · scaled mask."""
        del params
        return {}, gradient * trace
