"""What is studied: something that has layers and yields blocks of rows."""

from layerwise.study.subjects._network import (
    NetworkActivations,
    NetworkSubject,
    network_case,
)
from layerwise.study.subjects._subject import (
    Activations,
    Block,
    Case,
    Followed,
    Stage,
    Subject,
)

__all__ = [
    "Activations",
    "Block",
    "Case",
    "Followed",
    "NetworkActivations",
    "NetworkSubject",
    "Stage",
    "Subject",
    "network_case",
]
