"""The page on a study: what is inside a network, layer by layer."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from layerwise.presentation._tables import (
    SUSPECTS,
    layer_table,
    measure_table,
    mistake_table,
    shuffled_table,
    suspect_table,
    untrained_table,
)
from layerwise.presentation._text import interval, short
from layerwise.presentation.figures import (
    OF_STUDY,
    draw,
    layer_caption,
    mistakes_caption,
    tile_alternative,
)
from layerwise.presentation.pages._template import Part, Section, rendered, shown
from layerwise.study import Finding, Study
from layerwise.wording import count, percent

__all__ = ["found", "headline", "inside_sections", "study_page"]

CERTAINTY = MappingProxyType(
    {
        "counted": "Counted over all samples or units named.",
        "measured": "Measured on samples that stand for others.",
        "rule of thumb": "Decided by a threshold that others might set elsewhere.",
    }
)
"""What the word beside a finding means."""

MEASURES_NOTE = (
    "Shares read right by a least-squares probe, a logistic probe and the nearest "
    "class mean, and that of the ten nearest samples with the same label. Dead units "
    "give one and the same output for every sample, duplicate ones repeat another. "
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
        Section("found", "What was found", [found(study.findings)]),
        *inside_sections(study, images),
    ]
    if command:
        sections.append(Section("made", "How it was made", [("command", command)]))
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
            f"of {study.scored_on} are classified right; the 95 % interval is "
            f"{interval(study.accuracy)}."
        )
        return "headline", percent(study.accuracy.value), words
    best = max(study, key=lambda layer: layer.separability)
    words = (
        f"of {study.scored_on} are read right by a linear probe of "
        f"{short(best.name, 40)}, more than of any other layer."
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
        "Inside",
        [("paragraph", _inside(study)), _tiles(study, images), *at("inside")],
    )
    yield Section(
        "measures",
        "Layer by layer",
        [
            *at("measures"),
            ("table", layer_table(study)),
            ("paragraph", MEASURES_NOTE, "note"),
            *at("pairs"),
        ],
    )
    if epochs := [*at("epochs")]:
        yield Section("epochs", "Over the epochs", epochs)
    similar = [*at("similarity")]
    yield Section("similarity", "How alike the layers are", similar, link="Alike")
    if study.predictions is not None:
        mistakes = [*at("mistakes")]
        if "mistakes" not in images:
            mistakes += _listed_mistakes(study, feature_names)
        yield Section("mistakes", "Mistakes", [*mistakes, *at("confidence")])
    if study.suspects:
        table = suspect_table(study.suspects[:SUSPECTS], study.class_names)
        parts = [("table", table)]
        if "suspects" in images:
            parts = [*at("suspects"), ("details", "As a table", table)]
        said = "paragraph", _suspects(study)
        yield Section("suspects", "Suspect labels", [said, *parts])
    yield Section("numbers", "All figures", [*_numbers(study)])


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
        f"{count(total)} samples that the network does not read as they are labelled, "
        "where the label rather than the network may be wrong; the most suspect come "
        f"first, and the table has {which}. The score is the share of the "
        "evidence, from the network, its layers and the neighbours, that speaks for "
        "what a sample looks like rather than for its label; surety is the probability "
        "that the network gives that; nearest tells how many neighbours have it for a "
        "label; since is the first layer from which on every probe says so. Rows are "
        "counted from 0, in the file or array that the sample came from."
    )


def _numbers(study: Study) -> Iterator[Part]:
    every = "Every measure of every layer"
    yield "details", every, measure_table(study), "wide", True
    untrained = untrained_table(study)
    if untrained.body:
        before = "The same of the untrained network, on the stated sample"
        yield "details", before, untrained, "wide"
    chance = "The same with shuffled labels, on the stated sample"
    yield "details", chance, shuffled_table(study), "wide"
