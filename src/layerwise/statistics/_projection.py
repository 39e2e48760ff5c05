"""A seeded orthogonal projection: how layers that are too wide are looked at."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from array_api_compat import device
from jaxtyping import Float64, Int64

from layerwise.arrays import Array, namespace
from layerwise.errors import InputError


@dataclass(frozen=True)
class Projection:
    """Some of the coordinates of a row in a basis drawn at random.

    The subsampled trigonometric transform: units change sign at random, an orthonormal
    cosine transform (DCT-II) spreads each of them over all coordinates, and ``width``
    coordinates, drawn without replacement, are kept (Halko, Martinsson and Tropp,
    "Finding structure with randomness", SIAM Review 53, 2011, section 4.6). Its rows
    are orthonormal and never stored: a projection takes units · log(units) operations a
    row, and two vectors of integers.

    Lengths shrink by about ``√(width / units)``, all alike; their ratios, and what
    follows from ratios, keep to within some ``√(rank / width)``.

    Parameters
    ----------
    units, width : int
        From how many coordinates to how many, fewer.
    seed : int
        The same seed draws the same basis.

    Raises
    ------
    InputError
        If there are not fewer coordinates than units, or none.
    """

    units: int
    width: int
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.width < self.units:
            raise InputError(
                f"a projection of {self.units} units to {self.width}: choose fewer, "
                "and at least 1"
            )

    @cached_property
    def _drawn(
        self,
    ) -> tuple[Float64[np.ndarray, " units"], Int64[np.ndarray, " width"]]:
        rng = np.random.default_rng([self.seed, self.units])
        signs = rng.integers(0, 2, self.units) * 2.0 - 1
        return signs, np.sort(rng.permutation(self.units)[: self.width])

    def apply(self, rows: Array) -> Array:
        """Return the coordinates of rows (..., units), shape (..., width).

        They are of the rows' library and dtype, and on their device.

        The cosine transform is the Fourier transform of the even entries followed by
        the odd ones backwards, turned by a phase: Makhoul, "A fast cosine transform in
        one and two dimensions", IEEE Transactions on Acoustics, Speech and Signal
        Processing 28 (1980).
        """
        xp, place = namespace(rows), device(rows)
        signs, kept = self._drawn
        even, odd = np.arange(0, self.units, 2), np.arange(1, self.units, 2)
        order = np.concatenate([even, odd[::-1]])
        # A real transform gives half of the spectrum; the rest mirrors it.
        mirrored = kept > self.units // 2
        found = np.where(mirrored, self.units - kept, kept)
        angle = np.pi * kept / (2 * self.units)
        scale = np.sqrt(np.where(kept, 2, 1) / self.units)
        cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
        sine = np.where(mirrored, -sine, sine)

        def constant(array: np.ndarray) -> Array:
            return xp.asarray(array, dtype=rows.dtype, device=place)

        def taken(array: Array, columns: np.ndarray) -> Array:
            chosen = xp.asarray(columns, device=place)
            return xp.take(array, chosen, axis=array.ndim - 1)

        turned = taken(rows, order) * constant(signs[order])
        spectrum = taken(xp.fft.rfft(turned), found)
        return xp.real(spectrum) * constant(cosine) + xp.imag(spectrum) * constant(sine)

    def lifted(
        self, coordinates: Float64[np.ndarray, "*rows width"]
    ) -> Float64[np.ndarray, "*rows units"]:
        """Return the rows of all units that have these coordinates, and no others.

        The transpose of `apply`: products of a row with what is lifted are products of
        its coordinates with ``coordinates``.
        """
        from scipy.fft import idct

        signs, kept = self._drawn
        spectrum = np.zeros((*coordinates.shape[:-1], self.units))
        spectrum[..., kept] = coordinates
        return np.asarray(idct(spectrum, norm="ortho", axis=-1)) * signs
