"""HTML from templates: escaped, without scripts, with its pictures inside."""

import base64
import hashlib
import struct
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, NamedTuple

from layerwise.presentation._text import typeset
from layerwise.presentation.figures import DPI

__all__ = ["Image", "illustrated", "rendered"]

CSS_DPI = 96
"""Dots per inch of a browser's pixel."""


class Image(NamedTuple):
    """An image as a page carries it."""

    source: str
    alternative: str
    width: int
    height: int


def rendered(template: str, **values: Any) -> str:
    """Return a page: a template of the assets, filled.

    Names from the data are text and nothing else: they are escaped, and the page's own
    policy forbids scripts, requests and foreign styles.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, loader=FunctionLoader(_asset)
    )
    environment.filters["typeset"] = typeset
    style = _asset("page.css")
    return environment.get_template(template).render(
        style=Markup(style), policy=_policy(style), **values
    )


def illustrated(
    figures: Mapping[str, bytes], alternatives: Mapping[str, str]
) -> dict[str, Image]:
    """Return the PNG images that have words for those who cannot see them."""
    return {
        name: _image(png, alternatives[name])
        for name, png in figures.items()
        if name in alternatives
    }


def _asset(name: str) -> str:
    return (files("layerwise.presentation") / "assets" / name).read_text("utf-8")


def _policy(style: str) -> str:
    """Return the Content-Security-Policy that lets in this style and inlined images."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _image(png: bytes, alternative: str) -> Image:
    # PNG, 11.2.2: the first chunk begins with width and height at byte 16.
    size = struct.unpack(">II", png[16:24])
    width, height = (round(pixels * CSS_DPI / DPI) for pixels in size)
    source = "data:image/png;base64," + base64.b64encode(png).decode()
    return Image(source, alternative, width, height)
