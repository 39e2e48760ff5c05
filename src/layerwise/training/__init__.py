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
from layerwise.training._mend import Fixed, Round, fix
from layerwise.training._optimisers import (
    OPTIMISERS,
    Adam,
    Momentum,
    Optimiser,
    optimiser,
)
from layerwise.training._recipe import Recipe
from layerwise.training._record import Recording, record
from layerwise.training._schedules import SCHEDULES, Schedule, schedule
from layerwise.training._snapshots import Snapshot, snapshot_epochs
from layerwise.training._sweep import (
    OUTCOMES,
    Axis,
    Phase,
    PhaseDiagram,
    Setting,
    Sweep,
    SweepPoint,
)
from layerwise.training._together import Planned, fit_together
from layerwise.training.diagnosis import Cause, Diagnosis, Setup
from layerwise.training.engines import (
    Engine,
    Problem,
    Score,
    State,
    Steps,
    engine_for,
    on_host,
)

__all__ = [
    "OPTIMISERS",
    "OUTCOMES",
    "SCHEDULES",
    "Adam",
    "Axis",
    "Cause",
    "Checkpoint",
    "Diagnosis",
    "Engine",
    "Epoch",
    "Fixed",
    "Health",
    "History",
    "LayerHealth",
    "Momentum",
    "Optimiser",
    "Phase",
    "PhaseDiagram",
    "Planned",
    "Problem",
    "Progress",
    "Recipe",
    "Recording",
    "Result",
    "Round",
    "Schedule",
    "Score",
    "Setting",
    "Setup",
    "Snapshot",
    "State",
    "Steps",
    "Sweep",
    "SweepPoint",
    "checkpoints_in",
    "engine_for",
    "fingerprint",
    "fit",
    "fit_together",
    "fix",
    "latest_checkpoint",
    "load_checkpoint",
    "on_host",
    "optimiser",
    "planned_engine",
    "prune_checkpoints",
    "record",
    "save_checkpoint",
    "schedule",
    "score",
    "snapshot_epochs",
]
