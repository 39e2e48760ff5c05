"""Find labels that were made wrong, beside cleanlab: how many, how fast.

    python benchmarks/suspects.py
    python benchmarks/suspects.py --only random-3,digits --markdown

Some labels are replaced, each contender ranks all of them by how wrong they look, and
the ranking is scored by which had been replaced. See ``benchmarks/README.md``.
"""

import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import numpy as np
import tyro
from compare import installed, processor
from rich.console import Console
from rich.table import Table
from sklearn.metrics import average_precision_score

import layerwise as lw
from layerwise.study import out_of_fold_evidence

HIDDEN = (100,) * 4
PACKAGES = ("layerwise", "numpy", "jax", "scikit-learn", "cleanlab")
PAIRS = {3: 5, 5: 3, 4: 9, 9: 4, 1: 7, 7: 1}
HEAD = ("task", "contender", "average precision", "precision", "s", "CPU s")


@dataclass(frozen=True)
class Options:
    """Find labels that were made wrong, and print one table."""

    only: str = "random-3,pairs-3,random-0.5,random-10,digits"
    """which tasks, separated by commas"""
    images: int = 20_000
    """of MNIST's training images"""
    seed: int = 0
    """of the images, of the labels replaced, and of the trainings"""
    markdown: bool = False
    """print Markdown, for README.md"""


@dataclass(frozen=True, eq=False)
class Task:
    """Samples, some of whose labels were replaced."""

    title: str
    data: lw.Dataset
    replaced: np.ndarray
    seed: int


Scores = np.ndarray
"""For every training sample, the higher the more its label looks wrong."""


def main() -> None:
    options = tyro.cli(Options)
    lines = [line for task in tasks(options) for line in contest(task)]
    if options.markdown:
        print(environment(), markdown(lines), sep="\n")
    else:
        console = Console()
        console.print(environment())
        console.print(table(lines))


def contest(task: Task) -> Iterator[tuple[str, ...]]:
    """Yield each ranking's line: how good it is, and the time that it took."""
    for name, rank in CONTENDERS.items():
        wall, processor_time = time.perf_counter(), time.process_time()
        try:
            rankings = rank(task)
        except ModuleNotFoundError as error:
            yield task.title, name, f"{error.name} is not installed", "", "", ""
            continue
        taken = time.perf_counter() - wall, time.process_time() - processor_time
        for ranking, scores in rankings.items():
            figures = (f"{share:.3f}" for share in judged(scores, task.replaced))
            yield task.title, ranking, *figures, *(f"{t:.0f}" for t in taken)


def judged(scores: Scores, replaced: np.ndarray) -> tuple[float, float]:
    """Return average precision, and precision among as many as were replaced."""
    first = np.argsort(-scores, kind="stable")[: np.count_nonzero(replaced)]
    return average_precision_score(replaced, scores), replaced[first].mean()


# --- The tasks ------------------------------------------------------------------------


def tasks(options: Options) -> Iterator[Task]:
    for name in options.only.split(","):
        kind, _, percent = name.partition("-")
        if kind == "digits":
            data, kind, share = digits(), "random", 0.03
            source = f"digits, {len(data.train):,}"
        else:
            data, share = mnist(options.images, options.seed), float(percent) / 100
            source = f"MNIST, {len(data.train):,}"
        targets = NOISE[kind](data.train.targets, share, options.seed)
        wrong = replace(data, train=lw.Samples(data.train.inputs, targets))
        title = f"{source}: {100 * share:g} % {kind}"
        yield Task(title, wrong, targets != data.train.targets, options.seed)


@cache
def mnist(images: int, seed: int) -> lw.Dataset:
    data = lw.load("mnist")
    drawn = np.random.default_rng(seed).permutation(len(data.train))[:images]
    return replace(data, train=data.train.at(drawn))


def digits() -> lw.Dataset:
    """Return the digits, all of them for training."""
    data = lw.load("digits")
    parts = data.train, data.validation, data.test
    inputs = np.concatenate([part.inputs for part in parts])
    targets = np.concatenate([part.targets for part in parts])
    return replace(data, train=lw.Samples(inputs, targets))


def at_random(targets: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Replace a share of the labels by another class at random."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(targets), round(share * len(targets)), replace=False)
    wrong = targets.copy()
    wrong[rows] = (targets[rows] + rng.integers(1, 10, len(rows))) % 10
    return wrong


def within_pairs(targets: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Replace a share of all labels by the class they are easily taken for."""
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(np.isin(targets, list(PAIRS)))
    rows = rng.choice(rows, round(share * len(targets)), replace=False)
    wrong = targets.copy()
    wrong[rows] = [PAIRS[label] for label in targets[rows]]
    return wrong


NOISE = {"random": at_random, "pairs": within_pairs}


# --- The contenders -------------------------------------------------------------------


def layerwise_rankings(task: Task) -> dict[str, Scores]:
    evidence = out_of_fold_evidence(lw.MLP(HIDDEN), task.data, seed=task.seed)
    return {"layerwise": evidence.scores}


def cleanlab_rankings(task: Task) -> dict[str, Scores]:
    """Return cleanlab's scores and confident learning's issues, one training for all.

    Issues are ranked first to last; what is none of them comes after them all.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    labels, held_out = task.data.train.targets, probabilities(task)
    rankings = {
        f"cleanlab, {method}": -get_label_quality_scores(
            labels, held_out, method=method
        )
        for method in ("self_confidence", "normalized_margin")
    }
    found = find_label_issues(
        labels, held_out, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    issues = np.zeros(len(labels))
    issues[found] = np.arange(len(found), 0, -1)
    return rankings | {"cleanlab, find_label_issues": issues}


def probabilities(task: Task) -> np.ndarray:
    """Return a scikit-learn network's probabilities in three folds."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.neural_network import MLPClassifier

    train = task.data.train
    inputs = train.inputs.reshape(len(train), -1) / np.float32(train.inputs.max())
    model = MLPClassifier(HIDDEN, early_stopping=True, random_state=task.seed)
    folds = StratifiedKFold(3, shuffle=True, random_state=task.seed)
    return cross_val_predict(
        model, inputs, train.targets, cv=folds, method="predict_proba"
    )


CONTENDERS: dict[str, Callable[[Task], dict[str, Scores]]] = {
    "layerwise": layerwise_rankings,
    "cleanlab": cleanlab_rankings,
}


# --- What is printed ------------------------------------------------------------------


def environment() -> str:
    """Return what the figures depend on, in one paragraph."""
    versions = ", ".join(f"{name} {installed(name)}" for name in PACKAGES)
    return (
        f"{processor()}, {os.cpu_count()} logical cores, {platform.system()}; Python "
        f"{platform.python_version()}, {versions}; {date.today().isoformat()}; "
        "one run of each.\n"
    )


def table(lines: list[tuple[str, ...]]) -> Table:
    drawn = Table()
    for place, name in enumerate(HEAD):
        drawn.add_column(name, justify="right" if place > 1 else "left")
    for line in lines:
        drawn.add_row(*line)
    return drawn


def markdown(lines: list[tuple[str, ...]]) -> str:
    ruled = [HEAD, ("---", "---", *["--:"] * 4), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in ruled)


if __name__ == "__main__":
    main()
