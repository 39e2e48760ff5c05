"""Optimisers: from a gradient to the next parameters, as two pure functions.

``init`` gives the moments that an optimiser remembers, ``update`` the next parameters
and moments. Both map over trees and are written over the array-API standard.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from layerwise import names
from layerwise.arrays import Array, Tree, leaves, namespace, tree_map

__all__ = ["OPTIMISERS", "SGD", "Adam", "Momentum", "Optimiser"]


class Optimiser(ABC):
    """How parameters follow a gradient."""

    @abstractmethod
    def init(self, parameters: Tree) -> Tree:
        """Return the moments before the first step."""

    @abstractmethod
    def update(
        self, gradients: Tree, moments: Tree, parameters: Tree, rate: Array | float
    ) -> tuple[Tree, Tree]:
        """Return the next parameters and moments; ``rate`` is the learning rate."""


@dataclass(frozen=True)
class SGD(Optimiser):
    """Plain stochastic gradient descent: θ ← θ − η g."""

    def init(self, parameters: Tree) -> Tree:
        """Return no moments."""
        del parameters
        return ()

    def update(
        self, gradients: Tree, moments: Tree, parameters: Tree, rate: Array | float
    ) -> tuple[Tree, Tree]:
        """Go against the gradient."""
        return tree_map(lambda p, g: p - rate * g, parameters, gradients), moments


@dataclass(frozen=True)
class Momentum(Optimiser):
    """Heavy-ball momentum: v ← μ v + g, θ ← θ − η v (Polyak 1964).

    With ``nesterov`` θ ← θ − η (g + μ v), v being the new velocity: the gradient of
    where the velocity leads to, as Sutskever et al. (2013) write Nesterov's method.
    """

    decay: float = 0.9
    nesterov: bool = False

    def init(self, parameters: Tree) -> Tree:
        """Return a velocity of zero."""
        return tree_map(lambda p: p * 0, parameters)

    def update(
        self, gradients: Tree, moments: Tree, parameters: Tree, rate: Array | float
    ) -> tuple[Tree, Tree]:
        """Go along the velocity."""
        velocity = tree_map(lambda v, g: self.decay * v + g, moments, gradients)
        ahead = velocity
        if self.nesterov:
            ahead = tree_map(lambda v, g: g + self.decay * v, velocity, gradients)
        return tree_map(lambda p, v: p - rate * v, parameters, ahead), velocity


@dataclass(frozen=True)
class Adam(Optimiser):
    """Adam (Kingma & Ba 2015, alg. 1); with ``weight_decay`` AdamW.

        m ← β₁ m + (1 − β₁) g          v ← β₂ v + (1 − β₂) g²
        θ ← θ − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε) − η λ θ

    The decay λ acts on the parameters, not on the gradient (Loshchilov & Hutter 2019).
    t counts the updates made, and is one of the moments: a batch that is left out, and
    a training that goes on with other samples, do not disturb it.

    With ``raw_epsilon`` ε is added to √v itself: the ε̂ at the end of the paper's
    section 2, and of scikit-learn.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    raw_epsilon: bool = False

    def init(self, parameters: Tree) -> Tree:
        """Return m = v = 0 and t = 0."""
        zeros = tree_map(lambda p: p * 0, parameters)
        first = leaves(parameters)[0]
        return {
            "mean": zeros,
            "square": tree_map(lambda z: z + 0, zeros),
            "count": namespace(first).sum(first * 0),
        }

    def update(
        self, gradients: Tree, moments: Tree, parameters: Tree, rate: Array | float
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
        count = moments["count"] + 1
        unbias1 = 1 / (1 - self.beta1**count)
        unbias2 = 1 / (1 - self.beta2**count)
        sqrt = namespace(count).sqrt
        epsilon = self.epsilon * sqrt(unbias2) if self.raw_epsilon else self.epsilon

        def stepped(p: Array, m: Array, v: Array) -> Array:
            direction = m * unbias1 / (sqrt(v * unbias2) + epsilon)
            if self.weight_decay:
                direction = direction + self.weight_decay * p
            return p - rate * direction

        moved = tree_map(stepped, parameters, mean, square)
        return moved, {"mean": mean, "square": square, "count": count}


OPTIMISERS: Mapping[str, Optimiser] = MappingProxyType(
    {
        name: globals()[entry.kind](**entry.settings)
        for name, entry in names.OPTIMISERS.items()
    }
)
"""Every optimiser by its name."""
