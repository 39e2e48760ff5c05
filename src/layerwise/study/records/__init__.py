"""What a study is made of."""

from layerwise.study.records._columns import (
    ColumnImportance,
    Importance,
    WeakSpot,
    WeakSpots,
)
from layerwise.study.records._found import (
    Crowd,
    Finding,
    InputStudy,
    MixedPair,
    Nearest,
    Suspect,
)
from layerwise.study.records._layer_study import (
    LayerStudy,
    SnapshotLayer,
    SnapshotStudy,
    Turn,
)
from layerwise.study.records._study import (
    REQUIRED,
    Inputs,
    Keepable,
    Study,
    ValidationView,
    keepable,
)

__all__ = [
    "REQUIRED",
    "ColumnImportance",
    "Crowd",
    "Finding",
    "Importance",
    "InputStudy",
    "Inputs",
    "Keepable",
    "LayerStudy",
    "MixedPair",
    "Nearest",
    "SnapshotLayer",
    "SnapshotStudy",
    "Study",
    "Suspect",
    "Turn",
    "ValidationView",
    "WeakSpot",
    "WeakSpots",
    "keepable",
]
