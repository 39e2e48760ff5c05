"""A sweep: many trainings over a grid of settings, on all cores, that can be killed."""

import math
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar

import numpy as np

from layerwise.arrays import has_accelerator
from layerwise.data import Dataset
from layerwise.errors import DamagedError, InputError, MachineError
from layerwise.experiment._folder import check_device, held, new_folder, plain
from layerwise.experiment._plan import Plan, load_data
from layerwise.experiment._summary import environment
from layerwise.experiment._vary import varied
from layerwise.experiment._workers import in_workers
from layerwise.files import as_record, read_json, write_json
from layerwise.model import MLP
from layerwise.sweeps import Axis, Setting, Sweep, SweepPoint
from layerwise.training import Recipe, Result, fingerprint, fit

FORMAT: Literal["sweep-1"] = "sweep-1"

T = TypeVar("T")
R = TypeVar("R")


class _Described(TypedDict):
    data: str
    status: Literal["running", "interrupted", "finished"]
    axes: dict[str, tuple[Setting, ...]]


class _Summary(TypedDict):
    """What a sweep's ``summary.json`` holds, as it is read."""

    format: Literal["sweep-1"]
    sweep: _Described
    points: list[dict[str, Any]]
    fingerprint: str


@dataclass(frozen=True)
class SweepRun:
    """A sweep's folder, what its trainings have in common, and what was done before.

    ``mark`` is the fingerprint of the plan and its data.
    """

    folder: Path
    plan: Plan
    sweep: Sweep
    mark: str


@contextmanager
def open_sweep(
    plan: Plan, axes: Sequence[Axis], out: str | None = None
) -> Generator[SweepRun]:
    """Make a sweep's folder, by default ``runs/sweep-NAME-NUMBER``.

    In the block nobody else writes there.
    """
    names = [axis.name for axis in axes]
    if not names or len(set(names)) < len(names):
        raise InputError("--vary: name each axis once, such as --vary depth=1..10")
    if plan.module is not None:
        raise InputError("a sweep is of layerwise's own networks: leave out --module")
    data = load_data(plan)
    sweep = Sweep(data.name, tuple(axes))
    for settings in sweep.grid():
        check_device(varied(plan, settings))
    mark = fingerprint(plan.architecture, data, plan.recipe)
    with new_folder(f"sweep-{plain(data.name)}", out, _how_to_go_on) as folder:
        run = SweepRun(folder, plan, sweep, mark)
        write_sweep(run, sweep, "running")
        yield run


def _how_to_go_on(folder: Path) -> str:
    """Say what takes a sweep up where it stands."""
    _, status = _read(folder)
    if status == "finished":
        return f"the sweep has finished, its page is {folder / 'report.html'}"
    return f"to continue: layerwise sweep --resume {folder}"


@contextmanager
def reopen_sweep(folder: str) -> Generator[SweepRun]:
    """Go on with a sweep that was interrupted or killed, on the data that it had."""
    with held(Path(folder), _read) as (run, status):
        if status == "finished":
            raise InputError(f"{folder}: nothing to resume, the sweep has finished")
        data = load_data(run.plan)
        if run.mark != fingerprint(run.plan.architecture, data, run.plan.recipe):
            raise InputError(f"{folder}: the data is not what it was; sweep anew")
        yield run


def run_sweep(
    run: SweepRun,
    workers: int | None = None,
    watch: Callable[[Sweep], None] | None = None,
) -> Sweep:
    """Do the trainings that are missing, each kept as soon as it has ended.

    By default there are as many workers as cores, or one on an accelerator. ``watch``
    is told of the sweep whenever a training has ended. After Ctrl-C the sweep that
    comes back lacks the trainings that were not done.
    """
    sweep, status = run.sweep, "running"
    train = partial(train_point, run.plan)
    try:
        for point in in_workers_of(run, train, sweep.missing(), workers):
            sweep = replace(sweep, points=(*sweep.points, point))
            write_sweep(run, sweep, status)
            if watch:
                watch(sweep)
    except KeyboardInterrupt:
        status = "interrupted"
    order = {tuple(settings.values()): n for n, settings in enumerate(sweep.grid())}
    points = sorted(sweep.points, key=lambda p: order[tuple(p.settings.values())])
    sweep = replace(sweep, points=tuple(points))
    write_sweep(run, sweep, status)
    return sweep


def in_workers_of(
    run: SweepRun, function: Callable[[T], R], items: Sequence[T], workers: int | None
) -> Iterator[R]:
    """Yield what a function makes of each item; if a worker dies, a MachineError."""
    # Several processes would be in each other's way on an accelerator.
    cores = 1 if has_accelerator(run.plan.recipe.device) else os.cpu_count()
    size = min(workers or cores or 1, max(1, len(items)))
    done = False
    try:
        for made in in_workers(function, items, size):
            done = True
            yield made
    except BrokenProcessPool as error:
        # A script without it is run again by each worker, which dies of that.
        unguarded = ' or, in a script, without `if __name__ == "__main__":`'
        raise MachineError(
            f"{run.folder}: a worker process died, possibly out of memory"
            f"{'' if done else unguarded}; to"
            f" continue: layerwise sweep --resume {run.folder}"
            f" --workers {max(1, size // 2)}"
        ) from error


def train_point(plan: Plan, settings: dict[str, Setting]) -> SweepPoint:
    """Train one network of a sweep, without a look at the test set."""
    plan = varied(plan, settings)
    seed = Recipe(seed=plan.recipe.seed)
    # One data set for all trainings that differ in nothing else.
    data = _blind(replace(plan, architecture=MLP(), recipe=seed))
    began = time.perf_counter()
    result = fit(plan.architecture, data, replace(plan.recipe, snapshots=0))
    return _point_of(settings, result, time.perf_counter() - began)


def _point_of(
    settings: dict[str, Setting], result: Result, seconds: float
) -> SweepPoint:
    data = result.data
    last = result.history.epochs[-1] if result.history.epochs else None
    return SweepPoint(
        settings=settings,
        status=result.status,
        chance=float(np.bincount(data.train.targets).max() / len(data.train)),
        steps=int(result.checkpoint.state.step),
        epochs=result.epochs,
        train_loss=last.train_loss if last else math.nan,
        train_accuracy=last.train_accuracy if last else math.nan,
        validation_loss=result.validation.loss,
        validation_accuracy=result.validation.accuracy,
        seconds=seconds,
    )


def write_sweep(
    run: SweepRun,
    sweep: Sweep,
    status: str,
    best: dict[str, Any] | None = None,
    kept: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Write a sweep's ``summary.json`` and return what it holds.

    ``best`` is the training that was chosen, with its test accuracy; ``kept`` are the
    settings and the folder of each other training that became a run.
    """
    summary = {
        "format": FORMAT,
        "sweep": {
            "data": sweep.name,
            "status": status,
            "axes": {axis.name: axis.values for axis in sweep.axes},
            "trainings": len(sweep),
            "done": len(sweep.points),
        },
        "best": best,
        "kept": kept,
        "points": [asdict(one) | {"outcome": one.outcome} for one in sweep.points],
        "environment": environment(),
        "fingerprint": run.mark,
        "plan": run.plan.to_json(),
    }
    return write_json(run.folder / "summary.json", summary)


def _read(folder: Path) -> tuple[SweepRun, str]:
    path = folder / "summary.json"
    wrong = f"{path}: not a sweep's summary"
    found = read_json(path, "a sweep")
    summary = as_record(found, _Summary, wrong)
    described = summary["sweep"]
    plan = Plan.from_json(found.get("plan"), f"{wrong}: plan")
    points = tuple(_point(fields, f"{wrong}: points") for fields in summary["points"])
    axes = tuple(Axis(name, values) for name, values in described["axes"].items())
    sweep = Sweep(described["data"], axes, points)
    _refuse_others(sweep, plan, wrong)
    return SweepRun(folder, plan, sweep, summary["fingerprint"]), described["status"]


def _point(fields: dict[str, Any], wrong: str) -> SweepPoint:
    """Return a training that was done; what JSON has null for was not finite."""
    known = {n: math.nan if value is None else value for n, value in fields.items()}
    known.pop("outcome", None)  # follows from the others
    point = as_record(known, SweepPoint, wrong)
    if not 0 < point.chance < 1:
        raise DamagedError(f"{wrong}: a chance of {point.chance}")
    return point


def _refuse_others(sweep: Sweep, plan: Plan, wrong: str) -> None:
    """Refuse axes that are none, and trainings that are not in their grid."""
    try:
        grid = {tuple(settings.items()) for settings in sweep.grid()}
        for settings in grid:
            varied(plan, dict(settings))
    except (TypeError, ValueError) as error:
        raise DamagedError(f"{wrong}: sweep.axes: {error}") from error
    done = {tuple(point.settings.items()) for point in sweep.points}
    if len(done) < len(sweep.points) or not done <= grid:
        raise DamagedError(f"{wrong}: points of another grid, or twice the same")


@lru_cache(maxsize=2)
def _blind(plan: Plan) -> Dataset:
    """Return the data with the validation set in place of the test set.

    A setting is then chosen without a look at what scores it.
    """
    data = load_data(plan)
    return replace(data, test=data.validation)
