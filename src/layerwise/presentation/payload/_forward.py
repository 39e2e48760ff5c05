"""The forward pass for samples drawn by hand, and what lies between samples."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Shaped

from layerwise.data import Columns, Dataset, Scaling
from layerwise.model import Network, TrainedNetwork
from layerwise.presentation.payload._blocks import Blocks, Json, Square, is_ink
from layerwise.study import LayerStudy, Study
from layerwise.training import Result
from layerwise.wording import short

MOST_WEIGHTS = 1_000_000
"""A page of a larger network would be larger than all else that it shows."""

FEATURES = 40
"""More features nobody sets by hand; of a category only one is set."""

NO_YES = ("no", "yes")

MNIST_SIDE = 28
"""Pictures of this size are centred as MNIST's are."""

Squares: TypeAlias = Mapping[str, Sequence[Square]]
"""Of each plane, by its name, the square of every layer."""

GRID = 64
"""Places along each side of a plane's regions."""

PLANES = {"components": "principal", "discriminants": "discriminant", "fixed": "fixed"}
"""What a page calls the planes into which a layer's outputs are mapped."""


def forward_parts(
    result: Result, study: Study, squares: Squares, blocks: Blocks
) -> Json:
    """Return a run's forward pass and its answers in a plane, as far as it has any."""
    found = _network_part(result, study, squares, blocks)
    if is_plane(study):
        square = squares["components"][0]
        found["regions"] = _regions(result, study, square, blocks)
    return found


def is_plane(study: Study) -> bool:
    """Return whether the inputs are two numbers, all of them at hand."""
    inputs = study.inputs
    return (
        study.input is not None
        and isinstance(inputs, np.ndarray)
        and inputs.shape[1:] == (2,)
        and inputs.dtype.kind in "fiu"
    )


def _network_part(
    result: Result, study: Study, squares: Squares, blocks: Blocks
) -> Json:
    """Return a network's forward pass, and where each layer puts what it gives.

    Nothing where it cannot be written down, or nobody could draw an input.
    """
    network = result.network
    if not isinstance(network, Network) or network.parameter_count > MOST_WEIGHTS:
        return {}
    given, loss = _input(result.data, network.columns), type(network.loss).__name__
    known = {"CrossEntropy": False, "CrossEntropyOnProbabilities": True}
    if given is None or loss not in known:
        return {}
    steps = _steps(network, blocks)
    if steps is None:
        return {}
    planes = {
        called: [
            _as_given(network.scaling, square, blocks)
            if network.shape == (2,) and layer is study.input
            else _placing(layer, name, square, blocks)
            for layer, square in zip(study, squares[name], strict=True)
        ]
        for name, called in PLANES.items()
        if name in squares
    }
    return {
        "network": {
            "probabilities": known[loss],
            "ops": steps,
            "input": given,
            "planes": planes,
        }
    }


def _steps(network: Network, blocks: Blocks) -> list[Json] | None:
    offset, divisor = (
        np.ravel(np.asarray(own)) for own in network.scaling.constants() or (0.0, 1.0)
    )
    steps: list[Json] = [
        {
            "op": "scale",
            "offset": blocks.array("scale", offset, "float32"),
            "divisor": blocks.array("scale", divisor, "float32"),
        },
        {"op": "read", "layer": 0},
    ]
    try:
        for place, (layer, own) in enumerate(
            zip(network.layer.layers, network.parameters, strict=True)
        ):
            steps += _of_layer(layer, own, blocks)
            steps.append({"op": "read", "layer": place + 1})
    except KeyError:  # a layer of a kind that the script does not know
        return None
    return steps


ACTIVATIONS = {
    "ReLU": "relu",
    "LeakyReLU": "leaky-relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "GELU": "gelu",
    "Identity": "identity",
    "Softmax": "softmax",
}


def _of_layer(layer: Any, parameters: Any, blocks: Blocks) -> Iterator[Json]:
    match type(layer).__name__:
        case "Sequential":
            for inner, own in zip(layer.layers, parameters, strict=True):
                yield from _of_layer(inner, own, blocks)
        case "Residual":
            yield {"op": "keep"}
            yield from _of_layer(layer.layer, parameters, blocks)
            yield {"op": "add"}
        case "Linear":
            yield {
                "op": "linear",
                "weights": blocks.array("weights", parameters["W"], "float16"),
                "biases": blocks.array("biases", parameters["b"], "float32"),
            }
        case "LayerNorm":
            yield {
                "op": "layernorm",
                "gain": blocks.array("gain", parameters["gamma"], "float32"),
                "shift": blocks.array("shift", parameters["beta"], "float32"),
                "epsilon": layer.epsilon,
            }
        case "Dropout":
            return
        case name:
            step = {"op": "activation", "name": ACTIVATIONS[name]}
            yield step | {"slope": layer.slope} if name == "LeakyReLU" else step


def _input(data: Dataset, columns: Columns | None) -> Json | None:
    """Return what can be drawn or set by hand."""
    train = data.train
    inputs = np.asarray(train.inputs[: min(len(train), 10_000)])
    if inputs.ndim == 3 and inputs.dtype == np.uint8:
        low, high = float(inputs.min()), float(inputs.max())
        paper, ink = (low, high) if is_ink(inputs) else (high, low)
        height, width = inputs.shape[1:]
        return {
            "kind": "picture",
            "height": height,
            "width": width,
            "paper": paper,
            "ink": ink,
            "centred": height == width == MNIST_SIDE,
        }
    if inputs.ndim != 2:
        return None
    names = data.feature_names or [f"input {i}" for i in range(1, inputs.shape[1] + 1)]
    features = [*islice(_features(inputs, names, columns), FEATURES + 1)]
    if len(features) > FEATURES:
        return None
    return {"kind": "features", "features": features}


def _features(
    inputs: Shaped[np.ndarray, "samples inputs"],
    names: Sequence[str],
    columns: Columns | None,
) -> Iterator[Json]:
    """Yield what is set by hand: a number, or which of its values a column has."""
    if columns is None:
        for name, values in zip(names, inputs.T, strict=True):
            yield _number(name, values)
        return
    for column in columns.used:
        own = inputs[:, columns.places[column.name]]
        if column.choices:
            usual = int(own.sum(axis=0).argmax())
            yield _choice(column.name, column.choices, usual) | {"spread": True}
            continue
        for name, values in zip(column.inputs, own.T, strict=True):
            if column.kind == "yes/no":
                yield _choice(name, NO_YES, int(np.median(values)))
            else:
                yield _number(name, values)


def _choice(name: str, choices: Sequence[str], usual: int) -> Json:
    named = [short(one, 40) for one in choices]
    return {"name": short(name, 40), "choices": named, "middle": usual}


def _number(name: str, values: Shaped[np.ndarray, " samples"]) -> Json:
    low, high = float(values.min()), float(values.max())
    middle = float(np.median(values))
    whole = bool(np.all(values == np.floor(values)))
    return {
        "name": short(str(name), 40),
        "minimum": low,
        "maximum": high,
        "middle": math.floor(middle) if whole else middle,
        "step": 1 if whole else (high - low) / 200,
    }


def _placing(layer: LayerStudy, name: str, square: Square, blocks: Blocks) -> Json:
    """Return the map from a layer's outputs onto the square of its positions."""
    plane = "discriminants" if name == "discriminants" else "components"
    if plane == "components":
        mean, directions = layer.components.mean, layer.components.components[:2]
    else:
        mean, directions = layer.discriminants.mean, layer.discriminants.directions[:2]
    axes = np.zeros((2, len(mean)))
    axes[: len(directions)] = directions
    offset = -(axes @ mean)
    if plane in layer.turns:
        turn = layer.turns[plane]
        axes = turn.rotation.T @ axes
        offset = (offset - turn.centre) @ turn.rotation + turn.centre
    return _map(axes.T / square.half, (offset - square.centre) / square.half, blocks)


def _as_given(scaling: Scaling, square: Square, blocks: Blocks) -> Json:
    """Return the map from two scaled inputs to where the inputs themselves stand."""
    axes = np.diag(np.broadcast_to(scaling.divisor, (2,)).astype(float))
    placed = np.broadcast_to(scaling.offset, (2,)) - square.centre
    return _map(axes / square.half, placed / square.half, blocks)


def _map(
    axes: Float[np.ndarray, "units 2"], offset: Float[np.ndarray, " 2"], blocks: Blocks
) -> Json:
    ref = blocks.array("axes", axes, "float32")
    return {"axes": ref, "offset": [float(offset[0]), float(offset[1])]}


def _regions(result: Result, study: Study, square: Square, blocks: Blocks) -> Json:
    """Return what a network of two inputs answers in the square of its inputs.

    At each of the page's snapshots, of which the last is the network itself.
    """
    line = (2 * np.arange(GRID) + 1) / GRID - 1
    # The first row is the top one, where y is largest.
    x, y = np.meshgrid(line, -line)
    plane = np.stack([x, y], axis=-1).reshape(-1, 2) * square.half + square.centre
    by_epoch: dict[int | None, TrainedNetwork] = {
        snapshot.epoch: snapshot.network for snapshot in result.snapshots
    }
    before = [by_epoch.get(s.epoch, result.network) for s in study.snapshots[:-1]]
    found = [own.predict_proba(plane) for own in (*before, result.network)]
    said = np.stack([p.argmax(axis=1) for p in found]).reshape(-1, GRID, GRID)
    sure = np.stack([p.max(axis=1) for p in found]).reshape(-1, GRID, GRID)
    sure = np.rint(255 * np.nan_to_num(sure)).astype(np.uint8)
    return {
        "layer": 0,
        "answers": blocks.array("regions", said, "uint8"),
        "confidence": blocks.array("regions", sure),
    }
