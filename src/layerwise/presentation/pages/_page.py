"""The page of a study, and that of a run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from types import MappingProxyType

import numpy as np

from layerwise.model import Architecture
from layerwise.presentation._report import (
    SUSPECTS,
    THIS_NETWORK,
    Report,
    baseline_table,
    class_table,
    layer_table,
    measure_table,
    mistake_table,
    score_table,
    shuffled_table,
    statistics_table,
    suspect_table,
    untrained_table,
)
from layerwise.presentation._text import MANY, duration, interval, short, speed
from layerwise.presentation.figures import (
    OF_INPUTS,
    OF_STUDY,
    OF_TRAINING,
    draw,
    draw_all,
    layer_caption,
    mistakes_caption,
    tile_alternative,
)
from layerwise.presentation.pages._template import Part, Section, rendered, shown
from layerwise.study import Finding, Study
from layerwise.wording import count, listed, number, percent

CERTAINTY = MappingProxyType(
    {
        "counted": "Counted on all samples or units.",
        "measured": "Measured on a sample.",
        "rule of thumb": "Decided by a conventional threshold.",
    }
)
"""What the word beside a finding means."""

MEASURES_NOTE = (
    "Linear and logistic probe, nearest mean: accuracy of classifiers on this layer "
    "alone. Neighbour purity: share of the ten nearest samples with the same label. "
    "Dead units have the same output for every sample, duplicate units repeat another. "
    "Dimensions: the participation ratio (Σλ)² / Σλ² of the covariance’s eigenvalues, "
    "of as many units."
)


def study_page(
    study: Study, figures: Mapping[str, bytes] | None = None, *, command: str = ""
) -> str:
    """Return the page on a study alone: what is inside a network, not how it came.

    Parameters
    ----------
    study : Study
    figures : mapping of str to PNG images, optional
        What `draw` drew of it, of `OF_STUDY`.
    command : str, optional
        What to type to get this again.

    Returns
    -------
    str
        HTML, to be written as UTF-8.
    """
    images = draw(OF_STUDY, study) if figures is None else figures
    sections = [
        Section("found", "Findings", [found(study.findings)]),
        *inside_sections(study, images),
    ]
    if command:
        sections.append(Section("made", "Reproduce", [("command", command)]))
    return rendered(
        "what each layer knows",
        f"{short(study.name, 60)}: what each layer knows",
        [headline(study)],
        sections,
    )


def found(findings: Sequence[Finding]) -> Part:
    """Return findings as a list, each with how sure it is."""
    return "findings", findings, CERTAINTY


def headline(study: Study) -> Part:
    """Return a study's figure in large type, and the rest of the sentence.

    The accuracy, or, where nothing was predicted, that of the best layer's probe.
    """
    if study.accuracy is not None:
        words = (
            f"accuracy on {study.scored_on}; 95 % interval {interval(study.accuracy)}."
        )
        return "headline", percent(study.accuracy.value), words
    best = max(study, key=lambda layer: np.nan_to_num(layer.separability))
    words = (
        f"linear-probe accuracy in {short(best.name, 40)}, the best layer, on "
        f"{study.scored_on}."
    )
    return "headline", percent(best.separability), words


def inside_sections(
    study: Study,
    images: Mapping[str, bytes],
    feature_names: tuple[str, ...] | None = None,
) -> Iterator[Section]:
    """Yield the sections on what is inside a network.

    Parameters
    ----------
    study : Study
    images : mapping of str to PNG images
        Its figures.
    feature_names : tuple of str, optional
        Of the columns of its inputs.
    """
    at = partial(shown, figures=OF_STUDY, record=study, images=images)
    yield Section(
        "inside",
        "Projections",
        [("paragraph", _inside(study)), _tiles(study, images), *at("inside")],
    )
    yield Section(
        "measures",
        "Measures per layer",
        [
            *at("measures"),
            ("table", layer_table(study)),
            ("paragraph", MEASURES_NOTE, "note"),
            *at("pairs"),
        ],
    )
    if epochs := [*at("epochs")]:
        yield Section("epochs", "During training", epochs)
    similar = [*at("similarity")]
    yield Section("similarity", "Layer similarity (CKA)", similar, link="Similarity")
    if study.predictions is not None:
        mistakes = [*at("mistakes")]
        if "mistakes" not in images:
            mistakes += _listed_mistakes(study, feature_names)
        yield Section("mistakes", "Errors", [*mistakes, *at("confidence")])
    if study.suspects:
        table = suspect_table(study.suspects[:SUSPECTS], study.class_names)
        parts = [("table", table)]
        if "suspects" in images:
            parts = [*at("suspects"), ("details", "As a table", table)]
        said = "paragraph", _suspects(study)
        yield Section("suspects", "Suspicious labels", [said, *parts])
    yield Section("numbers", "All measures", [*_numbers(study)])


def _inside(study: Study) -> str:
    drawn = len(study.shown)
    which = "all of them" if drawn == len(study.targets) else f"{count(drawn)} of them"
    first = ", the raw input first" if study.input else ""
    return (
        f"Each layer’s activations{first}, on their first two principal components, "
        f"coloured by class. Components and probes are fitted on {study.fitted_on}; "
        f"scored are {study.scored_on}, drawn {which}."
    )


def _tiles(study: Study, images: Mapping[str, bytes]) -> Part:
    """Return the layers' planes, cut out of their sheet, with figures below each."""
    return "layers", [
        (
            images[f"layer{index:02d}"],
            tile_alternative(layer),
            short(layer.name, 40),
            layer_caption(layer),
        )
        for index, layer in enumerate(study)
    ]


def _listed_mistakes(
    study: Study, feature_names: tuple[str, ...] | None
) -> Iterator[Part]:
    yield "paragraph", mistakes_caption(study)
    table = mistake_table(study, feature_names)
    if table.body:
        yield "table", table


def _suspects(study: Study) -> str:
    total, listed = len(study.suspects), min(len(study.suspects), SUSPECTS)
    which = "all of them" if listed == total else f"the first {count(listed)}"
    return (
        f"{count(total)} samples whose label the network contradicts, and so do "
        "networks trained without them or most of the nearest neighbours. On digits "
        "with some "
        "labels replaced, two of three such suspects were wrong labels. The most "
        f"suspicious come first; the table has {which}. Score: share of the evidence, "
        "from networks and neighbours, for what it looks like rather than the label. "
        "Confidence: the networks’ probability of the former. Neighbours: how many "
        f"of the nearest have that label{_sought(study)}. Since: the first layer from "
        "which on every probe predicts it. Rows are counted from 0, in the file or "
        "array that the sample came from."
    )


def _sought(study: Study) -> str:
    among = sorted({s.among for s in study.suspects if s.among is not None})
    return f", sought among {listed([*map(count, among)])} samples" if among else ""


def _numbers(study: Study) -> Iterator[Part]:
    every = "All measures of all layers"
    yield "details", every, measure_table(study), "wide", True
    untrained = untrained_table(study)
    if untrained.body:
        before = "Of the untrained network, on the stated sample"
        yield "details", before, untrained, "wide"
    chance = "With shuffled labels, on the stated sample"
    yield "details", chance, shuffled_table(study), "wide"


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
        yield Section("found", "Findings", [found(study.findings)])
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
    yield Section("made", "Reproduce", made)


def _data_section(report: Report, images: Mapping[str, bytes]) -> Section:
    inputs, statistics = report.input_study, report.statistics
    at = partial(shown, figures=OF_INPUTS, record=inputs, images=images)
    note = (
        "Simple methods on the raw inputs and this network, on the "
        f"{inputs.scored_on} set."
    )
    parts = [
        ("paragraph", f"{_data(report)} {report.data.origin}"),
        ("table", statistics_table(statistics)),
        ("table", class_table(statistics)),
        *at("data"),
        ("heading", "What the first two principal components show"),
        found(inputs.findings),
        *at("components"),
        ("heading", "Estimated difficulty"),
        ("table", baseline_table(report), THIS_NETWORK),
        ("paragraph", note, "note"),
    ]
    return Section("data", "The data", parts)


def _training_section(report: Report, images: Mapping[str, bytes]) -> Section:
    at = partial(shown, figures=OF_TRAINING, record=report, images=images)
    health: Part = "paragraph", "The training is healthy: no problem found."
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
        f"accuracy on {count(len(report.data.test))} test samples, of the last network "
        "with finite parameters."
    )
    return "headline", percent(report.result.test.accuracy), words


def _warning(report: Report) -> str:
    status, losses = report.result.status, report.result.history.losses
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
    rate = ", {} steps per second without compiling and scoring"
    return (
        f"{count(result.network.parameter_count)} parameters, trained with "
        f"{recipe.optimizer}, batch size {recipe.batch_size}: "
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
