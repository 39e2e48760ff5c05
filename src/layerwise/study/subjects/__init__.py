"""What is studied: something that has layers and yields blocks of rows."""

from layerwise.study.subjects._network import (
    network_activations,
    network_case,
    network_subject,
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
    "Stage",
    "Subject",
    "network_activations",
    "network_case",
    "network_subject",
]
