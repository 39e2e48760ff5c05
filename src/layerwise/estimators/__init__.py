"""scikit-learn's shells around the mathematics of the other rooms."""

from layerwise.estimators._classifier import MLPClassifier
from layerwise.estimators._pca import PCA
from layerwise.estimators._regressor import MLPRegressor

__all__ = ["PCA", "MLPClassifier", "MLPRegressor"]
