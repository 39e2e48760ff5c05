"""A step as a CUDA graph: recorded once, then replayed without a call from Python."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["Replay", "host_state"]

WARM_UP = 3
"""Calls before the recording, in which libraries choose their algorithms."""


class Replay:
    """A function of tensors of fixed shapes, recorded and replayed.

    It is called some times to warm up, so whatever it changes has to be set again.

    Parameters
    ----------
    function : callable
        From tensors to a tuple of tensors, all on one CUDA device; nothing in it may
        wait for the device.
    inputs : tuple of tensors
        Of the shapes of all calls to come.

    Raises
    ------
    RuntimeError
        If the function cannot be recorded: it asks for a value on the host.
    """

    def __init__(
        self, function: Callable[..., tuple[Tensor, ...]], inputs: tuple[Tensor, ...]
    ) -> None:
        self._inputs = tuple(tensor.clone() for tensor in inputs)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                function(*self._inputs)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs = function(*self._inputs)

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return copies of what the function gives for these inputs."""
        for own, tensor in zip(self._inputs, inputs, strict=True):
            own.copy_(tensor)
        self._graph.replay()
        return tuple(tensor.clone() for tensor in self._outputs)


def host_state(module: nn.Module) -> list[Any]:
    """Return what a module may choose by on the host, which no recording follows.

    The host's random generators, and what its parts count or note in plain attributes.
    """
    plain = (bool, int, float, str, type(None))
    attributes = [
        {name: value for name, value in vars(part).items() if isinstance(value, plain)}
        for part in module.modules()
    ]
    numpy_key = np.random.get_state()  # noqa: NPY002 - the generator modules may use
    return [
        attributes,
        random.getstate(),
        [part.tolist() if isinstance(part, np.ndarray) else part for part in numpy_key],
        torch.default_generator.get_state().tolist(),
    ]
