"""The order of the samples: a permutation, the same for any cut, good for training."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st

from layerwise.data import Order, order
from layerwise.errors import InputError

seeds = st.integers(0, 2**63)
epochs = st.integers(0, 10**6)


@given(seeds, epochs, st.integers(1, 3000))
def test_an_epoch_holds_every_sample_once(seed, epoch, samples):
    whole = order(seed, epoch, 0, samples, samples)
    assert whole.dtype == np.int64
    np.testing.assert_array_equal(np.sort(whole), np.arange(samples))


@given(seeds, epochs, st.integers(1, 3000), st.data())
def test_any_range_is_that_range_of_the_whole(seed, epoch, samples, data):
    start = data.draw(st.integers(0, samples))
    stop = data.draw(st.integers(start, samples))
    part = order(seed, epoch, start, stop, samples)
    whole = order(seed, epoch, 0, samples, samples)
    np.testing.assert_array_equal(part, whole[start:stop])


def test_it_is_the_same_on_every_machine():
    assert order(0, 0, 0, 10, 10).tolist() == [1, 5, 3, 8, 4, 0, 9, 6, 2, 7]
    assert order(7, 3, 5, 9, 10**9).tolist() == [
        681206791,
        498643126,
        656547222,
        188331363,
    ]


def test_epochs_and_seeds_differ():
    keys = [(0, 0), (0, 1), (1, 0), (2**32, 0), (2**32, 1)]
    orders = {tuple(order(*key, 0, 100, 100).tolist()) for key in keys}
    assert len(orders) == len(keys)


def test_every_sample_comes_everywhere():
    """Chi-square of position against index, and the mean of fixed points (1)."""
    samples, bins, repeats = 1000, 10, 200
    table = np.zeros((bins, bins))
    fixed = 0
    for epoch in range(repeats):
        indices = order(5, epoch, 0, samples, samples)
        positions = np.arange(samples)
        np.add.at(table, (positions * bins // samples, indices * bins // samples), 1)
        fixed += int((indices == positions).sum())
    expected = repeats * samples / bins**2
    chi_square = ((table - expected) ** 2 / expected).sum()
    freedom = (bins - 1) ** 2
    assert abs(chi_square - freedom) < 4 * np.sqrt(2 * freedom)
    assert abs(fixed - repeats) < 4 * np.sqrt(repeats)


def test_neighbours_are_unrelated():
    """The correlation of successive indices, of two epochs, of two seeds: all noise."""
    n = 60_000
    here = order(0, 0, 0, n, n)
    for other in (np.roll(here, 1), order(0, 1, 0, n, n), order(1, 0, 0, n, n)):
        assert abs(np.corrcoef(here, other)[0, 1]) < 4 / np.sqrt(n)


def test_memory_follows_the_range_alone():
    order(0, 0, 0, 1000, 10**9)
    tracemalloc.start()
    order(0, 0, 5 * 10**8, 5 * 10**8 + 1000, 10**9)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000


@pytest.mark.parametrize(
    "arguments",
    [(-1, 0, 0, 1, 5), (0, -1, 0, 1, 5), (0, 0, 3, 2, 5), (0, 0, 0, 6, 5)],
)
def test_ranges_and_keys_out_of_bounds_are_refused(arguments):
    with pytest.raises(InputError):
        order(*arguments)


def test_a_short_last_batch_is_filled_up_with_weight_zero():
    batches = Order(samples=10, batch_size=4, seed=3)
    assert batches.steps_per_epoch == 3
    indices, weights = batches.batches(0, 6)
    assert (indices.dtype, weights.dtype) == (np.int32, np.float32)
    one_epoch = [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0]]
    np.testing.assert_array_equal(weights, one_epoch * 2)
    np.testing.assert_array_equal(indices[weights == 0], 0)
    for epoch in range(2):
        rows = slice(3 * epoch, 3 * epoch + 3)
        visited = indices[rows][weights[rows] == 1]
        np.testing.assert_array_equal(visited, order(3, epoch, 0, 10, 10))


@given(st.integers(1, 60), st.integers(1, 70), st.data())
def test_batches_are_the_same_for_any_cut(samples, batch_size, data):
    batches = Order(samples, batch_size, seed=1)
    stop = 4 * batches.steps_per_epoch
    cut = data.draw(st.integers(0, stop))
    whole = batches.batches(0, stop)
    parts = zip(batches.batches(0, cut), batches.batches(cut, stop), strict=True)
    for all_of_it, pair in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(np.concatenate(pair), all_of_it)


def test_indices_are_wide_where_they_have_to_be():
    indices, _ = Order(samples=2**31 + 1, batch_size=8, seed=0).batches(0, 1)
    assert indices.dtype == np.int64


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
