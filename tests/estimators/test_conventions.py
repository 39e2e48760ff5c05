"""Every estimator keeps every convention of scikit-learn, none of them excused."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from layerwise.estimators import PCA, MLPClassifier, MLPRegressor

ESTIMATORS = [
    PCA(),
    PCA(0.9, whiten=True),
    MLPClassifier(max_iter=30, learning_rate_init=0.01),
    MLPRegressor(max_iter=30, learning_rate_init=0.01),
]


@pytest.mark.usefixtures("unchecked")
# Few of the checks give enough epochs to converge, and none is about that.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
# One check is about array libraries, and skipped unless scipy is told so.
@parametrize_with_checks(ESTIMATORS)
def test_keeps_the_convention(estimator, check):
    check(estimator)
