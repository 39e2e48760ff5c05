"""A network: an architecture and its parameters, and its file."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, NotRequired, TypedDict

import numpy as np
from jaxtyping import Float, Shaped

from layerwise.arrays import (
    Array,
    Tree,
    leaves,
    named_leaves,
    namespace,
    one_hot,
    tree_like,
    tree_map,
)
from layerwise.data import Columns, Dataset, Scaling, read_ahead
from layerwise.errors import DamagedError, InputError
from layerwise.files import Count, as_record, read_tensors, write_tensors
from layerwise.model._architecture import MLP, Architecture, TrainedNetwork, block_names
from layerwise.model._layer import Noise, Sequential
from layerwise.model._losses import Loss, mean_loss, total_weight, with_l2_penalty
from layerwise.wording import type_in_words

BLOCK_ROWS = 4096
"""Rows that are passed through the network at a time: memory stays bounded."""

PART_ROWS = 128
"""Rows of one product. A BLAS adds up in an order that depends on the shapes: with the
same one for all, a row has the same outputs to the bit, whatever rows are beside it."""


@dataclass(frozen=True, eq=False)
class Network(TrainedNetwork):
    """A network by hand: its layers are those that its architecture builds.

    Parameters are those of `TrainedNetwork`; ``architecture`` is settings such as an
    ``MLP``, and ``parameters`` are shaped by ``layer.init``.
    """

    architecture: Architecture

    def __repr__(self) -> str:
        return (
            f"Network({self.architecture}, shape={self.shape}, "
            f"classes={len(self.class_names)}, parameters={self.parameter_count})"
        )

    @cached_property
    def layer(self) -> Sequential:
        """The network as one layer: its blocks, one after another."""
        features = int(np.prod(self.shape))
        return self.architecture.build(features, len(self.class_names))

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The blocks' names: hidden1, hidden2, …, output."""
        return block_names(self.layer)

    @property
    def followed(self) -> Tree:
        """The parameters that follow the gradient: all of them."""
        return self.parameters

    def redrawn(self, seed: int) -> "Network":
        """Return the same network untrained: its parameters drawn from ``seed``."""
        drawn = self.layer.init(
            np.random.default_rng(seed), (int(np.prod(self.shape)),)
        )
        dtype = leaves(self.parameters)[0].dtype
        parameters = tree_map(lambda leaf: leaf.astype(dtype), drawn)
        return replace(self, parameters=parameters)

    def named_arrays(self) -> dict[str, np.ndarray]:
        """Return the parameters by name, as a file holds them."""
        return {f"parameters.{n}": leaf for n, leaf in named_leaves(self.parameters)}

    def activations(self, inputs: Array) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield the scaled inputs and every block's outputs, some thousand rows a time.

        Each array has shape (rows, units); the inputs are flattened. Dropout rests. A
        row's outputs do not depend on the other rows.

        Raises
        ------
        InputError
            If the inputs do not have the network's input shape.
        """
        self._check_shape(inputs)
        dtype = leaves(self.parameters)[0].dtype
        for rows in read_ahead(inputs, BLOCK_ROWS):
            x = flatten(self.scaling.apply(rows, dtype))
            # A network that has diverged overflows; its infinities say so themselves.
            with np.errstate(over="ignore", invalid="ignore"):
                parts = [
                    self._part_outputs(x[start : start + PART_ROWS])
                    for start in range(0, len(x), PART_ROWS)
                ]
            yield (x, *map(np.concatenate, zip(*parts, strict=True)))

    def _part_outputs(self, x: np.ndarray) -> list[np.ndarray]:
        """Return every block's outputs for a part, filled up where it is short."""
        rows = len(x)
        if rows < PART_ROWS:
            x = np.concatenate([x, np.repeat(x[-1:], PART_ROWS - rows, axis=0)])
        outputs, _ = self.layer.outputs(self.parameters, x)
        return [y[:rows] for y in outputs]

    def _outputs(self, inputs: Array) -> Iterator[np.ndarray]:
        return (arrays[-1] for arrays in self.activations(inputs))


def initial_network(
    architecture: Architecture, data: Dataset, *, seed: int = 0, dtype: Any = np.float32
) -> Network:
    """Return the untrained network for a data set, parameters drawn from ``seed``.

    The scaling is fitted on the training samples. Parameters are drawn in NumPy, in
    float64, and rounded to ``dtype``: the same seed means the same network in every
    engine and precision.
    """
    features = int(np.prod(data.shape))
    layer = architecture.build(features, data.classes)
    drawn = layer.init(np.random.default_rng(seed), (features,))
    return Network(
        architecture=architecture,
        parameters=tree_map(lambda leaf: leaf.astype(dtype), drawn),
        shape=data.shape,
        class_names=data.class_names,
        scaling=data.fitted_scaling,
        columns=data.columns,
    )


def flatten(inputs: Array) -> Shaped[Array, "samples features"]:
    """Return the inputs as one row of features for each sample."""
    return namespace(inputs).reshape(inputs, (inputs.shape[0], -1))


class LossAndGradients(NamedTuple):
    """What one backward pass gives; activations and traces are those of every block."""

    loss: Float[Array, ""]
    outputs: Float[Array, "batch classes"]
    gradients: Tree
    activations: tuple[Array, ...]
    traces: Tree


class Batch(NamedTuple):
    """What one step sees: scaled inputs, rows of targets, and a weight for each."""

    inputs: Float[Array, "batch features"]
    targets: Float[Array, "batch classes"]
    weights: Float[Array, " batch"]


def loss_and_gradients(
    layer: Sequential,
    loss: Loss,
    parameters: Tree,
    batch: Batch,
    noise: Noise = None,
    l2: Array | float | None = None,
) -> LossAndGradients:
    """Backpropagation: the mean loss of a batch, and its gradient by every parameter.

    Forward through all layers, keeping each one's trace; the loss; then backward
    through all layers in reverse, each turning the gradient by its outputs into the
    gradients by its parameters and by its inputs. ``l2`` is the strength of
    ``with_l2_penalty`` against one sample of weight 1.
    """
    activations, traces = layer.outputs(parameters, batch.inputs, noise)
    outputs = activations[-1]
    losses, trace = loss.forward(outputs, batch.targets)
    value, gradient = mean_loss(losses, loss.backward(trace), batch.weights)
    gradients = layer.gradients(parameters, traces, gradient)
    if l2 is not None:
        strength = l2 / total_weight(batch.weights)
        value, gradients = with_l2_penalty(value, gradients, parameters, strength)
    return LossAndGradients(value, outputs, gradients, activations, traces)


def target_rows(targets: Array, outputs: int, like: Array) -> Array:
    """Return the rows that a loss takes, of the library and dtype of ``like``.

    Classes, shape (samples,), become one-hot rows; numbers, shape (samples, outputs),
    stay what they are.
    """
    if targets.ndim == 1:
        return one_hot(targets, outputs, like)
    return namespace(targets).astype(targets, like.dtype, copy=False)


def hits(outputs: Array, targets: Array) -> Array:
    """Return which samples are classified right; NaN where targets are numbers.

    Targets are as in `target_rows`; of outputs of shape (samples, outputs) come as many
    as there are samples.
    """
    xp = namespace(outputs)
    if targets.ndim == 1:
        return xp.argmax(outputs, axis=1) == targets
    return xp.full_like(outputs[:, 0], xp.nan)


FORMAT = "network-1"
MODULE_FORMAT = "module-1"


class _Settings(TypedDict):
    """What a network's file says beside its tensors."""

    mlp: MLP
    shape: tuple[Count, ...]
    class_names: tuple[str, ...]
    scaling: str
    columns: NotRequired[dict[str, Any]]


def save_network(network: TrainedNetwork, path: str | Path) -> None:
    """Write a network as safetensors; the old file or the new one is there, never half.

    Of a torch module the file holds the ``state_dict``, which its class reads again:
    ``layerwise inspect models.py:build --weights FILE``, or torch itself.

    Parameters
    ----------
    network : TrainedNetwork
    path : path
        The file; its folder has to exist.

    Raises
    ------
    InputError
        If its architecture is not an ``MLP``: a file cannot hold your own classes.
    MachineError
        If the file cannot be written.
    """
    if not isinstance(network, TrainedNetwork):  # pyright: ignore[reportUnnecessaryIsInstance]
        what = type_in_words(network)
        raise InputError(f"{what} is no network: give that of a Result")
    tensors = network.named_arrays()
    settings: dict[str, Any] = {"format": MODULE_FORMAT}
    if isinstance(network, Network):
        if not isinstance(network.architecture, MLP):
            kind = type(network.architecture).__name__
            raise InputError(f"only an MLP can be saved to a file, not a {kind}")
        scaling = network.scaling.to_arrays()
        tensors |= {f"scaling.{name}": array for name, array in scaling.items()}
        settings = {
            "format": FORMAT,
            "mlp": asdict(network.architecture),
            "shape": network.shape,
            "class_names": network.class_names,
            "scaling": network.scaling.kind,
        }
    if network.columns is not None:
        settings["columns"] = network.columns.to_json()
    write_tensors(path, tensors, settings)


def load_network(path: str | Path) -> Network:
    """Read a network that ``save_network`` wrote.

    Parameters
    ----------
    path : path
        The file, or the folder of a run.

    Raises
    ------
    DamagedError
        If the file is not what was written.
    InputError
        If there is no such file, or it does not hold a network of ours.
    """
    path = Path(path)
    if path.is_dir():
        path /= "model.safetensors"
    tensors, settings = read_tensors(path, FORMAT, MODULE_FORMAT)
    if settings["format"] == MODULE_FORMAT:
        raise InputError(
            f"{path}: the parameters of a torch module, whose code no file holds: "
            f"layerwise inspect MODULE:NAME --weights {path}"
        )
    wrong = f"{path}: not a network that can be read"
    known = as_record(settings, _Settings, wrong)
    try:
        return _network(known, tensors)
    except ValueError as error:
        raise DamagedError(f"{wrong}: {error}") from error


def _network(settings: _Settings, tensors: dict[str, np.ndarray]) -> Network:
    mlp, shape = settings["mlp"], settings["shape"]
    class_names = settings["class_names"]
    scaling = Scaling.from_arrays(settings["scaling"], _under("scaling", tensors))
    if min(shape, default=1) < 1:
        raise ValueError(f"inputs of shape {shape}")
    if scaling.offset.shape not in ((), shape):
        raise ValueError(f"scaling of shape {scaling.offset.shape} for inputs {shape}")
    named = _under("parameters", tensors)
    features, classes = math.prod(shape), len(class_names)
    _check_numbers((features, *mlp.hidden, classes), named)
    layer = mlp.build(features, classes)
    expected = layer.init(np.random.default_rng(0), (features,))
    parameters = tree_like(expected, named)
    columns = _columns(settings.get("columns"), shape)
    return Network(mlp, parameters, shape, class_names, scaling, columns=columns)


def _columns(fields: dict[str, Any] | None, shape: tuple[int, ...]) -> Columns | None:
    if fields is None:
        return None
    columns = Columns.from_json(fields)
    if len(columns.names) != math.prod(shape):
        raise ValueError(f"{len(columns.names)} columns for inputs of shape {shape}")
    return columns


def _check_numbers(widths: tuple[int, ...], named: dict[str, np.ndarray]) -> None:
    """Compare the sizes that the settings declare with the numbers that are there.

    What is expected is drawn to compare shapes; so much must not be drawn unseen.
    """
    weights = sum(a * b for a, b in pairwise(widths))
    held = sum(array.size for array in named.values())
    if min(widths) < 1 or weights > held:
        raise ValueError(f"layers of widths {widths} and {held} parameters")
    for name, array in named.items():
        if array.dtype.kind != "f":
            raise ValueError(f"parameters.{name} has dtype {array.dtype}")


def _under(prefix: str, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    start = f"{prefix}."
    return {n.removeprefix(start): a for n, a in tensors.items() if n.startswith(start)}
