"""Principal components as a scikit-learn estimator."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from layerwise.errors import InputError
from layerwise.estimators._sparse import dense_blocks
from layerwise.statistics import (
    Moments,
    PrincipalComponents,
    Tally,
    likeliest_dimension,
    log_likelihoods,
    principal_components,
    principal_components_of_rows,
)

SOLVERS = ("auto", "full", "covariance_eigh", "arpack", "randomized")


@dataclass(eq=False, repr=False)
class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal components in one pass: exact for any cut of the rows into batches.

    Beside scikit-learn's ``PCA`` it never copies the data (images stay ``uint8``), its
    memory does not grow with the number of rows, and `partial_fit` gives what `fit` on
    all the rows gives, where ``IncrementalPCA`` approximates it. Results are float64.
    Of fewer rows than features `fit` takes a singular value decomposition instead.

    Parameters
    ----------
    n_components : int, float, "mle" or None
        How many components to keep: a number up to the smaller of rows and features
        (in `partial_fit` up to the number of features), the share of variance to
        exceed (above 0, below 1), Minka's choice ("mle", for no fewer rows than
        features), or the smaller of rows and features.
    copy : bool
        Without effect: ``X`` is never changed.
    whiten : bool
        Whether `transform` divides each coordinate by its standard deviation, so that
        all have variance 1.
    svd_solver : str
        Any of scikit-learn's: "auto", "full", "covariance_eigh", "arpack" or
        "randomized". All components are exact here, so none makes a difference.
    tol, iterated_power, n_oversamples, power_iteration_normalizer, random_state
        Of scikit-learn's approximate solvers; without effect.

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
        What was seen so far; it merges with that of another fit. After a fit on fewer
        rows than features it is computed when it is asked for: features² numbers.

    Examples
    --------
    >>> pca = PCA(n_components=1).fit([[0, 0], [1, 1], [2, 2]])
    >>> pca.transform([[3, 3]]).round(3).tolist()
    [[2.828]]
    """

    n_components: Any = None
    _: KW_ONLY
    copy: Any = True
    whiten: Any = False
    svd_solver: Any = "auto"
    tol: Any = 0.0
    iterated_power: Any = "auto"
    n_oversamples: Any = 10
    power_iteration_normalizer: Any = "auto"
    random_state: Any = None

    def fit(self, X: Any, y: Any = None) -> "PCA":  # noqa: ARG002
        """Find the principal components of ``X``, shape (rows, features).

        Parameters
        ----------
        X : array, data frame or sparse array, shape (rows, features)

        Raises
        ------
        ValueError
            If ``X`` is not a finite table of numbers, or a parameter is out of range.
        """
        rows = self._rows(X, reset=True)
        count, features = rows.shape
        if count >= features:
            moments = _updated(Moments.empty(features), rows)
            return self._take(moments, count, principal_components(moments))
        found = principal_components_of_rows(
            rows.toarray() if issparse(rows) else np.asarray(rows)
        )
        return self._take(found, count, found)

    def partial_fit(self, X: Any, y: Any = None) -> "PCA":  # noqa: ARG002
        """Find the principal components of all the rows seen so far, ``X`` included.

        Parameters and errors are those of `fit`.
        """
        first = not hasattr(self, "n_samples_")
        rows = self._rows(X, reset=first)
        before = Moments.empty(rows.shape[1]) if first else self.moments_
        moments = _updated(before, rows)
        return self._take(moments, moments.count, principal_components(moments))

    @property
    def moments_(self) -> Moments:
        """What was seen so far."""
        check_is_fitted(self)
        seen, count = self._seen, self.n_samples_
        if isinstance(seen, PrincipalComponents):
            sizes = np.sqrt(seen.explained_variance * max(count - 1, 1))
            factor = sizes[:, None] * seen.components
            seen = self._seen = Moments.of_factor(count, seen.mean, factor)
        return seen

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
        rows, found = self._rows(X), self._found()
        coordinates = [found.project(block) for block in dense_blocks(rows)]
        return np.concatenate(coordinates) / self._scale()

    def inverse_transform(self, X: Any) -> Any:
        """Return the rows whose coordinates are ``X``, shape (rows, n_components_)."""
        check_is_fitted(self)
        coordinates = check_array(X, ensure_min_features=0) * self._scale()
        return coordinates @ self.components_ + self.mean_

    def score_samples(self, X: Any) -> Any:
        """Return the log-likelihood of each row under probabilistic PCA.

        Parameters
        ----------
        X : array, shape (rows, n_features_in_)

        Returns
        -------
        float64 array, shape (rows,)
            Whether the coordinates are whitened makes no difference. Where directions
            have no variance it is the density on the space of the others, and -inf for
            rows outside of it.
        """
        check_is_fitted(self)
        found, noise = self._found(), self.noise_variance_
        blocks = dense_blocks(self._rows(X))
        return np.concatenate([log_likelihoods(rows, found, noise) for rows in blocks])

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002
        """Return the mean log-likelihood of the rows; see `score_samples`."""
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _rows(self, X: Any, *, reset: bool = False) -> Any:
        if self.svd_solver not in SOLVERS:
            raise InputError(
                f"svd_solver is {self.svd_solver!r}: give one of "
                f"{', '.join(map(repr, SOLVERS))}"
            )
        return validate_data(self, X, reset=reset, accept_sparse="csr")

    def _take(
        self,
        seen: Moments | PrincipalComponents,
        count: int,
        found: PrincipalComponents,
    ) -> "PCA":
        kept = _number_to_keep(self.n_components, count, found)
        self._seen: Moments | PrincipalComponents = seen
        self.mean_ = found.mean
        self.components_ = found.components[:kept]
        self.explained_variance_ = found.explained_variance[:kept]
        self.explained_variance_ratio_ = found.explained_variance_ratio[:kept]
        self.singular_values_ = np.sqrt(self.explained_variance_ * (count - 1))
        left_out = found.explained_variance[kept : min(count, len(found.mean))]
        self.noise_variance_ = float(left_out.mean()) if left_out.size else 0.0
        self.n_components_ = kept
        self.n_samples_ = count
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
    most, features = found.components.shape
    if wanted is None:
        return min(rows, features)
    if isinstance(wanted, int | np.integer) and 0 <= wanted <= most:
        return int(wanted)
    if isinstance(wanted, float | np.floating) and 0 < wanted < 1:
        # More than the share, as scikit-learn: one that is just reached is not enough.
        reached = np.cumsum(found.explained_variance_ratio)
        return min(int(np.searchsorted(reached, wanted, side="right")) + 1, most)
    if isinstance(wanted, str) and wanted == "mle":
        if rows >= features:
            return likeliest_dimension(found.explained_variance, rows)
        raise InputError(
            f"n_components is 'mle': {rows} rows are fewer than {features} features, "
            "give a number"
        )
    raise InputError(
        f"n_components is {wanted!r}: choose a whole number from 0 to {most}, "
        "a share of variance above 0 and below 1, 'mle', or None"
    )


def _updated(moments: Moments, rows: Any) -> Moments:
    tally = Tally(moments)
    for block in dense_blocks(rows):
        tally.add(block)
    return tally.moments()
