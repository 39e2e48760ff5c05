"""Diagnosis: from a training's records to what is wrong with it, and what mends it."""

from layerwise.training.diagnosis._cause import Cause, Diagnosis
from layerwise.training.diagnosis._diagnose import RULES, diagnose
from layerwise.training.diagnosis._evidence import Evidence
from layerwise.training.diagnosis._setup import Setup

__all__ = ["RULES", "Cause", "Diagnosis", "Evidence", "Setup", "diagnose"]
