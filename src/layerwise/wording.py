"""Numbers and lists in sentences: one way to write them, everywhere."""

from collections.abc import Sequence
from typing import SupportsFloat

__all__ = ["count", "listed", "number", "percent", "points"]


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


def points(difference: float) -> str:
    """Return a difference of shares in percentage points, with its sign.

    >>> points(0.052), points(-0.003)
    ('+5.2 points', '−0.3 points')
    """
    sign = "+" if difference >= 0 else "−"
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


def listed(items: Sequence[str], last: str = "and") -> str:
    """Return the items as a sentence lists them.

    >>> listed(["4"]), listed(["4", "9"]), listed(["3", "5", "8"])
    ('4', '4 and 9', '3, 5 and 8')
    """
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
