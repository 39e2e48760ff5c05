"""A torch module as a network: all that training and predicting with it need."""

import copy
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import torch
from torch import nn

from layerwise import names
from layerwise.arrays import Array, Tree, to_numpy
from layerwise.data import Dataset, Scaling, fit_scaling
from layerwise.errors import InputError
from layerwise.model import LOSSES, Loss, Network, TrainedNetwork
from layerwise.modules._calling import (
    MODULE_ROWS,
    dtype_of,
    evaluation,
    logits_by,
    unwrapped,
)
from layerwise.modules.converting._convert import Scale, network_module
from layerwise.wording import type_in_words


@dataclass(frozen=True, eq=False)
class TorchModule:
    """A torch module to be trained, with the loss that its outputs are meant for.

    It gets the inputs of a data set as they are: floats and bytes in the dtype of its
    parameters, other whole numbers as indices. Nothing is scaled unless ``scaling`` is
    asked for: most modules bring their own preprocessing.

    Parameters
    ----------
    module : torch.nn.Module
        It is copied, and the copy is trained.
    loss : str
        A key of ``LOSSES``.
    scaling : "range", "standard", "unit" or "none"
        Of the inputs, fitted on the training set; it becomes a part of what is trained,
        before the module: a `ScaledModule`.

    Raises
    ------
    InputError
        If the loss or the scaling is unknown.
    """

    module: Any
    loss: str = "cross-entropy"
    scaling: str = "none"

    def __post_init__(self) -> None:
        names.checked("loss", self.loss, LOSSES)
        names.checked("scaling", self.scaling, get_args(names.ScalingKind))

    def loss_function(self) -> Loss:
        """Return the loss."""
        return LOSSES[self.loss]


@dataclass(frozen=True, eq=False)
class TorchNetwork(TrainedNetwork):
    """A torch module that predicts: the counterpart of `Network`.

    Parameters
    ----------
    architecture : TorchModule
        The module as it was given; it is never changed.
    parameters : dict of dict of NumPy arrays
        By their names in the module: ``trained`` has those that follow the gradient,
        ``kept`` all others, such as running means and frozen parameters.
    shape : tuple of int
        The shape of one input.
    class_names : tuple of str
        One for each output.
    scaling : Scaling
        Of the `Scale` in the module, where there is one. The module takes the inputs as
        they are.
    called : tuple of str
        The layers that have weights, in the order in which the module calls them.
    columns : Columns or None
        How the rows of a table become inputs, where it was trained on one.
    """

    architecture: TorchModule
    called: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"TorchNetwork({type(self.architecture.module).__name__}, "
            f"shape={self.shape}, classes={len(self.class_names)}, "
            f"parameters={self.parameter_count})"
        )

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The layers that have weights, in the order of their calls."""
        return self.called

    @property
    def followed(self) -> Tree:
        """The parameters that follow the gradient."""
        return self.parameters["trained"]

    def reading(self, module: nn.Module) -> "TorchNetwork":
        """Return the same network with the parameters that a module has now."""
        return replace(self, parameters=_parameters(unwrapped(module)))

    def redrawn(self, seed: int) -> "TorchNetwork":
        """Return the network untrained: a module's first parameters are its own."""
        del seed
        return self.reading(self.architecture.module)

    def named_arrays(self) -> dict[str, np.ndarray]:
        """Return the module's ``state_dict``."""
        held = to_torch(self).state_dict()
        return {name: to_numpy(tensor) for name, tensor in held.items()}

    def _outputs(self, inputs: Array) -> Iterator[np.ndarray]:
        module = to_torch(self)
        with torch.no_grad():
            for start in range(0, len(inputs), MODULE_ROWS):
                rows = np.array(inputs[start : start + MODULE_ROWS])
                yield to_numpy(logits_by(module, rows, len(self.class_names)))


def to_torch(network: TrainedNetwork) -> nn.Module:
    """Return a network as a torch module of its own, in evaluation mode.

    Of a network by hand the module takes raw inputs: the scaling is its first part, and
    each block has its own name. Outputs and gradients are equal to rounding; dropout
    draws torch's noise. Of a module that was trained it is a copy with the parameters
    it has now.

    Parameters
    ----------
    network : TrainedNetwork

    Raises
    ------
    InputError
        If a layer has no counterpart in torch, which is so for those of your own.

    Examples
    --------
    >>> import layerwise as lw
    >>> network = lw.fit(lw.MLP([8]), lw.load("iris"), epochs=1).network
    >>> [name for name, _ in lw.to_torch(network).named_children()]
    ['scaling', 'flatten', 'hidden1', 'output']
    """
    if isinstance(network, Network):
        return network_module(network)
    if not isinstance(network, TorchNetwork):
        what = type_in_words(network)
        raise InputError(f"{what} is no network that torch can run: give a trained one")
    module = copy.deepcopy(network.architecture.module)
    held = dict(module.named_parameters()) | dict(module.named_buffers())
    with torch.no_grad():
        for name, array in {**network.followed, **network.parameters["kept"]}.items():
            held[name].copy_(torch.tensor(np.asarray(array)))
    return module.eval()


def torch_network(architecture: TorchModule, data: Dataset) -> TorchNetwork:
    """Return a module as the untrained network for a data set.

    It is run once, on two training samples, to find its layers and to see that its
    outputs fit the classes.

    Raises
    ------
    InputError
        If it is no module, has nothing to train, or does not take these inputs.
    """
    if not isinstance(architecture.module, nn.Module):
        what = type_in_words(architecture.module)
        raise InputError(f"{what} cannot be trained: give an MLP or a torch module")
    if not isinstance(data, Dataset):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f"a module is trained and recorded with a Dataset, not with a "
            f"{type(data).__name__}: gather batches into arrays, and give "
            "Dataset.from_arrays(X, y)"
        )
    module = copy.deepcopy(unwrapped(architecture.module))
    if architecture.scaling != "none":
        fitted = fit_scaling(data.train.inputs, architecture.scaling)
        module = ScaledModule(Scale(fitted, data.shape, dtype_of(module)), module)
    scales = (one.scaling() for one in module.modules() if isinstance(one, Scale))
    parameters = _parameters(module)
    if not parameters["trained"]:
        raise InputError(
            f"{type(module).__name__}: no parameter of it can be trained, none has "
            "requires_grad"
        )
    return TorchNetwork(
        architecture=replace(architecture, module=module, scaling="none"),
        parameters=parameters,
        shape=data.shape,
        class_names=data.class_names,
        scaling=next(scales, Scaling("none", np.zeros(()), np.ones(()))),
        called=_called(module, data),
        columns=data.columns,
    )


def _parameters(module: Any) -> Tree:
    """Return a module's parameters and buffers, by name."""
    held = dict(module.named_parameters())
    trained = {name: p for name, p in held.items() if p.requires_grad}
    kept = {name: p for name, p in held.items() if not p.requires_grad}
    kept |= dict(module.named_buffers())
    dtype = dtype_of(module)
    usual = dtype in (torch.float32, torch.float64)
    for name, parameter in held.items():
        if parameter.is_floating_point() and not (usual and parameter.dtype == dtype):
            raise InputError(
                f"{name} has dtype {parameter.dtype}: keep all parameters in float32,"
                " or all in float64"
            )
    parts = {"trained": trained, "kept": kept}
    return {
        part: {name: to_numpy(tensor).copy() for name, tensor in named.items()}
        for part, named in parts.items()
    }


def _called(module: nn.Module, data: Dataset) -> tuple[str, ...]:
    """Return the names of the layers with weights, in the order of their calls."""
    order: dict[str, None] = {}
    hooks = [
        part.register_forward_pre_hook(lambda *_, name=name: order.setdefault(name))
        for name, part in module.named_modules()
        if any(p.requires_grad for p in part.parameters(recurse=False))
    ]
    try:
        with evaluation(module), torch.no_grad():
            logits_by(module, np.array(data.train.inputs[:2]), data.classes)
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{type(module).__name__} does not take the inputs of {data.name}, of "
            f"shape {data.shape} and dtype {data.train.inputs.dtype}: {reason}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    # Parameters of the module itself belong to no layer that is called inside it.
    return tuple(name or type(module).__name__ for name in order)


class ScaledModule(nn.Sequential):
    """A module with the scaling of its inputs before it."""

    def __init__(self, scaling: Scale, module: nn.Module) -> None:
        super().__init__(OrderedDict(scaling=scaling, module=module))


def scaling_module(data: Dataset) -> nn.Module:
    """Return the scaling that suits a data set as a torch module, float32.

    Parameters
    ----------
    data : Dataset
        On whose training inputs it is fitted.

    Examples
    --------
    >>> import layerwise as lw
    >>> from torch import nn
    >>> data = lw.load("iris")
    >>> module = nn.Sequential(lw.scaling_module(data), nn.Linear(4, 3))
    >>> lw.fit(module, data, epochs=1).status
    'finished'
    """
    return Scale(data.fitted_scaling, data.shape, torch.float32)
