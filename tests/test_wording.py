"""Numbers, times, names and lists as text writes them."""

import pytest
from hypothesis import given, strategies as st

from layerwise.wording import count, listed, number, percent, points


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.94, "94.0 %"),
        (0.9441, "94.4 %"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.9999, "99.99 %"),
        (0.0001, "0.01 %"),
        (0.99999, "99.999 %"),
        (float("nan"), "–"),
    ],
)
def test_percent(share, text):
    assert percent(share) == text


def test_a_share_is_not_printed_as_if_it_were_percent():
    assert percent(0.94) == "94.0 %"
    assert percent(0.5, 0) == "50 %"


@given(st.integers(1, 9999))
def test_what_is_not_whole_is_not_printed_as_whole(ten_thousandths):
    assert percent(ten_thousandths / 10_000) not in {"0 %", "0.0 %", "100 %", "100.0 %"}


def test_points():
    assert points(0.052) == "+5.2 points"
    assert points(-0.003) == "−0.3 points"
    assert points(0.0) == "+0.0 points"


def test_counts_and_numbers():
    assert [count(n) for n in (0, 999, 1000, 60_000)] == ["0", "999", "1,000", "60,000"]
    assert number(33.318421449829934, 5) == "33.318"
    assert number(0.00012345) == "0.000123"


@pytest.mark.parametrize(
    ("items", "text"),
    [([], ""), (["4"], "4"), (["4", "9"], "4 and 9"), (("3", "5", "8"), "3, 5 and 8")],
)
def test_listed(items, text):
    assert listed(items) == text
    assert listed(items, "or") == text.replace("and", "or")
