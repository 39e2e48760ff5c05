"""What each layer of a network knows: subjects, passes, measures, findings, labels."""

from layerwise.study._activations import (
    count_activations,
    inspect_activations,
    load_counted,
    save_counted,
    studies_of,
)
from layerwise.study._between import similarity_between
from layerwise.study._file import load_study, save_study
from layerwise.study._inputs import inspect_inputs
from layerwise.study._inspect import inspect, is_module
from layerwise.study._module_layers import ModuleLayer, module_layers
from layerwise.study.findings import beside, with_suspects
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
    ColumnImportance,
    Crowd,
    Finding,
    Importance,
    Inputs,
    InputStudy,
    Keepable,
    LayerStudy,
    MixedPair,
    Nearest,
    SnapshotLayer,
    SnapshotStudy,
    Study,
    Suspect,
    Turn,
    ValidationView,
    WeakSpot,
    WeakSpots,
)

__all__ = [
    "MEASURES",
    "ColumnImportance",
    "Counted",
    "Counting",
    "CountingOptions",
    "Crowd",
    "Finding",
    "Forecast",
    "Importance",
    "InputStudy",
    "Inputs",
    "Keepable",
    "LayerStudy",
    "Measures",
    "MixedPair",
    "ModuleLayer",
    "Nearest",
    "SnapshotLayer",
    "SnapshotStudy",
    "Study",
    "Suspect",
    "Turn",
    "ValidationView",
    "WeakSpot",
    "WeakSpots",
    "beside",
    "count_activations",
    "forecast",
    "inspect",
    "inspect_activations",
    "inspect_inputs",
    "is_module",
    "joined",
    "load_counted",
    "load_for_inspecting",
    "load_study",
    "module_layers",
    "out_of_fold_evidence",
    "save_counted",
    "save_study",
    "similarity_between",
    "studies_of",
    "suspects",
    "suspects_csv",
    "with_suspects",
]
