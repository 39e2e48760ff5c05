"""Networks for other programs: ONNX, and weights for a plain torch module."""

import json
import logging
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from layerwise.arrays import to_numpy
from layerwise.errors import InputError
from layerwise.model import Loss, Network, TrainedNetwork
from layerwise.modules._calling import answer_of, dtype_of, logits_by
from layerwise.modules.converting._network import TorchNetwork, to_torch

INPUTS, PROBABILITIES = "inputs", "probabilities"

TRACED_ROWS = 2
"""One row alone would become a constant of the graph."""


class Probabilities(nn.Module):
    """A network as a torch module of raw inputs that gives class probabilities.

    Parameters
    ----------
    module : Module
        Gives logits.
    loss : Loss
        What these are meant for.
    """

    def __init__(self, module: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.module = module
        self._loss = loss

    def forward(self, inputs: Tensor) -> Tensor:
        """Return probabilities, shape (samples, classes)."""
        if inputs.is_floating_point() or inputs.dtype == torch.uint8:
            inputs = inputs.to(dtype_of(self.module))
        # Asked how many rows there are, it would be exported for that many alone.
        return self._loss.probabilities(answer_of(self.module(inputs)))


def onnx_of(network: TrainedNetwork, inputs: np.ndarray) -> bytes:
    """Return a network as an ONNX model of raw inputs, for any number of rows.

    Its input is called ``inputs``, of the dtype and shape of those given; its output
    ``probabilities``. The scaling is inside. Metadata ``class_names`` is a JSON list;
    of a network that was trained on a table ``input_names`` is too, and ``columns`` is
    the record of what becomes of each column.

    Parameters
    ----------
    network : TrainedNetwork
    inputs : array, shape (samples, *shape)
        Two rows or more, as the network takes them: the model is traced with them.

    Raises
    ------
    InputError
        If a package is missing, or a layer cannot be exported.
    """
    _require_packages()
    module = Probabilities(to_torch(network), network.loss)
    rows = torch.tensor(np.array(inputs[:TRACED_ROWS]))
    with _quiet():
        try:
            program: Any = torch.onnx.export(
                module.eval(),
                (rows,),
                dynamo=True,
                input_names=[INPUTS],
                output_names=[PROBABILITIES],
                dynamic_shapes=({0: torch.export.Dim("rows")},),
                verbose=False,
            )
        except Exception as error:  # of many kinds, as the module
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(
                f"torch cannot export this network to ONNX: {reason}"
            ) from error
        model = program.model_proto
    for name, value in _metadata(network).items():
        model.metadata_props.add(key=name, value=value)
    return model.SerializeToString()


def run_onnx(model: bytes, inputs: np.ndarray) -> np.ndarray:
    """Return the probabilities that onnxruntime gives, shape (samples, classes)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run([PROBABILITIES], {INPUTS: np.array(inputs)})[0])


def plain_torch(network: TrainedNetwork) -> tuple[dict[str, np.ndarray], str]:
    """Return a network's weights by name, and the lines of Python that load them.

    The lines need torch and safetensors alone; ``FILE`` stands for the file. A network
    by hand becomes an ``nn.Sequential`` that gives logits of raw inputs, turned into
    floats. Of a module that was trained they name its class.

    Raises
    ------
    InputError
        If the network is no plain sequence of torch's layers.
    """
    if isinstance(network, TorchNetwork):
        kind = type(network.architecture.module)
        if kind.__module__.startswith("layerwise."):
            raise InputError(
                "the module was trained with --scaling, which torch does not have: "
                "export it to onnx"
            )
        return network.named_arrays(), _lines(f"{kind.__name__}()  # your module")
    assert isinstance(network, Network)
    parts = _plain_layers(network)
    held = nn.Sequential(*parts).state_dict()
    built = "".join(f"    {_call(part)},\n" for part in parts)
    weights = {name: to_numpy(tensor) for name, tensor in held.items()}
    return weights, _lines(f"nn.Sequential(\n{built})")


def run_plain(network: TrainedNetwork, path: Path, inputs: np.ndarray) -> np.ndarray:
    """Return the probabilities with the weights in a file, shape (samples, classes)."""
    from safetensors.torch import load_file

    if isinstance(network, TorchNetwork):
        module, rows = to_torch(network), np.array(inputs)
    else:
        assert isinstance(network, Network)
        module, rows = nn.Sequential(*_plain_layers(network)), np.array(inputs, float)
    module.load_state_dict(load_file(path))
    with torch.no_grad():
        logits = logits_by(module.eval(), rows, len(network.class_names))
    return network.loss.probabilities(to_numpy(logits))


def _plain_layers(network: Network) -> list[nn.Module]:
    """Return torch's own layers that do what a network does, one after another."""
    module = to_torch(network)
    scale, *blocks = module.children()
    parts = [part for block in blocks for part in _flat(block)]
    dtype = next(module.parameters()).dtype
    features = int(np.prod(network.shape))

    def whole(values: Any) -> Tensor:
        filled = np.broadcast_to(np.asarray(values), network.shape)
        return torch.tensor(filled.reshape(-1), dtype=dtype)

    if network.scaling.kind == "none":
        return parts
    # At rest it is (x - mean) / sqrt(variance), torch's only layer that has both. Two,
    # since it computes a x + b with b = -mean a: far from 0 that loses digits.
    less = nn.BatchNorm1d(features, eps=0.0, affine=False, dtype=dtype).eval()
    less.running_mean = whole(scale.offset)
    divided = nn.BatchNorm1d(features, eps=0.0, affine=False, dtype=dtype).eval()
    divided.running_var = whole(scale.divisor) ** 2
    return [parts[0], less, divided, *parts[1:]]


def _call(part: nn.Module) -> str:
    """Return the call that makes a layer in any version of torch.

    What torch prints for one names settings that earlier versions do not have.
    """
    match part:
        case nn.Linear():
            settings = f"{part.in_features}, {part.out_features}"
        case nn.BatchNorm1d():
            settings = f"{part.num_features}, eps=0, affine=False"
        case nn.LayerNorm():
            settings = f"{part.normalized_shape[0]}, eps={part.eps}"
        case nn.Flatten():
            settings = ""
        case _:
            settings = part.extra_repr()
    return f"nn.{type(part).__name__}({settings})"


def _flat(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers of a module in the order of their calls, without dropout."""
    if isinstance(module, nn.Sequential):
        for part in module:
            yield from _flat(part)
    elif type(module).__module__.startswith("torch.nn."):
        if not isinstance(module, nn.Dropout):
            yield module
    else:
        raise InputError(
            f"the network has a {type(module).__name__} layer, which is not one of "
            "torch's: export it to onnx, or take lw.to_torch in Python"
        )


def _lines(built: str) -> str:
    return (
        "from safetensors.torch import load_file\n"
        "from torch import nn\n"
        "\n"
        f"module = {built}\n"
        'module.load_state_dict(load_file("FILE"))\n'
        "module.eval()\n"
        "# logits = module(rows.float())\n"
    )


def _metadata(network: TrainedNetwork) -> Mapping[str, str]:
    found: dict[str, Any] = {"class_names": list(network.class_names)}
    if network.columns is not None:
        found["input_names"] = list(network.columns.names)
        found["columns"] = network.columns.to_json()
    return {name: json.dumps(value) for name, value in found.items()}


def _require_packages() -> None:
    try:
        # What torch's exporter makes is onnx's, and it is written in onnxscript.
        import onnx
        import onnxruntime
        import onnxscript

        del onnx, onnxruntime, onnxscript
    except ImportError as error:
        raise InputError(
            f"exporting to ONNX needs {error.name}: pip install 'layerwise[onnx,torch]'"
        ) from error


@contextmanager
def _quiet() -> Generator[None]:
    """Keep what torch's exporter says to itself: it is about torch."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
