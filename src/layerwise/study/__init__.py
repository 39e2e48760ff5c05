"""What each layer of a network knows: subjects, passes, measures, findings, labels."""

from layerwise.study._activations import (
    count_activations,
    inspect_activations,
    load_counted,
    save_counted,
    studies_of,
)
from layerwise.study._between import similarity_between
from layerwise.study._inputs import inspect_inputs
from layerwise.study._inspect import inspect, is_module
from layerwise.study._module_layers import ModuleLayer, module_layers
from layerwise.study.labels import out_of_fold_evidence, suspects, suspects_csv
from layerwise.study.measures import MEASURES, Measures, load_for_inspecting
from layerwise.study.passes import (
    Counted,
    Counting,
    CountingOptions,
    Forecast,
    forecast,
    joined,
)
from layerwise.study.records import (
    Finding,
    Inputs,
    InputStudy,
    Keepable,
    LayerStudy,
    SnapshotLayer,
    SnapshotStudy,
    Study,
    Suspect,
    ValidationView,
)

__all__ = [
    "MEASURES",
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
    "SnapshotLayer",
    "SnapshotStudy",
    "Study",
    "Suspect",
    "ValidationView",
    "count_activations",
    "forecast",
    "inspect",
    "inspect_activations",
    "inspect_inputs",
    "is_module",
    "joined",
    "load_counted",
    "load_for_inspecting",
    "module_layers",
    "out_of_fold_evidence",
    "save_counted",
    "similarity_between",
    "studies_of",
    "suspects",
    "suspects_csv",
]
