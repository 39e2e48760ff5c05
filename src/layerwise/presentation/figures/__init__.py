"""Finished records in, matplotlib figures out."""

from layerwise.presentation.figures._comparison import compared_curves, compared_probes
from layerwise.presentation.figures._drawing import (
    draw,
    draw_all,
    load_for_drawing,
    save_figures,
)
from layerwise.presentation.figures._layers import (
    layer_caption,
    layer_projections,
    layer_similarity,
    probe_by_layer,
    tile_alternative,
)
from layerwise.presentation.figures._measures import measures_by_layer, pairs_by_layer
from layerwise.presentation.figures._mistakes import (
    confusion_matrix,
    decision_regions,
    mistakes_caption,
    reliability,
    worst_mistakes,
)
from layerwise.presentation.figures._pictures import (
    are_pictures,
    component_images,
    projection,
    sample_sheet,
    suspect_labels,
)
from layerwise.presentation.figures._style import DPI, Figure, class_colours
from layerwise.presentation.figures._sweep import phase_diagram
from layerwise.presentation.figures._table import (
    OF_INPUTS,
    OF_RUNS,
    OF_STUDY,
    OF_SWEEP,
    OF_TRAINING,
)
from layerwise.presentation.figures._training import (
    epoch_planes,
    health_over_time,
    stretches,
    training_curves,
)

__all__ = [
    "DPI",
    "OF_INPUTS",
    "OF_RUNS",
    "OF_STUDY",
    "OF_SWEEP",
    "OF_TRAINING",
    "Figure",
    "are_pictures",
    "class_colours",
    "compared_curves",
    "compared_probes",
    "component_images",
    "confusion_matrix",
    "decision_regions",
    "draw",
    "draw_all",
    "epoch_planes",
    "health_over_time",
    "layer_caption",
    "layer_projections",
    "layer_similarity",
    "load_for_drawing",
    "measures_by_layer",
    "mistakes_caption",
    "pairs_by_layer",
    "phase_diagram",
    "probe_by_layer",
    "projection",
    "reliability",
    "sample_sheet",
    "save_figures",
    "stretches",
    "suspect_labels",
    "tile_alternative",
    "training_curves",
    "worst_mistakes",
]
