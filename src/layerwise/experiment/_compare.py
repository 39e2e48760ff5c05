"""Runs beside each other, read from their folders."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from layerwise.errors import DamagedError, InputError, MachineError
from layerwise.experiment._folder import read_summary
from layerwise.experiment._path import STUDY
from layerwise.experiment._plan import Plan, load_data
from layerwise.files import make_folder, write_atomically, write_json
from layerwise.presentation import (
    ComparedRun,
    Runs,
    comparison_payload,
    comparison_summary,
    page,
    with_fewer_shown,
)
from layerwise.study import Inputs, Study, load_study
from layerwise.training import History

MOVING, FEWEST = 10_000, 1_000
"""Samples shown of all runs together, and of each at least."""


def compare(folders: Sequence[str]) -> Runs:
    """Return runs that have ended, beside each other."""
    paths = [Path(folder) for folder in folders]
    if len({path.resolve() for path in paths}) < max(2, len(paths)):
        raise InputError("compare: name two or more runs, each once")
    short = [path.resolve().name for path in paths]
    # The last part of the path will do where it is not the same of two.
    names = short if len(set(short)) == len(short) else list(folders)
    return tuple(_read(*pair) for pair in zip(paths, names, strict=True))


def write_comparison(runs: Runs, folder: str) -> dict[str, Any]:
    """Write a comparison's page and summary; return what the summary holds."""
    place = make_folder(folder)
    links = [_link(Path(run.folder), place) for run in runs]
    html = page(comparison_payload(_alike(runs), links))
    write_atomically(place / "report.html", html.encode())
    return write_json(place / "summary.json", comparison_summary(runs))


def _read(folder: Path, name: str) -> ComparedRun:
    summary, path = read_summary(folder), folder / "history.csv"
    if summary["training"]["status"] == "running" or not path.is_file():
        raise InputError(
            f"{folder}: the training has not ended; wait, or continue it with: "
            f"layerwise train --resume {folder}"
        )
    steps = summary["training"]["steps"]
    # The step at which a training diverges has a loss, and is not one that was done.
    steps += summary["training"]["status"] == "diverged"
    try:
        history = History.from_csv(path.read_text("utf-8"))
        if (done := len(history.losses)) < steps:
            raise ValueError(f"{done} of {steps} steps")
    except OSError as error:
        raise MachineError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DamagedError(
            f"{path}: not a history: {error}; write it again with: "
            f"layerwise report {folder}"
        ) from error
    study, warning = _study(folder)
    return ComparedRun(name, summary, history, study, str(folder), warning)


def _study(folder: Path) -> tuple[Study | None, str]:
    """Return what was found inside a run's network, and why it cannot be read.

    None and nothing where none was written: it was only trained, or diverged.
    """
    path = folder / STUDY
    if not path.exists():
        return None, ""
    try:
        return load_study(path)[0], ""
    except InputError as error:
        again = f"write it again with: layerwise report {folder}"
        return None, f"no scatter plots: {error}; {again}"


def _alike(runs: Runs) -> Runs:
    """Return runs that show fewer samples the more they are, and the first's inputs."""
    most = max(MOVING // len(runs), FEWEST)
    inputs = _inputs(runs)
    found: list[ComparedRun] = []
    for run in runs:
        study = run.study and with_fewer_shown(run.study, most)
        if study is not None and study.inputs is None:
            study = replace(study, inputs=inputs)
        found.append(replace(run, study=study))
    return tuple(found)


def _inputs(runs: Runs) -> Inputs | None:
    """Return the test samples of the first run that was studied, if they are there."""
    for run in runs:
        if run.study is not None:
            with suppress(InputError):
                return load_data(Plan.from_json(run.summary["plan"])).test.inputs
    return None


def _link(folder: Path, place: Path) -> str | None:
    """Return how a run's page is reached from the folder of the comparison."""
    page = folder / "report.html"
    if not page.exists():
        return None
    return quote(Path(os.path.relpath(page, place)).as_posix())
