"""Finished records in, matplotlib figures out."""

from layerwise.presentation.figures._layers import (
    layer_projections,
    layer_similarity,
    probe_by_layer,
)
from layerwise.presentation.figures._measures import measures_by_layer, pairs_by_layer
from layerwise.presentation.figures._mistakes import (
    confusion_matrix,
    decision_regions,
    reliability,
    worst_mistakes,
)
from layerwise.presentation.figures._pictures import (
    component_images,
    projection,
    sample_sheet,
    suspect_labels,
)
from layerwise.presentation.figures._style import written
from layerwise.presentation.figures._sweep import phase_diagram
from layerwise.presentation.figures._table import (
    OF_INPUTS,
    OF_REPORT,
    OF_STUDY,
    Figure,
    checked_formats,
    save_figures,
    save_report_figures,
)
from layerwise.presentation.figures._training import (
    epoch_planes,
    health_over_time,
    training_curves,
)

__all__ = [
    "OF_INPUTS",
    "OF_REPORT",
    "OF_STUDY",
    "Figure",
    "checked_formats",
    "component_images",
    "confusion_matrix",
    "decision_regions",
    "epoch_planes",
    "health_over_time",
    "layer_projections",
    "layer_similarity",
    "measures_by_layer",
    "pairs_by_layer",
    "phase_diagram",
    "probe_by_layer",
    "projection",
    "reliability",
    "sample_sheet",
    "save_figures",
    "save_report_figures",
    "suspect_labels",
    "training_curves",
    "worst_mistakes",
    "written",
]
