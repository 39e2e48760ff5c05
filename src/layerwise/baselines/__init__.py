"""What simple methods reach on a data set: measured once, for diagnosis and study."""

from layerwise.baselines._baselines import Baseline, Baselines, logistic_regression

__all__ = ["Baseline", "Baselines", "logistic_regression"]
