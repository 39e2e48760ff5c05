"""Sweeps: a grid of trainings, on all cores, that can be killed."""

from layerwise.experiment.sweeping._end import finish_sweep
from layerwise.experiment.sweeping._sweep import (
    SweepRun,
    open_sweep,
    reopen_sweep,
    run_sweep,
    train_point,
)
from layerwise.experiment.sweeping._vary import axis, varied

__all__ = [
    "SweepRun",
    "axis",
    "finish_sweep",
    "open_sweep",
    "reopen_sweep",
    "run_sweep",
    "train_point",
    "varied",
]
