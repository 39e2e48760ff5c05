"""Numbers, times, names and lists in text: one way to write them, everywhere."""

import math
import re
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import SupportsFloat

__all__ = [
    "MANY", "chosen", "count", "cut_apart", "duration", "first_of", "in_words",
    "interval", "known", "layer_labels", "listed", "number", "percent", "percent_of",
    "points", "quoted", "shared_prefix", "short", "speed", "type_in_words", "typeset",
    "visible",
]  # fmt: skip

MANY = 12
"""More classes than this are not all named in a sentence."""

NARROW_NO_BREAK_SPACE = "\u202f"
UNIT = re.compile(r"(?<=\d) (?=%|ms\b|s\b|min\b|h\b)")
MINUS = re.compile(r"(?<![\w.])-(?=\d)")
APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")


def percent(share: float, digits: int = 1) -> str:
    """Return a share of 1 as percent.

    >>> percent(0.94), percent(0.9999), percent(1.0), percent(0.5, 0)
    ('94.0 %', '99.99 %', '100 %', '50 %')
    """
    if share != share:
        return "–"
    if abs(share - round(share)) < 10.0 ** -(MOST_DIGITS + 2):
        return f"{100 * round(share)} %"  # whole but for rounding
    # A share that is not whole must not be printed as if it were.
    while digits < MOST_DIGITS and float(f"{100 * share:.{digits}f}") in (0, 100):
        digits += 1
    return f"{100 * share:.{digits}f} %"


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


def type_in_words(value: object) -> str:
    """Return what a value is, for an error that says what belongs there.

    What is not Python's or ours has its package's name with it: there are several of
    ``Dataset``.

    >>> type_in_words([]), type_in_words(int), type_in_words(re.compile(""))
    ('a list', 'the class int', 'a re.Pattern')
    """
    kind = value if isinstance(value, type) else type(value)
    package = kind.__module__.partition(".")[0]
    own = package in {"builtins", "layerwise", "__main__"}
    name = kind.__name__ if own else f"{package}.{kind.__name__}"
    if kind is value:
        return f"the class {name}"
    return f"{'an' if name.startswith((*'aeioAEIO', 'MLP')) else 'a'} {name}"


def in_words(layer: str) -> str:
    """Return a layer's name for a sentence: it is more than a number there.

    Layers of a ``torch.nn.Sequential`` have no other names.

    >>> in_words("3"), in_words("features.3")
    ('layer 3', 'features.3')
    """
    return f"layer {layer}" if layer.isdigit() else layer


def listed(items: Sequence[str], last: str = "and", most: int | None = None) -> str:
    """Return the items as a sentence lists them; of many, how many more there are.

    >>> listed(["4"]), listed(["3", "5", "8"]), listed(["3", "5", "8"], most=1)
    ('4', '3, 5 and 8', '3 and 2 more')
    """
    if most is not None and len(items) > most:
        items = [*items[:most], f"{count(len(items) - most)} more"]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def interval(low: float, high: float) -> str:
    """Write an interval of shares.

    >>> interval(0.967, 0.985)
    '96.7 to 98.5 %'
    """
    return f"{percent(low).removesuffix(' %')} to {percent(high)}"


def known(value: float) -> str:
    """Write a measure, a dash where it has no meaning.

    >>> known(0.12345), known(float("nan")), known(float("inf"))
    ('0.123', '–', '∞')
    """
    if math.isnan(value):
        return "–"
    return "∞" if value == math.inf else number(value)


def speed(steps_per_second: float, form: str) -> str:
    """Write a training's speed into a form; nothing where no step was timed.

    >>> speed(1234.4, " ({} steps/s)"), speed(0.0, " ({} steps/s)")
    (' (1,234 steps/s)', '')
    """
    steps = round(steps_per_second)
    return form.format(count(steps)) if steps else ""


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it.

    >>> duration(0.0001), duration(0.0412), duration(8.31), duration(125.0)
    ('< 1 ms', '41 ms', '8.3 s', '2 min 5 s')
    >>> duration(7260.0)
    '2 h 1 min'
    """
    if seconds < 0.0005:
        return "< 1 ms"
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def visible(text: str) -> str:
    """Return text without control characters, which a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def short(name: str, width: int = 20) -> str:
    r"""Return a name as one line of at most ``width`` printable characters.

    >>> short("T-shirt/top"), short("two\nlines"), short("a very long name", 8)
    ('T-shirt/top', 'two lines', 'a very …')
    """
    line = visible(" ".join(name.split()))
    return line if len(line) <= width else line[: width - 1] + "…"


def shared_prefix(names: Iterable[str]) -> str:
    """Return what all layers' names with dots begin with, up to a dot.

    >>> shared_prefix(["input", "bert.embed", "bert.layer.1.output", "head"])
    'bert.'
    """
    dotted = [name.split(".") for name in names if "." in name]
    if len(dotted) < 2:
        return ""
    shared = takewhile(lambda parts: len({*parts}) == 1, zip(*dotted, strict=False))
    common = [parts[0] for parts in shared][: min(map(len, dotted)) - 1]
    return "".join(f"{part}." for part in common)


def layer_labels(names: Iterable[str], width: int) -> list[str]:
    """Return layers' names without the `shared_prefix`, cut where they differ least.

    >>> layer_labels(["input", "bert.embed", "bert.layer.1.output", "head"], 12)
    ['input', 'embed', 'layer.1.out…', 'head']
    """
    names = list(names)
    prefix = shared_prefix(names)
    labels = [name.removeprefix(prefix) for name in names]
    return cut_apart(labels if len({*labels}) == len({*names}) else names, width)


def cut_apart(names: Sequence[str], width: int) -> list[str]:
    """Return names as lines of so many characters at most, so that they differ.

    Of what is too long the end is cut; or the beginning, where ends differ more, or
    where the number that tells names apart stands at the end.

    >>> cut_apart(["encoder.layer.0", "encoder.layer.1"], 8)
    ['…layer.0', '…layer.1']
    >>> cut_apart(["0.linear.weight", "1.linear.weight"], 9)
    ['0.linear…', '1.linear…']
    >>> cut_apart(["test row 7", "training row 575"], 12)
    ['test row 7', '…ing row 575']
    """
    lines = [short(name, len(name) + 1) for name in names]
    ends = [one if len(one) <= width else "…" + one[1 - width :] for one in lines]
    begun = [short(one, width) for one in lines]
    numbered = all(one[-1].isdigit() for one in lines if len(one) > width)
    more = len({*ends}) - len({*begun})
    return ends if more > 0 or (more == 0 and numbered) else begun


def typeset(text: str) -> str:
    r"""Return text with true minus signs, apostrophes, and no break before a unit.

    >>> typeset("-1 to 1") == "\u22121 to 1"
    True
    >>> typeset("the input's 97.8 %") == "the input\u2019s 97.8\u202f%"
    True
    """
    text = APOSTROPHE.sub("\u2019", MINUS.sub("\u2212", text))
    return UNIT.sub(NARROW_NO_BREAK_SPACE, text)
