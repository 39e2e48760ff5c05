"""What simple methods reach on a data set."""

from layerwise.baselines._baselines import Baseline, baselines, logistic_regression
from layerwise.baselines._expected import Expected, expected_of, neighbours_of

__all__ = [
    "Baseline",
    "Expected",
    "baselines",
    "expected_of",
    "logistic_regression",
    "neighbours_of",
]
