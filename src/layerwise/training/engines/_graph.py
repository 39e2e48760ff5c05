"""A step as a CUDA graph: recorded once, then replayed without a call from Python."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

REPLAYED_STEPS = 512
"""Steps whose rows, weights and rates are handed to a CUDA device at a time."""

Make: TypeAlias = Callable[..., tuple[Tensor, ...]]
"""From a step's rows, weights, their sum and its rate to what is recorded of it."""

WARM_UP = 3
"""Calls before the recording, in which libraries choose their algorithms."""


class Replay:
    """A function of tensors of fixed shapes, recorded and replayed.

    It is called some times to warm up, so whatever it changes has to be set again.
    What it is given and gives is on one CUDA device, in the same shapes at each call;
    nothing in it may wait for the device.

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


class RecordedStep:
    """A training's step as two graphs, without and with the health of the layers.

    A graph does the same each time. So what differs between steps is handed to the
    device for many of them at once, and a replay is told its own place in that: one
    small copy a step instead of four. What is ``given`` in some step has the shapes of
    all steps.
    """

    def __init__(
        self, plain: Make, with_health: Make, given: tuple[Tensor, ...]
    ) -> None:
        device = given[0].device
        places = torch.arange(REPLAYED_STEPS, device=device)
        self._feed = tuple(one.repeat(len(places), *[1] * one.ndim) for one in given)
        self._places = places.split(1)
        noise = _noise(device)
        self._plain, self._with_health = (
            Replay(self._of_feed(make), self._places[:1])
            for make in (plain, with_health)
        )
        # To seed takes longer than to replay: it is left out where nothing is drawn.
        self.draws = not torch.equal(noise, _noise(device))

    def fed(self, steps: Sequence[tuple[Any, ...]]) -> Iterator[Tensor]:
        """Hand what some steps are called with to the device; return their places."""
        columns = zip(*steps, strict=True) if steps else ()
        for own, values in zip(self._feed, columns, strict=bool(steps)):
            own[: len(steps)].copy_(torch.as_tensor(np.asarray(values)))
        return iter(self._places[: len(steps)])

    def __call__(self, at: Tensor, *, takes_health: bool) -> tuple[Tensor, ...]:
        """Replay the step at a place."""
        return (self._with_health if takes_health else self._plain)(at)

    def _of_feed(self, make: Make) -> Callable[[Tensor], tuple[Tensor, ...]]:
        return lambda at: make(*(one.index_select(0, at)[0] for one in self._feed))


def recorded_step(
    module: nn.Module, plain: Make, with_health: Make, given: tuple[Tensor, ...]
) -> RecordedStep | None:
    """Record the step of a module, or return None where that cannot be done.

    A module that asks for a value on the host cannot be recorded; one that chooses
    there, by chance or by counting, could be, and would be replayed with its first
    choice.
    """
    before = host_state(module)
    try:
        step = RecordedStep(plain, with_health, given)
    except RuntimeError:
        return None
    return step if host_state(module) == before else None


def _noise(device: torch.device) -> Tensor:
    if device.type == "cuda":
        return torch.cuda.default_generators[device.index].get_state()
    return torch.default_generator.get_state()


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
