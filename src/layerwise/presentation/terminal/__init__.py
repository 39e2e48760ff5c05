"""Finished records in, text in the terminal out."""

from layerwise.presentation.terminal._bars import PassBar, SweepBar, TrainingBar
from layerwise.presentation.terminal._modules import print_module_layers
from layerwise.presentation.terminal._scale import print_forecast
from layerwise.presentation.terminal._terminal import (
    print_comparison,
    print_data,
    print_diagnosis,
    print_findings,
    print_fixed,
    print_layers,
    print_statistics,
    print_suspects,
    print_sweep,
    print_training,
)

__all__ = [
    "PassBar",
    "SweepBar",
    "TrainingBar",
    "print_comparison",
    "print_data",
    "print_diagnosis",
    "print_findings",
    "print_fixed",
    "print_forecast",
    "print_layers",
    "print_module_layers",
    "print_statistics",
    "print_suspects",
    "print_sweep",
    "print_training",
]
