"""Lines for a terminal: what is too wide gives way in a stated order, numbers never."""

import io

import pytest
from rich.console import Console

from layerwise.presentation._console import print_table, say, say_beside
from layerwise.presentation._report import Table


@pytest.fixture
def shown():
    """Prints on a console this wide, and returns its lines."""

    def lines(width, what, *arguments):
        console = Console(file=io.StringIO(), width=width, force_terminal=False)
        what(console, *arguments)
        return console.file.getvalue().splitlines()

    return lines


TABLE = Table(("the layer", "linear probe", "of units"), [("hidden1", "95.0 %", "10")])


def test_a_table_that_fits_is_on_one_line_each(shown):
    assert shown(40, print_table, TABLE) == [
        "",
        "the layer  linear probe  of units",
        "─────────────────────────────────",
        "hidden1          95.0 %        10",
    ]


def test_headings_break_first(shown):
    assert shown(26, print_table, TABLE) == [
        "",
        "the      linear     of",
        "layer     probe  units",
        "──────────────────────",
        "hidden1  95.0 %     10",
    ]


def test_then_the_names_of_rows_are_shortened(shown):
    long = Table(TABLE.head, [("encoder.layer.11.output.dense", "95.0 %", "10")])
    assert shown(32, print_table, long)[-1] == "encoder.layer.11…  95.0 %     10"


def test_then_columns_stand_below(shown):
    rows = [("hidden1", *["95.0 %"] * 6), ("hidden2", *["100 %"] * 6)]
    wide = Table(("layer", *(f"m{n}" for n in range(6))), rows)
    lines = shown(26, print_table, wide)
    assert max(map(len, lines)) <= 26
    assert [line.split() for line in lines if "m" in line] == [
        ["layer", "m0", "m1"],
        ["layer", "m2", "m3"],
        ["layer", "m4", "m5"],
    ]
    assert sum(line.count("95.0 %") for line in lines) == 6


@pytest.mark.parametrize("width", range(20, 60))
def test_a_number_stays_with_its_unit(shown, width):
    text = "The accuracy is 97.4 % in 12 ms, 97.1 ± 0.2 points of 30 s in 2 min 5 s."
    for lines in (shown(width, say, text), shown(width, say_beside, " • ", text)):
        assert max(map(len, lines)) <= width
        assert " ".join(" ".join(lines).replace("•", "").split()) == text
        assert not any(line[-1].isdigit() for line in lines)
        assert not any(line.endswith("±") for line in lines)


def test_wide_letters_are_counted_as_wide(shown):
    table = Table(("name", "n"), [("数字", "1"), ("abcd", "2")])
    assert shown(40, print_table, table)[-2:] == ["数字  1", "abcd  2"]
