"""Inspection: what every layer of a trained network knows."""

from layerwise.inspection._baselines import baselines
from layerwise.inspection._finding import Finding
from layerwise.inspection._input_study import Baseline, InputStudy
from layerwise.inspection._inputs import inspect_inputs
from layerwise.inspection._inspect import inspect, is_module
from layerwise.inspection._layer_study import LayerStudy, SnapshotLayer, SnapshotStudy
from layerwise.inspection._measures import MEASURES, Measures
from layerwise.inspection._modules import (
    ModuleLayer,
    load_module_weights,
    module_layers,
    require_torch,
)
from layerwise.inspection._share import Share
from layerwise.inspection._similarity import similarity_between
from layerwise.inspection._study import (
    Inputs,
    Keepable,
    Study,
    ValidationView,
)
from layerwise.inspection._suspects import (
    Suspect,
    out_of_fold_evidence,
    suspects,
    suspects_csv,
)

__all__ = [
    "MEASURES",
    "Baseline",
    "Finding",
    "InputStudy",
    "Inputs",
    "Keepable",
    "LayerStudy",
    "Measures",
    "ModuleLayer",
    "Share",
    "SnapshotLayer",
    "SnapshotStudy",
    "Study",
    "Suspect",
    "ValidationView",
    "baselines",
    "inspect",
    "inspect_inputs",
    "is_module",
    "load_module_weights",
    "module_layers",
    "out_of_fold_evidence",
    "require_torch",
    "similarity_between",
    "suspects",
    "suspects_csv",
]
