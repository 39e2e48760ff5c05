"""Engines: each advances a network by the same mathematics, in its own way."""

from layerwise.training.engines._choice import (
    ENGINES,
    EngineKind,
    Task,
    engine_for,
    engine_kind,
)
from layerwise.training.engines._engine import (
    Engine,
    Problem,
    Score,
    State,
    Steps,
    on_host,
)

__all__ = [
    "ENGINES",
    "Engine",
    "EngineKind",
    "Problem",
    "Score",
    "State",
    "Steps",
    "Task",
    "engine_for",
    "engine_kind",
    "on_host",
]
