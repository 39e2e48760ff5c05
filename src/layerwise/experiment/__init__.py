"""The one place that knows the whole path, and the folder it leaves behind."""

from layerwise.experiment._folder import Run, open_run, read_summary, reopen_run
from layerwise.experiment._look import DataView, look_at_data
from layerwise.experiment._path import draw_again, finish, train
from layerwise.experiment._plan import Plan, load_data
from layerwise.experiment._summary import environment

__all__ = [
    "DataView",
    "Plan",
    "Run",
    "draw_again",
    "environment",
    "finish",
    "load_data",
    "look_at_data",
    "open_run",
    "read_summary",
    "reopen_run",
    "train",
]
