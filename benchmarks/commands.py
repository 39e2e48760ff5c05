"""Time whole commands, from the shell's point of view, beside their yardsticks.

    python benchmarks/commands.py
    python benchmarks/commands.py --only digits,accuracy --runs 9 --markdown

Each figure is the wall time of a new process: libraries that load and programs that
compile are in it. *First* has an empty cache of compiled programs, *second* one that an
earlier process has filled. See ``benchmarks/README.md``.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import compare
import tyro
from compare import Contest, interleaved, markdown, seconds, table
from rich.console import Console

CACHE = "LAYERWISE_CACHE"

ACCURACIES = (0.94, 0.98)
"""On MNIST's test set: those to which the time is taken."""


@dataclass(frozen=True)
class Options:
    """Time whole commands beside their yardsticks and print one table for each task."""

    only: str = "start,moons,digits,mnist,notebook,accuracy"
    """which tasks, separated by commas"""
    runs: int = 5
    """measured runs of each contender; of accuracy, seeds"""
    baselines: Path = compare.REPOSITORY.parent / "shared" / "baseline"
    """folder with textbook_loop.py"""
    markdown: bool = False
    """print Markdown, for README.md"""
    quick: bool = False
    """one epoch where there are more: to see that everything runs, not how fast"""


def main() -> None:
    options = tyro.cli(Options)
    show = print if options.markdown else Console().print
    drawn = markdown if options.markdown else table
    show(compare.environment(compare.medians(options.runs)))
    with tempfile.TemporaryDirectory() as folder:
        commands = Commands(Path(folder))
        for name in options.only.split(","):
            for contest in TASKS[name](options, commands):
                figures = interleaved(contest, options.runs)
                show(drawn(contest, figures))
                if name == "accuracy":
                    show(ahead(figures))


@dataclass(frozen=True)
class Commands:
    """Run commands in new processes, with results and programs in a folder."""

    folder: Path

    def python(self, *arguments: str) -> Callable[[], float]:
        """Return what times Python with these arguments."""
        return partial(self._seconds, [sys.executable, *arguments])

    def layerwise(self, *arguments: str, out: bool = True) -> Callable[[], float]:
        """Return what times a command with the programs of an earlier process."""
        to = ["--out", str(self.folder / "out")] if out else []
        return self.python("-m", "layerwise", *arguments, *to)

    def first(self, *arguments: str) -> Callable[[], float]:
        """Return what times a command that finds no compiled program."""
        again = self.layerwise(*arguments)

        def measured() -> float:
            shutil.rmtree(self.folder / "programs", ignore_errors=True)
            return again()

        return measured

    def printed(self, code: str, *arguments: str) -> float:
        """Run a program and return the figure that it prints."""
        return float(self._said([sys.executable, "-c", code, *arguments]))

    def _seconds(self, command: list[str]) -> float:
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        return seconds(lambda: self._said(command))

    def _said(self, command: list[str]) -> str:
        environment = os.environ | {CACHE: str(self.folder / "programs")}
        # What is installed has its byte code, and so has what it is compared with.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment
        ).stdout


# --- The tasks ------------------------------------------------------------------------


def start(options: Options, commands: Commands) -> Iterator[Contest]:
    del options
    contenders = {
        "import layerwise": commands.python("-c", "import layerwise"),
        "layerwise --help": commands.layerwise("--help", out=False),
        "python -c pass": commands.python("-c", "pass"),
    }
    yield Contest("start", "s", contenders)


def moons(options: Options, commands: Commands) -> Iterator[Contest]:
    epochs = "1" if options.quick else "10"
    like = ["train", "moons", "--hidden", "30,30", "--batch-size", "32"]
    like += ["--optimizer", "sgd", "--learning-rate", "0.05", "--epochs", epochs]
    textbook = options.baselines / "textbook_loop.py"
    contenders = {
        "layerwise train moons, second": commands.layerwise(*like),
        "layerwise train moons, first": commands.first(*like),
    }
    if textbook.is_file():
        contenders["textbook_loop.py"] = commands.python(str(textbook))
    yield Contest("moons: 2-30-30-2", "s", contenders)


def digits(options: Options, commands: Commands) -> Iterator[Contest]:
    epochs = ["--epochs", "1"] if options.quick else []
    contenders = {
        "layerwise run, second": commands.layerwise("run", *epochs),
        "layerwise run, first": commands.first("run", *epochs),
        "import jax, sklearn.neural_network": commands.python(
            "-c", "import jax, sklearn.neural_network"
        ),
    }
    yield Contest("digits, from the file to the page", "s", contenders)


def mnist(options: Options, commands: Commands) -> Iterator[Contest]:
    epochs = "1" if options.quick else "10"
    named = ["mnist", "--epochs", epochs]
    contenders = {
        "layerwise train, second": commands.layerwise("train", *named),
        "layerwise train, first": commands.first("train", *named),
        "layerwise run, second": commands.layerwise("run", *named),
        "layerwise run, first": commands.first("run", *named),
        "scikit-learn MLPClassifier": commands.python("-c", SKLEARN_MNIST, epochs),
    }
    yield Contest(f"MNIST: 784-100×4-10, batch 128, epochs {epochs}", "s", contenders)


def ahead(figures: dict[str, list[float]]) -> str:
    """Say with how many seeds the first contender was the fastest of all."""
    first, *others = figures.values()
    won = [mine < min(theirs) for mine, *theirs in zip(first, *others, strict=True)]
    return f"ahead of all others with {sum(won)} of {len(won)} seeds\n"


def notebook(options: Options, commands: Commands) -> Iterator[Contest]:
    """Yield the first fit after the imports, which the figure leaves out."""
    epochs = "1" if options.quick else "40"

    contenders = {
        "lw.fit of digits": partial(commands.printed, FIRST_FIT, epochs),
        "scikit-learn's fit": partial(commands.printed, FIRST_FIT_SKLEARN, epochs),
    }
    yield Contest(f"first fit: digits, epochs {epochs}", "s", contenders)


def accuracy(options: Options, commands: Commands) -> Iterator[Contest]:
    """Yield the time from ``fit`` on to an accuracy on MNIST's test set, by seed.

    All score that set after a training or an epoch. Infinite: not in 20 epochs.
    """
    for reach in ACCURACIES[:1] if options.quick else ACCURACIES:

        def seeded(code: str, reach: float = reach) -> Callable[[], float]:
            seeds = iter(range(options.runs + 1))
            return lambda: commands.printed(code, str(reach), str(next(seeds)))

        contenders = {
            "lw.fit": seeded(TO_ACCURACY),
            "scikit-learn MLPClassifier": seeded(TO_ACCURACY_SKLEARN),
            "PyTorch, tuned": seeded(TO_ACCURACY_TORCH),
        }
        yield Contest(f"MNIST to {reach:.0%} of the test set", "s", contenders)


TASKS = {
    "start": start,
    "moons": moons,
    "digits": digits,
    "mnist": mnist,
    "notebook": notebook,
    "accuracy": accuracy,
}


# --- What the yardsticks run ----------------------------------------------------------

READ_MNIST = """
import math, sys, time, warnings
import numpy as np
import layerwise as lw
data = lw.load("mnist")
def rows(samples):
    return samples.inputs.reshape(-1, 784).astype(np.float32) / 127.5 - 1
"""

SKLEARN_MNIST = (
    READ_MNIST
    + """
from sklearn.neural_network import MLPClassifier
warnings.simplefilter("ignore")
epochs = int(sys.argv[1])
model = MLPClassifier((100,) * 4, batch_size=128, max_iter=epochs,
                      n_iter_no_change=epochs + 1)
model.fit(rows(data.train), data.train.targets)
model.score(rows(data.test), data.test.targets)
"""
)

FIRST_FIT = """
import sys, time
import layerwise as lw
data = lw.load("digits")
start = time.perf_counter()
lw.fit(lw.MLP([100] * 4), data, epochs=int(sys.argv[1]), batch_size=32)
print(time.perf_counter() - start)
"""

FIRST_FIT_SKLEARN = """
import sys, time, warnings
from sklearn.neural_network import MLPClassifier
import layerwise as lw
warnings.simplefilter("ignore")
data = lw.load("digits")
rows, epochs = data.train.inputs.reshape(-1, 64) / 8 - 1, int(sys.argv[1])
start = time.perf_counter()
MLPClassifier((100,) * 4, batch_size=32, max_iter=epochs,
              n_iter_no_change=epochs + 1).fit(rows, data.train.targets)
print(time.perf_counter() - start)
"""

TO_ACCURACY = (
    READ_MNIST
    + """
import jax  # theirs are loaded by then too
fit, architecture = lw.fit, lw.MLP([256, 256])
reach, seed = float(sys.argv[1]), int(sys.argv[2])
start = time.perf_counter()
# A schedule has an end; where it does not reach the accuracy, what it took counts too.
for epochs in {0.94: (1, 2, 4), 0.98: (8, 12, 16)}[reach]:
    found = fit(architecture, data, epochs=epochs, seed=seed, evaluate_every=0)
    if found.test.accuracy >= reach:
        break
else:
    start = -math.inf
print(time.perf_counter() - start)
"""
)

TO_ACCURACY_SKLEARN = (
    READ_MNIST
    + """
from sklearn.neural_network import MLPClassifier
warnings.simplefilter("ignore")
reach, seed = float(sys.argv[1]), int(sys.argv[2])
inputs, test = rows(data.train), rows(data.test)
model = MLPClassifier((256, 256), batch_size=128, random_state=seed, max_iter=1,
                      warm_start=True)
start = time.perf_counter()
for epoch in range(20):
    model.fit(inputs, data.train.targets)
    if model.score(test, data.test.targets) >= reach:
        break
else:
    start = -math.inf
print(time.perf_counter() - start)
"""
)

TO_ACCURACY_TORCH = (
    READ_MNIST
    + """
import torch
from torch import nn
reach, seed = float(sys.argv[1]), int(sys.argv[2])
torch.manual_seed(seed)
net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(),
                    nn.Linear(256, 10))
inputs, labels = torch.tensor(rows(data.train)), torch.tensor(data.train.targets).long()
test, right = torch.tensor(rows(data.test)), torch.tensor(data.test.targets).long()
adam = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
loss_of, start = nn.CrossEntropyLoss(), time.perf_counter()
for epoch in range(20):
    order = torch.randperm(len(labels))
    for batch in order.split(128):
        adam.zero_grad()
        loss_of(net(inputs[batch]), labels[batch]).backward()
        adam.step()
    with torch.no_grad():
        if (net(test).argmax(1) == right).float().mean().item() >= reach:
            break
else:
    start = -math.inf
print(time.perf_counter() - start)
"""
)


if __name__ == "__main__":
    main()
