"""Engines: each advances a network by the same mathematics, in its own way."""

from layerwise.training.engines._choice import engine_for, engine_name
from layerwise.training.engines._engine import (
    Engine,
    Problem,
    Score,
    State,
    Steps,
    all_finite,
    on_host,
)

__all__ = [
    "Engine",
    "Problem",
    "Score",
    "State",
    "Steps",
    "all_finite",
    "engine_for",
    "engine_name",
    "on_host",
]
