"""Numbers and lists in sentences: one way to write them, everywhere."""

from collections.abc import Sequence
from typing import SupportsFloat

__all__ = [
    "chosen", "count", "first_of", "in_words", "listed", "number", "percent",
    "percent_of", "points", "quoted",
]  # fmt: skip


def percent(share: float, digits: int = 1) -> str:
    """Return a share of 1 as percent.

    >>> percent(0.94), percent(0.9999), percent(1.0), percent(0.5, 0)
    ('94.0 %', '99.99 %', '100 %', '50 %')
    """
    if share != share:
        return "–"
    if abs(share - round(share)) < 10.0 ** -(MOST_DIGITS + 2):
        share = float(round(share))  # whole but for rounding
    shown = f"{100 * share:.{digits}f}"
    # A share that is not whole must not be printed as if it were.
    while digits < MOST_DIGITS and share not in (0.0, 1.0) and float(shown) in (0, 100):
        digits += 1
        shown = f"{100 * share:.{digits}f}"
    return f"{shown.removesuffix('.0') if share in (0.0, 1.0) else shown} %"


MOST_DIGITS = 4


FEW = 100
"""Of fewer samples one is more than a point: no decimal place is sure."""


def percent_of(share: float, trials: int) -> str:
    """Return a share of so many samples as percent, without digits that say nothing.

    >>> percent_of(21 / 22, 22), percent_of(262 / 270, 270), percent_of(21 / 21, 21)
    ('95 %', '97.0 %', '100 %')
    """
    return percent(share, 0 if trials < FEW else 1)


def chosen(share: float) -> str:
    """Return a share that was chosen, not measured, as percent: as it was given.

    >>> chosen(0.99), chosen(0.995)
    ('99 %', '99.5 %')
    """
    return f"{100 * share:.8g} %"


def points(difference: float, signed: bool = True) -> str:
    """Return a difference of shares in percentage points.

    >>> points(0.052), points(-0.003), points(-0.003, signed=False)
    ('+5.2 points', '−0.3 points', '0.3 points')
    """
    sign = ("+" if difference >= 0 else "−") if signed else ""
    return f"{sign}{abs(100 * difference):.1f} points"


def count(n: int) -> str:
    """Return a count with its thousands set apart.

    >>> count(60000)
    '60,000'
    """
    return f"{n:,}"


def number(value: SupportsFloat, digits: int = 3) -> str:
    """Return a number with this many significant digits.

    >>> number(33.318421449829934, 5), number(0.00012345), number(1234567.0)
    ('33.318', '0.000123', '1.23e+06')
    """
    return f"{float(value):.{digits}g}"


def first_of(names: Sequence[str], most: int = 8) -> str:
    """Return the first of many names, and dots for the others.

    >>> first_of(["age", "town", "paid"], 2)
    'age, town, …'
    """
    return ", ".join([*names[:most], *(["…"] if len(names) > most else [])])


def quoted(name: str) -> str:
    """Return a class's name for a sentence: in quotes, unless it is a number.

    >>> quoted("no"), quoted("7")
    ('"no"', '7')
    """
    return name if name.isdigit() else f'"{name}"'


def in_words(layer: str) -> str:
    """Return a layer's name for a sentence: it is more than a number there.

    Layers of a ``torch.nn.Sequential`` have no other names.

    >>> in_words("3"), in_words("features.3")
    ('layer 3', 'features.3')
    """
    return f"layer {layer}" if layer.isdigit() else layer


def listed(items: Sequence[str], last: str = "and") -> str:
    """Return the items as a sentence lists them.

    >>> listed(["4"]), listed(["4", "9"]), listed(["3", "5", "8"])
    ('4', '4 and 9', '3, 5 and 8')
    """
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
