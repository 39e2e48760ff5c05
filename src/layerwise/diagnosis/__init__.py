"""Diagnosis: from a training's records to what is wrong with it, and its fix."""

from layerwise.diagnosis._diagnose import diagnose
from layerwise.diagnosis._evidence import Cause, Diagnosis
from layerwise.diagnosis._fix import Fixed, Round, fix, mean_recall
from layerwise.diagnosis._setup import Setup

__all__ = [
    "Cause",
    "Diagnosis",
    "Fixed",
    "Round",
    "Setup",
    "diagnose",
    "fix",
    "mean_recall",
]
