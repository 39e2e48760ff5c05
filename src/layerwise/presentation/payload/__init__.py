"""Finished records in; what a page's script is given out."""

from layerwise.presentation.payload._blocks import Payload, is_ink
from layerwise.presentation.payload._numbers import stretches
from layerwise.presentation.payload._pages import (
    comparison_payload,
    report_payload,
    result_payload,
    study_payload,
    sweep_payload,
)
from layerwise.presentation.payload._samples import with_fewer_shown

__all__ = [
    "Payload",
    "comparison_payload",
    "is_ink",
    "report_payload",
    "result_payload",
    "stretches",
    "study_payload",
    "sweep_payload",
    "with_fewer_shown",
]
