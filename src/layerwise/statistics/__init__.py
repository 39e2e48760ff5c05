"""Mathematics on arrays of labelled rows: moments, and what follows from them."""

from layerwise.statistics._classes import class_spread, separation
from layerwise.statistics._components import (
    PrincipalComponents,
    constant_units,
    participation_ratio,
    principal_components,
)
from layerwise.statistics._intervals import wilson_interval
from layerwise.statistics._moments import Moments
from layerwise.statistics._probe import LeastSquaresProbe, least_squares_probe

__all__ = [
    "LeastSquaresProbe",
    "Moments",
    "PrincipalComponents",
    "class_spread",
    "constant_units",
    "least_squares_probe",
    "participation_ratio",
    "principal_components",
    "separation",
    "wilson_interval",
]
