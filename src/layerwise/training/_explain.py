"""One training step with every number, as the engine computes them.

The layers of a network are wrapped in ones that note what goes in and comes out, and
the engine takes its step with these: there is no second implementation to be wrong.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np

from layerwise.arrays import Array, Tree, named_leaves
from layerwise.data import Dataset, Samples
from layerwise.errors import InputError
from layerwise.model import (
    Architecture,
    Layer,
    Loss,
    Network,
    Residual,
    Sequential,
    block_names,
    layers_within,
)
from layerwise.names import checked
from layerwise.training._loop import problem_of
from layerwise.training._recipe import OPTIMISERS, SCHEDULES, Order, Recipe
from layerwise.training.engines import Problem, State, engine_for
from layerwise.wording import type_in_words

__all__ = ["Explanation", "StepOfLayer", "explain", "explain_training"]

FORWARD = {
    "Linear": "Y = X W + b",
    "ReLU": "Y = max(X, 0)",
    "LeakyReLU": "Y = X where X > 0, else s X",
    "Tanh": "Y = tanh X",
    "Sigmoid": "Y = 1 / (1 + e^−X)",
    "GELU": "Y = X (1 + tanh u) / 2, u = √(2/π) (X + 0.044715 X³)",
    "Identity": "Y = X",
    "LayerNorm": "Y = γ (X − mean) / √(variance + ε) + β",
    "Dropout": "Y = X m / (1 − q)",
    "Softmax": "P = e^X / Σ e^X",
}
BACKWARD = {
    "Linear": "∂L/∂X = G Wᵀ",
    "ReLU": "∂L/∂X = G (X > 0)",
    "LeakyReLU": "∂L/∂X = G where X > 0, else s G",
    "Tanh": "∂L/∂X = G (1 − Y²)",
    "Sigmoid": "∂L/∂X = G Y (1 − Y)",
    "GELU": "∂L/∂X = G f′(X)",
    "Identity": "∂L/∂X = G",
    "LayerNorm": "∂L/∂X = (h − mean(h) − x̂ mean(h x̂)) / √(variance + ε), h = γ G",
    "Dropout": "∂L/∂X = G m / (1 − q)",
    "Softmax": "∂L/∂X = P (G − Σ G P)",
}
OF_PARAMETERS = {
    "W": "∂L/∂W = Xᵀ G",
    "b": "∂L/∂b = Σ_batch G",
    "gamma": "∂L/∂γ = Σ_batch G x̂",
    "beta": "∂L/∂β = Σ_batch G",
}
LOSSES = {
    "CrossEntropy": ("L = mean(−Σ t log softmax(Y))", "G = (softmax(Y) − t) / n"),
    "CrossEntropyOnProbabilities": ("L = mean(−Σ t log Y)", "G = −t / Y / n"),
    "BinaryCrossEntropy": (
        "L = mean(−Σ (t log σ(Y) + (1 − t) log(1 − σ(Y))))",
        "G = (σ(Y) − t) / n",
    ),
    "SquaredError": ("L = mean(½ Σ (Y − t)²)", "G = (Y − t) / n"),
}
RUNNING = "m and v running means of ∂L/∂θ and its square, divided by 1 − βᵗ"
UPDATES = {
    "sgd": "θ ← θ − η ∂L/∂θ",
    "momentum": "v ← 0.9 v + ∂L/∂θ, θ ← θ − η v",
    "adam": f"θ ← θ − η m / (√v + ε), {RUNNING}",
    "adamw": f"θ ← θ − η (m / (√v + ε) + λ θ), {RUNNING}",
}


@dataclass(frozen=True)
class StepOfLayer:
    """What one layer computed in a step.

    Parameters
    ----------
    block : str
        The block that it belongs to: ``hidden1``, …, ``output``.
    kind : str
        Its class: ``Linear``, ``ReLU``.
    inputs, outputs : array, shape (batch, units)
        X and Y of its formula.
    gradient : array, shape (batch, units)
        G, the loss's gradient by its outputs.
    input_gradient : array or None
        The loss's gradient by its inputs; None for the first layer, where it is not
        computed.
    before, gradients, after : dict of array
        Its parameters before the step, their gradients, and they after it.
    """

    block: str
    kind: str
    inputs: np.ndarray
    outputs: np.ndarray
    gradient: np.ndarray
    input_gradient: np.ndarray | None
    before: Mapping[str, np.ndarray]
    gradients: Mapping[str, np.ndarray]
    after: Mapping[str, np.ndarray]


@dataclass(frozen=True, repr=False)
class Explanation:
    """One training step with every number; its ``str`` is the whole calculation.

    Parameters
    ----------
    step : int
        Which step it is, from 1.
    rows : tuple of int
        The training samples in its batch.
    inputs : array, shape (batch, features)
        After scaling.
    targets : array, shape (batch, outputs)
        One-hot for classes.
    loss : float
        Before the update.
    loss_name : str
        The loss's class.
    optimiser : str
        How the gradient is followed.
    rate : float
        η, the learning rate of the step.
    layers : tuple of StepOfLayer
        In forward order.
    """

    step: int
    rows: tuple[int, ...]
    inputs: np.ndarray
    targets: np.ndarray
    loss: float
    loss_name: str
    optimiser: str
    rate: float
    layers: tuple[StepOfLayer, ...]

    def __str__(self) -> str:
        value, gradient = LOSSES.get(self.loss_name, ("L", "G = ∂L/∂Y"))
        lines = [
            f"Step {self.step}, samples {', '.join(map(str, self.rows))}",
            "",
            "FORWARD",
            *_shown("inputs X", self.inputs),
        ]
        for layer in self.layers:
            lines += [
                "",
                f"{layer.block}, {layer.kind}: {FORWARD.get(layer.kind, 'Y')}",
            ]
            for name, array in layer.before.items():
                lines += _shown(name, array)
            lines += _shown("Y", layer.outputs)
        lines += ["", f"loss: {value}", *_shown("targets t", self.targets)]
        lines += [f"  L = {self.loss:.6g}", "", "BACKWARD", f"loss: {gradient}"]
        lines += _shown("G", self.layers[-1].gradient)
        for layer in reversed(self.layers):
            lines += ["", f"{layer.block}, {layer.kind}"]
            for name, array in layer.gradients.items():
                lines += _shown(OF_PARAMETERS.get(name, f"∂L/∂{name}"), array)
            if layer.input_gradient is not None:
                formula = BACKWARD.get(layer.kind, "∂L/∂X")
                lines += _shown(formula, layer.input_gradient)
        update = UPDATES.get(self.optimiser, "θ ← θ − step")
        lines += ["", f"UPDATE: {update}, η = {self.rate:.6g}"]
        for layer in self.layers:
            for name, array in layer.after.items():
                lines += _shown(f"{layer.block}.{name}", array)
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def summary(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return msgspec.to_builtins(self, enc_hook=np.ndarray.tolist)


def _shown(name: str, array: np.ndarray) -> list[str]:
    """Return an array's lines, below its name where it has several."""
    with np.printoptions(precision=4, suppress=True, linewidth=88, threshold=200):
        text = str(array)
    if "\n" not in text:
        return [f"  {name} = {text}"]
    return [f"  {name} =", *(f"    {line}" for line in text.splitlines())]


def explain(
    network: Network,
    x: Array,
    y: Array,
    *,
    learning_rate: float = 0.05,
    optimizer: str = "sgd",
) -> Explanation:
    """Return one training step of a network with every number.

    Parameters
    ----------
    network : Network
        Whose parameters the step begins with.
    x : array, shape (batch, *shape)
        Raw inputs: the network's scaling is applied.
    y : integer array, shape (batch,), or real array, shape (batch, outputs)
        Classes by index, or numbers.
    learning_rate : float
        η.
    optimizer : str
        How the gradient is followed.

    Returns
    -------
    Explanation
        Its ``str`` is the calculation; a notebook shows it.

    Raises
    ------
    InputError
        If it is not a network by hand, or the inputs do not fit it.

    Examples
    --------
    >>> import layerwise as lw
    >>> data = lw.load("moons")
    >>> network = lw.fit(lw.MLP([3]), data, epochs=1).network
    >>> step = explain(network, data.train.inputs[:2], data.train.targets[:2])
    >>> [layer.kind for layer in step.layers]
    ['Linear', 'ReLU', 'Linear']
    """
    if not isinstance(network, Network):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f"explain takes a network by hand, not {type_in_words(network)}: make "
            "one with lw.fit(lw.MLP([3]), data).network"
        )
    samples = Samples(np.asarray(x), np.asarray(y))
    checked("optimizer", optimizer, OPTIMISERS)
    problem = Problem(
        network, samples, OPTIMISERS[optimizer], SCHEDULES["constant"], learning_rate,
        total_steps=1, order=Order(len(samples), len(samples), 0, shuffled=False),
    )  # fmt: skip
    return _explained(problem, problem.initial_state(), optimizer)


def explain_training(
    architecture: Architecture, data: Dataset, recipe: Recipe, step: int = 1
) -> Explanation:
    """Return one step of a training with every number; the steps before it are made.

    Steps are counted from 1.

    Raises
    ------
    InputError
        If the training has no such step, or diverges before it.
    """
    problem = problem_of(architecture, data, recipe)
    if not 1 <= step <= problem.total_steps:
        raise InputError(
            f"step {step}: this training has steps 1 to {problem.total_steps}"
        )
    state = problem.initial_state()
    if step > 1:
        state, _ = engine_for(problem, "eager").advance(state, 0, step - 1)
        if state.step < step - 1:
            raise InputError(f"step {step}: the training diverges at {state.step + 1}")
    return _explained(problem, state, recipe.optimizer)


def _explained(problem: Problem, state: State, optimiser: str) -> Explanation:
    """Let the engine take its next step with layers that note what they compute."""
    network = problem.by_hand
    watched = replace(network, architecture=_Watched(network.architecture))
    engine = engine_for(replace(problem, network=watched, health_every=0), "eager")
    at = state.step
    after, records = engine.advance(state, at, at + 1)
    (rows,), _ = problem.batches(at, at + 1)
    targets = problem.samples.targets[rows]
    if targets.ndim == 1:
        targets = np.eye(len(network.class_names))[targets]
    noted = [one for one in layers_within(watched.layer) if isinstance(one, _Noted)]
    parameters = map(_of_layers, (state.parameters, after.parameters))
    layers = tuple(
        StepOfLayer(
            block=one.block,
            kind=type(one.inner).__name__,
            before=_arrays(before),
            after=_arrays(new),
            **one.seen,
        )
        for one, before, new in zip(noted, *parameters, strict=True)
    )
    return Explanation(
        at + 1, tuple(int(row) for row in rows), layers[0].inputs, targets,
        float(records.losses[0]), type(network.loss).__name__, optimiser,
        float(problem.rates(at, at + 1)[0]), layers,
    )  # fmt: skip


def _of_layers(parameters: Tree) -> list[Tree]:
    """Return each primitive layer's parameters: a dict, however deep."""
    if isinstance(parameters, tuple):
        return [one for inner in parameters for one in _of_layers(inner)]
    return [parameters]


def _arrays(tree: Tree) -> dict[str, np.ndarray]:
    return {name: np.array(leaf) for name, leaf in named_leaves(tree)}


@dataclass(frozen=True)
class _Watched:
    """An architecture whose layers note what they compute."""

    architecture: Architecture

    def build(self, inputs: int, outputs: int) -> Sequential:
        layer = self.architecture.build(inputs, outputs)
        blocks = zip(block_names(layer), layer.layers, strict=True)
        return Sequential(tuple(_noted(name, one) for name, one in blocks))

    def loss_function(self) -> Loss:
        return self.architecture.loss_function()


def _noted(block: str, layer: Layer) -> Layer:
    if isinstance(layer, Sequential):
        return Sequential(tuple(_noted(block, one) for one in layer.layers))
    if isinstance(layer, Residual):
        return Residual(_noted(block, layer.layer))
    return _Noted(layer, block)


@dataclass(frozen=True)
class _Noted(Layer):
    """A layer that notes what goes in and comes out, the last time that it does."""

    inner: Layer
    block: str
    seen: dict[str, Any] = field(default_factory=dict, compare=False)

    def init(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Tree:
        return self.inner.init(rng, shape)

    def noise(self, params: Tree, shape: tuple[int, ...]) -> Any:
        return self.inner.noise(params, shape)

    def forward(self, params: Tree, x: Array, noise: Any = None) -> tuple[Array, Tree]:
        y, trace = self.inner.forward(params, x, noise)
        self.seen.update(inputs=np.array(x), outputs=np.array(y))
        return y, trace

    def backward(
        self, params: Tree, trace: Tree, gradient: Array
    ) -> tuple[Tree, Array]:
        found, of_input = self.inner.backward(params, trace, gradient)
        self._note(gradient, found, np.array(of_input))
        return found, of_input

    def gradients(self, params: Tree, trace: Tree, gradient: Array) -> Tree:
        found = self.inner.gradients(params, trace, gradient)
        self._note(gradient, found, None)
        return found

    def _note(self, gradient: Array, found: Tree, of_input: Array | None) -> None:
        self.seen.update(
            gradient=np.array(gradient),
            gradients=_arrays(found),
            input_gradient=of_input,
        )
