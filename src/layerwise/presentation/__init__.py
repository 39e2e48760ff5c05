"""Presentation: finished records in, figures, pages and text out."""

from layerwise.presentation._colours import class_colours
from layerwise.presentation._comparison import ComparedRun, Runs, comparison_summary
from layerwise.presentation._console import RowsBar, SweepBar, TrainingBar
from layerwise.presentation._notebook import dataset_html, result_html, study_html
from layerwise.presentation._page import page
from layerwise.presentation._predictions import PredictionSummary, print_predictions
from layerwise.presentation._report import Report
from layerwise.presentation._sweep import SweepReport
from layerwise.presentation._terminal import (
    print_class_scores,
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
    checked_formats,
    save_figures,
    save_report_figures,
)
from layerwise.presentation.payload import (
    comparison_payload,
    report_payload,
    study_payload,
    sweep_payload,
    with_fewer_shown,
)

__all__ = [
    "OF_INPUTS",
    "ComparedRun",
    "PredictionSummary",
    "Report",
    "RowsBar",
    "Runs",
    "SweepBar",
    "SweepReport",
    "TrainingBar",
    "checked_formats",
    "class_colours",
    "comparison_payload",
    "comparison_summary",
    "dataset_html",
    "page",
    "print_class_scores",
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
    "report_payload",
    "result_html",
    "save_figures",
    "save_report_figures",
    "study_html",
    "study_payload",
    "sweep_payload",
    "with_fewer_shown",
]
