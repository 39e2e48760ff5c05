"""Optimisers: from a gradient to the next parameters, as two pure functions.

``init`` gives the moments that an optimiser remembers, ``update`` the next parameters
and moments. Both map over trees and are written over the array-API standard.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import MappingProxyType

from layerwise.arrays import Array, Tree, namespace, tree_map
from layerwise.errors import InputError

__all__ = ["OPTIMISERS", "SGD", "Adam", "Momentum", "Optimiser", "optimiser"]


class Optimiser(ABC):
    """How parameters follow a gradient."""

    @abstractmethod
    def init(self, parameters: Tree) -> Tree:
        """Return the moments before the first step."""

    @abstractmethod
    def update(
        self,
        gradients: Tree,
        moments: Tree,
        parameters: Tree,
        rate: Array | float,
        step: Array | int,
    ) -> tuple[Tree, Tree]:
        """Return the next parameters and moments.

        ``rate`` is this step's learning rate and ``step`` counts from 0.
        """


@dataclass(frozen=True)
class SGD(Optimiser):
    """Plain stochastic gradient descent: θ ← θ − η g."""

    def init(self, parameters: Tree) -> Tree:
        """Return no moments."""
        del parameters
        return ()

    def update(
        self,
        gradients: Tree,
        moments: Tree,
        parameters: Tree,
        rate: Array | float,
        step: Array | int,
    ) -> tuple[Tree, Tree]:
        """Go against the gradient."""
        del step
        return tree_map(lambda p, g: p - rate * g, parameters, gradients), moments


@dataclass(frozen=True)
class Momentum(Optimiser):
    """Heavy-ball momentum: v ← μ v + g, θ ← θ − η v (Polyak 1964)."""

    decay: float = 0.9

    def init(self, parameters: Tree) -> Tree:
        """Return a velocity of zero."""
        return tree_map(lambda p: p * 0, parameters)

    def update(
        self,
        gradients: Tree,
        moments: Tree,
        parameters: Tree,
        rate: Array | float,
        step: Array | int,
    ) -> tuple[Tree, Tree]:
        """Go along the velocity."""
        del step
        velocity = tree_map(lambda v, g: self.decay * v + g, moments, gradients)
        return tree_map(lambda p, v: p - rate * v, parameters, velocity), velocity


@dataclass(frozen=True)
class Adam(Optimiser):
    """Adam (Kingma & Ba 2015, alg. 1); with ``weight_decay`` AdamW.

        m ← β₁ m + (1 − β₁) g          v ← β₂ v + (1 − β₂) g²
        θ ← θ − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε) − η λ θ

    The decay λ acts on the parameters, not on the gradient (Loshchilov & Hutter 2019).
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def init(self, parameters: Tree) -> Tree:
        """Return m = v = 0."""
        zeros = tree_map(lambda p: p * 0, parameters)
        return {"mean": zeros, "square": tree_map(lambda z: z + 0, zeros)}

    def update(
        self,
        gradients: Tree,
        moments: Tree,
        parameters: Tree,
        rate: Array | float,
        step: Array | int,
    ) -> tuple[Tree, Tree]:
        """Follow the running mean, measured in running root mean squares."""
        mean = tree_map(
            lambda m, g: self.beta1 * m + (1 - self.beta1) * g,
            moments["mean"],
            gradients,
        )
        square = tree_map(
            lambda v, g: self.beta2 * v + (1 - self.beta2) * (g * g),
            moments["square"],
            gradients,
        )
        unbias1 = 1 / (1 - self.beta1 ** (step + 1))
        unbias2 = 1 / (1 - self.beta2 ** (step + 1))

        def stepped(p: Array, m: Array, v: Array) -> Array:
            size = namespace(v).sqrt(v * unbias2) + self.epsilon
            return p - rate * (m * unbias1 / size + self.weight_decay * p)

        moved = tree_map(stepped, parameters, mean, square)
        return moved, {"mean": mean, "square": square}


OPTIMISERS = MappingProxyType(
    {
        "sgd": SGD(),
        "momentum": Momentum(),
        "adam": Adam(),
        "adamw": Adam(weight_decay=0.01),
    }
)
"""Every optimiser by its name on the command line."""


def optimiser(name: str) -> Optimiser:
    """Return the optimiser of this name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in OPTIMISERS:
        known = ", ".join(OPTIMISERS)
        raise InputError(f"optimizer {name!r} is unknown; choose of {known}")
    return OPTIMISERS[name]
