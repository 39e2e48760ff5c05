"""Eigenproblems of scatters, by a factor of low rank where there are few rows."""

import numpy as np
from jaxtyping import Float64

FEW = 4
"""Rows that are fewer than this part of the units have a factor of low rank."""


def eigen(
    scatter: Float64[np.ndarray, "units units"], rank: int, least: int = 0
) -> tuple[Float64[np.ndarray, " kept"], Float64[np.ndarray, "units kept"]]:
    """Return eigenvalues, ascending, and eigenvectors of a scatter of so low a rank.

    Of few rows most eigenvalues are 0: a Cholesky factor with pivots, units × rank, has
    all others in its singular values and vectors, for units · rank² operations where
    the whole takes units³. What it leaves is below units · 2⁻⁵² of the largest entry
    (Higham, "Analysis of the Cholesky decomposition of a semi-definite matrix", 1990).

    Parameters
    ----------
    scatter
        Symmetric, without negative eigenvalues but for rounding.
    rank : int
        What it is at most: one less than there are rows.
    least : int
        How many are wanted at least; where the rank is lower, all are returned.
    """
    units = len(scatter)
    if rank < units // FEW:
        from scipy.linalg import get_lapack_funcs

        (pstrf,) = get_lapack_funcs(("pstrf",), (scatter,))
        factor, pivots, found, _ = pstrf(scatter, lower=True)
        if found >= max(least, 1):
            lower = np.zeros((units, found))
            lower[pivots - 1] = np.tril(factor[:, :found])
            vectors, singular, _ = np.linalg.svd(lower, full_matrices=False)
            return singular[::-1] ** 2, vectors[:, ::-1]
    return np.linalg.eigh(scatter)


def eigenvalues(
    scatter: Float64[np.ndarray, "units units"], rank: int
) -> Float64[np.ndarray, " kept"]:
    """Return the eigenvalues that `eigen` returns."""
    if rank < len(scatter) // FEW:
        return eigen(scatter, rank)[0]
    return np.linalg.eigvalsh(scatter)


def solved(
    lower: Float64[np.ndarray, "units units"],
    right: Float64[np.ndarray, "units columns"],
    *,
    transposed: bool = False,
) -> Float64[np.ndarray, "units columns"]:
    """Return ``L⁻¹ right``, or ``L⁻ᵀ right``, of a lower triangle L.

    Of a triangle it takes units² operations for a column; a solver that does not know
    of it takes units³ first.
    """
    from scipy.linalg import solve_triangular

    return solve_triangular(
        lower, right, lower=True, trans=int(transposed), check_finite=False
    )
