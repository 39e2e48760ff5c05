"""A sweep: the record of what its page tells, its tables and sentences."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from layerwise.presentation._report import Table
from layerwise.sweeps import (
    DIVERGES,
    OUTCOMES,
    STALLS,
    Phase,
    PhaseDiagram,
    Setting,
    Sweep,
    SweepPoint,
)
from layerwise.wording import count, duration, known, listed, percent, short

LETTERS = {STALLS: "s", DIVERGES: "d"}


@dataclass(frozen=True, eq=False)
class SweepReport:
    """Everything that the page of a sweep tells.

    The best is the training that was chosen, and the test accuracy that of its network,
    scored once: None and NaN where everything diverged. The settings are those that the
    trainings have in common; environment and command are a `Report`'s.
    """

    sweep: Sweep
    best: SweepPoint | None
    test_accuracy: float
    settings: Mapping[str, str]
    environment: Mapping[str, str]
    command: str


def choice_sentence(report: SweepReport) -> str:
    """Say what was chosen, by what, and how it does on the test set."""
    if report.best is None:
        return "Every training diverged: there is nothing to choose."
    return (
        f"Best validation accuracy: {_settings(report.best)} "
        f"({percent(report.best.validation_accuracy)}). Its test accuracy is "
        f"{percent(report.test_accuracy)}; no other training was scored on the test "
        "set."
    )


def sweep_sentence(sweep: Sweep) -> str:
    """Say how many trainings there were and what became of them."""
    outcomes = Counter(point.outcome for point in sweep.points)
    parts = [
        f"{count(many)} {name if many == 1 else name.removesuffix('s')}"
        for name in OUTCOMES
        if (many := outcomes[name])
    ]
    seconds = sum(point.seconds for point in sweep.points)
    return (
        f"{count(len(sweep.points))} trainings, {duration(seconds)} in all: "
        f"{listed(parts)}. A training stalls if its "
        "training accuracy stays below halfway between the majority class and 100 %; "
        "it diverges if a loss or a parameter is no longer finite."
    )


def averaged_over(diagram: PhaseDiagram) -> str:
    """Say over which other axes the cells are means, nothing where over none.

    >>> from layerwise.sweeps import PhaseDiagram, Axis
    >>> seeds = Axis("seed", (0, 1))
    >>> averaged_over(PhaseDiagram(Axis("depth", (1,)), None, (seeds,), {}))
    'mean over 2 values of seed'
    """
    if not diagram.others:
        return ""
    said = [f"{len(axis.values)} values of {axis.name}" for axis in diagram.others]
    return f"mean over {listed(said)}"


def axis_value(value: Setting) -> str:
    """Write a value of an axis."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else short(str(value), 14)


def phase_table(sweep: Sweep) -> Table:
    """Return the phase diagram as a table, its longer axis downwards.

    In a cell stands the mean validation accuracy in percent, and how many trainings
    stall (s) and diverge (d).
    """
    diagram = sweep.phases()
    columns, rows = diagram.columns, diagram.rows
    head = columns.name if rows is None else f"{columns.name}, {rows.name}"
    across = [axis_value(v) for v in rows.values] if rows else ["validation (%)"]
    body = [
        (axis_value(v), *(_phase(diagram.cells[row, at]) for row in range(len(across))))
        for at, v in enumerate(columns.values)
    ]
    return Table((head, *across), body)


def _phase(phase: Phase) -> str:
    total = sum(phase.counts.values())
    marks = [
        letter if total == 1 else f"{phase.counts[outcome]}{letter}"
        for outcome, letter in LETTERS.items()
        if phase.counts[outcome]
    ]
    accuracy = percent(phase.validation_accuracy).removesuffix(" %")
    return " ".join([accuracy, *marks])


def point_table(sweep: Sweep) -> Table:
    """Return what each training came to, a row for each."""
    names = [axis.name for axis in sweep.axes]
    head = (*names, "outcome", "epochs", "train (%)", "validation (%)", "loss", "time")
    return Table(
        head,
        [
            (
                *(axis_value(point.settings[name]) for name in names),
                point.outcome,
                count(point.epochs),
                percent(point.train_accuracy).removesuffix(" %"),
                percent(point.validation_accuracy).removesuffix(" %"),
                known(point.validation_loss),
                duration(point.seconds),
            )
            for point in sweep.points
        ],
    )


def _settings(point: SweepPoint) -> str:
    """Write what was chosen, and apart from it the seed, which is chance."""
    said = {name: f"{name} {axis_value(v)}" for name, v in point.settings.items()}
    seed = said.pop("seed", "")
    if not said or not seed:
        return listed(list(said.values())) or seed
    return f"{listed(list(said.values()))}, best over all seeds with {seed}"
