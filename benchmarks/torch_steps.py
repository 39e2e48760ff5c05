"""Time a step of the torch engine beside the loop that people write in PyTorch.

    python benchmarks/torch_steps.py [--device gpu] [--runs 5] [--markdown]

The loop keeps the data in one tensor on the device and takes the fused Adam.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import compare
import numpy as np
import torch
import tyro
from rich.console import Console
from torch import Tensor, nn

import layerwise as lw
from layerwise.arrays import torch_device_name


@dataclass(frozen=True)
class Options:
    """Time a step of the torch engine beside a loop in plain PyTorch."""

    device: str = "cpu"
    """cpu or gpu"""
    runs: int = 5
    """measured runs of each contender"""
    samples: int = 20_000
    """of MNIST's training images"""
    epochs: int = 3
    markdown: bool = False
    """print Markdown, for README.md"""


def perceptron() -> nn.Module:
    """784-100-100-100-100-10, the course's network."""
    layers: list[nn.Module] = [nn.Flatten(), nn.Linear(784, 100), nn.ReLU()]
    for _ in range(3):
        layers += [nn.Linear(100, 100), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(100, 10))


def convolutions() -> nn.Module:
    """Two convolutions and two linear layers, with dropout between these."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 28)),
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1568, 128),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(128, 10),
    )


TASKS = {
    "784-100-100-100-100-10, batch 16": (perceptron, 16),
    "784-100-100-100-100-10, batch 256": (perceptron, 256),
    "two convolutions, batch 128": (convolutions, 128),
}


def scaled(data: lw.Dataset, samples: int) -> lw.Dataset:
    """Return a data set of float32 inputs from -1 to 1, with fewer samples."""

    def of(part: lw.Samples, count: int) -> lw.Samples:
        inputs = np.asarray(part.inputs[:count], np.float32) / 127.5 - 1
        return lw.Samples(inputs, part.targets[:count])

    train = of(data.train, samples)
    validation, test = of(data.validation, 2_000), of(data.test, 2_000)
    return replace(data, train=train, validation=validation, test=test)


def ours(
    make: Callable[[], nn.Module], data: lw.Dataset, batch_size: int, options: Options
) -> Callable[[], float]:
    def microseconds() -> float:
        torch.manual_seed(0)
        result = lw.fit(
            lw.TorchModule(make()),
            data,
            epochs=options.epochs,
            batch_size=batch_size,
            learning_rate=1e-3,
            schedule="constant",
            device=options.device,
        )
        return 1e6 / result.steps_per_second

    return microseconds


def plain(
    make: Callable[[], nn.Module], data: lw.Dataset, batch_size: int, options: Options
) -> Callable[[], float]:
    device = "cuda" if options.device == "gpu" else "cpu"
    inputs = torch.tensor(np.asarray(data.train.inputs), device=device)
    labels = torch.tensor(np.asarray(data.train.targets), device=device).long()

    def microseconds() -> float:
        torch.manual_seed(0)
        module = make().to(device).train()
        adam = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
        loss_of = nn.CrossEntropyLoss()

        def step(rows: Tensor) -> None:
            adam.zero_grad()
            loss_of(module(inputs[rows]), labels[rows]).backward()
            adam.step()

        steps, begun = 0, 0.0
        for epoch in range(options.epochs + 1):
            if epoch == 1:  # the first one warms up
                begun = time.perf_counter()
            for rows in torch.randperm(len(labels), device=device).split(batch_size):
                step(rows)
                steps += epoch > 0
            if device == "cuda":
                torch.cuda.synchronize()
        return 1e6 * (time.perf_counter() - begun) / steps

    return microseconds


def main() -> None:
    options = tyro.cli(Options)
    show = print if options.markdown else Console().print
    drawn = compare.markdown if options.markdown else compare.table
    show(
        f"torch {torch.__version__}, {torch_device_name(options.device)}, "
        f"{torch.get_num_threads()} threads"
    )
    data = scaled(lw.load("mnist"), options.samples)
    for title, (make, batch_size) in TASKS.items():
        contest = compare.Contest(
            f"{title}: a step",
            "µs",
            {
                "layerwise, engine torch": ours(make, data, batch_size, options),
                "PyTorch loop": plain(make, data, batch_size, options),
            },
        )
        show(drawn(contest, compare.interleaved(contest, options.runs)))


if __name__ == "__main__":
    main()
