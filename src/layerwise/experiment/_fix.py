"""A run's diagnosis, and the run that comes of making the change it names."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from layerwise.diagnosis import Fixed, Setup, diagnose, fix
from layerwise.errors import InputError
from layerwise.experiment._folder import Run, open_run
from layerwise.experiment._path import write_training
from layerwise.model import MLP, Architecture
from layerwise.training import Progress, Result


def fix_run(
    run: Run,
    result: Result,
    out: str | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> tuple[Run | None, Fixed]:
    """Fix a run's training and write the best into a folder of its own.

    Changes of the data itself cannot be asked for again by a command: they are tried,
    and left to the user to make. There is no new run then, nor where no training was
    better; else it is by default ``RUN-fixed-NUMBER`` beside the old one.
    """
    fixed = fix(run.setup, result, baselines=run.baselines, watch=watch)
    is_ours = fixed.setup.data.train is run.data.train
    if fixed.result is result or not is_ours:
        return None, fixed
    best = fixed.setup
    named = run.plan.module
    if isinstance(best.architecture, MLP):
        trained: dict[str, Any] = {"architecture": best.architecture}
    elif named is not None and not isinstance(best.architecture, Architecture):
        trained = {"module": replace(named, loss=best.architecture.loss)}
    else:
        raise InputError(f"{run.folder}: its network cannot be asked for by a command")
    plan = replace(run.plan, **trained, recipe=best.recipe, scaling=_scaling(best, run))
    with open_run(plan, out or _beside(run.folder)) as new:
        write_training(new, fixed.result, diagnose(fixed.result, run.baselines))
    return new, fixed


def _scaling(best: Setup, run: Run) -> str | None:
    """Return the scaling to ask for, so that the run's data get the best one's."""
    found, before = best.data.scaling, run.data.scaling
    if not isinstance(best.architecture, Architecture):
        found, before = best.architecture.scaling, run.plan.given_scaling
    return run.plan.scaling if found == before else found


def _beside(folder: Path) -> str:
    """Return the first of ``FOLDER-fixed-1``, … that is free."""
    if folder.name in ("", ".."):  # . and .. are no beginning of a name
        folder = folder.resolve()
    names = (f"{folder}-fixed-{number}" for number in itertools.count(1))
    return next(name for name in names if not Path(name).exists())
