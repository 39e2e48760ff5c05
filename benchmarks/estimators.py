"""Time the scikit-learn estimators beside scikit-learn's own, at equal settings.

    python benchmarks/estimators.py
    python benchmarks/estimators.py --only grid --runs 9 --markdown

Each fit of MNIST runs in a process of its own: whatever a first call has to do, compile
for example, is in the figure. See ``benchmarks/README.md``.
"""

import re
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import compare
import numpy as np
import tyro
from compare import Contest, interleaved, markdown, seconds, table
from rich.console import Console
from sklearn import neural_network
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import GridSearchCV, train_test_split

import layerwise as lw

CLASSIFIERS = {
    "layerwise": lw.MLPClassifier,
    "scikit-learn": neural_network.MLPClassifier,
}

GRID = {
    "hidden_layer_sizes": [(30,), (100,)],
    "alpha": [1e-4, 1e-2],
    "learning_rate_init": [1e-3, 1e-2, 3e-2],
}
"""Twelve settings; with five folds 60 fits."""


@dataclass(frozen=True)
class Options:
    """Time the estimators beside scikit-learn's and print one table for each task."""

    only: str = "mnist,grid,accuracy,mnist-accuracy"
    """which tasks, separated by commas"""
    runs: int = 5
    """measured runs of each contender"""
    markdown: bool = False
    """print Markdown, for README.md"""
    quick: bool = False
    """as little as possible: to see that everything runs, not how fast"""
    one: tuple[str, str, str] | None = None
    """fit MNIST once: whose classifier, in which dtype, epochs (for own use)"""


def main() -> None:
    options = tyro.cli(Options)
    if options.one:
        print(one_fit(*options.one))
        return
    show = print if options.markdown else Console().print
    drawn = markdown if options.markdown else table
    show(compare.environment(compare.medians(options.runs)))
    for name in options.only.split(","):
        for contest in TASKS[name](options):
            show(drawn(contest, interleaved(contest, options.runs)))


# --- The tasks ------------------------------------------------------------------------


def mnist(options: Options) -> Iterator[Contest]:
    epochs = 1 if options.quick else 5
    for dtype in ("float32", "float64"):
        contenders = {
            name: partial(in_its_own_process, name, dtype, epochs)
            for name in CLASSIFIERS
        }
        title = f"MNIST in {dtype}: 784-100-10, batch 128, adam 0.001, epochs {epochs}"
        yield Contest(title, "s for fit", contenders)


def grid(options: Options) -> Iterator[Contest]:
    X, y = load_iris(return_X_y=True)
    most = 20 if options.quick else 200

    def searched(classifier: Any) -> float:
        model = classifier(random_state=0, max_iter=most)
        search = GridSearchCV(model, GRID, n_jobs=2, cv=5)
        return seconds(lambda: search.fit(X, y))

    contenders = {name: partial(searched, of) for name, of in CLASSIFIERS.items()}
    yield Contest("GridSearchCV: iris, 60 fits, n_jobs=2", "s", contenders)


def accuracy(options: Options) -> Iterator[Contest]:
    """Yield one contest for each data set; a run is a seed."""
    sets = {"iris": load_iris(return_X_y=True), "digits": load_digits(return_X_y=True)}
    for name, (X, y) in sets.items():
        seeds = {of: iter(range(options.runs + 1)) for of in CLASSIFIERS}

        def right(of: str, X: np.ndarray, y: np.ndarray, seeds: Any) -> float:
            seed = next(seeds[of])
            parts = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
            model = CLASSIFIERS[of](random_state=seed, max_iter=300)
            with quiet():
                model.fit(parts[0] / X.max(), parts[2])
            return 100 * model.score(parts[1] / X.max(), parts[3])

        contenders = {of: partial(right, of, X, y, seeds) for of in CLASSIFIERS}
        yield Contest(f"accuracy on {name}", "% of the test set", contenders)


def mnist_accuracy(options: Options) -> Iterator[Contest]:
    epochs = 1 if options.quick else 5
    scored = {
        name: partial(in_its_own_process, name, "float32", epochs, "%")
        for name in CLASSIFIERS
    }
    yield Contest(f"accuracy on MNIST, epochs {epochs}", "% of the test set", scored)


TASKS = {
    "mnist": mnist,
    "grid": grid,
    "accuracy": accuracy,
    "mnist-accuracy": mnist_accuracy,
}


# --- How they are measured ------------------------------------------------------------


def in_its_own_process(name: str, dtype: str, epochs: int, unit: str = "s") -> float:
    """Return the seconds that a fit takes in a fresh interpreter, or its accuracy."""
    command = [sys.executable, __file__, "--one", name, dtype, str(epochs)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.findall(rf"([\d.]+) {unit}", said)[0])


def one_fit(name: str, dtype: str, epochs: str) -> str:
    """Fit MNIST's 60,000 training images; return the seconds and the accuracy."""
    data = lw.load("mnist")
    parts = (data.train, data.validation)
    X = np.concatenate([part.inputs for part in parts]).reshape(-1, 784)
    y = np.concatenate([part.targets for part in parts])
    X = (X / 255).astype(dtype)
    model = CLASSIFIERS[name](
        (100,), batch_size=128, max_iter=int(epochs), random_state=0
    )
    with quiet():
        begin = time.perf_counter()
        model.fit(X, y)
        spent = time.perf_counter() - begin
    test = (data.test.inputs.reshape(-1, 784) / 255).astype(dtype)
    right = 100 * model.score(test, data.test.targets)
    return f"{spent:.3f} s, {right:.2f} % right"


class quiet(warnings.catch_warnings):  # noqa: N801
    """No word of epochs that were too few: nobody asked for more."""

    def __enter__(self) -> Any:
        entered = super().__enter__()
        warnings.simplefilter("ignore")
        return entered


if __name__ == "__main__":
    main()
