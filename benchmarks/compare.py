"""Time layerwise beside its peers: the same work, one run, one machine.

    python benchmarks/compare.py
    python benchmarks/compare.py --only moons,pca --runs 9 --markdown

Every contender runs once unmeasured; then all of them in turn (A B C A B C …), so that
whatever disturbs the machine disturbs all alike. See ``benchmarks/README.md``.
"""

import os
import platform
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jax_loop
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

import layerwise as lw
from layerwise.data import fit_scaling

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("layerwise", "numpy", "jax", "scikit-learn", "torch")

Measure = Callable[[], float]
"""Do the work once and return the figure; FileNotFoundError where it is not there."""


@dataclass(frozen=True)
class Options:
    """Time layerwise beside its peers and print one table for each task."""

    only: str = "moons,mnist,pca"
    """which tasks, separated by commas"""
    runs: int = 5
    """measured runs of each contender"""
    baselines: Path = REPOSITORY.parent / "shared" / "baseline"
    """folder with textbook_loop.py and torch_loop.py"""
    markdown: bool = False
    """print Markdown, for README.md"""
    quick: bool = False
    """one epoch where there are ten: to see that everything runs, not how fast"""


@dataclass(frozen=True)
class Contest:
    """One task and its contenders; ratios are to the first."""

    title: str
    unit: str
    contenders: dict[str, Measure]


@dataclass(frozen=True)
class Training:
    """One training that several programs do."""

    data: lw.Dataset
    hidden: tuple[int, ...]
    batch_size: int
    optimizer: str
    learning_rate: float
    epochs: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """The width of every layer, inputs and outputs included."""
        return (int(np.prod(self.data.shape)), *self.hidden, self.data.classes)

    def scaled(self) -> np.ndarray:
        """Return the training inputs as the peers take them: rows of float32."""
        inputs = self.data.train.inputs
        scaled = fit_scaling(inputs, "range").apply(inputs, np.float32)
        return scaled.reshape(len(inputs), -1)

    def title(self, name: str) -> str:
        """Return what is done, in one line."""
        return (
            f"{name}: {'-'.join(map(str, self.sizes))}, batch {self.batch_size}, "
            f"{self.optimizer} {self.learning_rate:g}, epochs {self.epochs}"
        )


def main() -> None:
    options = tyro.cli(Options)
    show = print if options.markdown else Console().print
    drawn = markdown if options.markdown else table
    show(environment(medians(options.runs)))
    for name in options.only.split(","):
        for contest in TASKS[name](options):
            show(drawn(contest, interleaved(contest, options.runs)))


def interleaved(contest: Contest, runs: int) -> dict[str, list[float]]:
    """Return every contender's figures; none where it is not found."""
    figures: dict[str, list[float]] = {name: [] for name in contest.contenders}
    found = dict(contest.contenders)
    for run in range(-1, runs):
        for name, measure in list(found.items()):
            try:
                figure = measure()
            except FileNotFoundError:
                del found[name]
                continue
            if run >= 0:
                figures[name].append(figure)
    return figures


# --- The tasks ------------------------------------------------------------------------


def moons(options: Options) -> Iterator[Contest]:
    epochs = 1 if options.quick else 10
    work = Training(lw.load("moons"), (30, 30), 32, "sgd", 0.05, epochs)
    textbook = partial(script, options.baselines / "textbook_loop.py")
    contenders = trainers(work) | {"textbook loop": textbook}
    contenders["layerwise, eager engine"] = partial(layerwise_step, work, "eager")
    yield Contest(work.title("moons"), "µs per step", contenders)


def mnist(options: Options) -> Iterator[Contest]:
    data = lw.load("mnist")
    work = Training(data, (100,) * 4, 16, "adam", 1e-4, 1)
    folder = Path(os.environ.get("LAYERWISE_DATA", "")) / "mnist"
    torch_loop = partial(script, options.baselines / "torch_loop.py", str(folder), "1")
    contenders = trainers(work)
    contenders |= {"PyTorch loop": torch_loop}
    contenders |= {"PyTorch loop, tuned": partial(torch_loop, "--tuned")}
    yield Contest(work.title("MNIST"), "µs per step", contenders)
    larger = Training(data, (100,) * 4, 128, "adam", 1e-3, 1)
    yield Contest(larger.title("MNIST"), "µs per step", trainers(larger))


def pca(options: Options) -> Iterator[Contest]:
    from sklearn.decomposition import PCA

    del options
    images = read_images()
    as_float32 = images.astype(np.float32)
    eigh = PCA(svd_solver="covariance_eigh")
    contenders: dict[str, Measure] = {
        "layerwise.PCA": lambda: seconds(lambda: lw.PCA().fit(images)),
        "scikit-learn, covariance_eigh": lambda: seconds(lambda: eigh.fit(images)),
        "scikit-learn, covariance_eigh, in float32": lambda: seconds(
            lambda: eigh.fit(as_float32)
        ),
        "scikit-learn, covariance_eigh, from the bytes by float32": lambda: seconds(
            lambda: eigh.fit(images.astype(np.float32))
        ),
        "scikit-learn, full": lambda: seconds(
            lambda: PCA(svd_solver="full").fit(images)
        ),
    }
    rows, pixels = images.shape
    yield Contest(f"PCA of {rows:,} × {pixels} bytes", "s", contenders)


TASKS = {"moons": moons, "mnist": mnist, "pca": pca}


def read_images() -> np.ndarray:
    """Return all 60,000 training images of MNIST as rows of bytes."""
    data = lw.load("mnist")
    both = (data.train.inputs, data.validation.inputs)
    return np.concatenate(both).reshape(-1, 784)


# --- The contenders -------------------------------------------------------------------


def trainers(work: Training) -> dict[str, Measure]:
    """Return those that do any training, layerwise first."""
    return {
        "layerwise": partial(layerwise_step, work, "compiled"),
        "layerwise, whole fit by its steps": partial(layerwise_whole, work),
        "JAX, one jitted call per step": partial(jax_step, work),
        "scikit-learn MLPClassifier": partial(sklearn_step, work),
    }


def layerwise_fit(work: Training, engine: str) -> "lw.training.Result":
    return lw.fit(
        lw.MLP(work.hidden),
        work.data,
        epochs=work.epochs,
        batch_size=work.batch_size,
        optimizer=work.optimizer,
        learning_rate=work.learning_rate,
        schedule="constant",
        engine=engine,
    )


def layerwise_step(work: Training, engine: str) -> float:
    """Return microseconds per step: neither compilation nor evaluation."""
    return 1e6 / layerwise_fit(work, engine).steps_per_second


def layerwise_whole(work: Training) -> float:
    """Return microseconds per step with everything that ``fit`` does beside stepping.

    That is compilation, and the scores of all three sets.
    """
    start = time.perf_counter()
    steps = len(layerwise_fit(work, "compiled").history.losses)
    return 1e6 * (time.perf_counter() - start) / steps


def jax_step(work: Training) -> float:
    setting = jax_loop.Setting(
        work.sizes,
        work.batch_size,
        work.epochs,
        work.learning_rate,
        adam=work.optimizer == "adam",
    )
    labels = work.data.train.targets
    return 1e6 * jax_loop.seconds_per_step(work.scaled(), labels, setting)


def sklearn_step(work: Training) -> float:
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        work.hidden,
        batch_size=work.batch_size,  # pyright: ignore[reportArgumentType]
        solver=work.optimizer,
        learning_rate_init=work.learning_rate,
        momentum=0,
        alpha=0,
        max_iter=work.epochs,
        n_iter_no_change=work.epochs + 1,
    )
    inputs, labels = work.scaled(), work.data.train.targets
    with warnings.catch_warnings():
        # It has not converged after so few epochs; nor is it meant to.
        warnings.simplefilter("ignore")
        spent = seconds(lambda: model.fit(inputs, labels))
    return 1e6 * spent / (work.epochs * -(-len(labels) // work.batch_size))


def script(path: Path, *arguments: str) -> float:
    """Run a yardstick of its own and return the microseconds per step it prints."""
    if not path.is_file():
        raise FileNotFoundError(path)
    command = [sys.executable, str(path), *arguments]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"([\d.]+) us/step", said)
    if found is None:
        raise ValueError(f"{path} printed no 'us/step': {said!r}")
    return float(found[1])


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


# --- What is printed ------------------------------------------------------------------


def environment(how: str) -> str:
    """Return what the figures depend on, and how they were taken, in one paragraph."""
    versions = ", ".join(f"{name} {installed(name)}" for name in PACKAGES)
    return (
        f"{processor()}, {os.cpu_count()} logical cores, {platform.system()}; Python "
        f"{platform.python_version()}, {versions}; {date.today().isoformat()}; {how}.\n"
    )


def medians(runs: int) -> str:
    """Return how `interleaved` takes its figures."""
    return f"medians of n = {runs} runs after one unmeasured, interleaved"


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """Return the processor's name."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        named = re.search(r"model name\s*: (.*)", listing.read_text())
        if named:
            return named[1]
    return platform.processor() or platform.machine()


def rows(figures: dict[str, list[float]]) -> Iterator[tuple[str, ...]]:
    """Yield each contender's name, median, least and most, and ratio to the first."""
    ours = statistics.median(next(iter(figures.values())))
    for name, measured in figures.items():
        if not measured:
            yield name, "not found", "", ""
            continue
        middle = statistics.median(measured)
        span = f"{short(min(measured))} – {short(max(measured))}"
        yield name, short(middle), span, f"{middle / ours:.2f}"


def short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def table(contest: Contest, figures: dict[str, list[float]]) -> Table:
    drawn = Table(title=contest.title, title_justify="left")
    drawn.add_column("")
    for name in head(contest):
        drawn.add_column(name, justify="right")
    for row in rows(figures):
        drawn.add_row(*row)
    return drawn


def markdown(contest: Contest, figures: dict[str, list[float]]) -> str:
    lines = [("", *head(contest)), ("---", *["--:"] * 3), *rows(figures)]
    ruled = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"### {contest.title}\n\n{ruled}\n"


def head(contest: Contest) -> tuple[str, str, str]:
    return contest.unit, "min – max", "ratio"


if __name__ == "__main__":
    main()
