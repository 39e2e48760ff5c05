"""What looking costs: capture, class means and the shown sample over a forward pass.

python benchmarks/capture_cost.py [--device cuda] [--runs 7] [--samples 8192]
                                  [--batch 256]

The exact scatter is a line of its own, beside its 2·units² operations a sample.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from layerwise.modules import Capture, Reader, StreamSource
from layerwise.study.subjects._module import Look, first_look

CLASSES, SHOWN = 10, 10_000


def perceptron() -> tuple[nn.Module, tuple[int, ...]]:
    widths = [784, 1024, 1024, 1024, 1024]
    layers = [
        layer
        for before, after in pairwise(widths)
        for layer in (nn.Linear(before, after), nn.ReLU())
    ]
    return nn.Sequential(*layers, nn.Linear(widths[-1], CLASSES)), (784,)


def convolutions() -> tuple[nn.Module, tuple[int, ...]]:
    layers: list[nn.Module] = []
    for before, after in ((3, 64), (64, 64), (64, 128), (128, 128)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after)]
        layers += [nn.ReLU(inplace=True), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, CLASSES)), (3, 32, 32)


def transformer() -> tuple[nn.Module, tuple[int, ...]]:
    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
            self.head = nn.Linear(256, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.encoder(x).mean(dim=1))

    return Encoder(), (64, 256)


MODULES = {
    "perceptron": perceptron,
    "convolutions": convolutions,
    "transformer": transformer,
}


def seconds(work: Callable[[], Any], runs: int, device: str) -> float:
    """Return the median wall time of a piece of work, after one run to warm up."""
    taken: list[float] = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:])


def captured(capture: Capture, batches: list[Any]) -> Iterator[list[Tensor]]:
    for batch in batches:
        yield capture.rows(batch)[0]


def means_and_shown(capture: Capture, batches: list[Any]) -> None:
    """Capture, add up every class's sums and squares, and keep the samples shown."""
    sums: list[Tensor] = []
    shown: list[list[Tensor]] = []
    kept = 0
    for batch, rows in zip(batches, captured(capture, batches), strict=True):
        labels = torch.from_numpy(batch.targets).to(rows[0].device)
        sums = sums or [rows[0].new_zeros((2, CLASSES, r.shape[1])) for r in rows]
        for total, own in zip(sums, rows, strict=True):
            total[0].index_add_(0, labels, own)
            total[1].index_add_(0, labels, own * own)
        if kept < SHOWN:
            shown.append([own[: SHOWN - kept].cpu() for own in rows])
            kept += len(labels)


def scatter(rows: list[list[Tensor]]) -> None:
    """Add up the exact scatter of every layer in float64, where the rows are."""
    for layer in zip(*rows, strict=True):
        total = layer[0].new_zeros((layer[0].shape[1],) * 2, dtype=torch.float64)
        for own in layer:
            wide = own.double()
            total.addmm_(wide.T, wide)


def measured(name: str, samples: int, runs: int, device: str, size: int) -> None:
    torch.manual_seed(0)
    module, shape = MODULES[name]()
    module = module.to(device).eval()
    count = max(samples // size, 1)
    given = [
        (torch.randn(size, *shape, device=device), torch.arange(size) % CLASSES)
        for _ in range(count)
    ]
    capture = first_look(module, given, Look())
    source = StreamSource(Reader(module), given)
    batches = [batch for _, batch in source.batches()]

    def bare() -> None:
        with torch.no_grad():
            for inputs, _ in given:
                module(inputs)

    base = seconds(bare, runs, device)
    looked = seconds(lambda: means_and_shown(capture, batches), runs, device)
    rows = list(captured(capture, batches))
    exact = seconds(lambda: scatter(rows), runs, device)
    units = [own.shape[1] for own in rows[0]]
    operations = 2 * sum(n * n for n in units) * count * size
    print(
        f"{name:<14}{1e6 * base / count / size:>10.1f} µs a sample"
        f"{100 * (looked / base - 1):>9.1f} % more{1e6 * exact / count / size:>12.1f} "
        f"µs scatter ({operations / exact / 1e9:.1f} Gflop/s, units {units})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--samples", type=int, default=8192)
    parser.add_argument("--only", default=",".join(MODULES))
    parser.add_argument("--batch", type=int, default=256)
    options = parser.parse_args()
    name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    threads = torch.get_num_threads()
    print(f"torch {torch.__version__}, {name}, {threads} threads, median of runs")
    for module in options.only.split(","):
        measured(module, options.samples, options.runs, options.device, options.batch)


if __name__ == "__main__":
    main()
