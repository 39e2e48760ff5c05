"""Colours of figures and pages: of each class, on paper and on a dark ground."""

import numpy as np
from jaxtyping import Float

TEN = (
    "#5790fc", "#ffa90e", "#cc3311", "#332288", "#88ccee",
    "#999933", "#cc79a7", "#222222", "#882255", "#7a21dd",
)  # fmt: skip
"""Of the sequences of Okabe and Ito (2008), Tol (2021) and Petroff (2021), the ten that
stay farthest apart in Oklab: 0.17 to normal eyes, 0.096 under the three common
deficiencies as Machado et al. (2009) model them; Tableau's ten come to 0.007."""


def class_colours(classes: int) -> tuple[str, ...]:
    """Return a colour for each class as ``#rrggbb``, the same in every figure.

    Up to ten classes have colours that the colour-blind can tell apart; more have hues
    spread evenly in Oklab, in three lightnesses in turn, so that neighbours on the
    circle of hues differ in lightness too.
    """
    if classes <= len(TEN):
        return TEN[:classes]
    turns = np.arange(classes) / classes
    lightness = np.resize([0.55, 0.72, 0.42], classes)
    rgb = _from_oklch(lightness, chroma=0.11, hues=2 * np.pi * turns)
    return tuple("#" + bytes(row).hex() for row in np.round(255 * rgb).astype(np.uint8))


def _from_oklch(
    lightness: Float[np.ndarray, " colours"],
    chroma: float,
    hues: Float[np.ndarray, " colours"],
) -> Float[np.ndarray, "colours 3"]:
    """Return sRGB, 0 to 1: B. Ottosson, "A perceptual color space" (2020)."""
    a, b = chroma * np.cos(hues), chroma * np.sin(hues)
    cone = np.stack(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(to_rgb @ cone**3, 0, 1)
    curved = 1.055 * linear ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curved).T


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Return the luminance of sRGB, 0 to 1 (WCAG 2.2)."""
    curved = np.array([*bytes.fromhex(colour[1:])]) / 255
    linear = np.where(
        curved <= 0.04045, curved / 12.92, ((curved + 0.055) / 1.055) ** 2.4
    )
    return float(linear @ [0.2126, 0.7152, 0.0722])


DARK = "#17191d"
"""What the dark theme draws on: ``--paper`` of the page's style."""

CONTRAST = 4.0
"""Of a class's colour against that ground, at least."""


def lighter(colour: str) -> str:
    """Return a colour as ``#rrggbb``, mixed with white until it stands out on dark.

    >>> lighter("#222222"), lighter("#ffa90e")
    ('#7a7a7a', '#ffa90e')
    """
    channels = bytes.fromhex(colour[1:])
    mixed = (
        "#" + bytes(round(c + part / 20 * (255 - c)) for c in channels).hex()
        for part in range(21)
    )
    return next(one for one in mixed if contrast(one, DARK) >= CONTRAST)
