"""How alike two layers are on the same samples: centred kernel alignment, streamed."""

from dataclasses import dataclass, replace
from math import nan, sqrt

import numpy as np
from jaxtyping import Float64

from layerwise.arrays import Array
from layerwise.errors import InputError
from layerwise.statistics._blocks import blocks, checked_rows
from layerwise.statistics._moments import RESOLUTION

__all__ = ["CrossMoments", "linear_cka", "linear_cka_of"]


@dataclass(frozen=True, eq=False)
class CrossMoments:
    """What two layers have in common on the same samples, up to fourth order.

    As in `Moments`, everything is kept about a row of the data: an offset of 1e8 costs
    nothing, and a first sample that is an outlier a factor n of precision at most.
    Memory is the product of the layers' units, whatever the number of samples.
    Below, x and y are a sample's rows in the two layers, each less its shift.

    Parameters
    ----------
    x_shift : float64, shape (left,)
    y_shift : float64, shape (right,)
        The rows of the first sample seen; zeros before there is one.
    count : int
        How many samples there are.
    x_sum : float64, shape (left,)
    y_sum : float64, shape (right,)
        Σ x and Σ y.
    cross : float64, shape (left, right)
        Σ x yᵀ.
    x_square, y_square, square_product : float
        Σ |x|², Σ |y|² and Σ |x|² |y|².
    x_weighted : float64, shape (left,)
    y_weighted : float64, shape (right,)
        Σ x |y|² and Σ y |x|².

    Examples
    --------
    >>> x = np.array([[0.0, 1.0], [2.0, 1.0], [1.0, 5.0]])
    >>> both = CrossMoments.of(x[:2], x[:2, :1]).updated(x[2:], x[2:, :1])
    >>> both.count, both.hsic(debiased=False)
    (3, 1.0)
    """

    x_shift: Float64[np.ndarray, " left"]
    y_shift: Float64[np.ndarray, " right"]
    count: int
    x_sum: Float64[np.ndarray, " left"]
    y_sum: Float64[np.ndarray, " right"]
    cross: Float64[np.ndarray, "left right"]
    x_square: float
    y_square: float
    square_product: float
    x_weighted: Float64[np.ndarray, " left"]
    y_weighted: Float64[np.ndarray, " right"]

    @classmethod
    def empty(cls, left: int, right: int) -> "CrossMoments":
        """Return the moments of no samples, in layers of so many units."""
        return _of_block(np.zeros((0, left)), np.zeros((0, right)))

    @classmethod
    def of(cls, x: Array, y: Array) -> "CrossMoments":
        """Return the moments of paired rows, in one pass, a block at a time.

        Parameters
        ----------
        x : real array, shape (rows, left)
        y : real array, shape (rows, right)
            The same samples in the same order.

        Raises
        ------
        InputError
            If the shapes do not match, or an entry is not finite or so large that its
            fourth power is not: the row is named.
        """
        left, right = checked_rows(x).shape[1], checked_rows(y).shape[1]
        return cls.empty(left, right).updated(x, y)

    def updated(self, x: Array, y: Array) -> "CrossMoments":
        """Return the moments of the samples seen so far and these after them.

        Parameters and errors are those of `of`.
        """
        x = checked_rows(x, len(self.x_shift))
        y = checked_rows(y, len(self.y_shift))
        if len(x) != len(y):
            raise InputError(
                f"{len(x)} rows of one layer and {len(y)} of the other: give both for "
                "the same samples"
            )
        if not len(x):
            return self
        x_shift = self.x_shift if self.count else x[0].astype(np.float64)
        y_shift = self.y_shift if self.count else y[0].astype(np.float64)
        found = self
        for part in blocks(len(x)):
            with np.errstate(over="ignore", invalid="ignore"):
                block = _of_block(x[part] - x_shift, y[part] - y_shift, part.start)
            found = found.merge(replace(block, x_shift=x_shift, y_shift=y_shift))
        return found

    def merge(self, other: "CrossMoments") -> "CrossMoments":
        """Return the moments of the samples of both, kept about this record's shifts.

        Raises
        ------
        InputError
            If the two differ in the units of their layers.
        """
        if self.cross.shape != other.cross.shape:
            raise InputError(
                f"cross moments of layers of {self.cross.shape} and "
                f"{other.cross.shape} units cannot be merged: take both of the same "
                "layers"
            )
        if not self.count:
            return other
        if not other.count:
            return self
        other = other._moved(other.x_shift - self.x_shift, other.y_shift - self.y_shift)
        return replace(
            self,
            count=self.count + other.count,
            x_sum=self.x_sum + other.x_sum,
            y_sum=self.y_sum + other.y_sum,
            cross=self.cross + other.cross,
            x_square=self.x_square + other.x_square,
            y_square=self.y_square + other.y_square,
            square_product=self.square_product + other.square_product,
            x_weighted=self.x_weighted + other.x_weighted,
            y_weighted=self.y_weighted + other.y_weighted,
        )

    def hsic(self, *, debiased: bool) -> float:
        """Return the Hilbert-Schmidt independence criterion with linear kernels.

        With ``K = X Xᵀ`` and ``L = Y Yᵀ`` of n samples and H the centring: biased it
        is ``tr(K H L H) / (n - 1)²`` (Gretton et al., "Measuring statistical dependence
        with Hilbert-Schmidt norms", 2005, equation 9), the squared Frobenius norm of
        the cross-covariance. Debiased it is the estimate that is right on average, from
        pairs of different samples only (Song et al., "Feature selection via dependence
        maximization", JMLR 13, 2012). A constant added to all rows of a layer changes
        neither, and about the means the second is ::

            (|C|² - n/(n - 2) Σ kᵢᵢ lᵢᵢ + Σ kᵢᵢ Σ lᵢᵢ / ((n - 1)(n - 2))) / (n (n - 3))

        with C the cross-scatter, so that no n × n matrix is needed.

        Returns
        -------
        float
            Debiased, it can be negative, and is 0 where it is only rounding.

        Raises
        ------
        InputError
            If there are fewer than 2 samples, or than 4 for the debiased form.
        """
        n, least = self.count, 4 if debiased else 2
        if n < least:
            form = "debiased" if debiased else "biased"
            raise InputError(f"{n} samples: the {form} similarity needs {least}")
        about = self._moved(-self.x_sum / n, -self.y_sum / n)
        norm = float(np.vdot(about.cross, about.cross))
        if not debiased:
            return norm / (n - 1) ** 2
        diagonal = n / (n - 2) * about.square_product
        means = about.x_square * about.y_square / ((n - 1) * (n - 2))
        total = norm - diagonal + means
        if abs(total) < RESOLUTION * max(norm, diagonal, means):
            return 0.0
        return total / (n * (n - 3))

    def _moved(
        self,
        x_step: Float64[np.ndarray, " left"],
        y_step: Float64[np.ndarray, " right"],
    ) -> "CrossMoments":
        """Return the moments of x + x_step and y + y_step: about shifts that far back.

        Every sum over the new rows is expanded in those over the old.
        """
        if not (x_step.any() or y_step.any()):
            return self
        n, x_length, y_length = self.count, x_step @ x_step, y_step @ y_step
        x_square = self.x_square + 2 * x_step @ self.x_sum + n * x_length
        y_square = self.y_square + 2 * y_step @ self.y_sum + n * y_length
        # Σ x |y + y_step|² and Σ |x|² |y + y_step|²: half of the way.
        x_weighted = self.x_weighted + 2 * self.cross @ y_step + y_length * self.x_sum
        square_product = (
            self.square_product
            + 2 * y_step @ self.y_weighted
            + y_length * self.x_square
        )
        y_weighted = self.y_weighted + 2 * x_step @ self.cross + x_length * self.y_sum
        return replace(
            self,
            x_shift=self.x_shift - x_step,
            y_shift=self.y_shift - y_step,
            x_sum=self.x_sum + n * x_step,
            y_sum=self.y_sum + n * y_step,
            cross=self.cross
            + np.outer(self.x_sum, y_step)
            + np.outer(x_step, self.y_sum + n * y_step),
            x_square=float(x_square),
            y_square=float(y_square),
            square_product=float(
                square_product + 2 * x_step @ x_weighted + x_length * y_square
            ),
            x_weighted=x_weighted + x_step * y_square,
            y_weighted=y_weighted + y_step * x_square,
        )


def _of_block(
    x: Float64[np.ndarray, "rows left"],
    y: Float64[np.ndarray, "rows right"],
    start: int = 0,
) -> CrossMoments:
    """Return the moments of rows about zero; ``start`` is the first one's number."""
    x_squares = np.vecdot(x, x)
    y_squares = np.vecdot(y, y)
    finite = np.isfinite(x_squares * y_squares)
    if not finite.all():
        raise InputError(
            f"row {start + int(finite.argmin())} holds a value that is not finite, or "
            "one so large that its fourth power is not: remove the row or scale the "
            "rows down"
        )
    return CrossMoments(
        x_shift=np.zeros(x.shape[1]),
        y_shift=np.zeros(y.shape[1]),
        count=len(x),
        x_sum=x.sum(axis=0),
        y_sum=y.sum(axis=0),
        cross=x.T @ y,
        x_square=float(x_squares.sum()),
        y_square=float(y_squares.sum()),
        square_product=float(x_squares @ y_squares),
        x_weighted=y_squares @ x,
        y_weighted=x_squares @ y,
    )


def linear_cka(
    xy: CrossMoments, xx: CrossMoments, yy: CrossMoments, *, debiased: bool
) -> float:
    """Return how alike two layers are: 1 up to turning, scaling and shifting.

    ``HSIC(X, Y) / √(HSIC(X, X) HSIC(Y, Y))``: Kornblith et al., "Similarity of neural
    network representations revisited" (2019), equation 4. The biased form grows with
    the number of units over samples, even for layers that have nothing in common; the
    debiased one is near 0 for them (Nguyen, Raghu and Kornblith, "Do wide and deep
    networks learn the same things?", 2021).

    Parameters
    ----------
    xy : CrossMoments
        Of the two layers.
    xx, yy : CrossMoments
        Of each with itself, on the same samples.
    debiased : bool

    Returns
    -------
    float
        From 0 to 1; debiased, at most 1 and below 0 by chance. NaN where a layer is the
        same for all samples, or, debiased, where all samples are equally far apart.

    Raises
    ------
    InputError
        If the three are not of the same samples and layers, or of fewer than 2 samples,
        4 for the debiased form.
    """
    counts = {xy.count, xx.count, yy.count}
    units = (len(xx.x_shift), len(yy.x_shift))
    if len(counts) > 1 or xy.cross.shape != units:
        raise InputError(
            f"cross moments of {xy.count} samples in {xy.cross.shape} units beside "
            f"{xx.count} and {yy.count} samples in {units[0]} and {units[1]}: take all "
            "three of the same samples and layers"
        )
    own = [each.hsic(debiased=debiased) for each in (xx, yy)]
    if not min(own) > 0:
        return nan
    return xy.hsic(debiased=debiased) / (sqrt(own[0]) * sqrt(own[1]))


def linear_cka_of(x: Array, y: Array, *, debiased: bool) -> float:
    """Return how alike two layers' rows of the same samples are: see `linear_cka`.

    Parameters
    ----------
    x : real array, shape (rows, left)
    y : real array, shape (rows, right)
    debiased : bool

    Raises
    ------
    InputError
        As `CrossMoments.of` and `linear_cka` do.
    """
    xy, xx, yy = (CrossMoments.of(*pair) for pair in ((x, y), (x, x), (y, y)))
    return linear_cka(xy, xx, yy, debiased=debiased)
