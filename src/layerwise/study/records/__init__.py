"""What a study is made of."""

from layerwise.study.records._finding import Finding
from layerwise.study.records._input_study import InputStudy
from layerwise.study.records._kept_inputs import KeptInputs
from layerwise.study.records._layer_study import (
    LayerStudy,
    SnapshotLayer,
    SnapshotStudy,
)
from layerwise.study.records._study import Inputs, Keepable, Study, ValidationView
from layerwise.study.records._suspect import Suspect, suspects_csv

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
    "suspects_csv",
]
