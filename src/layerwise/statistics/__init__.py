"""Mathematics on arrays of labelled rows: moments, and what follows from them."""

from layerwise.statistics._blocks import Precision, blocks
from layerwise.statistics._classes import (
    angle_deviation,
    class_spread,
    fisher_ratio,
    nearest_mean,
    norm_variation,
    self_duality,
    separation,
    within_collapse,
)
from layerwise.statistics._components import (
    PrincipalComponents,
    constant_units,
    duplicate_units,
    effective_rank,
    log_likelihoods,
    participation_ratio,
    principal_components,
)
from layerwise.statistics._discriminants import (
    Discriminants,
    LeastSquaresProbe,
    discriminants,
    least_squares_probe,
)
from layerwise.statistics._health import (
    silent_shares,
    statistics_of_outputs,
    statistics_of_slopes,
)
from layerwise.statistics._moments import MAX_UNITS, Moments, Tally
from layerwise.statistics._neighbours import (
    Likeness,
    hsic,
    linear_cka,
    nearest_columns,
    nearest_rows,
)
from layerwise.statistics._predictions import (
    BINS,
    NOTABLE,
    TWO_SIDED,
    Calibration,
    Share,
    calibration_of,
    confusion_counts,
    difference_noise,
    exceeds,
    share,
    wilson_interval,
)
from layerwise.statistics._projection import Projection

__all__ = [
    "BINS",
    "MAX_UNITS",
    "NOTABLE",
    "TWO_SIDED",
    "Calibration",
    "Discriminants",
    "LeastSquaresProbe",
    "Likeness",
    "Moments",
    "Precision",
    "PrincipalComponents",
    "Projection",
    "Share",
    "Tally",
    "angle_deviation",
    "blocks",
    "calibration_of",
    "class_spread",
    "confusion_counts",
    "constant_units",
    "difference_noise",
    "discriminants",
    "duplicate_units",
    "effective_rank",
    "exceeds",
    "fisher_ratio",
    "hsic",
    "least_squares_probe",
    "linear_cka",
    "log_likelihoods",
    "nearest_columns",
    "nearest_mean",
    "nearest_rows",
    "norm_variation",
    "participation_ratio",
    "principal_components",
    "self_duality",
    "separation",
    "share",
    "silent_shares",
    "statistics_of_outputs",
    "statistics_of_slopes",
    "wilson_interval",
    "within_collapse",
]
