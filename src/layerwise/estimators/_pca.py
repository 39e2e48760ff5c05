"""Principal components as a scikit-learn estimator."""

from typing import Any

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from layerwise.errors import InputError
from layerwise.statistics import (
    Moments,
    PrincipalComponents,
    log_likelihoods,
    principal_components,
)

__all__ = ["PCA"]


class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal components in one pass: exact for any cut of the rows into batches.

    Beside scikit-learn's ``PCA`` it never copies the data (images stay ``uint8``), its
    memory does not grow with the number of rows, and `partial_fit` gives what `fit` on
    all the rows gives, where ``IncrementalPCA`` approximates it. Results are float64.

    Parameters
    ----------
    n_components : int, float or None
        How many components to keep: a number up to the number of features, the share
        of variance to reach (above 0, below 1), or the smaller of rows and features.
    whiten : bool
        Whether `transform` divides each coordinate by its standard deviation, so that
        all have variance 1.

    Attributes
    ----------
    components_ : float64, shape (n_components_, n_features_in_)
        Orthonormal rows, the largest variance first; the entry of largest magnitude
        of each is positive.
    mean_ : float64, shape (n_features_in_,)
    explained_variance_ : float64, shape (n_components_,)
        The variance along each component, divided by n - 1.
    explained_variance_ratio_ : float64, shape (n_components_,)
        Its share of the total variance; 0 where there is no variance.
    singular_values_ : float64, shape (n_components_,)
        Those of the centred rows.
    noise_variance_ : float
        The mean variance of the components left out; 0 where there are none.
    n_components_, n_samples_, n_features_in_ : int
    moments_ : Moments
        What was seen so far; it merges with that of another fit.

    Examples
    --------
    >>> pca = PCA(n_components=1).fit([[0, 0], [1, 1], [2, 2]])
    >>> pca.transform([[3, 3]]).round(3).tolist()
    [[2.828]]
    """

    def __init__(self, n_components: Any = None, *, whiten: Any = False) -> None:
        self.n_components = n_components
        self.whiten = whiten

    def fit(self, X: Any, y: Any = None) -> "PCA":  # noqa: ARG002
        """Find the principal components of ``X``, shape (rows, features).

        Raises
        ------
        ValueError
            If ``X`` is not a finite table of numbers, or ``n_components`` is out of
            range.
        """
        rows = validate_data(self, X)
        return self._take(Moments.of(rows))

    def partial_fit(self, X: Any, y: Any = None) -> "PCA":  # noqa: ARG002
        """Find the principal components of all the rows seen so far, ``X`` included.

        Parameters and errors are those of `fit`.
        """
        first = not hasattr(self, "moments_")
        rows = np.asarray(validate_data(self, X, reset=first))
        before = Moments.empty(rows.shape[1]) if first else self.moments_
        return self._take(before.updated(rows))

    def transform(self, X: Any) -> Any:
        """Return the coordinates of ``X`` along the components, the mean taken off.

        With ``whiten`` each is divided by its standard deviation; one that has none is
        left as it is, which is zero to rounding.

        Parameters
        ----------
        X : array, shape (rows, n_features_in_)

        Returns
        -------
        float64 array, shape (rows, n_components_)
        """
        check_is_fitted(self)
        coordinates = self._found().project(validate_data(self, X, reset=False))
        return coordinates / self._scale()

    def inverse_transform(self, X: Any) -> Any:
        """Return the rows whose coordinates are ``X``, shape (rows, n_components_)."""
        check_is_fitted(self)
        coordinates = check_array(X) * self._scale()
        return coordinates @ self.components_ + self.mean_

    def score_samples(self, X: Any) -> Any:
        """Return the log-likelihood of each row under probabilistic PCA.

        Parameters
        ----------
        X : array, shape (rows, n_features_in_)

        Returns
        -------
        float64 array, shape (rows,)
            Whether the coordinates are whitened makes no difference.

        Raises
        ------
        ValueError
            If there is a direction without variance.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False)
        return log_likelihoods(rows, self._found(), self.noise_variance_)

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002
        """Return the mean log-likelihood of the rows; errors as `score_samples`."""
        return float(self.score_samples(X).mean())

    def get_covariance(self) -> np.ndarray:
        """Return the covariance of the model, shape (n_features_in_, n_features_in_).

        That of the data along the components, and ``noise_variance_`` in all other
        directions.
        """
        check_is_fitted(self)
        above = self.explained_variance_ - self.noise_variance_
        noise = self.noise_variance_ * np.eye(len(self.mean_))
        return (self.components_.T * above) @ self.components_ + noise

    def get_precision(self) -> np.ndarray:
        """Return the inverse of `get_covariance`.

        Raises
        ------
        numpy.linalg.LinAlgError
            If there is a direction without variance.
        """
        return np.linalg.inv(self.get_covariance())

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def _take(self, moments: Moments) -> "PCA":
        found = principal_components(moments)
        kept = _number_to_keep(self.n_components, moments.count, found)
        self.moments_ = moments
        self.mean_ = found.mean
        self.components_ = found.components[:kept]
        self.explained_variance_ = found.explained_variance[:kept]
        self.explained_variance_ratio_ = found.explained_variance_ratio[:kept]
        self.singular_values_ = np.sqrt(self.explained_variance_ * (moments.count - 1))
        left_out = found.explained_variance[kept : min(moments.count, len(found.mean))]
        self.noise_variance_ = float(left_out.mean()) if left_out.size else 0.0
        self.n_components_ = kept
        self.n_samples_ = moments.count
        return self

    def _scale(self) -> Any:
        deviations = self._found().deviations
        return np.where(deviations > 0, deviations, 1) if self.whiten else 1

    def _found(self) -> PrincipalComponents:
        return PrincipalComponents(
            mean=self.mean_,
            components=self.components_,
            explained_variance=self.explained_variance_,
            explained_variance_ratio=self.explained_variance_ratio_,
        )


def _number_to_keep(wanted: Any, rows: int, found: PrincipalComponents) -> int:
    features = len(found.components)
    if wanted is None:
        return min(rows, features)
    if isinstance(wanted, int | np.integer) and 1 <= wanted <= features:
        return int(wanted)
    if isinstance(wanted, float | np.floating) and 0 < wanted < 1:
        reached = np.cumsum(found.explained_variance_ratio)
        return min(int(np.searchsorted(reached, wanted)) + 1, features)
    raise InputError(
        f"n_components is {wanted!r}: choose a whole number from 1 to {features}, "
        "a share of variance above 0 and below 1, or None"
    )
