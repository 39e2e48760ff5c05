"""What records show of themselves in a notebook: a picture, and over it the page.

The page is in a frame without rights but those of a script of its own, and opens
offline. A notebook that is not trusted drops the frame: then the picture is there.
"""

import base64
import html
from collections.abc import Callable, Sequence
from typing import Any

from layerwise.data import Dataset, describe
from layerwise.presentation._report import class_table, loss_unit, statistics_table
from layerwise.presentation.figures import (
    layer_projections,
    sample_sheet,
    training_curves,
    written,
)
from layerwise.presentation.pages import page_of
from layerwise.presentation.payload import (
    result_payload,
    study_payload,
    with_fewer_shown,
)
from layerwise.study import Study
from layerwise.training import Result
from layerwise.wording import percent

MOST_BYTES = 4_500_000
"""Of a page in a notebook: marimo drops outputs of 8 MB."""

SHOWN = 4_000
"""Samples that such a page shows at most; of a deep network fewer."""

HEIGHT = 640
"""Pixels of the frame."""


def study_html(study: Study) -> str:
    """Return what a study shows of itself: its layers, and its page."""
    most, page = SHOWN, ""
    while not page or (len(page) > MOST_BYTES and most > 100):
        page = page_of(study_payload(with_fewer_shown(study, most)))
        most //= 2
    shares = ", ".join(f"{own.name} {percent(own.separability)}" for own in study)
    words = f"Every layer of {study.name}; linear probes: {shares}"
    return _framed(lambda: written(layer_projections(study)), words, page)


def result_html(result: Result) -> str:
    """Return what a training shows of itself: its curves, and its page."""
    words = (
        f"Training of {result.data.name}: {result.status} after {result.epochs} "
        f"epochs, validation accuracy {percent(result.validation.accuracy)}"
    )
    unit = loss_unit(result.network)
    page = page_of(result_payload(result))
    return _framed(lambda: written(training_curves(result.history, unit)), words, page)


def dataset_html(data: Dataset) -> str:
    """Return what a data set shows of itself: pictures of each class, and figures."""
    statistics = describe(data)
    tables = _table(*statistics_table(statistics)) + _table(*class_table(statistics))
    words = f"{data.name}: the first training samples of each class"
    picture = ""
    if data.is_image:
        png = written(sample_sheet(data.train, data.class_names))
        picture = _picture(png, words)
    return f"<div><b>{html.escape(data.name)}</b>{picture}{tables}</div>"


def _framed(draw: Callable[[], bytes], words: str, page: str) -> str:
    frame = (
        f'<iframe title="{html.escape(words)}" sandbox="allow-scripts allow-downloads" '
        f'srcdoc="{html.escape(page)}" style="position:absolute;inset:0;width:100%;'
        'height:100%;border:0;background:white"></iframe>'
    )
    return (
        f'<div style="position:relative;width:100%;height:{HEIGHT}px;overflow:hidden">'
        f"{_picture(draw(), words)}{frame}</div>"
    )


def _picture(png: bytes, words: str) -> str:
    data = base64.b64encode(png).decode()
    return (
        f'<img alt="{html.escape(words)}" style="max-width:100%;max-height:{HEIGHT}px" '
        f'src="data:image/png;base64,{data}">'
    )


def _table(head: Sequence[str], body: Sequence[Sequence[Any]]) -> str:
    cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(c))}</td>" for c in row) + "</tr>"
        for row in body
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>"
