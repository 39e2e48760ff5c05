"""Presentation: finished records in, figures, pages and text out."""

from layerwise.presentation._bars import PassBar, RowsBar, SweepBar, TrainingBar
from layerwise.presentation._comparison import ComparedRun, Runs, comparison_summary
from layerwise.presentation._predictions import PredictionSummary, print_predictions
from layerwise.presentation._report import Report
from layerwise.presentation._sweep import SweepReport
from layerwise.presentation._terminal import (
    print_comparison,
    print_data,
    print_details,
    print_diagnosis,
    print_findings,
    print_fixed,
    print_forecast,
    print_layers,
    print_module_layers,
    print_remarks,
    print_statistics,
    print_suspects,
    print_sweep,
    print_training,
)
from layerwise.presentation.figures import (
    OF_INPUTS,
    OF_RUNS,
    OF_SWEEP,
    class_colours,
    draw,
    draw_all,
    load_for_drawing,
    save_figures,
)
from layerwise.presentation.pages import comparison_page, page, study_page, sweep_page

__all__ = [
    "OF_INPUTS",
    "OF_RUNS",
    "OF_SWEEP",
    "ComparedRun",
    "PassBar",
    "PredictionSummary",
    "Report",
    "RowsBar",
    "Runs",
    "SweepBar",
    "SweepReport",
    "TrainingBar",
    "class_colours",
    "comparison_page",
    "comparison_summary",
    "draw",
    "draw_all",
    "load_for_drawing",
    "page",
    "print_comparison",
    "print_data",
    "print_details",
    "print_diagnosis",
    "print_findings",
    "print_fixed",
    "print_forecast",
    "print_layers",
    "print_module_layers",
    "print_predictions",
    "print_remarks",
    "print_statistics",
    "print_suspects",
    "print_sweep",
    "print_training",
    "save_figures",
    "study_page",
    "sweep_page",
]
