"""The end of a sweep: a choice, its test accuracy, a table, a figure and a page."""

import math
import shlex
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from layerwise.experiment._folder import UNDER_WAY, open_run, read_summary, reopen_run
from layerwise.experiment._path import finish, report_again, train
from layerwise.experiment._plan import Plan
from layerwise.experiment._summary import environment
from layerwise.experiment._sweep import SweepRun, in_workers_of, write_sweep
from layerwise.experiment._vary import varied
from layerwise.files import csv_text, json_types, write_atomically
from layerwise.presentation import SweepReport, page, sweep_payload
from layerwise.sweeps import Sweep, SweepPoint


def finish_sweep(
    run: SweepRun,
    sweep: Sweep,
    *,
    keep_runs: bool = False,
    workers: int | None = None,
    watch: Callable[[int, int], None] | None = None,
) -> tuple[SweepReport, dict[str, Any]]:
    """Choose by the validation set, and draw; the network chosen becomes a run.

    That run is in the sweep's folder and is called ``best``. It is trained again, which
    gives the same network, and is the only one that the test set is shown to, unless
    others are kept: after the choice. With ``keep_runs`` the best training of every
    other cell of the phase diagram becomes a run too: ``runs/7`` is the seventh
    training of the table. ``watch`` is told how many of them are done, and of how many.

    Returns the report and what ``summary.json`` holds. If that training is interrupted,
    that is a KeyboardInterrupt.
    """
    best = sweep.best()
    chosen = _trained_again(run, (best, "best")) if best else {}
    kept = _others(sweep) if keep_runs else {}
    again = partial(_trained_again, run)
    for done, _ in enumerate(in_workers_of(run, again, [*kept.values()], workers), 1):
        if watch:
            watch(done, len(kept))
    report = SweepReport(
        sweep=sweep,
        best=best,
        test_accuracy=chosen.get("test_accuracy", math.nan),
        settings=_common(run.plan, sweep),
        environment=environment(),
        command=_command(run.plan, sweep),
    )
    write_atomically(run.folder / "sweep.csv", _csv(sweep).encode())
    links = {cell: f"{folder}/report.html" for cell, (_, folder) in kept.items()}
    if best:
        links[sweep.phases().place(best)] = "best/report.html"
    html = page(sweep_payload(report, links))
    write_atomically(run.folder / "report.html", html.encode())
    summary = write_sweep(
        run,
        sweep,
        "finished",
        {"settings": dict(best.settings), "folder": "best"} | chosen if best else None,
        [{"settings": p.settings, "folder": folder} for p, folder in kept.values()],
    )
    return report, summary


def _others(sweep: Sweep) -> dict[tuple[int, int], tuple[SweepPoint, str]]:
    """Return the best training of each cell but the one chosen, and its folder."""
    best, diagram = sweep.best(), sweep.phases()
    taken = diagram.place(best) if best else None
    return {
        place: (phase.best, f"runs/{sweep.points.index(phase.best) + 1}")
        for place, phase in diagram.cells.items()
        if phase.best is not None and place != taken
    }


def _trained_again(run: SweepRun, kept: tuple[SweepPoint, str]) -> dict[str, Any]:
    """Train a network as a run of its own, in a folder, and return its figures."""
    point, folder = kept[0], run.folder / kept[1]
    begun = (folder / "summary.json").exists()
    if not begun or read_summary(folder)["training"]["status"] in UNDER_WAY:
        plan = varied(run.plan, point.settings)
        opened = reopen_run(str(folder)) if begun else open_run(plan, str(folder))
        with opened as chosen:
            result, diagnosis = train(chosen)
            if result.status == "interrupted":
                raise KeyboardInterrupt
            finish(chosen, result, diagnosis)
    elif not (folder / "report.html").exists():
        report_again(str(folder))
    training = read_summary(folder)["training"]
    names = ("validation_accuracy", "validation_loss", "test_accuracy", "test_loss")
    return {name: training[name] for name in names}


def _common(plan: Plan, sweep: Sweep) -> dict[str, str]:
    """Return the settings that all trainings have in common."""
    settings = {
        **asdict(plan.architecture),
        **asdict(plan.recipe),
        "scaling": plan.scaling,
    }
    axes = {axis.name.replace("-", "_") for axis in sweep.axes}
    if axes & {"depth", "width"}:
        axes.add("hidden")
    return {
        name.replace("_", " "): "by the data" if value is None else str(value)
        for name, value in settings.items()
        if name not in axes
    }


def _command(plan: Plan, sweep: Sweep) -> str:
    alone = plan.command().replace("layerwise run", "layerwise sweep", 1)
    varied_in = [
        shlex.join(["--vary", f"{axis.name}={','.join(map(_text, axis.values))}"])
        for axis in sweep.axes
    ]
    return " ".join([alone, *varied_in])


def _csv(sweep: Sweep) -> str:
    """Return a row for each training; what is not finite stays empty."""
    figures = [
        "status", "outcome", "epochs", "steps", "train_loss", "train_accuracy",
        "validation_loss", "validation_accuracy", "seconds",
    ]  # fmt: skip
    rows = [
        {name: _text(value) for name, value in point.settings.items()}
        | {name: json_types(getattr(point, name)) for name in figures}
        for point in sweep.points
    ]
    return csv_text([*(axis.name for axis in sweep.axes), *figures], rows, end="\n")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
