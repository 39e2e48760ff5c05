"""The order of the samples: every epoch a permutation, the same for any cut."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from layerwise.errors import InputError
from layerwise.training import Order


def epoch_of(order, epoch):
    """The samples of an epoch as it visits them."""
    steps = order.steps_per_epoch
    indices, weights = order.batches(epoch * steps, (epoch + 1) * steps)
    return indices[weights == 1]


@given(
    st.integers(0, 2**63),
    st.integers(0, 10**6),
    st.integers(1, 3000),
    st.integers(1, 99),
)
def test_an_epoch_holds_every_sample_once(seed, epoch, samples, batch_size):
    visited = epoch_of(Order(samples, batch_size, seed), epoch)
    assert visited.dtype == np.int64
    np.testing.assert_array_equal(np.sort(visited), np.arange(samples))


def test_it_is_the_same_on_every_machine():
    assert epoch_of(Order(10, 3, seed=0), 0).tolist() == [4, 9, 8, 7, 5, 3, 0, 1, 2, 6]
    assert epoch_of(Order(10, 4, seed=2**40), 10**6).tolist() == [
        9,
        4,
        5,
        0,
        2,
        7,
        6,
        8,
        3,
        1,
    ]


def test_epochs_and_seeds_differ():
    keys = [(0, 0), (0, 1), (1, 0), (2**32, 0), (2**32, 1)]
    orders = {tuple(epoch_of(Order(100, 7, seed), epoch)) for seed, epoch in keys}
    assert len(orders) == len(keys)


def test_what_was_given_out_is_the_caller_s():
    order = Order(10, 4, seed=3)
    before = epoch_of(order, 0)
    indices, _ = order.batches(0, 3)
    indices[:] = 0
    np.testing.assert_array_equal(epoch_of(order, 0), before)


def test_a_short_last_batch_is_filled_up_with_weight_zero():
    batches = Order(samples=10, batch_size=4, seed=3)
    assert batches.steps_per_epoch == 3
    indices, weights = batches.batches(0, 6)
    assert (indices.dtype, weights.dtype) == (np.int64, np.float32)
    one_epoch = [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0]]
    np.testing.assert_array_equal(weights, one_epoch * 2)
    np.testing.assert_array_equal(indices[weights == 0], 0)


@given(st.integers(1, 60), st.integers(1, 70), st.data())
def test_batches_are_the_same_for_any_cut(samples, batch_size, data):
    batches = Order(samples, batch_size, seed=1)
    stop = 4 * batches.steps_per_epoch
    cut = data.draw(st.integers(0, stop))
    whole = batches.batches(0, stop)
    parts = zip(batches.batches(0, cut), batches.batches(cut, stop), strict=True)
    for all_of_it, pair in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(np.concatenate(pair), all_of_it)


@pytest.mark.parametrize("settings", [(0, 1, 0), (5, 0, 0), (5, 2, -1)])
def test_orders_out_of_bounds_are_refused(settings):
    with pytest.raises(InputError):
        Order(*settings)


def test_steps_out_of_bounds_are_refused():
    with pytest.raises(InputError, match="steps 3 to 2"):
        Order(5, 2, 0).batches(3, 2)


def test_without_shuffling_every_epoch_has_the_order_of_the_samples():
    indices, weights = Order(5, 2, seed=1, shuffled=False).batches(2, 7)
    assert indices.tolist() == [[4, 0], [0, 1], [2, 3], [4, 0], [0, 1]]
    assert weights.tolist() == [[1, 0], [1, 1], [1, 1], [1, 0], [1, 1]]
