"""Presentation: finished records in, figures, pages and text out."""

from layerwise.presentation._bars import PassBar, SweepBar, TrainingBar
from layerwise.presentation._comparison import ComparedRun, Comparison
from layerwise.presentation._comparison_page import comparison_page, draw_comparison
from layerwise.presentation._drawing import (
    draw_all,
    draw_inputs,
    draw_study,
    load_for_drawing,
    save_figures,
)
from layerwise.presentation._figures_comparison import (
    compared_curves,
    compared_probes,
)
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
from layerwise.presentation._figures_sweep import phase_diagram
from layerwise.presentation._figures_training import training_curves
from layerwise.presentation._page import page, study_page
from layerwise.presentation._report import Report
from layerwise.presentation._style import class_colours
from layerwise.presentation._sweep_page import (
    SweepReport,
    draw_sweep,
    sweep_page,
)
from layerwise.presentation._terminal import (
    print_comparison,
    print_data,
    print_diagnosis,
    print_findings,
    print_fixed,
    print_layers,
    print_statistics,
    print_suspects,
    print_sweep,
    print_training,
)
from layerwise.presentation._terminal_modules import print_module_layers
from layerwise.presentation._terminal_scale import print_forecast

__all__ = [
    "ComparedRun",
    "Comparison",
    "PassBar",
    "Report",
    "SweepBar",
    "SweepReport",
    "TrainingBar",
    "class_colours",
    "compared_curves",
    "compared_probes",
    "comparison_page",
    "component_images",
    "confusion_matrix",
    "decision_regions",
    "draw_all",
    "draw_comparison",
    "draw_inputs",
    "draw_study",
    "draw_sweep",
    "epoch_planes",
    "health_over_time",
    "layer_projections",
    "layer_similarity",
    "load_for_drawing",
    "measures_by_layer",
    "page",
    "pairs_by_layer",
    "phase_diagram",
    "print_comparison",
    "print_data",
    "print_diagnosis",
    "print_findings",
    "print_fixed",
    "print_forecast",
    "print_layers",
    "print_module_layers",
    "print_statistics",
    "print_suspects",
    "print_sweep",
    "print_training",
    "probe_by_layer",
    "projection",
    "reliability",
    "sample_sheet",
    "save_figures",
    "spread_by_layer",
    "study_page",
    "suspect_labels",
    "sweep_page",
    "training_curves",
    "worst_mistakes",
]
