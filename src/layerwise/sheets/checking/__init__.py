"""A part against differences of its own values, and where it is fragile."""

from layerwise.sheets.checking._check import (
    Observation,
    Observed,
    alone,
    observe,
    right,
)
from layerwise.sheets.checking._fragile import fragile, unguarded

__all__ = [
    "Observation",
    "Observed",
    "alone",
    "fragile",
    "observe",
    "right",
    "unguarded",
]
