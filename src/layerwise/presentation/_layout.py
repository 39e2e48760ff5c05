"""Paragraphs and tables for a terminal: lines that fit, no number broken in two."""

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from layerwise.presentation._report import Table
from layerwise.presentation._text import cut_apart

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 88
"""Columns that a paragraph takes at most."""

SCREEN = 40
"""Lines of a small terminal, which what a command prints fits."""

GAP = 2
"""Columns between those of a table."""

NARROWEST = 12
"""A name in a table's first column is not cut shorter than this."""

NUMBER = re.compile(r"(?<=\d) (?=%|ms\b|s\b|min\b|h\b|points\b|±)|(?<=±) ")
"""The space within a number with its unit, where a line does not end."""

NO_BREAK = "\u00a0"


def say(console: "Console", text: str) -> None:
    """Print paragraphs, wrapped."""
    for line in text.splitlines():
        say_beside(console, "", line)


def say_beside(console: "Console", mark: str, text: str) -> None:
    """Print a paragraph behind a mark or a word, wrapped beside it."""
    lines = wrap(
        NUMBER.sub(NO_BREAK, visible(text)),
        min(console.width, WIDTH),
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )
    _print(console, [line.replace(NO_BREAK, " ") for line in lines])


def print_table(console: "Console", table: Table) -> None:
    """Print a table below a blank line: no line is longer than the console is wide.

    Where it is too wide its headings are broken into lines; then the names of its rows
    are shortened; and columns that do not fit beside the others stand below them.
    """
    columns = [
        [visible(cell) for cell in column]
        for column in zip(table.head, *table.body, strict=True)
    ]
    widths = [max(map(_width, column)) for column in columns]
    heads = [[column[0]] for column in columns]
    if _total(widths) > console.width:
        heads = [column[0].split() or [""] for column in columns]
        widths = [
            max(map(_width, (*head, *column[1:])))
            for head, column in zip(heads, columns, strict=True)
        ]
        beside = console.width - GAP - _total(widths[1:])
        room = beside if beside >= NARROWEST else console.width // 3
        widths[0] = min(widths[0], room)
    for block in _blocks(widths, console.width):
        _print(console, [""])
        _print_block(
            console,
            [heads[at] for at in block],
            [columns[at][1:] for at in block],
            [widths[at] for at in block],
        )


def _blocks(widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """Share columns among blocks that fit, each with the first column."""
    block = [0]
    for at in range(1, len(widths)):
        if len(block) > 1 and _total([widths[i] for i in (*block, at)]) > width:
            yield block
            block = [0]
        block.append(at)
    yield block


def _print_block(
    console: "Console",
    heads: Sequence[Sequence[str]],
    columns: Sequence[Sequence[str]],
    widths: Sequence[int],
) -> None:
    deep = max(map(len, heads))
    lines = [[*[""] * (deep - len(head)), *head] for head in heads]
    _print(console, _rows(lines, widths), "dim")
    _print(console, ["─" * _total(widths)], "dim")
    _print(console, _rows(columns, widths))


def _rows(columns: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    first, *others = widths
    gap = " " * GAP
    names = cut_apart(columns[0], first)
    rows = zip(names, *columns[1:], strict=True)
    return [
        gap.join(
            [
                _padded(name, first, left=True),
                *(_padded(cell, w) for cell, w in zip(cells, others, strict=True)),
            ]
        ).rstrip()
        for name, *cells in rows
    ]


def _padded(cell: str, width: int, *, left: bool = False) -> str:
    space = " " * (width - _width(cell))
    return cell + space if left else space + cell


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _print(console: "Console", lines: Sequence[str], style: str = "") -> None:
    from rich.text import Text

    # Text, not str: in a str, [red] or :smile: in a class name would be markup.
    if lines:
        console.print(Text("\n".join(lines), style), soft_wrap=True)
        _printed[console] = _printed.get(console, 0) + len(lines)


_printed: "WeakKeyDictionary[Console, int]" = WeakKeyDictionary()
"""How many lines have been printed on each console."""


def lines_left(console: "Console") -> int:
    """Return how many lines of a small screen are left below what was printed."""
    return SCREEN - _printed.get(console, 0)


def visible(text: str) -> str:
    """Return text without control characters, which a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
