"""Runs beside each other: the record, and its tables."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, TypeAlias

from layerwise.presentation._report import Table
from layerwise.study import Study
from layerwise.training import History
from layerwise.wording import count, duration, number, percent, percent_of, short

UNKNOWN = "–"

FIGURES: Mapping[str, tuple[str, str, Callable[[Any], str]]] = MappingProxyType(
    {
        "status": ("training", "status", str),
        "diagnosis": ("training", "diagnosis", str),
        "parameters": ("network", "parameters", count),
        "epochs": ("training", "epochs", count),
        "steps": ("training", "steps", count),
        "time": ("training", "seconds", duration),
        "train loss": ("training", "train_loss", number),
        "train accuracy": ("training", "train_accuracy", percent),
        "validation loss": ("training", "validation_loss", number),
        "validation accuracy": ("training", "validation_accuracy", percent),
        "test loss": ("training", "test_loss", number),
        "test accuracy": ("training", "test_accuracy", percent),
    }
)
"""What a training came to: where a summary has it, and how it is written. A new figure
of a summary is a line here."""

LEFT_OUT = {
    "inputs", "outputs", "layers", *(name for _, name, _ in FIGURES.values()),
    "steps_per_second", "smallest_step_loss", "largest_step_loss",
} - {"epochs"}  # fmt: skip
"""Keys of a summary's network and training that are no settings."""


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """A run that has ended.

    Parameters
    ----------
    name : str
        What tells it from the others.
    summary : mapping
        Its ``summary.json``.
    history : History
    study : Study or None
        Of its network; None where there is none, or it was not asked for.
    folder : str
        Where it is; empty where that is not known.
    warning : str
        What of it cannot be shown, and why; empty where all can.
    """

    name: str
    summary: Mapping[str, Any]
    history: History
    study: Study | None = None
    folder: str = ""
    warning: str = ""

    @property
    def settings(self) -> dict[str, str]:
        """What was trained on, what, and how."""
        data, plan = self.summary["data"], self.summary["plan"]
        chosen = {
            "data": plan["data"],
            "samples": count(data["samples"]["train"]),
            "scaling": data["scaling"],
            **self.summary["network"],
            **self.summary["training"],
            "epochs": _planned(plan),
        }
        return {
            name.replace("_", " "): _written(value)
            for name, value in chosen.items()
            if name not in LEFT_OUT
        }

    def figure(self, name: str) -> Any:
        """Return one of the `FIGURES` as the summary has it; None where it lacks it."""
        part, key, _ = FIGURES[name]
        return self.summary.get(part, {}).get(key)

    @property
    def probes(self) -> list[tuple[str, float]]:
        """Every layer with the accuracy of its linear probe, the input first."""
        inside = self.summary.get("layers") or []
        layers = [self.summary["input"], *inside] if inside else []
        return [(layer["name"], _share(layer["probe_accuracy"])) for layer in layers]


Runs: TypeAlias = tuple[ComparedRun, ...]
"""Runs beside each other, in the order in which they were named."""


def settings_of(runs: Runs, *, differing: bool) -> dict[str, tuple[str, ...]]:
    """Return the settings that differ, or those that do not, of every run."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    values = {
        name: tuple(run.settings.get(name, UNKNOWN) for run in runs) for name in names
    }
    return {n: v for n, v in values.items() if (len(set(v)) > 1) == differing}


def comparison_summary(runs: Runs) -> dict[str, Any]:
    """Return what is compared as JSON's types."""
    differing = settings_of(runs, differing=True)
    return {
        "runs": [run.name for run in runs],
        "differing": {name: list(values) for name, values in differing.items()},
        "figures": {name: [run.figure(name) for run in runs] for name in FIGURES},
        "probes": [
            [{"layer": layer, "accuracy": share} for layer, share in run.probes]
            for run in runs
        ],
    }


def setting_table(runs: Runs, *, differing: bool = True) -> Table:
    """Return the settings that differ, or those that do not, a column for each run."""
    found = settings_of(runs, differing=differing)
    return Table(
        ("setting", *_names(runs)),
        [
            (name, *(short(value, 24) for value in values))
            for name, values in found.items()
        ],
    )


def figure_table(runs: Runs) -> Table:
    """Return what the trainings came to, a column for each run."""
    body = [(name, *(_figure(run, name) for run in runs)) for name in FIGURES]
    return Table(("", *_names(runs)), body)


def _figure(run: ComparedRun, name: str) -> str:
    value, (_, key, write) = run.figure(name), FIGURES[name]
    if value is None:
        return UNKNOWN
    scored, accuracy, _ = key.partition("_accuracy")
    if not accuracy:
        return write(value)
    return percent_of(value, run.summary["data"]["samples"][scored])


def probe_table(runs: Runs) -> Table:
    """Return what a linear probe reads from every layer, a column for each run.

    The layers are numbered, the input being 0; the output is the last of each.
    """
    columns = [[percent(share) for _, share in run.probes] for run in runs]
    rows = zip_longest(*columns, fillvalue="")
    body = [(f"layer {n}" if n else "input", *row) for n, row in enumerate(rows)]
    return Table(("probe accuracy", *_names(runs)), body)


def _names(runs: Runs) -> list[str]:
    return [short(run.name, 24) for run in runs]


def _share(value: float | None) -> float:
    """Return a share; JSON has null where it has no meaning."""
    return math.nan if value is None else value


def _planned(plan: Mapping[str, Any]) -> str:
    """Return the epochs that were asked for; those that were done are a figure."""
    epochs = plan.get("recipe", {}).get("epochs")
    return "by the data" if epochs is None else count(epochs)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        widths = list(value)
        if len(widths) > 1 and len(set(widths)) == 1:
            return f"{widths[0]}x{len(widths)}"
        return ",".join(map(str, widths)) or "none"
    return UNKNOWN if value is None else str(value)
