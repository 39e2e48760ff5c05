"""The end of a sweep: a choice, its test accuracy, a table, a figure and a page."""

import csv
import io
import math
import shlex
from dataclasses import asdict
from typing import Any

from layerwise.experiment._folder import open_run, read_summary, reopen_run
from layerwise.experiment._path import finish, report_again, train
from layerwise.experiment._plan import Plan
from layerwise.experiment._summary import environment
from layerwise.experiment.sweeping._sweep import SweepRun, write_sweep
from layerwise.experiment.sweeping._vary import varied
from layerwise.files import write_atomically
from layerwise.presentation import SweepReport, sweep_page
from layerwise.sweeps import Sweep, SweepPoint


def finish_sweep(run: SweepRun, sweep: Sweep) -> tuple[SweepReport, dict[str, Any]]:
    """Choose by the validation set, and draw; the network chosen becomes a run.

    That run is in the sweep's folder and is called ``best``. It is trained again, which
    gives the same network (to rounding, if many were trained at once), and is the only
    one that the test set is shown to.

    Parameters
    ----------
    run : SweepRun
    sweep : Sweep
        All of it done.

    Returns
    -------
    report : SweepReport
    summary : dict
        What ``summary.json`` holds.

    Raises
    ------
    KeyboardInterrupt
        If that training was interrupted.
    MachineError
        If a file cannot be written.
    """
    best = sweep.best()
    chosen = _trained_again(run, best) if best else {}
    report = SweepReport(
        sweep=sweep,
        best=best,
        test_accuracy=chosen.get("test_accuracy", math.nan),
        settings=_common(run.plan, sweep),
        environment=environment(),
        command=_command(run.plan, sweep),
    )
    write_atomically(run.folder / "sweep.csv", _csv(sweep).encode())
    page = sweep_page(report, _links(report))
    write_atomically(run.folder / "report.html", page.encode())
    kept = {"settings": dict(best.settings), "folder": "best"} if best else {}
    summary = write_sweep(run, sweep, "finished", (kept | chosen) or None)
    return report, summary


def _links(report: SweepReport) -> dict[tuple[int, int], str]:
    """Return which cell of the diagram leads to a page: that of the setting chosen."""
    if report.best is None:
        return {}
    diagram, chosen = report.sweep.phases(), report.best.settings
    axes = (diagram.rows, diagram.columns)
    row, column = (a.values.index(chosen[a.name]) if a else 0 for a in axes)
    return {(row, column): "best/report.html"}


def _trained_again(run: SweepRun, best: SweepPoint) -> dict[str, Any]:
    """Train the chosen network as a run of its own and return its figures."""
    folder = run.folder / "best"
    begun = (folder / "summary.json").exists()
    if not begun or read_summary(folder)["training"]["status"] != "finished":
        plan = varied(run.plan, best.settings)
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
    varied_in = [
        f"--vary {axis.name}={','.join(_text(value) for value in axis.values)}"
        for axis in sweep.axes
    ]
    alone = plan.command().replace("layerwise run", "layerwise sweep", 1)
    return " ".join([alone, *(shlex.join(shlex.split(part)) for part in varied_in)])


def _csv(sweep: Sweep) -> str:
    """Return a row for each training; what is not finite stays empty."""
    axes = [axis.name for axis in sweep.axes]
    figures = [
        "status", "outcome", "epochs", "steps", "train_loss", "train_accuracy",
        "validation_loss", "validation_accuracy", "seconds",
    ]  # fmt: skip
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*axes, *figures])
    for point in sweep.points:
        found = [_finite(getattr(point, name)) for name in figures]
        writer.writerow([*(_text(point.settings[name]) for name in axes), *found])
    return table.getvalue()


def _finite(value: Any) -> Any:
    return "" if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
