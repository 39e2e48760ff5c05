"""Presentation: finished records in, figures, pages and text out."""

from layerwise.presentation._drawing import draw_all, draw_inputs, save_figures
from layerwise.presentation._figures_data import (
    component_images,
    projection,
    sample_sheet,
)
from layerwise.presentation._figures_layers import layer_projections, probe_by_layer
from layerwise.presentation._figures_mistakes import (
    confusion_matrix,
    decision_regions,
    worst_mistakes,
)
from layerwise.presentation._figures_training import training_curves
from layerwise.presentation._page import page
from layerwise.presentation._report import Report
from layerwise.presentation._style import class_colours
from layerwise.presentation._terminal import (
    TrainingBar,
    print_data,
    print_findings,
    print_layers,
    print_statistics,
    print_training,
)

__all__ = [
    "Report",
    "TrainingBar",
    "class_colours",
    "component_images",
    "confusion_matrix",
    "decision_regions",
    "draw_all",
    "draw_inputs",
    "layer_projections",
    "page",
    "print_data",
    "print_findings",
    "print_layers",
    "print_statistics",
    "print_training",
    "probe_by_layer",
    "projection",
    "sample_sheet",
    "save_figures",
    "training_curves",
    "worst_mistakes",
]
