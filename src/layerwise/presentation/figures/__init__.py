"""Finished records in, matplotlib figures out."""

from layerwise.presentation.figures._captions import layer_caption
from layerwise.presentation.figures._comparison import compared_curves, compared_probes
from layerwise.presentation.figures._confidence import reliability
from layerwise.presentation.figures._data import (
    component_images,
    projection,
    sample_sheet,
)
from layerwise.presentation.figures._drawing import (
    draw_all,
    draw_inputs,
    draw_study,
    load_for_drawing,
    save_figures,
)
from layerwise.presentation.figures._epochs import epoch_planes, epochs_shown
from layerwise.presentation.figures._health import health_over_time, spread_by_layer
from layerwise.presentation.figures._layers import layer_projections, probe_by_layer
from layerwise.presentation.figures._measures import (
    layer_similarity,
    measures_by_layer,
    mixed_pairs,
    pairs_by_layer,
)
from layerwise.presentation.figures._mistakes import (
    are_points,
    confusion_matrix,
    decision_regions,
    worst_mistakes,
)
from layerwise.presentation.figures._style import DPI, class_colours, png
from layerwise.presentation.figures._suspects import suspect_labels
from layerwise.presentation.figures._sweep import (
    averaged_over,
    axis_value,
    phase_diagram,
)
from layerwise.presentation.figures._training import training_curves

__all__ = [
    "DPI",
    "are_points",
    "averaged_over",
    "axis_value",
    "class_colours",
    "compared_curves",
    "compared_probes",
    "component_images",
    "confusion_matrix",
    "decision_regions",
    "draw_all",
    "draw_inputs",
    "draw_study",
    "epoch_planes",
    "epochs_shown",
    "health_over_time",
    "layer_caption",
    "layer_projections",
    "layer_similarity",
    "load_for_drawing",
    "measures_by_layer",
    "mixed_pairs",
    "pairs_by_layer",
    "phase_diagram",
    "png",
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
