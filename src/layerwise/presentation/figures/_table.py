"""Every figure that is drawn with others, and how they come into a folder.

The tables are in the order of the page. That is about the order of drawing, too, in
which those that take longest come first.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from layerwise.data import are_pictures
from layerwise.errors import InputError
from layerwise.files import make_folder, write_atomically
from layerwise.presentation._report import Report
from layerwise.presentation.figures import (
    _layers,
    _measures,
    _mistakes,
    _pictures,
    _training,
)
from layerwise.presentation.figures._style import written
from layerwise.study import InputStudy, Study
from layerwise.wording import listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Record = TypeVar("Record")


@dataclass(frozen=True)
class Figure(Generic[Record]):
    """A figure of a record: its file's name, what draws it, and when there is one."""

    name: str
    draw: Callable[[Record], Any]
    when: Callable[[Record], object] = lambda _: True


FORMATS = ("png", "svg", "pdf")


def _are_of_pictures(inputs: InputStudy) -> bool:
    return inputs.data.is_image


def _has_regions(report: Report) -> bool:
    # A network whose outputs are not finite says nothing anywhere in the plane.
    return report.data.shape == (2,) and bool(np.isfinite(report.result.test.loss))


def _draw_regions(report: Report) -> "Axes":
    return _mistakes.decision_regions(report.result.network, report.data.test)


def _has_suspects(report: Report) -> bool:
    study = report.study
    return study is not None and are_pictures(study.inputs) and bool(study.suspects)


def _draw_suspects(report: Report) -> "Axes":
    """Draw suspects of the training set too, which is not in the study."""
    assert report.study is not None
    return _pictures.suspect_labels(report.study, report.data.train)


def _is_predicted(study: Study) -> bool:
    return study.predictions is not None


def _can_show_mistakes(study: Study) -> bool:
    shown = are_pictures(study.inputs) or _mistakes.are_points(study.inputs)
    return _is_predicted(study) and shown and len(study.mistakes) > 0


OF_INPUTS: tuple[Figure[InputStudy], ...] = (
    Figure(
        "samples", lambda inputs: _pictures.sample_sheet(inputs.data), _are_of_pictures
    ),
    Figure("components", _pictures.component_images, _are_of_pictures),
    Figure("input", _pictures.projection),
)

OF_REPORT: tuple[Figure[Report], ...] = (
    Figure("training", lambda report: _training.training_curves(report.result)),
    Figure(
        "health",
        lambda report: _training.health_over_time(report.result),
        lambda report: len(report.result.history.health),
    ),
    Figure("regions", _draw_regions, _has_regions),
    Figure("suspects", _draw_suspects, _has_suspects),
)

OF_STUDY: tuple[Figure[Study], ...] = (
    Figure("layers", _layers.layer_projections),
    Figure(
        "discriminants", lambda study: _layers.layer_projections(study, "discriminants")
    ),
    Figure("probes", _layers.probe_by_layer),
    Figure("measures", _measures.measures_by_layer),
    Figure("pairs", _measures.pairs_by_layer, _measures.mixed_pairs),
    Figure("epochs", _training.epoch_planes, lambda study: study.snapshots),
    Figure("similarity", _layers.layer_similarity),
    Figure("confusion", _mistakes.confusion_matrix, _is_predicted),
    Figure("mistakes", _mistakes.worst_mistakes, _can_show_mistakes),
    Figure("reliability", _mistakes.reliability, _is_predicted),
)


def checked_formats(text: str) -> tuple[str, ...]:
    """Return formats of figures from a list with commas.

    Raises
    ------
    InputError
        If one is not known.
    """
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for form in found:
        if form not in FORMATS:
            raise InputError(f"--figures {form}: choose from {listed(FORMATS)}")
    return found


def save_figures(
    figures: Iterable[Figure[Record]],
    record: Record,
    folder: str | os.PathLike[str],
    formats: Sequence[str] = ("png",),
) -> list[Path]:
    """Draw those figures of a table that suit a record, into ``folder/name.png``.

    Raises
    ------
    MachineError
        If the folder cannot be made or written to.
    """
    place, paths = make_folder(folder), list[Path]()
    for figure in figures:
        if figure.when(record):
            drawing = figure.draw(record)
            for form in formats:
                paths.append(place / f"{figure.name}.{form}")
                write_atomically(paths[-1], written(drawing, form))
    return paths


def save_report_figures(
    report: Report, folder: str | os.PathLike[str], formats: Sequence[str] = ("png",)
) -> list[Path]:
    """Draw every figure that suits a report, those of its inputs and study too."""
    paths = save_figures(OF_REPORT, report, folder, formats)
    paths += save_figures(OF_INPUTS, report.input_study, folder, formats)
    if report.study is not None:
        paths += save_figures(OF_STUDY, report.study, folder, formats)
    return paths
