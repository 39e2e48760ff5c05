"""All figures of a report, each drawn once: for its folder and for its page."""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from layerwise.files import make_folder, write_atomically
from layerwise.presentation._report import Report
from layerwise.presentation.figures._pictures import SUSPECTS
from layerwise.presentation.figures._style import (
    Drawing,
    Figure,
    drawings,
    encoded,
    new_axes,
    pixels,
)
from layerwise.presentation.figures._table import OF_INPUTS, OF_STUDY, OF_TRAINING

R = TypeVar("R")


def draw_all(report: Report, helper: Executor | None = None) -> dict[str, bytes]:
    """Draw every figure that suits the report.

    Parameters
    ----------
    report : Report
    helper : Executor, optional
        A process beside this one, to draw some of the figures: matplotlib leaves the
        interpreter to one thread. What it fails to draw is drawn here.

    Returns
    -------
    dict of str to bytes
        PNG images at 150 dots per inch, by name: those of the study where there is one,
        of the training, and of the inputs. ``layer00``, ``layer01``, … are the input's
        plane and every layer's, cut out of ``layers``.
    """
    own: list[Drawing] = []
    common = [*drawings(OF_TRAINING, report), *drawings(OF_INPUTS, report.input_study)]
    if report.study is not None:
        others = [figure for figure in OF_STUDY if figure is not SUSPECTS]
        common = [*drawings(others, report.study), *common]
        # Suspects are of the training set too, which is not sent to a helper.
        training = report.data.train
        suspects = replace(SUSPECTS, given=lambda study: (study, training))
        own = [*drawings([suspects], report.study)]
    return _drawn(own + common) if helper is None else _shared(own, common, helper)


def draw(figures: Iterable[Figure[R]], record: R) -> dict[str, bytes]:
    """Draw those figures of a table that suit a record: PNG images, by name."""
    return _drawn(drawings(figures, record))


def load_for_drawing() -> None:
    """Load what drawing needs, which takes a second or two."""
    pixels(new_axes(1, 1))


def save_figures(
    figures: Mapping[str, bytes], folder: str | os.PathLike[str]
) -> list[Path]:
    """Write each of the figures that `draw_all` drew to ``folder/name.png``.

    Raises
    ------
    MachineError
        If the folder cannot be made or written to.
    """
    paths = [make_folder(folder) / f"{name}.png" for name in figures]
    for path, content in zip(paths, figures.values(), strict=True):
        write_atomically(path, content)
    return paths


def _drawn(drawings: Iterable[Drawing]) -> dict[str, bytes]:
    """Return drawings as PNG.

    While one is encoded, which leaves the interpreter free, the next one is drawn.
    """
    with ThreadPoolExecutor(1) as pool:
        figures: dict[str, Future[bytes]] = {}
        for drawing in drawings:
            for name, picture in drawing().items():
                figures[name] = pool.submit(encoded, picture)
        return {name: encoding.result() for name, encoding in figures.items()}


def _shared(
    own: Sequence[Drawing], common: Sequence[Drawing], helper: Executor
) -> dict[str, bytes]:
    """Return drawings as PNG, every other one of those in common drawn by the helper.

    Those that take longest come first. Where it goes, its share is drawn here.
    """
    theirs, ours = common[::2], [*own, *common[1::2]]
    found: dict[str, bytes] = {}
    try:
        drawing = helper.submit(_drawn, theirs)
        found = _drawn(ours)
        return found | drawing.result()
    except BrokenExecutor:
        return (found or _drawn(ours)) | _drawn(theirs)
