"""Colours on a dark ground."""

DARK = (0x12, 0x16, 0x1C)
"""What the dark theme draws on."""

CONTRAST = 4.0
"""Of a class's colour against that ground, at least."""


def lighter(colour: str) -> str:
    """Return a colour as ``#rrggbb``, mixed with white until it stands out on dark.

    >>> lighter("#222222") > "#6", lighter("#ffa90e")
    (True, '#ffa90e')
    """
    channels = tuple(bytes.fromhex(colour[1:]))
    mixed = channels
    for tenth in range(21):
        share = tenth / 20
        mixed = tuple(round(c + share * (255 - c)) for c in channels)
        if _luminance(mixed) + 0.05 >= CONTRAST * (_luminance(DARK) + 0.05):
            break
    return "#" + bytes(mixed).hex()


def _luminance(channels: tuple[int, ...]) -> float:
    """Return the relative luminance (WCAG 2.2)."""
    linear = [
        c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4
        for c in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
