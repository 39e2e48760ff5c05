"""What a study is made of."""

from layerwise.study.records._found import Finding, InputStudy, Suspect
from layerwise.study.records._kept_inputs import KeptInputs
from layerwise.study.records._layer_study import (
    LayerStudy,
    SnapshotLayer,
    SnapshotStudy,
)
from layerwise.study.records._study import (
    Inputs,
    Keepable,
    Study,
    ValidationView,
    keepable,
)

__all__ = [
    "Finding",
    "InputStudy",
    "Inputs",
    "Keepable",
    "KeptInputs",
    "LayerStudy",
    "SnapshotLayer",
    "SnapshotStudy",
    "Study",
    "Suspect",
    "ValidationView",
    "keepable",
]
