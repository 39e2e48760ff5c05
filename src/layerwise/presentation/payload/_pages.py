"""What the pages of a run, of a study, of compared runs and of a sweep hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from layerwise.files import json_types
from layerwise.model import Architecture
from layerwise.presentation._colours import class_colours, lighter
from layerwise.presentation._comparison import (
    UNKNOWN,
    ComparedRun,
    Runs,
    figure_table,
    probe_table,
    setting_table,
    settings_of,
)
from layerwise.presentation._report import Report
from layerwise.presentation._sweep import (
    SweepReport,
    axis_value,
    choice_sentence,
    phase_table,
    point_table,
    sweep_sentence,
)
from layerwise.presentation.payload._blocks import Blocks, Json, Payload
from layerwise.presentation.payload._forward import forward_parts
from layerwise.presentation.payload._numbers import (
    charts,
    curves,
    page_table,
    report_tables,
    study_tables,
)
from layerwise.presentation.payload._run import (
    CERTAINTIES,
    StudiedRun,
    cause_part,
    finding_parts,
    remark_part,
    score_part,
)
from layerwise.presentation.payload._samples import Shown
from layerwise.statistics import Share
from layerwise.study import Study
from layerwise.sweeps import DIVERGES, STALLS, WORKS
from layerwise.training import Result
from layerwise.wording import count, number, short, typeset

VERSION = 1
"""Of the contract: that of ``web/src/payload.ts``."""

STRUCTURE = 40
"""Letters of a network's widths."""

FEWEST_COLOURS = 10
"""Lines of charts and values of columns take the classes' colours in turn."""


def report_payload(report: Report) -> Payload:
    """Return what the page of a run holds."""
    blocks, data, study, shown = Blocks(), report.data, report.study, None
    found = _begun("report", data.name, data.class_names)
    run = _trained(report.result)
    findings = [*report.input_study.findings]
    if study is not None:
        shown = Shown.of(study, data)
        seen = StudiedRun(shown, blocks)
        run |= seen.content()
        run |= forward_parts(report.result, study, seen.squares, blocks)
        found |= _studied(shown, blocks)
        findings = [*study.findings, *findings]
    run["findings"] = [
        *map(remark_part, data.remarks),
        *map(cause_part, report.diagnosis.causes),
        *finding_parts(shown, findings),
    ]
    found["runs"] = [run]
    found["tables"] = [*report_tables(report)]
    found["facts"] = [
        ["to reproduce", report.command],
        *([name, typeset(value)] for name, value in _settings(report.result)),
        ["device", report.environment["device"]],
        *([n, v] for n, v in report.environment.items() if n != "device"),
    ]
    told = "how training went" if study is None else "what each layer knows"
    return Payload(f"{found['name']}: {told}", found, blocks.texts)


def result_payload(result: Result) -> Payload:
    """Return what the page of a training alone holds: its curves and settings."""
    found = _begun("report", result.data.name, result.data.class_names)
    found |= {"runs": [_trained(result)], "tables": []}
    found["facts"] = [*map(list, _settings(result))]
    return Payload(f"{found['name']}: how training went", found)


def study_payload(study: Study, command: str = "") -> Payload:
    """Return what the page of a study alone holds: no training, no data beside it."""
    blocks, shown = Blocks(), Shown.of(study)
    found = _begun("report", study.name, study.class_names)
    run = _unknown(study.name, []) | StudiedRun(shown, blocks).content()
    run["findings"] = [*finding_parts(shown, study.findings)]
    found |= _studied(shown, blocks) | {"runs": [run]}
    found["tables"] = [*study_tables(study)]
    found["facts"] = [["to reproduce", command]] if command else []
    return Payload(f"{found['name']}: what each layer knows", found, blocks.texts)


def _unknown(name: str, charts: list[Json]) -> Json:
    """Return a run of whose layers nothing is known."""
    inside: Json = {key: [] for key in ("layers", "snapshots", "bases", "findings")}
    return inside | {"name": short(name, 60), "charts": charts}


def _trained(result: Result) -> Json:
    """Return a training as a run: its curves, its accuracy, how it ended."""
    run = _unknown(result.data.name, charts(result))
    if np.isfinite(result.test.loss):
        right = Share.of(result.test.accuracy, len(result.data.test))
        run["accuracy"] = score_part(right)
    if warning := _warning(result):
        run["warning"] = warning
    return run


def comparison_payload(runs: Runs, links: Sequence[str | None] = ()) -> Payload:
    """Return what the page of compared runs holds.

    The samples are those of the first run that has a study; of others that were studied
    on other samples there are figures and curves, and why there are no scatters. Links
    lead to each run's own page, if it has one.
    """
    blocks = Blocks()
    studied = next((run.study for run in runs if run.study is not None), None)
    first = runs[0].summary["data"]
    names = first["classes"] if studied is None else studied.class_names
    found = _begun("compare", _named(runs), names)
    differing = settings_of(runs, differing=True)
    shown = None if studied is None else Shown.of(studied)
    if shown is not None:
        found |= _sampled(shown, blocks)
    found["runs"] = []
    for place, run in enumerate(runs):
        part = _compared(run, shown, blocks)
        own = ((name, values[place]) for name, values in differing.items())
        part["settings"] = [
            [name, short(value, 60)] for name, value in own if value != UNKNOWN
        ]
        if place < len(links) and links[place]:
            part["href"] = links[place]
        found["runs"].append(part)
    tables = [
        ("figures", "Results", figure_table(runs)),
        ("differing", "Different settings", setting_table(runs)),
        ("probes", "Linear-probe accuracy of each layer", probe_table(runs)),
        ("common", "Common settings", setting_table(runs, differing=False)),
    ]
    found["tables"] = [
        page_table(*own, place="compare", opened=own[0] != "common")
        for own in tables
        if own[2].body
    ]
    title = f"{found['name']}: {len(runs)} runs compared"
    return Payload(title, found | {"facts": []}, blocks.texts)


def _compared(run: ComparedRun, shown: Shown | None, blocks: Blocks) -> Json:
    training, samples = run.summary["training"], run.summary["data"]["samples"]
    lines = curves(run.history, samples["train"], training["batch_size"])
    part = _unknown(run.name, lines)
    status, study = training["status"], run.study
    warnings = ["" if status == "finished" else status, run.warning]
    if study is not None and shown is not None and _same_samples(study, shown.study):
        own = Shown(study, shown.positions, shown.others)
        part |= StudiedRun(own, blocks).content()
        part["findings"] = [*finding_parts(own, study.findings)]
    elif study is not None:
        warnings.append("no scatter plots: studied on other samples")
    if any(warnings):
        part["warning"] = "; ".join(filter(None, warnings))
    if "accuracy" not in part and training["test_loss"] is not None:
        right = Share.of(training["test_accuracy"], samples["test"])
        part["accuracy"] = score_part(right)
    return part


def _same_samples(study: Study, other: Study) -> bool:
    """Return whether two studies show the same samples.

    A module may have been given them in another form: told is it by rows and labels.
    """
    first, second = study.origins, other.origins
    return (
        np.array_equal(study.targets, other.targets)
        and np.array_equal(study.shown, other.shown)
        and (not first or not second or np.array_equal(first.rows, second.rows))
    )


def _named(runs: Runs) -> str:
    names = {run.summary["data"]["name"] for run in runs}
    return names.pop() if len(names) == 1 else "several sets"


def sweep_payload(
    report: SweepReport, links: Mapping[tuple[int, int], str] | None = None
) -> Payload:
    """Return what the page of a sweep holds.

    Links lead from cells, by row and column, to the pages of runs that were kept.
    """
    sweep = report.sweep
    diagram = sweep.phases()
    rows, columns = diagram.rows, diagram.columns
    best = diagram.place(report.best) if report.best else None
    cells: list[Json] = []
    for (row, column), phase in diagram.cells.items():
        cell: Json = {
            "row": row,
            "column": column,
            "accuracy": json_types(phase.validation_accuracy),
            "works": phase.counts[WORKS],
            "stalled": phase.counts[STALLS],
            "diverged": phase.counts[DIVERGES],
        }
        if (row, column) == best:
            cell["best"] = True
        if links and (row, column) in links:
            cell["href"] = links[row, column]
        cells.append(cell)
    found = _begun("sweep", sweep.name, ())
    found["sweep"] = {
        "sentences": [typeset(choice_sentence(report)), typeset(sweep_sentence(sweep))],
        "columns": {"name": columns.name, "values": [*map(axis_value, columns.values)]},
        "cells": cells,
    }
    if rows is not None:
        values = [*map(axis_value, rows.values)]
        found["sweep"]["rows"] = {"name": rows.name, "values": values}
    tables = [
        ("phases", "Where training works, as a table", phase_table(sweep)),
        ("points", "Result of each training", point_table(sweep)),
    ]
    found["tables"] = [page_table(*own) for own in tables]
    facts = [*report.settings.items(), *report.environment.items()]
    found["facts"] = [["to reproduce", report.command], *map(list, facts)]
    title = f"{found['name']}: a sweep of {len(sweep.points)} trainings"
    return Payload(title, found | {"runs": []})


def _begun(kind: str, name: str, class_names: Iterable[str]) -> Json:
    names = [short(name, 60) for name in class_names]
    light = class_colours(max(len(names), FEWEST_COLOURS))
    return {
        "version": VERSION,
        "kind": kind,
        "name": short(name, 60),
        "certainties": CERTAINTIES,
        "classes": {
            "names": names,
            "light": [*light],
            "dark": [lighter(colour) for colour in light],
        },
    }


def _sampled(shown: Shown, blocks: Blocks) -> Json:
    found = {"samples": shown.samples(blocks), "suspects": shown.suspects()}
    others = shown.other_samples(blocks)
    return found if others is None else found | {"others": others}


def _studied(shown: Shown, blocks: Blocks) -> Json:
    return _sampled(shown, blocks) | {"structure": _structure(shown.study)}


def _structure(study: Study) -> str:
    widths = [count(layer.units) for layer in study]
    text = " → ".join(widths)
    while len(text) > STRUCTURE and len(widths) > 2:
        del widths[len(widths) // 2]
        half = len(widths) - len(widths) // 2
        text = " → ".join([*widths[:half], "…", *widths[half:]])
    return text


def _warning(result: Result) -> str:
    status, losses = result.status, result.history.losses
    if status == "diverged":
        finite = losses[np.isfinite(losses)]
        last = f"; the step before, {number(float(finite[-1]))}" if len(finite) else ""
        return (
            f"The training diverged: at step {count(len(losses))} the loss was no "
            f"longer finite{last}. Layers were not studied; a smaller learning rate or "
            "another initialisation may help."
        )
    if status == "interrupted":
        return (
            f"The training was interrupted after {count(len(losses))} steps; the "
            "results are of the network at that step."
        )
    return ""


def _settings(result: Result) -> list[tuple[str, str]]:
    architecture = result.network.architecture
    what = [("network", repr(architecture))]
    if not isinstance(architecture, Architecture):
        what = [("network", repr(architecture.module)), ("loss", architecture.loss)]
    settings: dict[str, Any] = asdict(result.recipe) | {"engine": result.engine}
    del settings["device"]
    return [
        *what,
        ("scaling", result.network.scaling.kind),
        *(
            (name.replace("_", " "), "none" if value is None else str(value))
            for name, value in settings.items()
        ),
    ]
