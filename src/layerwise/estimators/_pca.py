"""scikit-learn's shells around the mathematics of the other rooms."""

from typing import Any

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from layerwise.errors import InputError
from layerwise.statistics import Moments, PrincipalComponents, principal_components

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
    n_components_, n_samples_, n_features_in_ : int
    moments_ : Moments
        What was seen so far; it merges with that of another fit.

    Examples
    --------
    >>> pca = PCA(n_components=1).fit([[0, 0], [1, 1], [2, 2]])
    >>> pca.transform([[3, 3]]).round(3).tolist()
    [[2.828]]
    """

    def __init__(self, n_components: Any = None) -> None:
        self.n_components = n_components

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

        Parameters
        ----------
        X : array, shape (rows, n_features_in_)

        Returns
        -------
        float64 array, shape (rows, n_components_)
        """
        check_is_fitted(self)
        return self._found().project(validate_data(self, X, reset=False))

    def inverse_transform(self, X: Any) -> Any:
        """Return the rows whose coordinates are ``X``, shape (rows, n_components_)."""
        check_is_fitted(self)
        return check_array(X) @ self.components_ + self.mean_

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
        self.n_components_ = kept
        self.n_samples_ = moments.count
        return self

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
