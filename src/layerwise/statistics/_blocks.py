"""One pass over labelled rows, a block at a time: checks, counts, sums, products.

Rows are NumPy's or torch's, and are added up where they are.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from array_api_compat import device
from jaxtyping import Float64, Int

from layerwise.arrays import Array, namespace, numpy_or_torch, one_hot, to_numpy
from layerwise.errors import InputError
from layerwise.statistics._projection import Projection

Precision: TypeAlias = Literal["exact", "fast"]
"""Float64 throughout; or differences and their products, block by block, in float32,
the blocks being added up in float64."""

EXACT_ORIGIN = 128.0
"""About 128 a byte is at most 128 in magnitude, its products at most 2**14."""

EXACT_ROWS = 1024
"""2**10 products of at most 2**14: every partial sum is a whole number that float32
holds exactly, so that the faster single-precision product does not round at all."""

BLOCK_ROWS = 2048

FAST_ROWS = 1024
FAST_BOUND = (FAST_ROWS + 2) * 2.0**-24
"""No entry of a scatter that is added up fast is wrong by more than this share of the
root of the product of its two diagonal entries: ``FAST_ROWS`` products are added up in
float32, each of two differences that were rounded (Higham, "Accuracy and stability of
numerical algorithms", 2002, section 3.1). Rounding errors partly cancel; what they come
to is measured."""

MEASURED = 64
"""One block in so many is added up in float64 too, to measure the error."""


class Sums(NamedTuple):
    """What a pass over rows adds up, each about an origin: arrays of their library.

    Shapes (classes,), (classes, units), (classes, units) and (width, width); and the
    largest error measured of a product, None where all is added up in float64.
    """

    counts: Array
    sums: Array
    squares: Array
    scatter: Array
    error: float | None


def blocks(count: int, size: int = BLOCK_ROWS) -> Iterator[slice]:
    """Yield the slices that cut ``count`` rows into blocks of at most ``size``."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def checked_rows(rows: Array, units: int | None = None) -> np.ndarray:
    """Return ``rows`` as a NumPy array of real numbers, shape (rows, units)."""
    return checked_where_they_are(to_numpy(rows), units)


def checked_where_they_are(rows: Array, units: int | None = None) -> Array:
    """Return ``rows``, real numbers of shape (rows, units), NumPy's or torch's."""
    rows = numpy_or_torch(rows)
    if rows.ndim != 2:
        raise InputError(
            f"rows have shape {tuple(rows.shape)}: give an array of shape (rows, units)"
        )
    if not namespace(rows).isdtype(rows.dtype, ("bool", "integral", "real floating")):
        raise InputError(f"rows have dtype {rows.dtype}: give real numbers")
    if units is not None and rows.shape[1] != units:
        raise InputError(
            f"rows have {rows.shape[1]} columns where {units} are expected"
        )
    return rows


def checked_labels(
    labels: Array | None, count: int, classes: int
) -> Int[np.ndarray, " rows"]:
    """Return ``labels`` as integers in 0 … classes - 1; all are 0 where none given."""
    if labels is None:
        return np.broadcast_to(np.int64(0), count)
    labels = to_numpy(labels)
    if labels.shape != (count,):
        raise InputError(
            f"labels have shape {labels.shape} where ({count},) is expected: "
            "give one label for every row"
        )
    if labels.dtype.kind not in "iu":
        raise InputError(f"labels have dtype {labels.dtype}: give whole numbers")
    if count and not (labels.min() >= 0 and labels.max() < classes):
        row = np.flatnonzero((labels < 0) | (labels >= classes))[0]
        raise InputError(
            f"row {row} has the label {labels[row]}: labels are 0 to {classes - 1} here"
        )
    return labels


def sum_about(
    origin: Float64[np.ndarray, " units"],
    rows: Array,
    labels: Int[np.ndarray, " rows"],
    before: Sums,
    projection: Projection | None,
    start: int,
) -> Sums:
    """Add ``rows - origin`` and its products, class by class, to the sums before.

    Rows of ``uint8`` about `EXACT_ORIGIN` are added up without any rounding.

    The arrays of ``before``, in the rows' library and on their device, are added to in
    place. ``start`` rows were seen before: which blocks are measured depends on it.

    Raises
    ------
    InputError
        If an entry is not finite, or so large that its square is not.
    """
    xp, place = namespace(rows), device(rows)
    counts, sums, squares, scatter, error = before
    whole = rows.dtype == xp.uint8 and bool(np.all(origin == EXACT_ORIGIN))
    unrounded = whole and projection is None
    single = unrounded or error is not None
    size = (EXACT_ROWS if unrounded else FAST_ROWS) if single else BLOCK_ROWS
    # What is not finite shows in the sums, and is looked for only then.
    with np.errstate(over="ignore", invalid="ignore"):
        for part in blocks(len(rows), size):
            block = _less(rows[part], origin, single=single)
            classed = xp.asarray(labels[part].astype(np.int64), device=place)
            members = one_hot(classed, len(counts), like=block)
            counts += xp.astype(xp.sum(members, axis=0), xp.int64)
            sums += members.T @ block
            squares += members.T @ (block * block)
            seen = block if projection is None else projection.apply(block)
            product = seen.T @ seen  # one array twice: NumPy computes one half
            scatter += product
            measured = (start + part.start) // FAST_ROWS % MEASURED == 0
            if error is not None and not unrounded and measured:
                exact = _less(rows[part], origin, single=False)
                if projection is not None:
                    exact = projection.apply(exact)
                error = max(error, _error(product, exact.T @ exact))
    if not (bool(xp.all(xp.isfinite(sums))) and bool(xp.all(xp.isfinite(squares)))):
        raise not_finite(to_numpy(rows))
    return Sums(counts, sums, squares, scatter, error)


def _less(rows: Array, origin: Float64[np.ndarray, " units"], *, single: bool) -> Array:
    """Return ``rows - origin`` in double precision, or, of it, in single precision.

    The difference is taken before it is rounded, unless both have single precision:
    an offset costs nothing that the rows have not lost already.
    """
    xp, place = namespace(rows), device(rows)
    dtype = xp.float32 if single else xp.float64
    narrow = rows.dtype not in (xp.float64, xp.int64, xp.int32, xp.uint32, xp.uint64)
    exact = narrow and bool(np.all(origin.astype(np.float32) == origin))
    taken_in = dtype if single and exact else xp.float64
    block = xp.astype(rows, taken_in)
    block -= xp.asarray(origin, dtype=taken_in, device=place)
    return xp.astype(block, dtype, copy=False)


def _error(fast: Array, exact: Array) -> float:
    """Return the largest error of an entry as a share of its diagonal entries' root."""
    xp: Any = namespace(exact)
    root = xp.sqrt(xp.linalg.diagonal(exact))
    size = root[:, None] * root[None, :]
    wrong = xp.abs(xp.astype(fast, xp.float64) - exact)
    share = wrong / xp.where(size > 0, size, xp.ones_like(size))
    return float(xp.max(share)) if share.shape[0] else 0.0


def not_finite(rows: np.ndarray) -> InputError:
    """Return an error that names what is not finite in rows, or whose square is not."""
    for part in blocks(len(rows)):
        bad = np.argwhere(~np.isfinite(rows[part]))
        if len(bad):
            row, unit = bad[0]
            return InputError(
                f"row {part.start + row}, column {unit} is {rows[part][row, unit]}: "
                "remove the row or fill the value in"
            )
    return InputError(
        "the rows hold numbers so large that their squares overflow: scale them down"
    )
