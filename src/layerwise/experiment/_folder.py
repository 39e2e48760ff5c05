"""A run's folder, opened by one writer at a time: new, or to go on with."""

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from layerwise import ranks
from layerwise.baselines import Baselines
from layerwise.data import Dataset
from layerwise.diagnosis import Diagnosis, Setup
from layerwise.errors import DamagedError, InputError
from layerwise.experiment._plan import NamedModule, Plan, load_data
from layerwise.experiment._summary import Begun, Ended, write_summary
from layerwise.files import (
    as_record,
    is_leftover,
    machine_errors,
    make_folder,
    read_json,
    sole_writer,
)
from layerwise.names import AUTO, ENGINES
from layerwise.training import (
    Checkpoint,
    Task,
    checkpoints_in,
    engine_kind,
    fingerprint,
    load_checkpoint,
)
from layerwise.wording import count

T = TypeVar("T")

UNDER_WAY = ("running", "interrupted")
"""What a summary says of a training that can go on."""


@dataclass(frozen=True, eq=False)
class Run:
    """A run's folder, what was asked of it, and the training it holds.

    ``training`` is the fingerprint of what is trained, and on what; ``checkpoint`` is
    where an earlier training of this run stood, and ``origin`` the text on that.
    """

    folder: Path
    plan: Plan
    data: Dataset
    training: str
    checkpoint: Checkpoint | None = None
    origin: str = ""

    @property
    def named(self) -> str:
        """What a command has to be told to take this run up again."""
        return _named(self.folder, self.plan)

    @cached_property
    def baselines(self) -> Baselines:
        """What simple methods reach on the data: for the diagnosis and the page."""
        return Baselines(self.data, self.plan.recipe.seed)

    @property
    def setup(self) -> Setup:
        """What is trained, on what and how: what a diagnosis may change."""
        return Setup(self.plan.trained, self.data, self.plan.recipe)

    def fixable(self, diagnosis: Diagnosis) -> bool:
        """Return whether what the diagnosis names first has a change to be made."""
        first = diagnosis.first
        return first is not None and bool(self.setup.possible(first.change))


@contextmanager
def open_run(plan: Plan, out: str | None = None) -> Generator[Run]:
    """Load the data and make the run's folder; by default ``runs/NAME-NUMBER``.

    In the block nobody else writes there. Under ``torchrun`` rank 0 makes it, and all
    ranks load the data. A folder that cannot be used is not left behind.
    """
    ranks.join()
    check_device(plan)
    data = ranks.in_all(lambda: load_data(plan))
    made = new_folder(data.name, out, how_to_go_on)
    with ranks.opened_by_first(made) as folder:
        if ranks.is_first():
            write_summary(folder, plan, data, {"training": {"status": "running"}})
        yield run_of(folder, plan, data)


@contextmanager
def reopen_run(folder: str, module: NamedModule | None = None) -> Generator[Run]:
    """Go on with a run that was interrupted or killed, from its last good checkpoint.

    In the block nobody else writes there. An InputError says that the training has
    ended, that its settings or data are not those it was begun with, or that the module
    that it trains is missing.
    """
    path = Path(folder)
    ranks.join()
    with ranks.opened_by_first(held(path, read_summary)) as summary:
        plan = Plan.from_json(summary["plan"]).with_module(module)
        data = ranks.in_all(lambda: load_data(plan))
        run, status = run_of(path, plan, data), summary["training"]["status"]
        checkpoint, origin = ranks.from_first(lambda: _reached(run, status))
        yield replace(run, checkpoint=checkpoint, origin=origin)


def run_of(folder: Path, plan: Plan, data: Dataset) -> Run:
    """Return the run of a plan on these data, with the fingerprint of its training."""
    return Run(folder, plan, data, fingerprint(plan.trained, data, plan.recipe))


@contextmanager
def held(path: Path, read: Callable[[Path], T]) -> Generator[T]:
    """Be the one writer of a folder, and know what is read there."""
    read(path)  # first: into a wrong folder no lock is put
    with sole_writer(path):
        yield read(path)


def _reached(run: Run, status: str) -> tuple[Checkpoint | None, str]:
    """Return the newest whole checkpoint of a run; and where it goes on, and why there.

    One whose training has ended goes on where a checkpoint is damaged.
    """
    found, damaged = None, list[str]()
    for path in checkpoints_in(run.folder / "checkpoints"):
        try:
            found = checkpoint_in(run, path)
            break
        except DamagedError:
            damaged.append(str(path))
    if status not in UNDER_WAY and not damaged:
        raise InputError(f"{run.folder}: nothing to resume, {how_to_go_on(run.folder)}")
    reason = f"damaged: {', '.join(damaged)}; " if damaged else ""
    if found is None:
        return None, f"{reason or 'no checkpoint yet; '}starting from step 0"
    return found, f"{reason}resuming from step {count(found.state.step)}"


def _named(folder: Path, plan: Plan) -> str:
    return f"{folder} --module {plan.module.target}" if plan.module else f"{folder}"


def how_to_go_on(folder: str | Path, command: str = "run") -> str:
    """Say which command takes a run up where it stands.

    ``command``, ``run`` or ``train``, goes on with a training that has not ended.
    """
    path = Path(folder)
    summary = read_summary(path)
    named = _named(path, Plan.from_json(summary["plan"]))
    status = summary["training"]["status"]
    if status in UNDER_WAY:
        return f"to continue: layerwise {command} --resume {named}"
    return f"its training has {status}; write its page with: layerwise report {named}"


def read_summary(folder: Path) -> dict[str, Any]:
    """Return a run's ``summary.json``; see `read_json` and `as_record`."""
    path = folder / "summary.json"
    wrong = f"{path}: not a run's summary"
    summary = read_json(path, "a run")
    begun = as_record(summary, Begun, wrong)
    if begun["training"]["status"] != "running":
        as_record(summary, Ended, wrong)
    if (engine := begun["training"].get("engine", AUTO)) not in (AUTO, *ENGINES):
        raise DamagedError(f"{wrong}: training.engine: there is no {engine!r}")
    Plan.from_json(begun["plan"], f"{wrong}: plan")
    return summary


@contextmanager
def new_folder(
    name: str, out: str | None, taken_up: Callable[[Path], str]
) -> Generator[Path]:
    """Make an empty folder, ``out`` or ``runs/NAME-NUMBER``, and be its only writer.

    Of one that was made before ``taken_up`` says how it is taken up; it raises an
    InputError where that holds something else. An empty folder is not left behind.
    """
    base = Path("runs" if out is None else out)
    made = [path for path in (base, *base.parents) if not path.exists()]
    try:
        if out is None:
            folder = _claimed(base, plain(name))
            made.insert(0, folder)
        else:
            _check_empty(base, taken_up)
            folder = make_folder(base)
        with sole_writer(folder):
            _check_empty(folder, taken_up)
            yield folder
    finally:
        for path in made:
            with suppress(OSError):  # a folder that holds something stays
                path.rmdir()


def _claimed(parent: Path, name: str) -> Path:
    """Make the first ``NAME-NUMBER`` that is free: no two processes get the same."""
    make_folder(parent)
    number = 1
    while True:
        folder = parent / f"{name}-{number}"
        with machine_errors(folder), suppress(FileExistsError):
            folder.mkdir()
            return folder
        number += 1


def plain(name: str) -> str:
    """Return the name as a folder may be called anywhere."""
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)
    return kept.strip("-") or "data"


def _check_empty(folder: Path, taken_up: Callable[[Path], str]) -> None:
    """Refuse a folder that holds anything but what a killed writer left behind."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"--out {folder} is a file: name a new folder")
    if not all(map(is_leftover, folder.iterdir())):
        advice = "name a new folder"
        with suppress(InputError):
            advice = f"{taken_up(folder)}; or {advice}"
        raise InputError(f"--out {folder} is not empty: {advice}")


def check_device(plan: Plan) -> None:
    """Say before anything is written that the engine or the device is not to be had."""
    recipe = plan.recipe
    task = Task(is_module=plan.module is not None, device=recipe.device)
    engine_kind(task, recipe.engine).check_device(recipe.device)


def checkpoint_in(run: Run, path: Path) -> Checkpoint:
    """Read a checkpoint of a run's training; see `load_checkpoint`."""
    plan = run.plan
    return load_checkpoint(path, plan.trained, run.data, plan.recipe, run.training)
