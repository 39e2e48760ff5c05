"""What happened during training, as lines over epochs."""

from collections.abc import Iterator, Sequence
from typing import SupportsFloat

import numpy as np
from jaxtyping import Float, Int

from layerwise.presentation._report import loss_unit
from layerwise.presentation._text import short
from layerwise.presentation.payload._blocks import Json, not_nan
from layerwise.training import History, Result

HEALTH_POINTS = 120
"""Of a layer's line, at most."""

STRETCHES = 250
"""Points of a smoothed curve, at most: each the mean of as many steps."""


def charts(result: Result) -> list[Json]:
    """Return loss and accuracy, the gradients and silent units of every layer."""
    samples, batch = len(result.data.train), result.recipe.batch_size
    per_epoch = _steps_per_epoch(result.history, samples, batch)
    unit = loss_unit(result.network)
    return [*_curves(result.history, per_epoch, unit), *_health(result, per_epoch)]


def curves(history: History, training_samples: int, batch: int | None) -> list[Json]:
    """Return loss and accuracy of a training of which no more is known."""
    return _curves(history, _steps_per_epoch(history, training_samples, batch), None)


def _steps_per_epoch(
    history: History, training_samples: int, batch: int | None
) -> float:
    planned = max(1.0, np.ceil(training_samples / (batch or 1)))
    epochs = history.epochs
    return epochs[-1].step / epochs[-1].epoch if epochs else planned


def _curves(history: History, per_epoch: float, unit: str | None) -> list[Json]:
    label = f"mean loss ({unit})" if unit else "mean loss"
    found = (
        _curve("loss", label, history, per_epoch, log=True),
        _curve("accuracy", "accuracy", history, per_epoch, percent=True),
    )
    return [chart for chart in found if chart["lines"]]


def _curve(
    name: str,
    label: str,
    history: History,
    per_epoch: float,
    *,
    log: bool = False,
    percent: bool = False,
) -> Json:
    batches = history.losses if name == "loss" else history.accuracies
    epochs = history.epochs
    lines: list[Json] = []
    finite = np.flatnonzero(np.isfinite(batches))
    if len(finite):
        _, middles, means = stretches(batches[finite].astype(float), finite + 1)
        lines.append(_line("batches", middles / per_epoch, means, pale=True))
    for part in ("train", "validation"):
        values = [getattr(epoch, f"{part}_{name}") for epoch in epochs]
        if values:
            words = f"{'training' if part == 'train' else part} set"
            lines.append(_line(words, [epoch.epoch for epoch in epochs], values))
    return {
        "id": name,
        "title": name.capitalize(),
        "y": {"label": label, "log": log, "percent": percent},
        "lines": lines,
    }


def stretches(
    values: Float[np.ndarray, " steps"], steps: Int[np.ndarray, " steps"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut values into stretches of about equal length.

    Parameters
    ----------
    values : array, shape (steps,)
        At least one.
    steps : int array, shape (steps,)
        Where each belongs.

    Returns
    -------
    starts : int array, shape (stretches,)
        The place in ``values`` where each begins.
    middles, means : arrays, shape (stretches,)
        The step in its middle, and the mean of its values.
    """
    starts = np.unique(np.linspace(0, len(values), STRETCHES + 1).astype(int)[:-1])
    lengths = np.diff(starts, append=len(values))
    middles = steps[starts] + (lengths - 1) / 2
    return starts, middles, np.add.reduceat(values, starts) / lengths


def _health(result: Result, per_epoch: float) -> Iterator[Json]:
    history, names = result.history, result.network.layer_names
    records = history.records
    if not records:
        return
    every = -(-len(records) // HEALTH_POINTS)
    taken = records[::every]
    x = [record.step / per_epoch for record in taken]
    yield {
        "id": "gradients",
        "title": "Gradient norm of each layer",
        "y": {"label": "gradient norm", "log": True},
        "lines": [
            _line(
                short(name, 40),
                x,
                [record.layers[place].gradient_norm or np.nan for record in taken],
            )
            for place, name in enumerate(names)
        ],
    }
    epochs = [epoch for epoch in history.epochs if len(epoch.dead) == len(names)]
    silent = [[epoch.dead[place] for epoch in epochs] for place in range(len(names))]
    if any(share > 0 for own in silent for share in own):
        yield {
            "id": "silent",
            "title": "Units that pass no gradient",
            "y": {"label": "share of units", "percent": True},
            "lines": [
                _line(short(name, 40), [epoch.epoch for epoch in epochs], own)
                for name, own in zip(names, silent, strict=True)
            ],
        }


def _line(
    name: str,
    x: Sequence[SupportsFloat] | Float[np.ndarray, " points"],
    y: Sequence[SupportsFloat] | Float[np.ndarray, " points"],
    *,
    pale: bool = False,
) -> Json:
    line: Json = {
        "name": name,
        "x": [round(float(value), 4) for value in x],
        "y": [_few_digits(float(value)) for value in y],
    }
    return line | {"pale": True} if pale else line


def _few_digits(value: float) -> float | None:
    """Return a number as a chart needs it: five digits."""
    return not_nan(float(f"{value:.5g}"))
