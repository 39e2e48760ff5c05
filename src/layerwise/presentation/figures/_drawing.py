"""The figures of a record, into a folder."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from layerwise.errors import InputError
from layerwise.files import make_folder, write_atomically
from layerwise.presentation._report import Report
from layerwise.presentation.figures._pictures import SUSPECTS
from layerwise.presentation.figures._style import Figure, written
from layerwise.presentation.figures._table import OF_INPUTS, OF_STUDY, OF_TRAINING
from layerwise.wording import listed

R = TypeVar("R")

FORMATS = ("png", "svg", "pdf")


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
            raise InputError(f"--figures {form}: choose from {listed([*FORMATS])}")
    return found


def save_figures(
    figures: Iterable[Figure[R]],
    record: R,
    folder: str | os.PathLike[str],
    formats: Sequence[str] = ("png",),
) -> list[Path]:
    """Draw those figures of a table that suit a record, into ``folder/name.png``.

    Parameters
    ----------
    figures : sequence of Figure
    record
        What they draw.
    folder : path
    formats : sequence of "png", "svg" or "pdf"

    Raises
    ------
    MachineError
        If the folder cannot be made or written to.
    """
    drawn = ((f.name, f.draw(*f.given(record))) for f in figures if f.when(record))
    return _saved(drawn, folder, formats)


def save_report_figures(
    report: Report, folder: str | os.PathLike[str], formats: Sequence[str] = ("png",)
) -> list[Path]:
    """Draw every figure that suits a report: of its study, training and inputs.

    Raises
    ------
    MachineError
        If the folder cannot be made or written to.
    """
    paths = save_figures(OF_TRAINING, report, folder, formats)
    paths += save_figures(OF_INPUTS, report.input_study, folder, formats)
    if report.study is not None:
        # Suspects are of the training set too, which is not in the study.
        training = report.data.train
        suspects = replace(SUSPECTS, given=lambda study: (study, training))
        own = [suspects if figure is SUSPECTS else figure for figure in OF_STUDY]
        paths += save_figures(own, report.study, folder, formats)
    return paths


def _saved(
    drawn: Iterator[tuple[str, Any]],
    folder: str | os.PathLike[str],
    formats: Sequence[str],
) -> list[Path]:
    place, paths = make_folder(folder), []
    for name, drawing in drawn:
        for form in formats:
            paths.append(place / f"{name}.{form}")
            write_atomically(paths[-1], written(drawing, form))
    return paths
