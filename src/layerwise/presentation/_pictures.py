"""Samples as pictures: which inputs are, and how they stand in one mosaic."""

import numpy as np
from jaxtyping import Float, Int, Shaped

__all__ = ["are_pictures", "mosaic"]


def are_pictures(inputs: Shaped[np.ndarray, "samples ..."]) -> bool:
    """Return whether raw inputs are pictures: bytes in two axes, or 1 or 3 channels."""
    if inputs.ndim == 3:
        return inputs.dtype == np.uint8
    return inputs.ndim == 4 and inputs.shape[-1] in (1, 3)


def mosaic(
    pictures: Shaped[np.ndarray, "samples ..."],
    cells: Int[np.ndarray, "samples 2"],
    spacing: tuple[float, float] = (1.12, 1.12),
) -> tuple[Float[np.ndarray, "height width 3"], tuple[float, float, float, float]]:
    """Lay pictures out on a white ground.

    Parameters
    ----------
    pictures : array, shape (samples, height, width[, channels])
        Grey ones that are mostly dark, such as handwriting, are drawn as ink on paper.
    cells : int array, shape (samples, 2)
        The row and column of each.
    spacing : pair of float
        From one row, and one column, to the next, in heights and widths of a picture.

    Returns
    -------
    mosaic : RGB, 0 to 1
    extent : left, right, bottom, top
        For ``imshow``: in cells, so that the cell (row, column) has its upper left
        corner at x = column, y = row, y pointing down.
    """
    rgb = _rgb(pictures)
    size = np.array(rgb.shape[1:3])
    steps = np.ceil(size * spacing).astype(int)
    height, width = (cells.max(axis=0, initial=0) + 1) * steps
    ground = np.ones((height, width, 3))
    for picture, (top, left) in zip(rgb, cells * steps, strict=True):
        ground[top : top + size[0], left : left + size[1]] = picture
    return ground, (0.0, float(width / steps[1]), float(height / steps[0]), 0.0)


def _rgb(
    pictures: Shaped[np.ndarray, "samples ..."],
) -> Float[np.ndarray, "samples height width 3"]:
    values = pictures.astype(float)
    if values.ndim == 3:
        values = values[..., None]
    least, greatest = values.min(), values.max()
    values = (values - least) / (greatest - least or 1)
    if values.shape[-1] == 3:
        return values
    is_ink = np.median(values) < 0.25
    return np.repeat(1 - values if is_ink else values, 3, axis=-1)
