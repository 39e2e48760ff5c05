"""From evidence to numbers."""

from layerwise.study.measures._measures import (
    MEASURES,
    LayerEvidence,
    LayerSample,
    Measures,
    measured,
)
from layerwise.study.measures._sampled import (
    Neighbourhood,
    layer_similarity,
    load_for_inspecting,
)

__all__ = [
    "MEASURES",
    "LayerEvidence",
    "LayerSample",
    "Measures",
    "Neighbourhood",
    "layer_similarity",
    "load_for_inspecting",
    "measured",
]
