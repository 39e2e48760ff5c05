"""A run's network, written for other programs and compared with itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from layerwise.arrays import require_torch
from layerwise.errors import InputError
from layerwise.experiment._path import restored
from layerwise.experiment._plan import NamedModule
from layerwise.files import refuse_no_file, write_atomically

Kind: TypeAlias = Literal["onnx", "torch"]

NAMES = {"onnx": "model.onnx", "torch": "model-torch.safetensors"}
TOLERANCES = {"onnx": 1e-5, "torch": 1e-6}
"""The largest difference of a probability that is rounding of float32."""

CHECKED = 2000
"""Validation samples on which the exported network is compared."""


@dataclass(frozen=True)
class Exported:
    """What was written, and how it compares.

    ``lines`` load the file; ``difference`` is the largest of a probability of the
    validation samples, and up to ``tolerance`` it is rounding.
    """

    path: Path
    lines: str
    samples: int
    difference: float
    tolerance: float


def export_run(
    folder: str, to: Kind, out: str | None = None, module: NamedModule | None = None
) -> Exported:
    """Write a run's network as ONNX or as torch's weights, and check what was written.

    The file is by default in the run's folder.

    Raises
    ------
    InputError
        If the folder is no run, a package is missing, no file can have that name, or
        the network has a part that the other program has not.
    """
    require_torch("exporting a network")
    from safetensors.numpy import save

    from layerwise.modules import onnx_of, plain_torch, run_onnx, run_plain

    if out is not None:
        refuse_no_file(out, "--out")
    run, result = restored(folder, module)
    network = result.network
    inputs = np.asarray(run.data.validation.in_memory().inputs[:CHECKED])
    if len(inputs) < 2:
        raise InputError(f"{folder}: the run has fewer than two validation samples")
    path = Path(out) if out else run.folder / NAMES[to]
    if to == "onnx":
        model, lines = onnx_of(network, inputs), ONNX_LINES
        write_atomically(path, model)
        found = run_onnx(path.read_bytes(), inputs)
    else:
        weights, lines = plain_torch(network)
        write_atomically(path, save(weights))
        found = run_plain(network, path, inputs)
    expected = network.predict_proba(inputs)
    difference = float(np.abs(found - expected).max())
    named = lines.replace("FILE", str(path))
    return Exported(path, named, len(inputs), difference, TOLERANCES[to])


ONNX_LINES = """import onnxruntime

session = onnxruntime.InferenceSession("FILE")
(probabilities,) = session.run(None, {"inputs": rows})
"""
