"""Networks on disk: one safetensors file with everything needed to predict again.

The parameters and the scaling are tensors; the settings are a JSON string in the file's
metadata. Nothing in the file is code, and nothing in it is run.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.arrays import named_leaves, tree_like
from layerwise.data import Scaling
from layerwise.errors import InputError
from layerwise.files import write_atomically
from layerwise.model._mlp import MLP
from layerwise.model._network import Network

__all__ = ["load_network", "save_network"]

FORMAT = "layerwise-network-1"


def save_network(network: Network, path: str | Path) -> None:
    """Write a network as safetensors; the old file or the new one is there, never half.

    Raises
    ------
    InputError
        If its architecture is not an ``MLP``: a file cannot hold your own classes.
    MachineError
        If the file cannot be written.
    """
    from safetensors.numpy import save

    if not isinstance(network.architecture, MLP):
        kind = type(network.architecture).__name__
        raise InputError(f"only an MLP can be saved to a file, not a {kind}")
    tensors = {f"parameters.{n}": leaf for n, leaf in named_leaves(network.parameters)}
    scaling = network.scaling.to_arrays()
    tensors |= {f"scaling.{name}": array for name, array in scaling.items()}
    settings = {
        "mlp": asdict(network.architecture),
        "shape": network.shape,
        "class_names": network.class_names,
        "scaling": network.scaling.kind,
    }
    contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    metadata = {"format": FORMAT, "settings": json.dumps(settings)}
    write_atomically(Path(path), save(contiguous, metadata))


def load_network(path: str | Path) -> Network:
    """Read a network that ``save_network`` wrote; ``path`` may be a run's folder.

    Raises
    ------
    InputError
        If there is no such file, or it does not hold a network of ours.
    """
    path = Path(path)
    if path.is_dir():
        path /= "model.safetensors"
    settings, tensors = _read(path)
    try:
        architecture = MLP(**settings["mlp"])
        shape = tuple(int(n) for n in settings["shape"])
        class_names = tuple(str(name) for name in settings["class_names"])
        scaling = Scaling.from_arrays(
            str(settings["scaling"]), _under("scaling", tensors)
        )
        expected = architecture.build(int(np.prod(shape)), len(class_names)).init(
            np.random.default_rng(0), (int(np.prod(shape)),)
        )
        parameters = tree_like(expected, _under("parameters", tensors))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a network that can be read: {error}") from error
    return Network(architecture, parameters, shape, class_names, scaling)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"{path}: no such file; a run's network is model.safetensors")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a safetensors file: {error}") from error
    if metadata.get("format") != FORMAT:
        raise InputError(f"{path}: not written by layerwise (no format {FORMAT!r})")
    try:
        return json.loads(metadata["settings"]), tensors
    except (KeyError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: its settings cannot be read: {error}") from error


def _under(prefix: str, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    start = f"{prefix}."
    return {n.removeprefix(start): a for n, a in tensors.items() if n.startswith(start)}
