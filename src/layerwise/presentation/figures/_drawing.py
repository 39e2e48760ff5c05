"""All figures of a report, each drawn once: for its folder and for its page."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ThreadPoolExecutor,
)
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import UInt8

from layerwise.data import Dataset, Samples
from layerwise.files import make_folder, write_atomically
from layerwise.presentation._report import Report
from layerwise.presentation.figures._confidence import reliability
from layerwise.presentation.figures._data import (
    component_images,
    projection,
    sample_sheet,
)
from layerwise.presentation.figures._epochs import epoch_planes
from layerwise.presentation.figures._health import health_over_time
from layerwise.presentation.figures._layers import (
    TILE,
    layer_projections,
    probe_by_layer,
    tile_places,
)
from layerwise.presentation.figures._measures import (
    layer_similarity,
    measures_by_layer,
    mixed_pairs,
    pairs_by_layer,
)
from layerwise.presentation.figures._mistakes import (
    are_points,
    confusion_matrix,
    decision_regions,
    worst_mistakes,
)
from layerwise.presentation.figures._pictures import are_pictures
from layerwise.presentation.figures._style import DPI, encoded, new_axes, pixels
from layerwise.presentation.figures._suspects import suspect_labels
from layerwise.presentation.figures._training import training_curves
from layerwise.study import InputStudy, Study

__all__ = ["draw_all", "draw_inputs", "draw_study", "load_for_drawing", "save_figures"]

Pictures: TypeAlias = dict[str, UInt8[np.ndarray, "_ _ 3"]]

Drawing: TypeAlias = Callable[[], Pictures]
"""Draws a figure, and what is cut out of it, by name."""


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
        PNG images at 150 dots per inch, by name: ``samples`` and ``components`` of
        pictures, ``input`` (the inputs' plane), ``training``, ``health``,
        ``regions`` of pairs of numbers where the outputs are finite; where there is a
        study ``layers``, ``layer00``, ``layer01``, … (the input's plane, then every
        layer's), ``discriminants``, ``probes``, ``measures``, ``pairs`` where any
        are mixed, ``epochs`` where they are known,
        ``similarity``; where anything is predicted ``confusion`` and ``reliability``,
        and where there are any ``mistakes`` of pictures and pairs of numbers, and
        ``suspects`` of pictures.
    """
    study, own = report.study, list(_sample_drawings(report.data))
    common = list(_training_drawings(report))
    if study is not None:
        own += _suspect_drawings(study, report.data.train)
        common = [*_study_drawings(study), *common]
    if helper is None:
        return _drawn(own + common)
    return _shared(own, common, helper)


def draw_inputs(data: Dataset, inputs: InputStudy) -> dict[str, bytes]:
    """Draw the figures of a data set alone: the first of those of `draw_all`."""
    return _drawn([*_sample_drawings(data), *_input_drawings(data, inputs)])


def draw_study(study: Study) -> dict[str, bytes]:
    """Draw the figures of a study alone: those of `draw_all` that are of it."""
    return _drawn([*_study_drawings(study), *_suspect_drawings(study)])


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
    """Return drawings as PNG, those in common by this process and its helper.

    Both take the first that is left: those that take longest come first.
    """
    left, figures = deque(range(len(common))), dict[int, dict[str, bytes]]()

    def help_with_them() -> None:
        try:
            helper.submit(_hold, common).result()
            for number in _until_none(left.popleft):
                figures[number] = helper.submit(_draw_held, number).result()
        except BrokenExecutor:
            return  # the helper has gone: we do what it has left

    with ThreadPoolExecutor(1) as pool:
        helping = pool.submit(help_with_them)
        try:
            found = _drawn(own)
            for number in _until_none(left.popleft):
                figures[number] = _drawn([common[number]])
            helping.result()
        finally:
            left.clear()  # where we are interrupted, the helper stops too
    for number, drawing in enumerate(common):
        found |= figures[number] if number in figures else _drawn([drawing])
    return found


def _until_none(taken: Callable[[], int]) -> Iterator[int]:
    """Yield what is taken off a queue until none is left: others take off it too."""
    with suppress(IndexError):
        while True:
            yield taken()


_held: list[Drawing] = []
"""In a helper: what it may be told to draw, by number."""


def _hold(drawings: Sequence[Drawing]) -> None:
    _held[:] = drawings


def _draw_held(number: int) -> dict[str, bytes]:
    return _drawn([_held[number]])


def _picture(name: str, draw: Callable[..., Any], *arguments: Any) -> Pictures:
    return {name: pixels(draw(*arguments))}


def _drawing(name: str, draw: Callable[..., Any], *arguments: Any) -> Drawing:
    return partial(_picture, name, draw, *arguments)


def _layer_sheet(study: Study) -> Pictures:
    """Draw the sheet of layers, and cut every layer's plane out of it."""
    sheet = pixels(layer_projections(study))
    corners = np.rint(tile_places(study) * DPI).astype(int)
    width, height = np.rint(np.multiply(TILE, DPI)).astype(int)
    tiles = {
        f"layer{number:02d}": np.ascontiguousarray(
            sheet[top : top + height, left : left + width]
        )
        for number, (left, top) in enumerate(corners)
    }
    return {"layers": sheet} | tiles


def _sample_drawings(data: Dataset) -> Iterator[Drawing]:
    """Yield the drawing of training samples: a helper is not sent all of them."""
    if data.is_image:
        yield _drawing("samples", sample_sheet, data.train, data.class_names)


def _input_drawings(data: Dataset, inputs: InputStudy) -> Iterator[Drawing]:
    layer = inputs.layer
    yield _drawing("input", projection, layer, inputs.targets, data.class_names)
    if data.is_image:
        yield _drawing("components", component_images, layer, data.shape)


def _training_drawings(report: Report) -> Iterator[Drawing]:
    """Yield the drawings of the data and of the training."""
    data, result, history = report.data, report.result, report.result.history
    if len(history.health):
        names = result.network.layer_names
        yield _drawing("health", health_over_time, history, names)
    yield _drawing("training", training_curves, history, report.loss_unit)
    yield from _input_drawings(data, report.input_study)
    # A network whose outputs are not finite says nothing anywhere in the plane.
    if data.shape == (2,) and np.isfinite(result.test.loss):
        yield _drawing("regions", decision_regions, result.network, data.test)


def _study_drawings(study: Study) -> Iterator[Drawing]:
    """Yield the drawings of a study, those that take longest first."""
    yield partial(_layer_sheet, study)
    yield _drawing("discriminants", layer_projections, study, "discriminants")
    yield _drawing("measures", measures_by_layer, study)
    if study.snapshots:
        yield _drawing("epochs", epoch_planes, study)
    yield _drawing("probes", probe_by_layer, study)
    if mixed_pairs(study):
        yield _drawing("pairs", pairs_by_layer, study)
    yield _drawing("similarity", layer_similarity, study)
    if study.predictions is None:
        return
    yield _drawing("confusion", confusion_matrix, study)
    yield _drawing("reliability", reliability, study)
    shown = are_pictures(study.inputs) or are_points(study.inputs)
    if shown and len(study.mistakes):
        yield _drawing("mistakes", worst_mistakes, study)


def _suspect_drawings(
    study: Study, training: Samples | None = None
) -> Iterator[Drawing]:
    """Yield the drawing of suspects, which are samples of the training set too."""
    if study.predictions is None:
        return
    if are_pictures(study.inputs) and study.suspects:
        yield _drawing("suspects", suspect_labels, study, training)
