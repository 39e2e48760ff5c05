"""Times, intervals and names as figures, pages and tables write them."""

import math
import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

import numpy as np

from layerwise.statistics import Share
from layerwise.wording import count, number, percent

MANY = 12
"""More classes than this are not all named in a sentence."""

NARROW_NO_BREAK_SPACE = "\u202f"
UNIT = re.compile(r"(?<=\d) (?=%|ms\b|s\b|min\b|h\b)")
MINUS = re.compile(r"(?<![\w.])-(?=\d)")
APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")


def interval(share: Share) -> str:
    """Write a share's 95 % interval.

    >>> interval(Share(978, 1000, 0.967, 0.985))
    '96.7 to 98.5 %'
    """
    return f"{percent(share.low).removesuffix(' %')} to {percent(share.high)}"


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


def short(name: str, width: int = 20) -> str:
    r"""Return a name as one line of at most ``width`` printable characters.

    >>> short("T-shirt/top"), short("two\nlines"), short("a very long name", 8)
    ('T-shirt/top', 'two lines', 'a very …')
    """
    line = " ".join(name.split())
    line = "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
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

    Of what is too long the beginning is cut, or, where ends are alike, the end.

    >>> cut_apart(["encoder.layer.0", "encoder.layer.1"], 8)
    ['…layer.0', '…layer.1']
    >>> cut_apart(["0.linear.weight", "1.linear.weight"], 9)
    ['0.linear…', '1.linear…']
    """
    lines = [short(name, len(name) + 1) for name in names]
    ends = [one if len(one) <= width else "…" + one[1 - width :] for one in lines]
    begun = [short(one, width) for one in lines]
    return ends if len({*ends}) > len({*begun}) else begun


def spread_out(total: int, most: int) -> list[int]:
    """Return positions of so many at most, the first and the last among them.

    >>> spread_out(3, 6), spread_out(11, 6)
    ([0, 1, 2], [0, 2, 4, 6, 8, 10])
    """
    return np.rint(np.linspace(0, total - 1, min(total, most))).astype(int).tolist()


def typeset(text: str) -> str:
    r"""Return text with true minus signs, apostrophes, and no break before a unit.

    >>> typeset("-1 to 1") == "\u22121 to 1"
    True
    >>> typeset("the input's 97.8 %") == "the input\u2019s 97.8\u202f%"
    True
    """
    text = APOSTROPHE.sub("\u2019", MINUS.sub("\u2212", text))
    return UNIT.sub(NARROW_NO_BREAK_SPACE, text)
