"""Inspection: what every layer of a trained network knows."""

from layerwise.inspection._baselines import baselines
from layerwise.inspection._inputs import inspect_inputs
from layerwise.inspection._inspect import inspect
from layerwise.inspection._study import (
    Baseline,
    Finding,
    InputStudy,
    Keepable,
    LayerStudy,
    Share,
    Study,
)

__all__ = [
    "Baseline",
    "Finding",
    "InputStudy",
    "Keepable",
    "LayerStudy",
    "Share",
    "Study",
    "baselines",
    "inspect",
    "inspect_inputs",
]
