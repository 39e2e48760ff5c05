"""Losses: one number for each sample, and its gradient by the network's outputs.

A loss knows single samples only. The mean over a batch is taken in one place,
``mean_loss``, and its 1/n enters the gradient there too, so that the loss that is
reported is the one whose gradient is taken.

Targets are rows of one number for each output: one-hot for classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from jaxtyping import Float

from layerwise import names
from layerwise.arrays import Array, Tree, leaves, namespace, tree_map
from layerwise.model._layers import Softmax

Rows: TypeAlias = Float[Array, "batch classes"]
Each: TypeAlias = Float[Array, " batch"]
"""One number for each sample."""


class Loss(ABC):
    """A differentiable distance of outputs from targets, sample by sample."""

    @abstractmethod
    def forward(self, outputs: Rows, targets: Rows) -> tuple[Each, Tree]:
        """Return the loss of every sample, and the trace."""

    @abstractmethod
    def backward(self, trace: Tree) -> Rows:
        """Return the gradient of every sample's own loss by its outputs."""

    @abstractmethod
    def probabilities(self, outputs: Rows) -> Rows:
        """Return what the outputs say as class probabilities; rows add up to 1."""


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Cross-entropy of a softmax, fused and stable, on logits z.

    L = −Σ t log softmax(z) = Σt · logsumexp(z) − Σ t z, and since the derivative of
    logsumexp is the softmax,

        ∂L/∂z = Σt · softmax(z) − t

    No probability is ever divided by, and none is taken the logarithm of.
    """

    def forward(self, outputs: Rows, targets: Rows) -> tuple[Each, Tree]:
        """Return the losses; the trace is the softmax and the targets."""
        xp = namespace(outputs)
        shifted = outputs - xp.max(outputs, axis=-1, keepdims=True)
        e = xp.exp(shifted)
        total = xp.sum(e, axis=-1, keepdims=True)
        losses = xp.sum(targets * (xp.log(total) - shifted), axis=-1)
        return losses, (e / total, targets)

    def backward(self, trace: Tree) -> Rows:
        """Return softmax − targets (each row of the targets adding up to its Σt)."""
        softmax, targets = trace
        mass = namespace(softmax).sum(targets, axis=-1, keepdims=True)
        return mass * softmax - targets

    def probabilities(self, outputs: Rows) -> Rows:
        """Return the softmax of the logits."""
        return Softmax().forward({}, outputs)[0]


@dataclass(frozen=True)
class CrossEntropyOnProbabilities(Loss):
    """Cross-entropy on the probabilities p that a Softmax layer gives.

    L = −Σ t log max(p, τ), with τ the smallest normal number, so that a probability
    that underflowed to 0 has a finite loss. The gradient is that of the very same
    function: −t/p where p > τ, and 0 where the floor holds. With the loss floored and
    the gradient not, −1/0 · 0 is NaN at the first underflow.

    A floored sample no longer teaches; ``CrossEntropy`` on logits has no floor.
    """

    def forward(self, outputs: Rows, targets: Rows) -> tuple[Each, Tree]:
        """Return the losses; the trace is p and the targets."""
        xp = namespace(outputs)
        floored = xp.maximum(outputs, xp.full_like(outputs, _tiny(outputs)))
        return -xp.sum(targets * xp.log(floored), axis=-1), (outputs, targets)

    def backward(self, trace: Tree) -> Rows:
        """Return −t/p, and 0 under the floor."""
        p, targets = trace
        xp = namespace(p)
        above = p > _tiny(p)
        divisor = xp.where(above, p, xp.ones_like(p))
        return xp.where(above, -targets / divisor, xp.zeros_like(p))

    def probabilities(self, outputs: Rows) -> Rows:
        """Return the outputs themselves."""
        return outputs


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Cross-entropy of a sigmoid σ for each output, on logits z: labels are apart.

    L = −Σ t log σ(z) + (1 − t) log(1 − σ(z)) = Σ softplus(z) − t z, and since the
    derivative of softplus(z) = log(1 + eᶻ) is σ,

        ∂L/∂z = σ(z) − t

    With softplus(z) = max(z, 0) + log(1 + e^−|z|) nothing overflows, nor in
    σ(z) = exp(z − softplus(z)).
    """

    def forward(self, outputs: Rows, targets: Rows) -> tuple[Each, Tree]:
        """Return the losses; the trace is σ(z) and the targets."""
        xp = namespace(outputs)
        softplus = _softplus(outputs)
        losses = xp.sum(softplus - targets * outputs, axis=-1)
        return losses, (xp.exp(outputs - softplus), targets)

    def backward(self, trace: Tree) -> Rows:
        """Return σ(z) − t."""
        sigmoid, targets = trace
        return sigmoid - targets

    def probabilities(self, outputs: Rows) -> Rows:
        """Return the sigmoids divided by their sum."""
        xp = namespace(outputs)
        sigmoid = xp.exp(outputs - _softplus(outputs))
        positive = xp.maximum(sigmoid, xp.full_like(sigmoid, _tiny(sigmoid)))
        return positive / xp.sum(positive, axis=-1, keepdims=True)


@dataclass(frozen=True)
class SquaredError(Loss):
    """Half the squared distance: L = ½ Σ (y − t)², and ∂L/∂y = y − t."""

    def forward(self, outputs: Rows, targets: Rows) -> tuple[Each, Tree]:
        """Return the losses; the trace is y − t."""
        difference = outputs - targets
        losses = 0.5 * namespace(outputs).sum(difference * difference, axis=-1)
        return losses, difference

    def backward(self, trace: Tree) -> Rows:
        """Return y − t."""
        return trace

    def probabilities(self, outputs: Rows) -> Rows:
        """Return the outputs cut to positive numbers and divided by their sum."""
        xp = namespace(outputs)
        positive = xp.maximum(outputs, xp.full_like(outputs, _tiny(outputs)))
        return positive / xp.sum(positive, axis=-1, keepdims=True)


def mean_loss(
    losses: Each, gradient: Rows, weights: Each
) -> tuple[Float[Array, ""], Rows]:
    """Return the weighted mean of the samples' losses, and its gradient.

    L̄ = Σ w L / Σ w, so that each sample's gradient is multiplied by w / Σ w. A batch
    whose weights are all zero has loss and gradient 0.
    """
    share = weights / total_weight(weights)
    return namespace(losses).sum(losses * share), gradient * share[:, None]


def total_weight(weights: Each) -> Float[Array, ""]:
    """Return Σ w, and 1 where all weights are zero: what is divided by stays finite."""
    xp = namespace(weights)
    total = xp.sum(weights)
    return xp.where(total > 0, total, xp.ones_like(total))


def with_l2_penalty(
    loss: Float[Array, ""],
    gradients: Tree,
    parameters: Tree,
    strength: Float[Array, ""] | float,
) -> tuple[Float[Array, ""], Tree]:
    """Return the loss with a penalty on large weights, and its gradients.

    P = ½ λ Σ W², so that ∂P/∂W = λ W. Only matrices are penalised: biases, and what
    LayerNorm multiplies with, are vectors and are left free.
    """
    matrices = [leaf for leaf in leaves(parameters) if leaf.ndim > 1]
    squares = sum(namespace(W).sum(W * W) for W in matrices)

    def pulled(gradient: Array, leaf: Array) -> Array:
        return gradient + strength * leaf if leaf.ndim > 1 else gradient

    return loss + 0.5 * strength * squares, tree_map(pulled, gradients, parameters)


def _softplus(z: Array) -> Array:
    xp = namespace(z)
    return xp.maximum(z, xp.zeros_like(z)) + xp.log1p(xp.exp(-xp.abs(z)))


def _tiny(array: Array) -> float:
    return float(namespace(array).finfo(array.dtype).smallest_normal)


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {name: globals()[kind]() for name, kind in names.LOSSES.items()}
)
"""Every loss by its name."""
