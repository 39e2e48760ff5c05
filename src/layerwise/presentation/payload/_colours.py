"""Colours on a dark ground."""

from layerwise.presentation.figures import contrast

DARK = "#17191d"
"""What the dark theme draws on: ``--paper`` of the page's style."""

CONTRAST = 4.0
"""Of a class's colour against that ground, at least."""


def lighter(colour: str) -> str:
    """Return a colour as ``#rrggbb``, mixed with white until it stands out on dark.

    >>> lighter("#222222"), lighter("#ffa90e")
    ('#7a7a7a', '#ffa90e')
    """
    mixed = colour
    for tenth in range(21):
        if contrast(mixed, DARK) >= CONTRAST:
            break
        share = (tenth + 1) / 20
        channels = bytes.fromhex(colour[1:])
        mixed = "#" + bytes(round(c + share * (255 - c)) for c in channels).hex()
    return mixed
