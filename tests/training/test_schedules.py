"""Schedules against their formulas: functions of the global step alone."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from layerwise.training import SCHEDULES


def one_cycle(step, total):
    """From 1/25 up to 1 over 30 % of the steps, down to 1/10,000, by half cosines."""
    summit = 0.3 * total
    if step < summit:
        low, part = 1 / 25, step / summit
        return low + (1 - low) * (1 - math.cos(math.pi * part)) / 2
    low, part = 1e-4, (step - summit) / (total - summit)
    return low + (1 - low) * (1 + math.cos(math.pi * part)) / 2


FORMULAS = {
    "constant": lambda step, total: step * 0.0 + 1.0 + total * 0.0,
    "cosine": lambda step, total: math.cos(math.pi * step / total / 2) ** 2,
    "one-cycle": one_cycle,
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("total", [10, 37, 1000])
def test_closed_formulas(name, total):
    shares = SCHEDULES[name](np.arange(total), total)
    expected = [FORMULAS[name](step, total) for step in range(total)]
    assert shares == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("name", SCHEDULES)
@given(total=st.integers(1, 500), data=st.data())
def test_a_part_of_the_steps_has_that_part_of_the_rates(name, total, data):
    start = data.draw(st.integers(0, total))
    stop = data.draw(st.integers(start, total))
    whole = SCHEDULES[name](np.arange(total), total)
    part = SCHEDULES[name](np.arange(start, stop), total)
    assert np.array_equal(part, whole[start:stop])
    assert ((whole > 0) & (whole <= 1)).all()


def test_the_summit_is_the_peak():
    shares = SCHEDULES["one-cycle"](np.arange(101), 100)
    assert (shares.argmax(), shares[30]) == (30, 1.0)
    assert shares[0] == 1 / 25
    assert shares[100] == pytest.approx(1e-4)
    assert SCHEDULES["cosine"](np.arange(2), 1)[0] == 1
