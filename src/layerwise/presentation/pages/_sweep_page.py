"""The page and the tables of a sweep."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from layerwise.presentation._tables import Table
from layerwise.presentation._text import duration
from layerwise.presentation.figures import averaged_over, axis_value, phase_diagram, png
from layerwise.presentation.pages._template import illustrated, rendered
from layerwise.sweeps import OUTCOMES, Phase, Sweep, SweepPoint
from layerwise.wording import count, listed, number, percent

__all__ = [
    "SweepReport",
    "choice_sentence",
    "draw_sweep",
    "phase_table",
    "sweep_page",
    "sweep_sentence",
]

LETTERS = dict(zip(OUTCOMES, ("", "s", "d"), strict=True))


@dataclass(frozen=True, eq=False)
class SweepReport:
    """Everything that the page of a sweep tells.

    Parameters
    ----------
    sweep : Sweep
        Done.
    best : SweepPoint or None
        The training that was chosen; None where everything diverged.
    test_accuracy : float
        Of the network that was chosen, scored once; NaN where there is none.
    settings : mapping of str to str
        What the trainings have in common.
    environment : mapping of str to str
        What the figures depend on.
    command : str
        What to type to get this again.
    """

    sweep: Sweep
    best: SweepPoint | None
    test_accuracy: float
    settings: Mapping[str, str]
    environment: Mapping[str, str]
    command: str


def draw_sweep(sweep: Sweep) -> dict[str, bytes]:
    """Draw the figure of a sweep as PNG, by its name, ``phases``."""
    return {"phases": png(phase_diagram(sweep))}


def sweep_page(report: SweepReport, figures: Mapping[str, bytes]) -> str:
    """Return the page on a sweep as HTML; ``figures`` are those of `draw_sweep`."""
    sweep = report.sweep
    return rendered(
        "sweep.html.jinja",
        title=f"{sweep.name}: {listed([axis.name for axis in sweep.axes])}",
        report=report,
        images=illustrated(figures, {"phases": _alternative(sweep)}),
        choice=choice_sentence(report),
        sentence=sweep_sentence(sweep),
        averaged=averaged_over(sweep.phases()),
        phases=phase_table(sweep),
        points=_point_table(sweep),
    )


def choice_sentence(report: SweepReport) -> str:
    """Say what was chosen, by what, and how it does on the test set."""
    if report.best is None:
        return "Every training diverged: there is nothing to choose."
    accuracy = percent(report.best.validation_accuracy, 2)
    return (
        f"Chosen by the validation set: {_settings(report.best)} ({accuracy} right "
        f"there). Its test accuracy is {percent(report.test_accuracy, 2)}; no other "
        "training has seen the test set."
    )


def sweep_sentence(sweep: Sweep) -> str:
    """Say how many trainings there were and what became of them."""
    outcomes = [point.outcome for point in sweep.points]
    parts = [
        f"{count(outcomes.count(name))} {name}" for name in OUTCOMES if name in outcomes
    ]
    seconds = sum(point.seconds for point in sweep.points)
    return (
        f"Of {count(len(sweep.points))} trainings, {duration(seconds)} of work, "
        f"{listed([_plural(part) for part in parts])}. A training stalls that does not "
        "come half the way from the commonest class's share to all training samples "
        "right; it diverges where a loss or a parameter is no longer finite."
    )


def phase_table(sweep: Sweep) -> Table:
    """Return the phase diagram as a table, its longer axis downwards.

    In a cell stands the mean validation accuracy in percent, and how many trainings
    stall (s) and diverge (d).
    """
    diagram = sweep.phases()
    columns, rows = diagram.columns, diagram.rows
    head = columns.name if rows is None else f"{columns.name}, {rows.name}"
    across = [axis_value(v) for v in rows.values] if rows else ["validation / %"]
    body = [
        (axis_value(value), *(_phase(cells[place]) for cells in diagram.cells))
        for place, value in enumerate(columns.values)
    ]
    return Table((head, *across), body)


def _phase(phase: Phase) -> str:
    total = sum(phase.counts.values())
    marks = [
        letter if total == 1 else f"{phase.counts[outcome]}{letter}"
        for outcome, letter in LETTERS.items()
        if letter and phase.counts[outcome]
    ]
    accuracy = percent(phase.validation_accuracy).removesuffix(" %")
    return " ".join([accuracy, *marks])


def _point_table(sweep: Sweep) -> Table:
    names = [axis.name for axis in sweep.axes]
    head = (*names, "outcome", "epochs", "train / %", "validation / %", "loss", "time")
    return Table(
        head,
        [
            (
                *(axis_value(point.settings[name]) for name in names),
                point.outcome,
                count(point.epochs),
                percent(point.train_accuracy).removesuffix(" %"),
                percent(point.validation_accuracy).removesuffix(" %"),
                _known(point.validation_loss),
                duration(point.seconds),
            )
            for point in sweep.points
        ],
    )


def _alternative(sweep: Sweep) -> str:
    diagram = sweep.phases()
    table = phase_table(sweep)
    said = [f"{row[0]}: {listed(list(row[1:]))}" for row in table.body[:20]]
    across = f" for each {diagram.rows.name}" if diagram.rows else ""
    return (
        f"Table of the mean validation accuracy in percent by {diagram.columns.name}"
        f"{across}; s stalls, d diverges. {'; '.join(said)}."
    )


def _settings(point: SweepPoint) -> str:
    """Write what was chosen, and apart from it the seed, which is chance."""
    said = {name: f"{name} {axis_value(v)}" for name, v in point.settings.items()}
    seed = said.pop("seed", "")
    if not said or not seed:
        return listed(list(said.values())) or seed
    return f"{listed(list(said.values()))}, the best over all seeds, of which {seed}"


def _plural(part: str) -> str:
    """Return "1 works", "2 work"."""
    return part if part.startswith("1 ") else part.removesuffix("s")


def _known(value: float) -> str:
    return number(value) if math.isfinite(value) else "–"
