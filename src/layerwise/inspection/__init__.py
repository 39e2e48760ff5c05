"""Inspection: what every layer of a trained network knows."""

from layerwise.inspection._activations import (
    count_activations,
    inspect_activations,
    load_counted,
    save_counted,
    studies_of,
)
from layerwise.inspection._baselines import baselines, logistic_regression
from layerwise.inspection._calibration import Calibration
from layerwise.inspection._counted import Counted, joined
from layerwise.inspection._counting import Counting, CountingOptions
from layerwise.inspection._finding import Finding
from layerwise.inspection._forecast import Forecast, forecast
from layerwise.inspection._input_study import Baseline, InputStudy
from layerwise.inspection._inputs import inspect_inputs
from layerwise.inspection._inspect import inspect, is_module
from layerwise.inspection._layer_study import LayerStudy, SnapshotLayer, SnapshotStudy
from layerwise.inspection._logistic import load_for_inspecting
from layerwise.inspection._measures import MEASURES, Measures
from layerwise.inspection._modules import (
    ModuleLayer,
    load_module_weights,
    module_layers,
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
    "Calibration",
    "Counted",
    "Counting",
    "CountingOptions",
    "Finding",
    "Forecast",
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
    "count_activations",
    "forecast",
    "inspect",
    "inspect_activations",
    "inspect_inputs",
    "is_module",
    "joined",
    "load_counted",
    "load_for_inspecting",
    "load_module_weights",
    "logistic_regression",
    "module_layers",
    "out_of_fold_evidence",
    "save_counted",
    "similarity_between",
    "studies_of",
    "suspects",
    "suspects_csv",
]
