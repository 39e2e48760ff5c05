"""Training: optimisers, schedules, engines, and the loop that is the same for all."""

from layerwise.training._checkpoint import (
    checkpoints_in,
    fingerprint,
    latest_checkpoint,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from layerwise.training._health import Health, LayerHealth
from layerwise.training._history import Epoch, History
from layerwise.training._loop import (
    Checkpoint,
    Progress,
    Result,
    fit,
    planned_engine,
    score,
)
from layerwise.training._optimisers import OPTIMISERS, Adam, Momentum, Optimiser
from layerwise.training._recipe import LEARNING_RATES, Recipe, ResolvedRecipe
from layerwise.training._record import Recording, record
from layerwise.training._schedules import SCHEDULES, Schedule
from layerwise.training._snapshots import Snapshot, snapshot_epochs
from layerwise.training.engines import (
    ENGINES,
    Engine,
    EngineKind,
    Problem,
    Score,
    State,
    Steps,
    Task,
    engine_for,
    engine_kind,
    on_host,
)

__all__ = [
    "ENGINES",
    "LEARNING_RATES",
    "OPTIMISERS",
    "SCHEDULES",
    "Adam",
    "Checkpoint",
    "Engine",
    "EngineKind",
    "Epoch",
    "Health",
    "History",
    "LayerHealth",
    "Momentum",
    "Optimiser",
    "Problem",
    "Progress",
    "Recipe",
    "Recording",
    "ResolvedRecipe",
    "Result",
    "Schedule",
    "Score",
    "Snapshot",
    "State",
    "Steps",
    "Task",
    "checkpoints_in",
    "engine_for",
    "engine_kind",
    "fingerprint",
    "fit",
    "latest_checkpoint",
    "load_checkpoint",
    "on_host",
    "planned_engine",
    "prune_checkpoints",
    "record",
    "save_checkpoint",
    "score",
    "snapshot_epochs",
]
