"""What records show of themselves in a notebook: a picture, and over it the page.

The page is in a frame without rights but those of a script of its own, and opens
offline. A notebook that is not trusted drops the frame: then the picture is there, and
below it what to do. `docs/make_notebook.py` takes pictures of both in JupyterLab, of
nbconvert's HTML and of marimo.
"""

import base64
import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from layerwise.data import Dataset, describe
from layerwise.presentation._page import page
from layerwise.presentation._report import class_table, statistics_table
from layerwise.presentation.figures import (
    layer_projections,
    sample_sheet,
    training_curves,
    written,
)
from layerwise.presentation.payload import (
    result_payload,
    study_payload,
    with_fewer_shown,
)
from layerwise.study import Study
from layerwise.training import Result
from layerwise.wording import count, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

MOST_BYTES = 4_500_000
"""Of a page in a notebook: marimo drops outputs of 8 MB."""

SHOWN = 4_000
"""Samples that such a page shows at most; of a deep network fewer."""

FEWEST = 100
"""Of so many the page may be larger."""

HEIGHT = 720
"""Pixels of the frame."""

LINE = 32
"""Of these below the picture, for a line of text."""

COLOURS = 128
"""Of a picture."""

CELL = "grid-area:1/1"
"""Of the grid, for what lies on one another."""

UNTRUSTED = "To explore the page, run this cell again, or trust the notebook."


def study_html(study: Study) -> str:
    """Return what a study shows of itself: its layers, and its page."""
    fewer, explored = _small(study, SHOWN)
    shares = ", ".join(f"{own.name} {percent(own.separability)}" for own in study)
    words = f"Every layer of {study.name}; linear probes: {shares}"
    shown = _framed(layer_projections(study), words, explored)
    if fewer is study:
        return shown
    drawn, scored = count(len(fewer.shown)), count(len(fewer.targets))
    return (
        f"{shown}<small>{drawn} of {scored} samples are drawn here; "
        '<code>study.report("report.html")</code> draws up to 100,000.</small>'
    )


def _small(study: Study, most: int) -> tuple[Study, str]:
    """Return a page of `MOST_BYTES` at most, and the study with what it shows."""
    fewer = with_fewer_shown(study, most)
    explored = page(study_payload(fewer))
    if len(explored) <= MOST_BYTES or most <= FEWEST:
        return fewer, explored
    return _small(study, most // 2)


def result_html(result: Result) -> str:
    """Return what a training shows of itself: its curves, and its page."""
    words = (
        f"Training of {result.data.name}: {result.status} after {result.epochs} "
        f"epochs, validation accuracy {percent(result.validation.accuracy)}"
    )
    return _framed(training_curves(result), words, page(result_payload(result)))


def dataset_html(data: Dataset) -> str:
    """Return what a data set shows of itself: pictures of each class, and figures."""
    statistics = describe(data)
    tables = _table(*statistics_table(statistics)) + _table(*class_table(statistics))
    words = f"{data.name}: the first training samples of each class"
    picture = _picture(sample_sheet(data), words) if data.is_image else ""
    name = f"<div><b>{html.escape(data.name)}</b></div>"
    return f"<div>{name}<div>{picture}</div>{tables}</div>"


def _framed(drawing: "Axes | FigureBase", words: str, explored: str) -> str:
    """Return a picture, and in the same cell of a grid a page that covers it.

    Without the frame the cell is as high as the picture. The frame has a box of its
    own, since marimo puts one around it.
    """
    frame = (
        f'<iframe title="{html.escape(words)}" sandbox="allow-scripts allow-downloads" '
        f'srcdoc="{html.escape(explored)}" style="width:100%;height:{HEIGHT}px;'
        'border:0;background:white"></iframe>'
    )
    return (
        '<div style="display:grid;grid-template-columns:100%">'
        f'<div style="{CELL}">{_picture(drawing, words)}<div><small>{UNTRUSTED}</small>'
        f'</div></div><div style="{CELL}">{frame}</div></div>'
    )


def _picture(drawing: "Axes | FigureBase", words: str) -> str:
    """Return a drawing as an image of few colours, which has a fifth of the bytes."""
    from PIL import Image

    image = Image.open(io.BytesIO(written(drawing))).convert("RGB")
    file = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<img alt="{html.escape(words)}" style="max-width:100%;max-height:'
        f'{HEIGHT - LINE}px" src="data:image/png;base64,{data}">'
    )


def _table(head: Sequence[str], body: Sequence[Sequence[Any]]) -> str:
    """Return a table that is one without any style of the notebook's own."""
    rows = "".join(
        "<tr>" + _cells("th", row[:1], "left") + _cells("td", row[1:]) + "</tr>"
        for row in body
    )
    cells = _cells("th", head)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>"


def _cells(tag: str, texts: Sequence[Any], align: str = "right") -> str:
    style = f"padding:2px 8px;text-align:{align}"
    if align == "left":
        style += ";font-weight:normal"
    return "".join(
        f'<{tag} style="{style}">{html.escape(str(text))}</{tag}>' for text in texts
    )
