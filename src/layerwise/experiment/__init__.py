"""The one place that knows the whole path, and the folder it leaves behind."""

from layerwise.experiment._folder import Run, open_run, read_summary, reopen_run
from layerwise.experiment._look import DataView, look_at_data
from layerwise.experiment._mend import fix_run
from layerwise.experiment._path import (
    draw_again,
    finish,
    look_inside,
    restored,
    train,
    write_suspects,
)
from layerwise.experiment._plan import Plan, load_data
from layerwise.experiment._summary import environment, json_types

__all__ = [
    "DataView",
    "Plan",
    "Run",
    "draw_again",
    "environment",
    "finish",
    "fix_run",
    "json_types",
    "load_data",
    "look_at_data",
    "look_inside",
    "open_run",
    "read_summary",
    "reopen_run",
    "restored",
    "train",
    "write_suspects",
]
