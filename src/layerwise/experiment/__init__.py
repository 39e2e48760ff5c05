"""The one place that knows the whole path, and the folder it leaves behind."""

from layerwise.experiment._compare import compare, write_comparison
from layerwise.experiment._export import export_run
from layerwise.experiment._fix import fix_run
from layerwise.experiment._folder import (
    Run,
    how_to_go_on,
    open_run,
    read_summary,
    reopen_run,
)
from layerwise.experiment._path import (
    data_summary,
    finish,
    look_at_data,
    look_inside,
    looking_at_data,
    report_again,
    restored,
    train,
    trying_simple_methods,
    write_suspects,
)
from layerwise.experiment._plan import NamedModule, Plan, data_for, load_data
from layerwise.experiment._predict import predictor, write_predictions
from layerwise.experiment._stored import (
    joined_parts,
    stored_activations,
    stored_forecast,
    stored_labels,
)
from layerwise.experiment._sweep import (
    SweepRun,
    open_sweep,
    reopen_sweep,
    run_sweep,
    train_point,
)
from layerwise.experiment._sweep_end import finish_sweep
from layerwise.experiment._vary import axis, varied

__all__ = [
    "NamedModule",
    "Plan",
    "Run",
    "SweepRun",
    "axis",
    "compare",
    "data_for",
    "data_summary",
    "export_run",
    "finish",
    "finish_sweep",
    "fix_run",
    "how_to_go_on",
    "joined_parts",
    "load_data",
    "look_at_data",
    "look_inside",
    "looking_at_data",
    "open_run",
    "open_sweep",
    "predictor",
    "read_summary",
    "reopen_run",
    "reopen_sweep",
    "report_again",
    "restored",
    "run_sweep",
    "stored_activations",
    "stored_forecast",
    "stored_labels",
    "train",
    "train_point",
    "trying_simple_methods",
    "varied",
    "write_comparison",
    "write_predictions",
    "write_suspects",
]
