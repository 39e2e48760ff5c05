"""Training: optimisers, schedules, engines, and the loop that is the same for all."""

from layerwise.training._checkpoint import (
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from layerwise.training._health import Health, LayerHealth
from layerwise.training._history import Epoch, History
from layerwise.training._loop import Checkpoint, Progress, Result, fit, score
from layerwise.training._mend import Fixed, Round, fix
from layerwise.training._optimisers import OPTIMISERS, Optimiser, optimiser
from layerwise.training._recipe import Recipe
from layerwise.training._schedules import SCHEDULES, Schedule, schedule
from layerwise.training._snapshots import Snapshot, snapshot_epochs
from layerwise.training.diagnosis import Cause, Diagnosis, Setup
from layerwise.training.engines import Problem, Score, State, Steps, engine_for

__all__ = [
    "OPTIMISERS",
    "SCHEDULES",
    "Cause",
    "Checkpoint",
    "Diagnosis",
    "Epoch",
    "Fixed",
    "Health",
    "History",
    "LayerHealth",
    "Optimiser",
    "Problem",
    "Progress",
    "Recipe",
    "Result",
    "Round",
    "Schedule",
    "Score",
    "Setup",
    "Snapshot",
    "State",
    "Steps",
    "engine_for",
    "fit",
    "fix",
    "latest_checkpoint",
    "load_checkpoint",
    "optimiser",
    "save_checkpoint",
    "schedule",
    "score",
    "snapshot_epochs",
]
