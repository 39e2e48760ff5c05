"""The page: one HTML file that opens offline, runs nothing and asks for nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from layerwise.model import Architecture
from layerwise.presentation._report import Report
from layerwise.presentation._tables import study_tables, tables
from layerwise.presentation._text import short
from layerwise.presentation.figures import draw_all, draw_study, layer_caption
from layerwise.presentation.pages._alternatives import alternatives, study_alternatives
from layerwise.presentation.pages._sentences import (
    sentences,
    study_headline,
    study_sentences,
)
from layerwise.presentation.pages._template import Image, illustrated, rendered
from layerwise.study import LayerStudy, Study

__all__ = ["page", "study_page"]


CERTAINTY = MappingProxyType(
    {
        "counted": "Counted over all samples or units named.",
        "measured": "Measured on samples that stand for others.",
        "rule of thumb": "Decided by a threshold that others might set elsewhere.",
    }
)
"""What the word beside a finding means."""


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
    drawn = draw_all(report) if figures is None else figures
    images = illustrated(drawn, alternatives(report))
    return rendered(
        "page.html.jinja",
        title=f"{report.data.name}: what each layer knows",
        report=report,
        study=report.study,
        images=images,
        layers=_layers(report.study or (), images),
        tables=tables(report),
        recipe=_settings(report),
        certainty=CERTAINTY,
        **sentences(report),
    )


def study_page(
    study: Study, figures: Mapping[str, bytes] | None = None, *, command: str = ""
) -> str:
    """Return the page on a study alone: what is inside a network, not how it came.

    Parameters
    ----------
    study : Study
    figures : mapping of str to PNG images, optional
        What `draw_study` drew of it.
    command : str, optional
        What to type to get this again.

    Returns
    -------
    str
        HTML, to be written as UTF-8.
    """
    drawn = draw_study(study) if figures is None else figures
    images = illustrated(drawn, study_alternatives(study))
    return rendered(
        "inside.html.jinja",
        title=f"{short(study.name, 60)}: what each layer knows",
        study=study,
        command=command,
        images=images,
        layers=_layers(study, images),
        tables=study_tables(study),
        certainty=CERTAINTY,
        headline=study_headline(study),
        **study_sentences(study),
    )


def _layers(
    layers: Iterable[LayerStudy], images: Mapping[str, Image]
) -> list[dict[str, object]]:
    return [
        {
            "name": short(layer.name, 40),
            "figures": layer_caption(layer),
            "image": images[f"layer{index:02d}"],
        }
        for index, layer in enumerate(layers)
    ]


def _architecture(architecture: Any) -> list[tuple[str, str]]:
    if isinstance(architecture, Architecture):
        return [("network", repr(architecture))]
    return [("network", repr(architecture.module)), ("loss", architecture.loss)]


def _settings(report: Report) -> list[tuple[str, str]]:
    result = report.result
    ran = {"engine": result.engine, "device": report.environment["device"]}
    recipe = asdict(result.recipe) | ran
    return [
        *_architecture(result.network.architecture),
        ("scaling", result.network.scaling.kind),
        *(
            (name.replace("_", " "), "none" if value is None else str(value))
            for name, value in recipe.items()
        ),
    ]
