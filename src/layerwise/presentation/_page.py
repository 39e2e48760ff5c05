"""The page: one HTML file that opens offline, runs nothing and asks for nothing."""

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType

from layerwise.presentation._alternatives import alternatives
from layerwise.presentation._captions import layer_caption
from layerwise.presentation._drawing import draw_all
from layerwise.presentation._report import Report
from layerwise.presentation._sentences import sentences
from layerwise.presentation._tables import tables
from layerwise.presentation._template import Image, illustrated, rendered
from layerwise.presentation._text import short

__all__ = ["page"]


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
        title=report.title,
        report=report,
        study=report.study,
        images=images,
        layers=_layers(report, images),
        tables=tables(report),
        recipe=_settings(report),
        certainty=CERTAINTY,
        **sentences(report),
    )


def _layers(report: Report, images: Mapping[str, Image]) -> list[dict[str, object]]:
    return [
        {
            "name": short(layer.name, 40),
            "figures": layer_caption(layer),
            "image": images[f"layer{index:02d}"],
        }
        for index, layer in enumerate(report.study or ())
    ]


def _settings(report: Report) -> list[tuple[str, str]]:
    recipe = asdict(report.recipe)
    return [
        ("network", repr(report.network.architecture)),
        ("scaling", report.network.scaling.kind),
        *(
            (name.replace("_", " "), "none" if value is None else str(value))
            for name, value in recipe.items()
        ),
    ]
