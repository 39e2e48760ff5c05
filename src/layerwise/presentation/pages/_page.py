"""The page: one HTML file that opens offline, runs nothing and asks for nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial

import numpy as np

from layerwise.model import Architecture
from layerwise.presentation._report import Report
from layerwise.presentation._tables import (
    THIS_NETWORK,
    baseline_table,
    class_table,
    score_table,
    statistics_table,
)
from layerwise.presentation._text import MANY, duration, short, speed
from layerwise.presentation.figures import OF_INPUTS, OF_TRAINING, draw_all
from layerwise.presentation.pages._study_page import found, headline, inside_sections
from layerwise.presentation.pages._template import Part, Section, rendered, shown
from layerwise.wording import count, listed, number, percent

__all__ = ["page"]


def page(report: Report, figures: Mapping[str, bytes] | None = None) -> str:
    """Return the page on a report.

    It holds everything it shows. Names from the data are text and nothing else: they
    are escaped, and the page's own policy forbids scripts, requests and foreign styles.

    Parameters
    ----------
    report : Report
    figures : mapping of str to PNG images, optional
        What `draw_all` drew of the same report, so that nothing is drawn twice.

    Returns
    -------
    str
        HTML, to be written as UTF-8.
    """
    images = draw_all(report) if figures is None else figures
    header = [_headline(report)]
    if warning := _warning(report):
        header.append(("paragraph", warning, "warning"))
    header += [("paragraph", remark, "warning") for remark in report.data.remarks]
    return rendered(
        "what each layer knows",
        f"{report.data.name}: what each layer knows",
        header,
        [*_sections(report, images)],
    )


def _sections(report: Report, images: Mapping[str, bytes]) -> Iterator[Section]:
    study = report.study
    yield _data_section(report, images)
    if study is not None:
        yield Section("found", "What was found", [found(study.findings)])
    yield _training_section(report, images)
    if study is not None:
        yield from inside_sections(study, images, report.data.feature_names)
    made = [
        ("command", report.command),
        ("heading", "Settings"),
        ("settings", _settings(report)),
        ("heading", "Environment"),
        ("settings", report.environment.items()),
    ]
    yield Section("made", "How it was made", made)


def _data_section(report: Report, images: Mapping[str, bytes]) -> Section:
    inputs, statistics = report.input_study, report.statistics
    at = partial(shown, figures=OF_INPUTS, record=inputs, images=images)
    note = (
        "Simple methods on the raw inputs beside this network, on the "
        f"{inputs.scored_on} set."
    )
    parts = [
        ("paragraph", f"{_data(report)} {report.data.origin}"),
        ("table", statistics_table(statistics)),
        ("table", class_table(statistics)),
        *at("data"),
        ("heading", "What two components show"),
        found(inputs.findings),
        *at("components"),
        ("heading", "How hard it looks"),
        ("table", baseline_table(report), THIS_NETWORK),
        ("paragraph", note, "note"),
    ]
    return Section("data", "The data", parts)


def _training_section(report: Report, images: Mapping[str, bytes]) -> Section:
    at = partial(shown, figures=OF_TRAINING, record=report, images=images)
    health: Part = "paragraph", "Nothing stands out: the training is healthy."
    if not report.diagnosis.healthy:
        health = "causes", report.diagnosis.causes
    parts = [
        ("paragraph", _training(report)),
        *at("training"),
        ("table", score_table(report)),
        ("heading", "Health"),
        health,
        *at("health"),
    ]
    return Section("training", "Training", parts)


def _headline(report: Report) -> Part:
    if report.study is not None:
        return headline(report.study)
    words = (
        f"of {count(len(report.data.test))} test samples are classified right by "
        "the last network whose numbers were all finite."
    )
    return "headline", percent(report.result.test.accuracy), words


def _warning(report: Report) -> str:
    status, losses = report.result.status, report.result.history.losses
    if status == "diverged":
        finite = losses[np.isfinite(losses)]
        last = f"; the step before, {number(float(finite[-1]))}" if len(finite) else ""
        return (
            f"The training diverged: at step {count(len(losses))} the loss was no "
            f"longer a finite number{last}. There is nothing to look at "
            "inside; a smaller learning rate or another initialisation may fix it."
        )
    if status == "interrupted":
        return (
            f"The training was interrupted after {count(len(losses))} steps; the "
            "figures are of the network as it was then."
        )
    return ""


def _data(report: Report) -> str:
    data = report.data
    total = sum(len(part) for part in (data.train, data.validation, data.test))
    kind = "pictures" if data.is_image else "samples"
    names = [short(name) for name in data.class_names]
    if len(names) > MANY:
        names = [*names[:3], f"{len(names) - 3} more"]
    return f"{count(total)} {kind} of {count(data.classes)} classes: {listed(names)}."


def _training(report: Report) -> str:
    result, recipe = report.result, report.result.recipe
    rate = ", {} steps per second but for compiling and scoring"
    return (
        f"{count(result.network.parameter_count)} parameters, trained with "
        f"{recipe.optimizer} on batches of {recipe.batch_size}: "
        f"{count(result.checkpoint.state.step)} steps in {result.epochs} of "
        f"{recipe.epochs} epochs, {duration(result.seconds)} in all"
        f"{speed(result.steps_per_second, rate)}."
    )


def _settings(report: Report) -> list[tuple[str, str]]:
    result, architecture = report.result, report.result.network.architecture
    ran = {"engine": result.engine, "device": report.environment["device"]}
    what = [("network", repr(architecture))]
    if not isinstance(architecture, Architecture):
        what = [("network", repr(architecture.module)), ("loss", architecture.loss)]
    return [
        *what,
        ("scaling", result.network.scaling.kind),
        *(
            (name.replace("_", " "), "none" if value is None else str(value))
            for name, value in (asdict(result.recipe) | ran).items()
        ),
    ]
