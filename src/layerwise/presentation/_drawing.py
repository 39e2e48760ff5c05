"""All figures of a report, each drawn once: for its folder and for its page."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from layerwise.data import Dataset, Samples
from layerwise.files import make_folder, write_atomically
from layerwise.inspection import InputStudy, Study
from layerwise.presentation._figures_confidence import reliability
from layerwise.presentation._figures_data import (
    component_images,
    projection,
    sample_sheet,
)
from layerwise.presentation._figures_epochs import epoch_planes
from layerwise.presentation._figures_health import health_over_time
from layerwise.presentation._figures_layers import (
    TILE,
    layer_projections,
    probe_by_layer,
    tile_places,
)
from layerwise.presentation._figures_measures import (
    layer_similarity,
    measures_by_layer,
    mixed_pairs,
    pairs_by_layer,
)
from layerwise.presentation._figures_mistakes import (
    are_points,
    confusion_matrix,
    decision_regions,
    worst_mistakes,
)
from layerwise.presentation._figures_suspects import suspect_labels
from layerwise.presentation._figures_training import training_curves
from layerwise.presentation._pictures import are_pictures
from layerwise.presentation._report import Report
from layerwise.presentation._style import DPI, encoded, pixels, png

__all__ = ["draw_all", "draw_inputs", "draw_study", "save_figures"]


def draw_all(report: Report) -> dict[str, bytes]:
    """Draw every figure that suits the report.

    Returns
    -------
    dict of str to bytes
        PNG images at 150 dots per inch, by name: ``samples`` and ``components`` of
        pictures, ``input`` (the inputs' plane), ``training``, ``health``,
        ``regions`` of pairs of numbers; where there is a study ``layers``,
        ``layer00``, ``layer01``, … (the input's plane, then every layer's),
        ``discriminants``, ``probes``, ``measures``,
        ``pairs`` where any are mixed, ``epochs`` where they are known,
        ``similarity``; where anything is predicted ``confusion`` and ``reliability``,
        and where there are any ``mistakes`` of pictures and pairs of numbers, and
        ``suspects`` of pictures.
    """
    return _drawn(_drawings(report), report.study)


def draw_inputs(data: Dataset, inputs: InputStudy) -> dict[str, bytes]:
    """Draw the figures of a data set alone: the first of those of `draw_all`."""
    return {name: png(drawing) for name, drawing in _input_drawings(data, inputs)}


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


def _input_drawings(data: Dataset, inputs: InputStudy) -> Iterator[tuple[str, Any]]:
    if data.is_image:
        yield "samples", sample_sheet(data.train, data.class_names)
        yield "components", component_images(inputs.layer, data.shape)
    yield "input", projection(inputs.layer, inputs.targets, data.class_names)


def _drawn(
    drawings: Iterator[tuple[str, Any]], study: Study | None
) -> dict[str, bytes]:
    """Return drawings as PNG, and the tiles of the study's sheet of layers.

    While one is encoded, which leaves the interpreter free, the next one is drawn.
    """
    with ThreadPoolExecutor(1) as pool:
        figures: dict[str, Future[bytes]] = {}
        for name, drawing in drawings:
            picture = pixels(drawing)
            figures[name] = pool.submit(encoded, picture)
            if name == "layers" and study is not None:
                for tile_name, tile in _tiles(picture, study):
                    figures[tile_name] = pool.submit(encoded, tile)
        return {name: encoding.result() for name, encoding in figures.items()}


def _tiles(
    sheet: UInt8[np.ndarray, "_ _ 3"], study: Study
) -> Iterator[tuple[str, UInt8[np.ndarray, "_ _ 3"]]]:
    """Cut every layer's plane out of the sheet on which they stand side by side."""
    corners = np.rint(tile_places(study) * DPI).astype(int)
    width, height = np.rint(np.multiply(TILE, DPI)).astype(int)
    for number, (left, top) in enumerate(corners):
        tile = sheet[top : top + height, left : left + width]
        yield f"layer{number:02d}", np.ascontiguousarray(tile)


def _drawings(report: Report) -> Iterator[tuple[str, Any]]:
    data, inputs, study = report.data, report.input_study, report.study
    is_plane = data.shape == (2,)
    yield from _input_drawings(data, inputs)
    yield "training", training_curves(report.history, report.loss_unit)
    if len(report.history.health):
        yield "health", health_over_time(report.history, report.network.layer_names)
    if is_plane:
        yield "regions", decision_regions(report.network, data.test)
    if study is None:
        return
    yield from _study_drawings(study, data.train)


def draw_study(study: Study) -> dict[str, bytes]:
    """Draw the figures of a study alone: those of `draw_all` that are of it."""
    return _drawn(_study_drawings(study), study)


def _study_drawings(
    study: Study, training: Samples | None = None
) -> Iterator[tuple[str, Any]]:
    yield "layers", layer_projections(study)
    yield "discriminants", layer_projections(study, "discriminants")
    yield from _measure_drawings(study)
    if study.predictions is None:
        return
    yield "confusion", confusion_matrix(study)
    yield "reliability", reliability(study)
    shown = are_pictures(study.inputs) or are_points(study.inputs)
    if shown and len(study.mistakes):
        yield "mistakes", worst_mistakes(study)
    if are_pictures(study.inputs) and study.suspects:
        yield "suspects", suspect_labels(study, training)


def _measure_drawings(study: Study) -> Iterator[tuple[str, Any]]:
    yield "probes", probe_by_layer(study)
    yield "measures", measures_by_layer(study)
    if mixed_pairs(study):
        yield "pairs", pairs_by_layer(study)
    if study.snapshots:
        yield "epochs", epoch_planes(study)
    yield "similarity", layer_similarity(study)
