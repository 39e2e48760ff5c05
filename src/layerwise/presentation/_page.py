"""The page: one HTML file that opens offline, runs nothing and asks for nothing."""

import base64
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

from layerwise.presentation._alternatives import alternatives
from layerwise.presentation._captions import layer_caption
from layerwise.presentation._drawing import draw_all
from layerwise.presentation._report import Report
from layerwise.presentation._sentences import sentences
from layerwise.presentation._style import DPI
from layerwise.presentation._tables import tables
from layerwise.presentation._text import short, typeset

__all__ = ["page"]

CSS_DPI = 96
"""Dots per inch of a browser's pixel."""


CERTAINTY = MappingProxyType(
    {
        "counted": "Counted over all samples or units named.",
        "measured": "Measured on samples that stand for others.",
        "rule of thumb": "Decided by a threshold that others might set elsewhere.",
    }
)
"""What the word beside a finding means."""


class Image(NamedTuple):
    """An image as the page carries it."""

    source: str
    alternative: str
    width: int
    height: int


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
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters["typeset"] = typeset
    template = environment.from_string(_asset("page.html.jinja"))
    style = _asset("page.css")
    images = _images(report, draw_all(report) if figures is None else figures)
    return template.render(
        report=report,
        study=report.study,
        images=images,
        layers=_layers(report, images),
        tables=tables(report),
        recipe=_settings(report),
        certainty=CERTAINTY,
        style=Markup(style),
        policy=_policy(style),
        **sentences(report),
    )


def _asset(name: str) -> str:
    return (files("layerwise.presentation") / "assets" / name).read_text("utf-8")


def _policy(style: str) -> str:
    """Return the Content-Security-Policy that lets in this style and inlined images."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _images(report: Report, figures: Mapping[str, bytes]) -> dict[str, Image]:
    said = alternatives(report)
    return {
        name: _image(png, said[name]) for name, png in figures.items() if name in said
    }


def _image(png: bytes, alternative: str) -> Image:
    # PNG, 11.2.2: the first chunk begins with width and height at byte 16.
    size = struct.unpack(">II", png[16:24])
    width, height = (round(pixels * CSS_DPI / DPI) for pixels in size)
    source = "data:image/png;base64," + base64.b64encode(png).decode()
    return Image(source, alternative, width, height)


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
