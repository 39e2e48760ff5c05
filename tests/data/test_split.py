"""Stratified parts: disjoint, in proportion, no class forgotten."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from layerwise.data import stratified_split
from layerwise.errors import InputError

targets = st.lists(st.integers(0, 5), min_size=1, max_size=200).map(np.array)
shares = st.lists(st.floats(0.05, 1), min_size=1, max_size=4)


@given(targets, shares, st.integers(0, 2**32))
def test_every_sample_is_in_one_part(targets, shares, seed):
    parts = stratified_split(targets, shares, seed)
    assert len(parts) == len(shares)
    for part in parts:
        np.testing.assert_array_equal(part, np.sort(part))
    np.testing.assert_array_equal(
        np.sort(np.concatenate(parts)), np.arange(len(targets))
    )


@given(targets, shares)
def test_a_class_is_in_every_part_it_can_be_in(targets, shares):
    parts = stratified_split(targets, shares, seed=0)
    for label in np.unique(targets):
        present = [bool((targets[part] == label).any()) for part in parts]
        members = int((targets == label).sum())
        expected = [place < members for place in range(len(parts))]
        assert present == expected or all(present)


def test_sizes_and_classes_are_in_proportion():
    targets = np.repeat([0, 1, 2], [5000, 3000, 2000])
    parts = stratified_split(targets, [0.7, 0.15, 0.15], seed=1)
    counts = [np.bincount(targets[part]).tolist() for part in parts]
    assert counts == [[3500, 2100, 1400], [750, 450, 300], [750, 450, 300]]


def test_sizes_are_right_where_classes_do_not_divide():
    targets = np.arange(1000) % 7
    sizes = [len(part) for part in stratified_split(targets, [9.0, 1.0], seed=0)]
    assert sizes == [900, 100]


def test_the_draw_follows_the_seed():
    targets = np.arange(100) % 2
    first, again, other = (
        stratified_split(targets, [1.0, 1.0], seed)[1].tolist() for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("shares", "seed"), [([1.0, 0.0], 0), ([0.5, -0.5], 0), ([1.0], -1)]
)
def test_bad_shares_and_seeds_are_refused(shares, seed):
    with pytest.raises(InputError):
        stratified_split(np.arange(4), shares, seed)
