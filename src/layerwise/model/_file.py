"""Networks on disk: one safetensors file with everything needed to predict again.

The parameters and the scaling are tensors; the settings are a JSON string in the file's
metadata. Nothing in the file is code, and nothing in it is run.
"""

import math
from dataclasses import asdict
from itertools import pairwise
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.arrays import tree_like
from layerwise.data import Scaling
from layerwise.errors import InputError
from layerwise.files import read_tensors, write_tensors
from layerwise.model._architecture import TrainedNetwork
from layerwise.model._mlp import MLP
from layerwise.model._network import Network

__all__ = ["load_network", "save_network"]

FORMAT = "network-1"
MODULE_FORMAT = "module-1"


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
    write_tensors(path, tensors, settings)


def load_network(path: str | Path) -> Network:
    """Read a network that ``save_network`` wrote.

    Parameters
    ----------
    path : path
        The file, or the folder of a run.

    Raises
    ------
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
    try:
        return _network(settings, tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a network that can be read: {error}") from error


def _network(settings: dict[str, Any], tensors: dict[str, np.ndarray]) -> Network:
    mlp = MLP(**settings["mlp"])
    shape = tuple(index(n) for n in settings["shape"])
    class_names = tuple(str(name) for name in settings["class_names"])
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
    return Network(mlp, tree_like(expected, named), shape, class_names, scaling)


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
