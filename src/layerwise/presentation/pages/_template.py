"""HTML from templates: escaped, without scripts, with its pictures inside."""

import base64
import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple, TypeAlias, TypeVar

from layerwise.presentation._text import typeset
from layerwise.presentation.figures import DPI, Figure

R = TypeVar("R")

CSS_DPI = 96
"""Dots per inch of a browser's pixel."""


Part: TypeAlias = tuple[Any, ...]
"""A piece of a page: the name of the macro in ``parts.jinja`` that writes it, and what
it is given."""


class Section(NamedTuple):
    """A part of a page under a heading of its own.

    Parameters
    ----------
    id : str
        By which links find it.
    title : str
    parts : sequence of Part
    link : str
        What the page's list of sections calls it, if not by its title.
    """

    id: str
    title: str
    parts: Sequence[Part]
    link: str = ""


def rendered(
    kind: str, title: str, header: Sequence[Part], sections: Sequence[Section]
) -> str:
    """Return a page as HTML.

    Names from the data are text and nothing else: they are escaped, and the page's own
    policy forbids scripts, requests and foreign styles.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, loader=FunctionLoader(_asset)
    )
    filters: dict[str, Any] = {"typeset": typeset, "size": _size, "uri": _uri}
    environment.filters.update(filters)
    style = _asset("page.css")
    return environment.get_template("page.html.jinja").render(
        style=Markup(style), policy=_policy(style), kind=kind, title=title,
        header=header, sections=sections,
    )  # fmt: skip


def shown(
    place: str, figures: Iterable[Figure[R]], record: R, images: Mapping[str, bytes]
) -> Iterator[Part]:
    """Yield the figures of a place of the page: those that were drawn."""
    for figure in figures:
        if figure.place == place and figure.name in images:
            if figure.heading:
                yield "heading", figure.heading
            caption = figure.caption
            below = caption if isinstance(caption, str) else caption(record)
            yield "figure", images[figure.name], figure.alternative(record), below


def _asset(name: str) -> str:
    return (files("layerwise.presentation") / "assets" / name).read_text("utf-8")


def _policy(style: str) -> str:
    """Return the Content-Security-Policy that lets in this style and inlined images."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _size(png: bytes) -> tuple[int, int]:
    """Return width and height in a browser's pixels."""
    # PNG, 11.2.2: the first chunk begins with width and height at byte 16.
    width, height = struct.unpack(">II", png[16:24])
    return round(width * CSS_DPI / DPI), round(height * CSS_DPI / DPI)


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
