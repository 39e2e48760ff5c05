"""What is studied: something that has layers and yields blocks of rows."""

from layerwise.study.subjects._network import (
    NetworkActivations,
    NetworkSubject,
    network_case,
)
from layerwise.study.subjects._subject import Activations, Block, Case, Stage, Subject

__all__ = [
    "Activations",
    "Block",
    "Case",
    "NetworkActivations",
    "NetworkSubject",
    "Stage",
    "Subject",
    "network_case",
]
