"""The passes over the samples: one to fit, one to score."""

from layerwise.study.passes._counted import (
    FITTED,
    SHOWN,
    Columns,
    Counted,
    CountedLayer,
    count_rows,
    joined,
)
from layerwise.study.passes._fit_and_score import (
    Asked,
    Basis,
    Scored,
    fit_pass,
    folds_of,
    layer_moments,
    score_pass,
    two_columns,
)
from layerwise.study.passes._forecast import Forecast, forecast
from layerwise.study.passes._snapshots import (
    SeenStage,
    look_at,
    snapshot_studies,
    with_turns,
)
from layerwise.study.passes._tallies import (
    Counting,
    CountingOptions,
    Mistakes,
    RowsPassed,
    Tallies,
)

__all__ = [
    "FITTED",
    "SHOWN",
    "Asked",
    "Basis",
    "Columns",
    "Counted",
    "CountedLayer",
    "Counting",
    "CountingOptions",
    "Forecast",
    "Mistakes",
    "RowsPassed",
    "Scored",
    "SeenStage",
    "Tallies",
    "count_rows",
    "fit_pass",
    "folds_of",
    "forecast",
    "joined",
    "layer_moments",
    "look_at",
    "score_pass",
    "snapshot_studies",
    "two_columns",
    "with_turns",
]
