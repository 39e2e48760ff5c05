"""Presentation: finished records in, figures, pages and text out."""

from layerwise.presentation._drawing import draw_all, draw_inputs, save_figures
from layerwise.presentation._figures_confidence import reliability
from layerwise.presentation._figures_data import (
    component_images,
    projection,
    sample_sheet,
)
from layerwise.presentation._figures_epochs import epoch_planes
from layerwise.presentation._figures_health import health_over_time, spread_by_layer
from layerwise.presentation._figures_layers import layer_projections, probe_by_layer
from layerwise.presentation._figures_measures import (
    layer_similarity,
    measures_by_layer,
    pairs_by_layer,
)
from layerwise.presentation._figures_mistakes import (
    confusion_matrix,
    decision_regions,
    worst_mistakes,
)
from layerwise.presentation._figures_suspects import suspect_labels
from layerwise.presentation._figures_training import training_curves
from layerwise.presentation._page import page
from layerwise.presentation._report import Report
from layerwise.presentation._style import class_colours
from layerwise.presentation._terminal import (
    TrainingBar,
    print_data,
    print_diagnosis,
    print_findings,
    print_fixed,
    print_layers,
    print_statistics,
    print_suspects,
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
    "epoch_planes",
    "health_over_time",
    "layer_projections",
    "layer_similarity",
    "measures_by_layer",
    "page",
    "pairs_by_layer",
    "print_data",
    "print_diagnosis",
    "print_findings",
    "print_fixed",
    "print_layers",
    "print_statistics",
    "print_suspects",
    "print_training",
    "probe_by_layer",
    "projection",
    "reliability",
    "sample_sheet",
    "save_figures",
    "spread_by_layer",
    "suspect_labels",
    "training_curves",
    "worst_mistakes",
]
